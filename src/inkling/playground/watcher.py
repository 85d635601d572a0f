"""The callback through which a page watches a training: pictures several times a second, and a word at each epoch.

Between two steps it costs a look at the clock; some fifteen times a second it lets the session's process look up from
its work (`between_steps`), which then sends a tick and does what the page has asked for meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

from inkling.training import Callback, Trainer

TICK = 1 / 15
"""Seconds from tick to tick."""
VALIDATE = 2.0
"""Seconds until validation is looked at within an epoch that lasts longer."""
CURVE = 1000
"""Points of a curve that are kept for a page that comes back."""


class Watched(Protocol):
    """Whoever wants to know of the training: the session's process."""

    stop_at: float

    def began(self, trainer: Trainer) -> None:
        """Training begins, or goes on."""

    def hurried(self) -> bool:
        """Whether something waits to be done after this very step."""

    def between_steps(self, trainer: Trainer) -> None:
        """Look up from work."""

    def epoch_ended(self, trainer: Trainer) -> None:
        """An epoch is over."""


class Watcher(Callback):
    """Tells the session's process of the training."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.due = 0.0

    def on_train_begin(self, trainer: Trainer) -> None:
        self.watched.began(trainer)
        self.due = perf_counter() + TICK

    def on_batch_end(self, trainer: Trainer) -> None:
        watched = self.watched
        if perf_counter() >= self.due or trainer.step >= watched.stop_at or watched.hurried():
            watched.between_steps(trainer)
            self.due = perf_counter() + TICK

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.watched.epoch_ended(trainer)


class Meter:
    """Loss and accuracy since the last reading: the trainer's sums are those of an epoch, a curve wants differences.

    `points` are those of the whole run, `new` those that nobody has been told of yet: (step, loss, accuracy).
    """

    def __init__(self) -> None:
        self.points: list[tuple[int, float, float]] = []
        self.new: list[tuple[int, float, float]] = []
        self.every = 1
        self.met = 0

    @property
    def curve(self) -> list[tuple[int, float, float]]:
        """The points for who comes later, to the last."""
        return [*self.points, self.last] if self.met and self.points[-1:] != [self.last] else self.points

    def begin(self, trainer: Trainer) -> None:
        """The training goes on from here."""
        self.loss, self.right, self.seen = -trainer.loss_sum, -float(trainer.right_sum), -trainer.seen
        self.since = trainer.step, perf_counter()

    def epoch_ended(self, trainer: Trainer) -> None:
        """The trainer's sums begin anew: keep what they were."""
        epoch, count = trainer.history.last, len(trainer.train.images)
        self.loss += epoch.train_loss * count
        self.right += epoch.train_accuracy * count
        self.seen += count

    def read(self, trainer: Trainer) -> float:
        """Take a point, if there were steps since the last reading; the speed since then in images a second."""
        seen = self.seen + trainer.seen
        if seen <= 0:
            return 0.0
        loss, right = self.loss + trainer.loss_sum, self.right + float(trainer.right_sum)
        steps, seconds = trainer.step - self.since[0], perf_counter() - self.since[1]
        self.begin(trainer)
        self.keep((trainer.step, loss / seen, right / seen))
        return steps * trainer.batch_size / max(seconds, 1e-9)

    def keep(self, point: tuple[int, float, float]) -> None:
        """Remember the point for who comes later; of a long curve every second, fourth, eighth … one."""
        self.new.append(point)
        self.last = point
        self.met += 1
        if self.met % self.every:
            return
        self.points.append(point)
        if len(self.points) > CURVE:
            self.points = self.points[1::2]
            self.every *= 2


class Interim:
    """Validation within a long epoch: every two seconds, and so seldom that it costs less than a fortieth."""

    def __init__(self, score: Callable[[], tuple[float, float]]) -> None:
        self.score = score
        self.next = perf_counter() + VALIDATE

    def put_off(self) -> None:
        """There are fresh figures anyhow."""
        self.next = perf_counter() + VALIDATE

    def due(self) -> dict[str, Any] | None:
        """{loss, accuracy} if it is time."""
        began = perf_counter()
        if began < self.next:
            return None
        loss, accuracy = self.score()
        cost = perf_counter() - began
        self.next = began + max(VALIDATE, 40 * cost)
        return {"loss": loss, "accuracy": accuracy}
