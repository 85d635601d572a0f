"""Everything that happens to a few samples on their way through the network and back, kept to be looked at.

Pictures and explanations are drawn from a `Trace`, so the numbers that they show are the numbers that the network
computed.
"""

from dataclasses import dataclass

from inkling.nn import Layer, Network
from inkling.nn.part import Array


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What one layer got and gave, forward and backward. Rows are samples."""

    layer: Layer
    x: Array
    """What came in, (samples, *input_shape)."""
    out: Array
    """What went out, (samples, *output_shape): z of a Dense layer, a of an activation."""
    dout: Array
    """∂objective/∂out, like `out`."""
    dx: Array
    """∂objective/∂x, like `x`."""
    parameters: dict[str, Array]
    """The layer's parameters by their short names: W, b."""
    gradients: dict[str, Array]
    """∂objective/∂parameter, by the same names, without the L2 term."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The way of a batch through a network and back, dropout off."""

    x: Array
    """The samples as the first layer gets them: floats, (samples, *input_shape)."""
    labels: Array
    layers: list[LayerTrace]
    outputs: Array
    """The last layer's outputs, (samples, classes)."""
    probabilities: Array
    """(samples, classes); each row adds up to 1."""
    loss: float
    """The mean data loss."""
    doutputs: Array
    """∂objective/∂outputs: where the way back begins; p − y for softmax with cross-entropy."""

    def __getitem__(self, name: str) -> LayerTrace:
        """The layer of that name, such as "dense_1"."""
        for step in self.layers:
            if step.layer.name == name:
                return step
        raise KeyError(f"there is no layer {name!r}; there are {', '.join(s.layer.name for s in self.layers)}")


def trace(network: Network, x: Array, labels: Array) -> Trace:
    """Send samples through the network and back, and keep everything.

    Works on a replica, so that a training in another thread is not disturbed and the network's gradients stay.
    """
    twin = network.replica()
    x = twin.enter(x)
    forward: list[tuple[Layer, Array, Array]] = []
    out = x
    for layer in twin.layers:
        came_in = out
        out = layer.forward(came_in, training=False)
        forward.append((layer, came_in, out))
    probabilities = twin.loss.probabilities(out)
    loss = twin.loss.forward(out, labels)
    dout = doutputs = twin.loss.gradient(out, labels)
    steps: list[LayerTrace] = []
    for layer, came_in, went_out in reversed(forward):
        dx = layer.backward(dout)
        names = layer.parameter_shapes()
        parameters = {name: getattr(layer, name).copy() for name in names}
        gradients = {name: getattr(layer, f"d{name}") for name in names}
        steps.append(LayerTrace(layer, came_in, went_out, dout, dx, parameters, gradients))
        dout = dx
    return Trace(x, labels, steps[::-1], out, probabilities, loss, doutputs)
