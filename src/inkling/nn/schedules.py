"""Schedules say how large the optimizer's steps are, and when: large while there is far to go, then small.

A schedule is asked for the learning rate at a point of the training, given in epochs: 2.5 is halfway
through the third of `epochs` epochs. It keeps no state, so a resumed training needs to remember nothing.
"""

import math

from inkling.nn.part import Part, check_between


class Schedule(Part):
    """The learning rate as a function of the time."""

    def __call__(self, epoch: float, epochs: float) -> float:
        """The learning rate after `epoch` (0 ≤ epoch ≤ epochs) of `epochs` epochs."""
        raise NotImplementedError


class Constant(Schedule):
    """The same rate all the time."""

    def __init__(self, rate: float) -> None:
        check_rate(self, "rate", rate)
        self.rate = rate

    def __call__(self, epoch: float, epochs: float) -> float:
        return self.rate


class Step(Schedule):
    """Multiply the rate by `factor` after every `every` epochs."""

    def __init__(self, rate: float, every: float = 10, factor: float = 0.1) -> None:
        check_rate(self, "rate", rate)
        check_rate(self, "factor", factor)
        if not every > 0:
            raise ValueError(f"Step: every is {every!r}, but must be a number of epochs above 0")
        self.rate, self.every, self.factor = rate, every, factor

    def __call__(self, epoch: float, epochs: float) -> float:
        return float(self.rate * self.factor ** math.floor(epoch / self.every))


class Cosine(Schedule):
    """From `rate` down to `final` along half a cosine wave: slowly, fast, slowly.

    Source: Loshchilov and Hutter, 2017, "SGDR: stochastic gradient descent with warm restarts".
    """

    def __init__(self, rate: float, final: float = 0.0) -> None:
        check_rate(self, "rate", rate)
        check_rate(self, "final", final)
        self.rate, self.final = rate, final

    def __call__(self, epoch: float, epochs: float) -> float:
        return half_cosine(self.rate, self.final, epoch / epochs)


class OneCycle(Schedule):
    """Up from `rate / divide` to `rate` in the first `peak` of the time, then down to `rate / final_divide`.

    Both ways along half a cosine wave. The high rates in the middle act against overfitting.
    Source: Smith and Topin, 2018, "Super-convergence".
    """

    def __init__(self, rate: float, peak: float = 0.3, divide: float = 25.0, final_divide: float = 1e4) -> None:
        check_rate(self, "rate", rate)
        check_between("OneCycle", "peak", peak, 0, 1)
        check_between("OneCycle", "divide", divide, 1, float("inf"))
        check_between("OneCycle", "final_divide", final_divide, 1, float("inf"))
        self.rate, self.peak, self.divide, self.final_divide = rate, peak, divide, final_divide

    def __call__(self, epoch: float, epochs: float) -> float:
        done = epoch / epochs
        if done < self.peak:
            return half_cosine(self.rate / self.divide, self.rate, done / self.peak)
        down = (done - self.peak) / (1 - self.peak) if self.peak < 1 else 0.0
        return half_cosine(self.rate, self.rate / self.final_divide, down)


class WarmUp(Schedule):
    """Grow from near 0 to what `schedule` says over the first `warm_epochs` epochs, then follow it.

    Source: Goyal et al., 2017, "Accurate, large minibatch SGD".
    """

    def __init__(self, schedule: Schedule, warm_epochs: float = 1.0) -> None:
        if not isinstance(schedule, Schedule):
            raise ValueError(f"WarmUp: schedule is {schedule!r}, but must be a schedule, such as Constant(0.1)")
        check_between("WarmUp", "warm_epochs", warm_epochs, 0, float("inf"))
        self.schedule, self.warm_epochs = schedule, warm_epochs

    def __call__(self, epoch: float, epochs: float) -> float:
        rate = self.schedule(epoch, epochs)
        # Not from 0: a first step of no size at all would be a step wasted.
        return rate if epoch >= self.warm_epochs else rate * max(epoch / self.warm_epochs, 1e-3)


def half_cosine(start: float, end: float, done: float) -> float:
    """From start (done = 0) to end (done = 1) along half a cosine wave."""
    return end + (start - end) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def check_rate(schedule: Schedule, name: str, value: float) -> None:
    """Raise ValueError unless value is a finite number of at least 0."""
    check_between(type(schedule).__name__, name, value, 0, float("inf"), open_end=True)
