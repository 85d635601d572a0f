"""The training loop, the only one: batch after batch, loss, gradients, a step; epoch after epoch.

Everything that watches, saves or stops is a callback (callbacks.py). What a training consists of can be taken
out with `state` between any two steps and put back with `restore`, and goes on to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np

from inkling.engine import ENGINES, Augment, EngineError, Plan, available_threads, choose
from inkling.errors import InklingError
from inkling.nn import Network, Optimizer, random_stream
from inkling.nn.part import Array
from inkling.training.callbacks import Callback
from inkling.training.health import TrainingDiverged, explain_non_finite, warn_about_input
from inkling.training.history import Epoch, History
from inkling.training.interrupt import Interruptible
from inkling.training.samples import Arrays, Data, as_samples


class Trainer:
    """Trains a network.

    `callbacks` are told of every step; `seed` decides the order of the samples (the network's own by default);
    `threads` is how many cores to use (by default all that this process may), `engine` what computes: "auto",
    "compiled", "numpy" or "reference" (`inkling.engine`); neither changes what is learned but for rounding. `augment`,
    such as `inkling.data.Augment(shift=2)`, distorts every batch of training images: it is called with the images and a
    random stream, and returns others.
    While training, and afterwards, these can be read: `network`, `optimizer`, `history`, `epochs`, `epoch`
    (finished so far), `batch` (finished in this epoch), `batches` (an epoch), `step`, `train_loss` and
    `train_accuracy` (running means of this epoch), `learning_rate`, `seconds` (training alone), `wall_seconds`,
    `outcome`.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        *,
        callbacks: Sequence[Callback] = (),
        seed: int | None = None,
        threads: int | None = None,
        engine: str = "auto",
        augment: Augment | None = None,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.callbacks = list(callbacks)
        self.augment = augment
        self.threads = available_threads() if threads is None else threads
        if self.threads < 1:
            raise ValueError(f"Trainer: threads is {threads}, but must be at least 1")
        if engine not in ENGINES:
            raise ValueError(f"Trainer: engine is {engine!r}, but can be {', '.join(ENGINES)}")
        self.engine = engine
        self.shuffler = random_stream(network.seed if seed is None else seed, "shuffle")
        self.validation: Arrays | None = None
        self.restored: tuple[dict[str, Array], dict[str, Any]] | None = None
        self.optimizer.reset(network.parameters)

    def fit(
        self,
        train: Data,
        *,
        validation: Data | None = None,
        epochs: int = 1,
        batch_size: int | None = 128,
        shuffle: bool = True,
    ) -> History:
        """Train for `epochs` epochs on `train` (a split, or images and integer labels), and return the history.

        After images and labels may stand weights, (n,): how much each sample counts. They are brought to a mean of 1;
        losses and accuracies are then weighted means.

        `batch_size=None` takes all samples in every step (full-batch gradient descent). The last batch of an
        epoch is smaller where the numbers don't divide. Called again, it trains for `epochs` more, the optimizer
        keeping its momentum.

        Raises TrainingDiverged if the loss stops being a finite number; InklingError if images and labels don't
        fit; KeyboardInterrupt after Ctrl-C, when the step in hand is done and the callbacks know.
        """
        self.outcome = "failed"  # until there is something to be interrupted
        self.train = as_samples(train, self.network, "training")
        self.validation = None if validation is None else as_samples(validation, self.network, "validation")
        count = len(self.train.images)
        self.batch_size = count if batch_size is None else min(batch_size, count)
        if self.batch_size < 1:
            raise InklingError(f"batch_size is {batch_size}, but must be at least 1 (or None: all samples)")
        if epochs < 0:
            raise InklingError(f"epochs is {epochs}, but must be at least 0")
        self.epochs = epochs
        self.batches = math.ceil(count / self.batch_size)
        # In full batches the order makes no difference, so there is nothing to shuffle.
        self.shuffle = shuffle and self.batches > 1
        self.plan = self._make_plan()
        self.history = History()
        self.epoch = self.batch = self.step = 0
        self.epoch_seconds = self.earlier_seconds = self.earlier_wall = 0.0
        self.loss_sum, self.right_sum, self.seen = 0.0, 0.0, 0
        self.learning_rate = self.optimizer.rate_at(0, max(epochs, 1))
        self.stopping = self.leaving = False
        self.outcome = "running"
        self.epoch_began_with = self.shuffler.bit_generator.state
        self._take_back()
        self.started = perf_counter()
        self.step_before, self.seconds_before = self.step, self.seconds
        warn_about_input(self.train.images)
        with ExitStack() as ends:
            ends.enter_context(self.plan)
            try:
                for callback in self.callbacks:
                    callback.on_train_begin(self)
                    # Ends are told in reverse order, as contexts close: a checkpoint is saved before early
                    # stopping, which stands before it in the list, goes back to the best weights.
                    ends.callback(callback.on_train_end, self)
                self._train_epochs()
            except BaseException:
                if self.outcome == "running":
                    self.outcome = "failed"
                raise
        return self.history

    def _make_plan(self) -> Plan:
        """Whatever takes the steps. Raises InklingError if the engine that was asked for cannot."""
        try:
            return choose(
                self.engine,
                self.network,
                self.optimizer,
                self.train,
                batch_size=self.batch_size,
                threads=self.threads,
                epochs=self.epochs,
                augment=self.augment,
            )
        except EngineError as error:
            raise InklingError(
                f'the engine "{self.engine}" cannot train this network: {error}; training.engine="auto" takes another'
            ) from None

    def _train_epochs(self) -> None:
        """Train until all epochs are done, a callback stops, or Ctrl-C is pressed."""
        # A number too large is looked for in every loss, so NumPy need not warn of it as well.
        with Interruptible() as interrupt, np.errstate(over="ignore", invalid="ignore"):
            while self.epoch < self.epochs and not self.stopping and not interrupt.requested:
                self._train_epoch(interrupt)
            if not np.isfinite(self.network.parameters).all():  # no further loss will tell of the last step
                raise TrainingDiverged(explain_non_finite(self, self.train.images[:1]))
            # Ctrl-C in the very last step takes nothing from a training that was over anyhow.
            if self.epoch >= self.epochs:
                self.outcome = "finished"
            else:
                self.outcome = "stopped" if self.stopping and self.batch == 0 else "interrupted"
            if interrupt.requested:
                raise KeyboardInterrupt

    def _train_epoch(self, interrupt: Interruptible) -> None:
        """Train on every sample once (or on those left of an epoch that was interrupted), then validate."""
        count, size = len(self.train.images), self.batch_size
        if self.batch == 0:
            self.epoch_began_with = self.shuffler.bit_generator.state
        self.order = self.shuffler.permutation(count) if self.shuffle else None
        watchers = [c for c in self.callbacks if type(c).on_batch_end is not Callback.on_batch_end]
        began, before = perf_counter(), self.epoch_seconds
        while self.batch < self.batches:
            start = self.batch * size
            self._train_batch(start, min(start + size, count))
            self.epoch_seconds = before + perf_counter() - began
            for watcher in watchers:
                watcher.on_batch_end(self)
            if (interrupt.requested or self.leaving) and self.batch < self.batches:
                return
        self._end_epoch()

    def _train_batch(self, start: int, stop: int) -> None:
        """One step, with samples `start` … `stop` of the epoch's order: loss, gradients, update."""
        position = self.epoch + self.batch / self.batches
        self.learning_rate = self.optimizer.rate_at(position, self.epochs)
        rows = slice(start, stop) if self.order is None else self.order[start:stop]
        loss, right = self.plan.step(rows, self.learning_rate)
        if not math.isfinite(loss):
            images = self.train.images
            raise TrainingDiverged(explain_non_finite(self, images[rows]))
        self.loss_sum += loss * (stop - start)
        self.right_sum += right
        self.seen += stop - start
        self.batch += 1
        self.step += 1

    def _end_epoch(self) -> None:
        """Validate, write the epoch down, tell everybody."""
        validation_loss = validation_accuracy = None
        if self.validation is not None:
            validation_loss, right = self.plan.score(self.validation)
            validation_accuracy = right / len(self.validation.labels)
        self.history.epochs.append(
            Epoch(
                self.epoch + 1,
                self.epoch_seconds,
                self.learning_rate,
                self.train_loss,
                self.train_accuracy,
                validation_loss,
                validation_accuracy,
            )
        )
        self.epoch += 1
        self.earlier_seconds += self.epoch_seconds
        self.batch, self.epoch_seconds = 0, 0.0
        self.loss_sum, self.right_sum, self.seen = 0.0, 0.0, 0
        for callback in self.callbacks:
            callback.on_epoch_end(self)

    @property
    def train_loss(self) -> float:
        """Mean data loss of this epoch so far."""
        return self.loss_sum / max(self.seen, 1)

    @property
    def train_accuracy(self) -> float:
        """Fraction of this epoch's samples so far that were read rightly."""
        return self.right_sum / max(self.seen, 1)

    @property
    def steps_taken(self) -> int:
        """Steps since `fit` began; of a resumed training, only the new ones."""
        return self.step - self.step_before

    @property
    def seconds(self) -> float:
        """Time spent training so far, without validation and callbacks at an epoch's end."""
        return self.earlier_seconds + self.epoch_seconds

    @property
    def wall_seconds(self) -> float:
        """Time since `fit` began, with everything; of a resumed training, also what went before."""
        return self.earlier_wall + perf_counter() - self.started

    def stop(self, *, now: bool = False) -> None:
        """End the training after this epoch, or `now`: after this step, in the middle of the epoch. For callbacks."""
        self.stopping = True
        self.leaving = self.leaving or now

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """All that the training consists of between two steps: arrays (copies) and JSON values by name."""
        arrays = {"parameters": self.network.parameters, "state": self.network.state}
        arrays |= {f"optimizer.{name}": vector for name, vector in self.optimizer.state.items()}
        kept: dict[str, Any] = {}
        for name, callback in self.named_callbacks():
            callback_arrays, kept[name] = callback.state()
            arrays |= {f"callback.{name}.{part}": array for part, array in callback_arrays.items()}
        # Repeating the shuffle from where this epoch's began gives its order again, so the order isn't kept.
        shuffler = self.epoch_began_with if self.batch else self.shuffler.bit_generator.state
        return {name: array.copy() for name, array in arrays.items()}, {
            "outcome": self.outcome,
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "samples": len(self.train.images),
            "threads": self.threads,
            "engine": self.plan.name,
            "optimizer_steps": self.optimizer.steps,
            "shuffler": shuffler,
            "network_step": self.network.step,
            "sums": [self.loss_sum, self.right_sum, self.seen],
            "seconds": [self.earlier_seconds, self.epoch_seconds, self.wall_seconds],
            "history": self.history.to_list(),
            "callbacks": kept,
        }

    def named_callbacks(self) -> list[tuple[str, Callback]]:
        """The callbacks by their types, those of one type numbered: what a checkpoint knows them by."""
        counts: dict[str, int] = {}
        named = []
        for callback in self.callbacks:
            kind = type(callback).__name__
            counts[kind] = counts.get(kind, 0) + 1
            named.append((kind if counts[kind] == 1 else f"{kind} {counts[kind]}", callback))
        return named

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        """Let the next `fit` go on from `state`, of a trainer made in the same way, instead of from the start.

        Engine and number of threads are those it began with, for the same bits.
        """
        self.restored = arrays, values
        self.threads, self.engine = int(values["threads"]), values["engine"]

    def _take_back(self) -> None:
        """Put back what `restore` was given."""
        if self.restored is None:
            return
        arrays, values = self.restored
        self.restored = None
        now = len(self.train.images), self.batch_size
        if now != (values["samples"], values["batch_size"]):
            raise InklingError(
                f"the checkpoint was training on {values['samples']} samples in batches of {values['batch_size']}, "
                f"but now there are {now[0]} in batches of {now[1]}: resume with the same data"
            )
        if arrays["parameters"].shape != self.network.parameters.shape:
            raise InklingError("the checkpoint belongs to a network of another shape")
        remembered = {name.removeprefix("optimizer.") for name in arrays if name.startswith("optimizer.")}
        if remembered != self.optimizer.state.keys():
            raise InklingError(
                f"the checkpoint was written with another optimizer, which remembers {listed(remembered)}; "
                f"{self.optimizer} remembers {listed(self.optimizer.state)}"
            )
        self.network.parameters[...] = arrays["parameters"]
        self.network.state[...] = arrays["state"]
        for name, vector in self.optimizer.state.items():
            vector[...] = arrays[f"optimizer.{name}"]
        self.optimizer.steps = values["optimizer_steps"]
        self.shuffler.bit_generator.state = values["shuffler"]
        self.network.step = values["network_step"]
        self.epoch, self.batch, self.step = values["epoch"], values["batch"], values["step"]
        self.epoch_began_with = values["shuffler"]
        self.loss_sum, self.right_sum, self.seen = values["sums"]
        self.earlier_seconds, self.epoch_seconds, self.earlier_wall = values["seconds"]
        self.history = History.from_list(values["history"])
        for name, callback in self.named_callbacks():
            if name in values["callbacks"]:  # a callback that was not there then begins now
                prefix = f"callback.{name}."
                mine = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
                callback.restore(mine, values["callbacks"][name])


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them."""
    return " and ".join(sorted(names)) or "nothing"
