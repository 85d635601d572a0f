"""Watching a training in the terminal: a live bar where there is a screen, plain lines where there is none."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING

from inkling.training.callbacks import Callback
from inkling.training.history import Epoch

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from inkling.training.trainer import Trainer

REFRESH_SECONDS = 0.2
"""How often the bar moves. Drawing it takes about 2 ms, so this costs the training one per cent."""


class Progress(Callback):
    """Show how far the training is, how well it goes, and how long it will take.

    `every`: print a line every so many epochs (by default each one of a short training, eight to twenty
    lines of a long one); the bar shows the others. `console`: a Rich console, by default on standard error.
    """

    def __init__(self, every: int | None = None, *, console: Console | None = None) -> None:
        self.every = every
        self.console = console

    def on_train_begin(self, trainer: Trainer) -> None:
        from rich.console import Console

        self.out = self.console or Console(stderr=True)
        self.lines_every = self.every or round_interval(trainer.epochs)
        self.bar: Bar | None = None
        self.drawn_at = -math.inf
        if self.out.is_terminal:
            self.begin_bar(trainer)

    def begin_bar(self, trainer: Trainer) -> None:
        """Put the bar on the screen."""
        from rich import progress

        self.bar = progress.Progress(
            progress.TextColumn("[bold]{task.description}"),
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[news]}"),
            progress.TimeRemainingColumn(compact=True),
            console=self.out,
            auto_refresh=False,
            transient=True,
        )
        done = trainer.epoch * trainer.batches + trainer.batch
        total = trainer.epochs * trainer.batches
        self.task: TaskID = self.bar.add_task(epoch_name(trainer), total=total, completed=done, news="")
        self.bar.start()

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.bar is not None and monotonic() - self.drawn_at >= REFRESH_SECONDS:
            self.draw(trainer)

    def draw(self, trainer: Trainer) -> None:
        """Move the bar to where the training is."""
        assert self.bar is not None
        self.drawn_at = monotonic()
        seen = trainer.step * trainer.batch_size
        news = [f"loss {trainer.train_loss:.4f}", f"accuracy {trainer.train_accuracy:.2%}"]
        if not trainer.seen and trainer.history.epochs:
            last = trainer.history.last
            news = [f"loss {last.train_loss:.4f}", f"accuracy {last.train_accuracy:.2%}"]
        if trainer.history.epochs and trainer.history.last.validation_accuracy is not None:
            news.append(f"validation {trainer.history.last.validation_accuracy:.2%}")
        news.append(f"{seen / max(trainer.seconds, 1e-9):,.0f} images/s")
        self.bar.update(
            self.task,
            completed=trainer.epoch * trainer.batches + trainer.batch,
            description=epoch_name(trainer),
            news=" · ".join(news),
            refresh=True,
        )

    def on_epoch_end(self, trainer: Trainer) -> None:
        epoch = trainer.history.last
        if epoch.epoch == 1 or epoch.epoch % self.lines_every == 0 or epoch.epoch == trainer.epochs:
            self.out.print(epoch_line(epoch, trainer.epochs), highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: Trainer) -> None:
        if self.bar is not None:
            self.bar.stop()
        if trainer.outcome == "stopped":
            self.out.print(f"stopped early after epoch {trainer.epoch}")


def epoch_name(trainer: Trainer) -> str:
    """Which epoch is being trained."""
    return f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}"


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """One finished epoch as a line of text."""
    width = len(str(epochs))
    line = f"epoch {epoch.epoch:>{width}}/{epochs}  loss {epoch.train_loss:.4f}  accuracy {epoch.train_accuracy:7.2%}"
    if epoch.validation_accuracy is not None:
        line += f"  validation {epoch.validation_loss:.4f} {epoch.validation_accuracy:7.2%}"
    return f"{line}  {epoch.seconds:.2f} s"


def round_interval(epochs: int) -> int:
    """1 for up to 20 epochs, then 2, 5, 10, 20, 50, 100 …: eight to twenty lines for the whole training."""
    if epochs <= 20:
        return 1
    scale = int(10 ** math.floor(math.log10(epochs / 10)))
    return next(step * scale for step in (1, 2, 5, 10) if epochs / (step * scale) <= 20)
