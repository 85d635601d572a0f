"""A lesson: one network that is being trained, and all that its training needs to go on from where it stopped.

`train` is the only way a network learns here, and it is the house's one training loop: it trains until a callback
stops it between two steps, and what the training consists of is kept. Whatever changes meanwhile (the batch size, the
dropout, the images), the next `train` goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inkling.data import Digits, Split
from inkling.engine import Augment, code_cache, outputs, predict_proba, work_of
from inkling.nn.part import Array
from inkling.playground.messages import Change, Refused, Setup, read_setup
from inkling.playground.setups import build, optimizer_of, recipe_of
from inkling.recipes import build_augment
from inkling.training import Callback, Epoch, Trainer

FOREVER = 1_000_000
"""Epochs: training goes on until somebody stops it."""
COPIES = 500
"""Of so many training images one is a copy of a drawing that was taught: often enough to be learned within an epoch."""
MOST_TAUGHT = 200
"""Drawings that can be taught."""
WORK = 6e10
"""Operations that a look at the validation images may cost: slow networks are asked about fewer of them."""


class Lesson:
    """A network and its training by a set-up, with these digits. Raises Refused if that makes no network."""

    def __init__(self, setup: Setup, digits: Digits) -> None:
        self.setup, self.digits = setup, digits
        self.network = build(setup)
        self.optimizer = optimizer_of(setup)
        self.kept: tuple[dict[str, Array], dict[str, Any]] | None = None
        self.trainer: Trainer | None = None
        self.taught: list[tuple[Array, int]] = []
        self.train_split = digits.train.take(slice(setup.train_samples))
        # Data without a validation split is judged by its test images, or else by what it learns from.
        self.validation = digits.validation or digits.test or self.train_split
        self.first = self.validate()
        self.judged: tuple[int, Array] | None = None

    # Where it stands.

    @property
    def values(self) -> dict[str, Any]:
        """What was kept of the training, as plain values."""
        return self.kept[1] if self.kept else {"step": 0, "epoch": 0, "batch": 0, "seconds": [0.0, 0.0, 0.0]}

    @property
    def step(self) -> int:
        """Steps taken, while training too."""
        return self.trainer.step if self.trainer is not None and self.running else int(self.values["step"])

    running = False
    """Whether `train` is at work."""

    @property
    def batches(self) -> int:
        """Batches an epoch."""
        return -(-len(self.train_split) // self.batch_size)

    @property
    def batch_size(self) -> int:
        """Images a batch."""
        count, size = len(self.train_split), self.setup.batch_size
        return count if size == "full" else min(size, count)

    @property
    def history(self) -> list[Epoch]:
        """The epochs so far."""
        if self.running and self.trainer is not None:
            return list(self.trainer.history)
        return [Epoch(**row) for row in self.values.get("history", [])]

    # Training.

    def train(
        self, callbacks: Sequence[Callback], *, threads: int, engine: str | None = None, augment: Augment | None = None
    ) -> None:
        """Train until a callback stops it. `augment` takes the place of the set-up's distortions.

        `engine` computes, on so many `threads`; by default the fastest that can begin at once. Raises TrainingDiverged.
        """
        engine = engine or self.engine_at_once()
        own = build_augment(self.setup.augment)
        trainer = Trainer(
            self.network,
            self.optimizer,
            callbacks=callbacks,
            seed=self.setup.seed,
            threads=threads,
            engine=engine,
            augment=augment or own,
        )
        if self.kept is not None:
            arrays, values = self.kept
            memory = {f"optimizer.{name}": vector for name, vector in self.optimizer.state.items()}
            trainer.restore({**memory, **arrays}, self.as_now(values))
            trainer.threads, trainer.engine = threads, engine
        self.trainer, self.running = trainer, True
        try:
            trainer.fit(self.train_split, validation=self.validation, epochs=FOREVER, batch_size=self.batch_size)
        finally:
            self.running = False
            # A fit that was refused at the door, or has diverged, has nothing to keep.
            if getattr(trainer, "outcome", "failed") in ("finished", "stopped", "interrupted"):
                self.kept = trainer.state()

    def engine_at_once(self) -> str:
        """The fastest engine whose code is there: nobody wants to wait for a compiler after pressing a button."""
        return "auto" if code_cache.holds(self.network) else "numpy"

    def as_now(self, values: dict[str, Any]) -> dict[str, Any]:
        """The kept values, for the images and the batch size of now: where these are others, the epoch begins anew."""
        now = {"samples": len(self.train_split), "batch_size": self.batch_size}
        if all(values[name] == value for name, value in now.items()):
            return values
        earlier, epoch_seconds, wall = values["seconds"]
        fresh = {"batch": 0, "sums": [0.0, 0.0, 0], "seconds": [earlier + epoch_seconds, 0.0, wall]}
        return {**values, **now, **fresh}

    # Changes.

    def change(self, changes: Change) -> None:
        """Go on with other settings from the same weights. Raises Refused, before anything is changed."""
        given = changes.model_dump(exclude={"id", "type"}, exclude_none=True)
        values = self.setup.model_dump()
        for name in ("learning_rate", "momentum"):
            if name in given:
                if name not in values["optimizer"]:
                    raise Refused(f"{name}: the optimizer {values['optimizer']['name']} has none", name)
                values["optimizer"][name] = given.pop(name)
        if "dropout" in given:
            rate = given.pop("dropout")
            for layer in values["layers"]:
                layer["dropout"] = rate
        self.go_on_with(read_setup({**values, **given}))

    def go_on_with(self, setup: Setup) -> None:
        """Train the same weights by another set-up, of the same layers. Raises Refused, before anything is changed."""
        if setup.model_copy(update={"optimizer": self.setup.optimizer}) != self.setup:
            self.rebuild(setup)
        before, self.optimizer = self.optimizer, optimizer_of(setup)
        if (type(before), before.memory) != (type(self.optimizer), self.optimizer.memory):
            self.forget_memory()
        self.setup = setup

    def forget_memory(self) -> None:
        """What the optimizer remembered means nothing to another one, which begins at its first step."""
        if self.kept is not None:
            arrays, values = self.kept
            others = {name: array for name, array in arrays.items() if not name.startswith("optimizer.")}
            self.kept = others, {**values, "optimizer_steps": 0}

    def rebuild(self, setup: Setup) -> None:
        """The same weights in a network that differs in its dropout, its L2 or its loss."""
        network = build(setup)
        network.parameters[...], network.state[...] = self.network.parameters, self.network.state
        network.step = self.network.step
        self.network = network

    def teach(self, image: Array, label: int) -> int:
        """Put an image among those that are learned from, several times; returns how often.

        An image that is there already gets the new label: nobody means two digits by one drawing.
        """
        base = self.digits.train.take(slice(self.setup.train_samples))
        copies = -(-len(base) // COPIES)
        others = [(known, digit) for known, digit in self.taught if not np.array_equal(known, image)]
        if len(others) >= MOST_TAUGHT:
            raise Refused(f"{MOST_TAUGHT} drawings are the most that can be taught: build a new network to begin anew")
        self.taught = [*others, (image.copy(), label)]
        images = np.repeat(np.stack([known for known, _ in self.taught]), copies, axis=0)
        labels = np.repeat(np.array([digit for _, digit in self.taught], np.int64), copies)
        self.train_split = base.joined(Split(images, labels))
        return copies

    # What it knows.

    def validate(self, count: int | None = None) -> tuple[float, float]:
        """(loss, accuracy) on the first so many validation images, as they are judged after an epoch."""
        images, labels = self.validation.images[:count], self.validation.labels[:count]
        loss, right = self.network.loss.judge(outputs(self.network, images, threads=1), labels)
        return loss, right / len(labels)

    def probabilities(self) -> Array:
        """What the network says now about validation images, (n, 10): the first so many that it reads in a second."""
        if self.judged is None or self.judged[0] != self.step:
            count = max(500, int(WORK / max(work_of(self.network) / 3, 1)))
            self.judged = self.step, predict_proba(self.network, self.validation.images[:count], threads=1)
        return self.judged[1]

    @property
    def recipe(self) -> Any:
        """The recipe that says what the set-up says."""
        return recipe_of(self.setup)
