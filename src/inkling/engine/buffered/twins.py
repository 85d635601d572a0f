"""A network's twin: of the same layers, but the faster kind, and learning in the same arrays."""

from __future__ import annotations

from inkling import nn
from inkling.engine.buffered.buffers import Buffered
from inkling.engine.buffered.convolution import BufferedConv2D
from inkling.engine.buffered.layers import (
    BufferedDense,
    BufferedDropout,
    BufferedLeakyReLU,
    BufferedReLU,
    BufferedSigmoid,
    BufferedTanh,
)
from inkling.engine.buffered.normalization import BufferedBatchNorm
from inkling.engine.buffered.pooling import BufferedAveragePool2D, BufferedGlobalAveragePool2D, BufferedMaxPool2D

TWINS: dict[type[nn.Layer], type[nn.Layer]] = {
    nn.Dense: BufferedDense, nn.Dropout: BufferedDropout, nn.BatchNorm: BufferedBatchNorm,
    nn.ReLU: BufferedReLU, nn.LeakyReLU: BufferedLeakyReLU, nn.Sigmoid: BufferedSigmoid, nn.Tanh: BufferedTanh,
    nn.Conv2D: BufferedConv2D, nn.MaxPool2D: BufferedMaxPool2D, nn.AveragePool2D: BufferedAveragePool2D,
    nn.GlobalAveragePool2D: BufferedGlobalAveragePool2D,
}  # fmt: skip
"""Layers of `nn` and what computes the same faster. A subclass may compute something else, so it is not among them."""
SEPARATE = (TWINS.keys() | {nn.Flatten, nn.Identity, nn.Softmax}) - {nn.BatchNorm}
"""Layers that are known to treat each sample by itself."""


def twin_of(network: nn.Network) -> nn.Network:
    """A network that computes the same, in buffers of its own, with the very parameters, gradients and state.

    A layer that has no faster kind is cloned as it is.
    """
    layers: list[nn.Layer] = []
    for layer in network.layers:
        faster = TWINS.get(type(layer))
        mine = layer.clone() if faster is None else faster(**layer.arguments())
        if isinstance(mine, Buffered):
            mine.dtype = network.dtype
        layers.append(mine)
    twin = type(network).__new__(type(network))
    twin._connect(layers, network.input_shape, network.loss, network.seed, network.dtype, network.l2)
    for mine, layer in zip(layers, network.layers, strict=True):
        mine.name, mine.key = layer.name, layer.key
    twin.adopt(network.parameters, network.gradients, network.state)
    return twin


def treats_samples_separately(network: nn.Network) -> bool:
    """Whether nothing in the network looks at several samples at once, so that a batch may be cut into blocks."""
    return type(network.loss) in nn.LOSSES.values() and all(type(layer) in SEPARATE for layer in network.layers)
