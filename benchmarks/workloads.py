"""What is measured: ten workloads, and the files that every peer reads so that all do the same work."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

EPOCHS_KEPT = 64
"""How many epochs' orders are written down; peers begin again when they run out."""


@dataclass(frozen=True)
class Workload:
    """One training set-up."""

    key: str
    hidden: tuple[int, ...]
    batch: int
    optimizer: str
    learning_rate: float
    samples: int = 60_000
    dropout: float = 0.0
    l2: float = 0.0
    convolutions: tuple[int, ...] = ()
    """Channels of 5×5 convolutions, each followed by 2×2 max pooling and ReLU."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons from the pixels, or from what the convolutions make of them, to the digits."""
        side = 28
        for _ in self.convolutions:
            side = (side - 4) // 2
        return (side * side * (self.convolutions or (1,))[-1], *self.hidden, 10)

    @property
    def sizes_title(self) -> str:
        """Its layers, in words."""
        sizes = "-".join(map(str, self.sizes))
        if not self.convolutions:
            return sizes
        return f"5×5 convolutions of {' and '.join(map(str, self.convolutions))} channels, 2×2 max pooling, {sizes}"

    @property
    def title(self) -> str:
        """As the table says it."""
        words = [self.sizes_title]
        if self.dropout:
            words.append(f"dropout {self.dropout:g}")
        if self.l2:
            words.append("L2")
        full = self.batch >= self.samples
        words.append(f"full batch of {self.samples:,}" if full else f"batch {self.batch}")
        words.append({"sgd": "gradient descent" if full else "SGD", "adam": "Adam"}[self.optimizer])
        return ", ".join(words)


WORKLOADS = {
    w.key: w
    for w in (
        Workload("A", (128,), 128, "sgd", 0.1),
        Workload("B", (128,), 128, "adam", 1e-3),
        Workload("C", (64, 64), 64, "sgd", 0.1),
        Workload("D", (128, 64), 32, "adam", 1e-3, dropout=0.2, l2=1e-4),
        Workload("E", (800,), 256, "adam", 1e-3),
        Workload("F", (64,), 56_000, "sgd", 0.5, samples=56_000),
        Workload("I", (64,), 100, "adam", 1e-3, convolutions=(8, 16)),
        Workload("J", (128,), 100, "adam", 1e-3, convolutions=(16, 32)),
    )
}


def prepare(folder: Path, workload: Workload) -> None:
    """Write data, first weights and orders of a workload for all peers to read."""
    from inkling import load_data, nn

    digits = load_data("auto")
    images = np.concatenate([digits.train.images, digits.validation.images])  # type: ignore[union-attr]
    labels = np.concatenate([digits.train.labels, digits.validation.labels])  # type: ignore[union-attr]
    if len(images) < workload.samples:
        # Without MNIST the bundled digits are repeated: the work is the same, the losses mean nothing.
        again = -(-workload.samples // len(images))
        images, labels = np.tile(images, (again, 1, 1)), np.tile(labels, again)
    images, labels = images[: workload.samples], labels[: workload.samples]
    network = build(workload)
    order = nn.random_stream(0, "shuffle")
    orders = [order.permutation(workload.samples) for _ in range(EPOCHS_KEPT)]
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "orders.npy", np.array(orders, np.int32))
    np.savez(folder / "weights.npz", **dict(network.named_parameters()))
    (folder / "workload.json").write_text(json.dumps({**asdict(workload), "source": digits.source}))


def build(workload: Workload):  # type: ignore[no-untyped-def]
    """Inkling's network for a workload."""
    from inkling import nn

    layers: list[nn.Layer] = []
    for channels in workload.convolutions:
        layers += [nn.Conv2D(channels, 5), nn.MaxPool2D(2), nn.ReLU()]
    if layers:
        layers.append(nn.Flatten())
    for units in workload.hidden:
        layers += [nn.Dense(units), nn.ReLU()]
        if workload.dropout:
            layers.append(nn.Dropout(workload.dropout))
    return nn.Network([*layers, nn.Dense(10)], l2=workload.l2)


@dataclass(frozen=True)
class Prepared:
    """What `prepare` wrote, read again by a peer that may not know Inkling."""

    workload: Workload
    images: np.ndarray
    labels: np.ndarray
    orders: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    kernels: list[tuple[np.ndarray, np.ndarray]]
    """Of the convolutions: weights (5, 5, inputs, channels) and biases."""

    @classmethod
    def read(cls, folder: Path) -> Prepared:
        """Everything in the folder."""
        described = json.loads((folder / "workload.json").read_text())
        described.pop("source")
        for listed in ("hidden", "convolutions"):
            described[listed] = tuple(described[listed])
        workload = Workload(**described)
        with np.load(folder / "weights.npz") as arrays:
            layers = range(1, len(workload.sizes))
            weights = [arrays[f"dense_{k}.W"] for k in layers]
            biases = [arrays[f"dense_{k}.b"] for k in layers]
            convolutions = range(1, len(workload.convolutions) + 1)
            kernels = [(arrays[f"conv2d_{k}.W"], arrays[f"conv2d_{k}.b"]) for k in convolutions]
        images, labels, orders = (np.load(folder / f"{name}.npy") for name in ("images", "labels", "orders"))
        return cls(workload, images, labels, orders, weights, biases, kernels)

    def floats(self) -> np.ndarray:
        """The images as a framework wants them: float32 rows of 784, 0 … 1."""
        return (self.images.reshape(len(self.images), 784) / np.float32(255)).astype(np.float32)
