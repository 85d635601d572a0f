"""Networks of many kinds for the pictures to show, untrained (no picture minds), and a digit to show them on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inkling.nn import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    Network,
    ReLU,
    Sigmoid,
    SigmoidBinaryCrossEntropy,
    Tanh,
)


class Maps(Layer):
    """Stands in for a convolution: every second pixel, repeated as `channels` maps."""

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def connect(self, input_shape):
        return (input_shape[0] // 2, input_shape[1] // 2, self.channels)

    def forward(self, x, *, training):
        return np.repeat(x[:, ::2, ::2, :1], self.channels, axis=3)

    def backward(self, dout):
        dx = np.zeros((len(dout), *self.input_shape), dout.dtype)
        dx[:, ::2, ::2, 0] = dout.sum(axis=3)
        return dx


def stirred(network: Network) -> Network:
    """The network with biases that are not zero, as after training."""
    random = np.random.default_rng(3)
    for name, values in [*network.named_parameters(), *network.named_state()]:
        kind = name.partition(".")[2]
        if kind != "W":
            middle = 1.0 if kind in ("gamma", "running_variance") else 0.0
            values[...] = random.normal(middle, 0.1, values.shape)
    return network


def convolved(*layers: Layer, **settings) -> Network:
    return stirred(Network([*layers, Dense(10)], **settings))


def deep() -> Network:
    """Eight convolutions with normalization, two of them with a stride, and a mean at the end."""
    layers: list[Layer] = []
    for channels, stride in ((4, 1), (4, 1), (8, 2), (8, 1), (20, 1), (20, 2), (33, 1), (40, 1)):
        layers += [Conv2D(channels, 3, stride, "same"), BatchNorm(), ReLU()]
    return convolved(*layers, GlobalAveragePool2D(), Dropout(0.2))


def dense(widths, activation=ReLU, *, dropout=0.0, last=(), **settings) -> Network:
    layers: list[Layer] = []
    for width in widths:
        layers += [Dense(width), activation()]
        if dropout:
            layers.append(Dropout(dropout))
    return stirred(Network([*layers, Dense(10), *last], **settings))


NETWORKS: dict[str, Callable[[], Network]] = {
    "1 layer": lambda: dense([]),
    "2 layers": lambda: dense([800]),
    "4 layers": lambda: dense([800, 1, 128]),
    "6 layers": lambda: dense([800, 1, 128, 16, 300]),
    "6 layers, tanh, dropout": lambda: dense([300, 16, 128, 1, 800], Tanh, dropout=0.5, dtype=np.float64),
    "dropout": lambda: dense([128, 64], dropout=0.2, l2=1e-4),
    "squared error": lambda: dense([30], Sigmoid, last=[Sigmoid()], loss=MeanSquaredError("sum")),
    "yes or no": lambda: dense([12], LeakyReLU, loss=SigmoidBinaryCrossEntropy()),
    "maps": lambda: stirred(Network([Maps(8), ReLU(), Maps(20), Flatten(), Dense(40), ReLU(), Dense(10)])),
    "convolutions": lambda: convolved(
        *(Conv2D(8, 5), ReLU(), MaxPool2D(), Conv2D(16, 5), ReLU(), MaxPool2D()), *(Flatten(), Dense(64), ReLU())
    ),
    "deep convolutions": deep,
    "as recipes build them": lambda: convolved(
        *(Conv2D(6, 5, initializer="glorot"), BatchNorm(), MaxPool2D(3, 2), Tanh(), Dropout(0.1), Flatten()),
        *(Dense(20), BatchNorm(), Tanh(), Dropout(0.1)),
        dtype=np.float64,
    ),
    "pooled first": lambda: convolved(MaxPool2D(2), Conv2D(40, (3, 2), (1, 2)), AveragePool2D(3), Conv2D(3, 2)),
    "small images": lambda: stirred(Network([Flatten(), Dense(16), ReLU(), Dense(10)], input_shape=(8, 8, 1))),
    "no image": lambda: stirred(Network([Dense(5), Tanh(), Dense(3)], input_shape=20)),
}


def digit(network: Network) -> np.ndarray:
    """A ring of ink, in the shape of the network's input."""
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    ring = np.exp(-(((np.hypot(x * 1.4, y) - 0.6) / 0.15) ** 2))
    image = (ring * 255).astype(np.uint8)
    if network.input_shape == (8, 8, 1):
        return image[::4, ::4][:7, :7].repeat(2, 0).repeat(2, 1)[:8, :8]
    return image if network.input_shape == (28, 28, 1) else image[10, :20]


def title(figure) -> str:
    return figure.get_suptitle()
