"""What lies on a session's desk: the lesson, the images, what the page looks at; and what can be asked about them."""

from __future__ import annotations

import base64
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from inkling.data import Digits, Split
from inkling.nn import Network
from inkling.nn.part import Array
from inkling.playground import errands, messages, store
from inkling.playground.explained import explain_step
from inkling.playground.frames import pack
from inkling.playground.inspector import open_neuron
from inkling.playground.lesson import Lesson
from inkling.playground.messages import Refused, Setup
from inkling.playground.setups import first_setup, same_layers, setup_of_network
from inkling.playground.views import View
from inkling.playground.watcher import Meter
from inkling.recipes.run import to_toml
from inkling.storage import RunFolder, check_numbers, everything, read_arrays, save_model, write_json, write_text
from inkling.training import Epoch, History


class Desk:
    """One session's things. `do_…` does what a message asks for, and returns what is to be answered."""

    def __init__(self, data: Path) -> None:
        self.uploads: dict[str, Path] = {}
        self.opened: dict[str, Digits] = {"default": store.open_kept(data)}
        self.lesson = Lesson(first_setup(self.opened["default"]), self.opened["default"])
        self.source, self.split, self.index = "sample", "validation", 0
        self.drawing: Array | None = None
        self.forget()
        self.weights_wanted, self.weights_every, self.next_weights, self.next_tick = True, 0.25, 0.0, 0.0
        self.renew()

    def forget(self) -> None:
        """Another training begins: its curves are empty."""
        self.meter = Meter()
        self.told: list[dict[str, Any]] = []
        self.validations: list[tuple[int, float, float]] = []

    def renew(self) -> None:
        """The network may be another one."""
        self.view = View(self.lesson.network)
        self.next_weights = 0.0

    # What is shown.

    def position(self) -> dict[str, int]:
        """Where the training stands."""
        lesson = self.lesson
        if lesson.running and lesson.trainer is not None:
            now = {"step": lesson.trainer.step, "epoch": lesson.trainer.epoch, "batch": lesson.trainer.batch}
        else:
            now = {name: lesson.values[name] for name in ("step", "epoch", "batch")}
        return {**now, "batches": lesson.batches}

    def part(self, split: str) -> Split:
        """A split by its name."""
        return self.lesson.train_split if split == "train" else self.lesson.validation

    def looked_at(self) -> tuple[Array, dict[str, Any]]:
        """The image that the page looks at, and what is known of it."""
        if self.source == "drawing":
            image = np.zeros((28, 28), np.uint8) if self.drawing is None else self.drawing
            return image, {"source": "drawing", "split": self.split, "index": None, "label": None}
        split = self.part(self.split)
        self.index = min(self.index, len(split) - 1)
        label = int(split.labels[self.index])
        return split.images[self.index], {"source": "sample", "split": self.split, "index": self.index, "label": label}

    def tick(self, more: dict[str, Any]) -> bytes:
        """A picture of the moment: the digit on its way through the network, and, if it is time, the weights."""
        lesson = self.lesson
        image, about = self.looked_at()
        arrays, probabilities = self.view.activations(image)
        now = perf_counter()
        if self.weights_wanted and now >= self.next_weights:
            arrays |= self.view.weights()
            self.next_weights = now + self.weights_every
        trainer = lesson.trainer
        header = {
            "type": "tick",
            **self.position(),
            "seconds": trainer.seconds if trainer is not None and lesson.running else sum(lesson.values["seconds"][:2]),
            "learning_rate": self.learning_rate(),
            **more,
            "digit": {**about, "digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()},
        }
        return pack(header, {"input": image, **arrays})

    def learning_rate(self) -> float:
        """Of the next step."""
        position = self.position()
        epoch = position["epoch"] + position["batch"] / max(position["batches"], 1)
        return self.lesson.optimizer.rate_at(epoch, 1)

    def epoch(self, epoch: Epoch, step: int) -> dict[str, Any]:
        """What the page is told of an epoch."""
        told = {
            "type": "epoch",
            "step": step,
            "epoch": epoch.epoch,
            "train_loss": epoch.train_loss,
            "train_accuracy": epoch.train_accuracy,
            "validation_loss": epoch.validation_loss,
            "validation_accuracy": epoch.validation_accuracy,
            "seconds": epoch.seconds,
        }
        self.told.append(told)
        return told

    def first_epoch(self) -> dict[str, Any]:
        """What the network knew before it learned anything, in the form of an epoch."""
        loss, accuracy = self.lesson.first
        return self.epoch(Epoch(0, 0.0, 0.0, 0.0, 0.0, loss, accuracy), 0) | {
            "train_loss": None,
            "train_accuracy": None,
        }

    def greeting(self) -> dict[str, Any]:
        """All that a page needs that has just come, or come back; the next tick brings it the weights."""
        lesson = self.lesson
        self.next_weights = 0.0
        return {
            "setup": lesson.setup.model_dump(),
            "network": self.view.described(),
            "data": store.described("default", self.digits("default")),
            "uploads": [store.described(name, self.digits(name)) for name in self.uploads],
            "look": self.looked_at()[1],
            "taught": len(lesson.taught),
            "points": self.meter.curve,
            "history": self.told,
            "validation_points": self.validations,
        }

    # What can be asked for.

    def built(self) -> dict[str, Any]:
        """What is answered when there is another network."""
        data = store.described(self.lesson.setup.data, self.lesson.digits)
        return {"setup": self.lesson.setup.model_dump(), "network": self.view.described(), "data": data}

    def digits(self, name: str) -> Digits:
        """The images of that name. Raises Refused if there are none."""
        if name not in self.opened:
            if name not in self.uploads:
                raise Refused(f"data: there are no images called {name!r} here; upload them, or use default", "data")
            self.opened[name] = store.open_kept(self.uploads[name])
        return self.opened[name]

    def begin(self, setup: Setup) -> dict[str, Any]:
        """Another lesson."""
        self.lesson = Lesson(setup, self.digits(setup.data))
        self.renew()
        return self.built()

    def do_build(self, message: messages.Build) -> dict[str, Any]:
        """Another network."""
        return self.begin(message.setup)

    def do_reset(self, message: messages.Reset) -> dict[str, Any]:
        """The same from new weights."""
        setup = self.lesson.setup
        if message.new_seed:
            setup = setup.model_copy(update={"seed": (setup.seed + 1) % 2**32})
        return self.begin(setup)

    def do_change(self, message: messages.Change) -> dict[str, Any]:
        """Other settings for the same weights."""
        self.lesson.change(message)
        self.renew()
        return self.built()

    def do_look(self, message: messages.Look) -> dict[str, Any]:
        """Which image is shown."""
        if message.source == "drawing":
            if self.drawing is None:
                raise Refused("nothing is drawn yet", "source")
            self.source = "drawing"
            return self.looked_at()[1]
        split, index = message.split, message.index
        if message.mistake:
            split, index = "validation", self.next_mistake()
        if index is not None:
            count = len(self.part(split))
            if index >= count:
                raise Refused(f"index: the {split} images are 0 … {count - 1:,}", "index")
            self.index = index
        self.source, self.split = "sample", split
        return self.looked_at()[1]

    def next_mistake(self) -> int:
        """The misread validation image that comes next after the one that is shown."""
        wrong = self.wrong()
        if not len(wrong):
            raise Refused("every validation image is read rightly now", "mistake")
        here = self.index if self.source == "sample" and self.split == "validation" else -1
        return int(wrong[np.searchsorted(wrong, here, side="right") % len(wrong)])

    def wrong(self) -> Array:
        """Which validation images are misread now, in order."""
        probabilities = self.lesson.probabilities()
        found: Array = np.flatnonzero(
            probabilities.argmax(axis=1) != self.lesson.validation.labels[: len(probabilities)]
        )
        return found

    def do_view(self, message: messages.View) -> dict[str, Any]:
        """What ticks carry."""
        self.weights_wanted, self.weights_every, self.next_weights = message.weights, message.every_ms / 1000, 0.0
        return {}

    def do_neuron(self, message: messages.Neuron) -> bytes:
        """A neuron, opened."""
        return pack(*open_neuron(self.view, message, self.looked_at()[0], self.lesson.validation))

    def do_explainstep(self, message: messages.ExplainStep) -> dict[str, Any]:
        """One step, explained."""
        return explain_step(self.lesson, message, self.meter)

    def do_teach(self, message: messages.Teach) -> dict[str, Any]:
        """The last drawing joins the training images."""
        if self.drawing is None:
            raise Refused("there is nothing to teach: draw a digit first")
        copies = self.lesson.teach(self.drawing, message.label)
        return {"taught": len(self.lesson.taught), "copies": copies}

    def do_mistakes(self, message: messages.Mistakes) -> bytes:
        """The misread validation images, the surest answers first."""
        probabilities, split = self.lesson.probabilities(), self.lesson.validation
        wrong = self.wrong()
        surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][: message.count]
        header = {
            "type": "mistakes",
            "id": message.id,
            "ok": True,
            "step": self.lesson.step,
            "total": len(wrong),
            "of": len(probabilities),
            "count": len(surest),
            "indices": surest.tolist(),
            "labels": split.labels[surest].tolist(),
            "predicted": probabilities[surest].argmax(axis=1).tolist(),
            "probabilities": probabilities[surest].tolist(),
        }
        return pack(header, {"images": np.ascontiguousarray(split.images[surest])})

    def do_confusion(self, message: messages.Confusion) -> dict[str, Any]:
        """How often each digit (row) is read as which (column)."""
        probabilities = self.lesson.probabilities()
        labels, found = self.lesson.validation.labels[: len(probabilities)], probabilities.argmax(axis=1)
        matrix = np.zeros((10, 10), np.int64)
        np.add.at(matrix, (labels, found), 1)
        return {"matrix": matrix.tolist(), "accuracy": float(np.mean(labels == found)), "count": len(labels)}

    # What the server asks for.

    def do_sample(self, errand: errands.Sample) -> dict[str, Any]:
        """One image."""
        split = self.part(errand.split)
        if errand.index >= len(split):
            raise Refused(f"the {errand.split} images are 0 … {len(split) - 1:,}", "index")
        image = base64.b64encode(split.images[errand.index].tobytes()).decode()
        label = int(split.labels[errand.index])
        return {"split": errand.split, "index": errand.index, "label": label, "image": image}

    def do_uploaded(self, errand: errands.Uploaded) -> dict[str, Any]:
        """New images."""
        self.opened.pop(errand.name, None)
        self.uploads[errand.name] = errand.folder
        return store.described(errand.name, self.digits(errand.name))

    def do_save(self, errand: errands.Save) -> dict[str, Any]:
        """The network as a file."""
        about = {"recipe": "playground", "setup": self.lesson.setup.model_dump(), **self.position()}
        save_model(self.lesson.network, errand.path, about=about)
        return {}

    def do_load(self, errand: errands.Load) -> dict[str, Any]:
        """A network from a file. It is described first, so that no large or strange one is ever built."""
        arrays, metadata = read_arrays(errand.path)
        described = metadata.get("network")
        if metadata.get("format") != "inkling-network" or not isinstance(described, dict):
            raise Refused("this file holds no Inkling network")
        setup = setup_of_network(described, self.lesson.setup)
        lesson = Lesson(setup, self.lesson.digits)
        if not same_layers(lesson.network, described):
            raise Refused("this network has its layers in an order that the playground cannot show")
        fill(lesson.network, arrays, metadata.get("stored"))
        lesson.first = lesson.validate()
        self.lesson = lesson
        self.renew()
        return self.built()

    def do_writerun(self, errand: errands.WriteRun) -> dict[str, Any]:
        """What is known of the training, as a run folder that only lacks what takes long (reports.py)."""
        lesson = self.lesson
        if not lesson.history:
            raise Refused("there is nothing to report yet: train for an epoch at least")
        folder = RunFolder(errand.folder)
        write_text(folder.recipe, to_toml(lesson.recipe))
        write_text(folder.history, History(lesson.history).to_csv())
        save_model(lesson.network, folder.model, about={"recipe": "playground", "seed": lesson.setup.seed})
        earlier, now, wall = lesson.values["seconds"]
        assert lesson.trainer is not None  # it has written the history
        plan = lesson.trainer.plan
        known = {
            **self.position(),
            "seconds": earlier + now,
            "wall_seconds": wall,
            "batch_size": lesson.batch_size,
            "plan": {"name": plan.name, "workers": plan.workers, "why": plan.why},
            "data": str(self.uploads.get(lesson.setup.data, "")),
        }
        write_json(errand.folder / "known.json", known)
        return {}


def fill(network: Network, arrays: dict[str, Array], stored: Any) -> None:
    """Give the network the numbers of a file, which says that they are `stored` as float16 where they are.

    Raises Refused unless they fit exactly.
    """
    if stored not in (None, "float16"):
        raise Refused(f"the file stores its numbers as {stored!r}, which this Inkling cannot read")
    try:
        check_numbers(arrays, network.dtype.name, stored)
        network.check_arrays(arrays)
    except ValueError as error:
        raise Refused(f"the file: {error}") from None
    for name, values in everything(network).items():
        values[...] = arrays[name]
