"""Watching a training in the terminal: a live display where there is a screen, plain lines where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from inkling.training.callbacks import Callback
from inkling.training.history import Epoch

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from inkling.training.trainer import Trainer

REFRESH_SECONDS = 0.2
"""How often the display changes. Drawing it takes about 2 ms, so this costs the training one per cent."""
LEVELS = "▁▂▃▄▅▆▇█"


class Progress(Callback):
    """Show how far the training is, how well it goes, and how long it will take.

    `every`: print a line every so many epochs (by default each one of a short training, about ten to twenty
    lines of a long one); the display shows the others. `console`: a Rich console, by default on standard error.
    `table`: begin with a table of the network. `engine`: say which engine computes, and why no faster one.
    """

    def __init__(
        self, every: int | None = None, *, console: Console | None = None, table: bool = True, engine: bool = False
    ) -> None:
        self.every = every
        self.console = console
        self.table = table
        self.engine = engine

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: how to show, and not the screen that was shown on."""
        return {name: value for name, value in self.__dict__.items() if name not in ("out", "live")}

    def on_train_begin(self, trainer: Trainer) -> None:
        from rich.console import Console
        from rich.live import Live

        self.out = self.console or Console(stderr=True)
        self.lines_every = self.every or round_interval(trainer.epochs)
        self.drawn_at = -math.inf
        self.live: Live | None = None
        if self.engine:
            plan = trainer.plan
            threads = f"{plan.workers} thread{'s' if plan.workers > 1 else ''}"
            said = f"{plan.name}, {threads}{f' ({plan.why})' if plan.why else ''}"
            self.out.print(f"[bold]engine[/]   {said}", highlight=False, soft_wrap=True)
        if self.table:
            self.out.print(trainer.network.summary(), highlight=False, markup=False, soft_wrap=True)
        if self.out.is_terminal:
            self.live = Live(console=self.out, auto_refresh=False, transient=True)
            self.live.start()

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.live is not None and monotonic() - self.drawn_at >= REFRESH_SECONDS:
            self.drawn_at = monotonic()
            self.live.update(display(trainer), refresh=True)

    def on_epoch_end(self, trainer: Trainer) -> None:
        epoch = trainer.history.last
        if epoch.epoch == 1 or epoch.epoch % self.lines_every == 0 or epoch.epoch == trainer.epochs:
            self.out.print(epoch_line(epoch, trainer.epochs), highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: Trainer) -> None:
        if self.live is not None:
            self.live.stop()
        if trainer.outcome == "stopped":
            self.out.print(f"stopped early after epoch {trainer.epoch}")


def display(trainer: Trainer) -> RenderableType:
    """Two lines for the screen, at most 80 columns: how far and how long; how well and how fast."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    done = trainer.epoch * trainer.batches + trainer.batch
    total = trainer.epochs * trainer.batches
    first = Table.grid(padding=(0, 2))
    name = f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}"
    left = clock((trainer.wall_seconds - trainer.earlier_wall) * (total - done) / max(trainer.steps_taken, 1))
    first.add_row(Text(name, "bold"), ProgressBar(total, done, width=36), f"{done / max(total, 1):.0%}", f"{left} left")
    return Group(first, Text(news(trainer), "dim", no_wrap=True, overflow="ellipsis"))


def news(trainer: Trainer) -> str:
    """How well and how fast it goes, in one line."""
    rows = trainer.history.epochs
    now = (trainer.train_loss, trainer.train_accuracy)
    loss, accuracy = (rows[-1].train_loss, rows[-1].train_accuracy) if rows and not trainer.seen else now
    words = [f"loss {loss:.4f}", f"accuracy {accuracy:.2%}"]
    if rows and rows[-1].validation_accuracy is not None:
        curve = sparkline([row.validation_accuracy or 0.0 for row in rows])
        words.append(f"validation {rows[-1].validation_accuracy:.2%} {curve}")
    speed = trainer.steps_taken * trainer.batch_size / max(trainer.seconds - trainer.seconds_before, 1e-9)
    words.append(f"{speed:,.0f} images/s")
    return " · ".join(words)


def sparkline(values: Sequence[float], width: int = 12) -> str:
    """Values as a row of little bars, the lowest to the highest; of many, `width` evenly spaced ones."""
    if len(values) > width:
        values = [values[round(k * (len(values) - 1) / (width - 1))] for k in range(width)]
    low, high = min(values), max(values)
    if high == low:
        return LEVELS[-1] * len(values)
    return "".join(LEVELS[round((value - low) / (high - low) * (len(LEVELS) - 1))] for value in values)


def clock(seconds: float) -> str:
    """75 → "1:15"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """One finished epoch as a line of text."""
    width = len(str(epochs))
    line = f"epoch {epoch.epoch:>{width}}/{epochs}  loss {epoch.train_loss:.4f}  accuracy {epoch.train_accuracy:7.2%}"
    if epoch.validation_accuracy is not None:
        line += f"  validation {epoch.validation_loss:.4f} {epoch.validation_accuracy:7.2%}"
    return f"{line}  {epoch.seconds:.2f} s"


def round_interval(epochs: int) -> int:
    """1 for up to 20 epochs, then 2, 5, 10, 20, 50 …: ten to twenty lines for the whole training."""
    if epochs <= 20:
        return 1
    scale = int(10 ** math.floor(math.log10(epochs / 10)))
    return next(step * scale for step in (1, 2, 5, 10) if epochs / (step * scale) <= 20)
