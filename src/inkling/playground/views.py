"""What the page draws of a network: its layers as stages, their activations for one image, and their weights.

Numbers are the network's own, made small for the way: a byte each, with a scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from inkling.figures.stages import Stage, stages
from inkling.nn import ACTIVATIONS, Conv2D, Layer, Network
from inkling.nn.network import blocks
from inkling.nn.part import Array
from inkling.playground.frames import quantised, quantised_weights

Quantised = tuple[Array, float]
IMAGES, NEURONS, CHANNELS, INPUTS = 32, 64, 32, 16
"""How many are sent: incoming images of neurons; neurons on each side of connections; kernels, and their inputs."""
NAMES = {kind: name for name, kind in ACTIVATIONS.items()}


class View:
    """A network as the page shows it. It works on a replica, so that looking disturbs no training."""

    def __init__(self, network: Network) -> None:
        self.network = network.replica()
        self.stages = stages(self.network)[1]
        self.by_name = {stage.head.name: stage for stage in self.stages}

    def described(self) -> dict[str, Any]:
        """{parameters, layers: [{name, kind, shape, activation, parameters, shown, parts}]}."""
        layers = []
        for stage in self.stages:
            last = stage is self.stages[-1]
            convolution = isinstance(stage.head, Conv2D)
            shape = (stage.outcome or stage.head).output_shape
            activation = NAMES[type(stage.activation)] if stage.activation else "identity"
            layers.append(
                {
                    "name": stage.head.name,
                    "kind": "output" if last else "conv" if convolution else "dense",
                    "shape": shape,
                    "activation": activation,
                    "parameters": stage.parameters,
                    "shown": min(shape[-1], CHANNELS if convolution else NEURONS),
                    "parts": [
                        {
                            "name": name,
                            "kind": type(layer).__name__,
                            "output_shape": layer.output_shape,
                            "parameters": count,
                        }
                        for layer, (name, _, _, count, _) in zip(self.network.layers, self.network.table(), strict=True)
                        if layer is stage.head or layer in stage.followers
                    ],
                }
            )
        return {"parameters": len(self.network.parameters), "layers": layers}

    def activations(self, image: Array) -> tuple[dict[str, Quantised], Array]:
        """What each stage hands on for this image (28, 28), as "a:NAME"; and the probabilities (10,)."""
        outs = {layer.name: out[0] for layer, out in self.network.activations(image[np.newaxis])}
        arrays = {
            f"a:{stage.head.name}": quantised(outs[(stage.outcome or stage.head).name]) for stage in self.stages[:-1]
        }
        probabilities = self.network.loss.probabilities(outs[self.network.layers[-1].name][np.newaxis])[0]
        arrays[f"a:{self.stages[-1].head.name}"] = quantised(probabilities)
        return arrays, probabilities

    def weights(self) -> dict[str, Quantised]:
        """The weights of every stage that are drawn, as "w:NAME"."""
        found = {}
        for before, stage in zip([None, *self.stages], self.stages, strict=False):
            found[f"w:{stage.head.name}"] = quantised_weights(drawn_weights(stage, before))
        return found

    def until(self, layer: Layer, images: Array) -> Array:
        """What the layer of this network hands on for images (n, 28, 28), dropout off."""
        count = self.network.layers.index(layer) + 1
        found = []
        for block in blocks(len(images), self.network.rows_at_once):
            x = self.network.enter(images[block])
            for each in self.network.layers[:count]:
                x = each.forward(x, training=False)
            found.append(x)
        return np.concatenate(found)


def drawn_weights(stage: Stage, before: Stage | None) -> Array:
    """Those weights of a stage that the page draws.

    Of a convolution: kernels (height, width, inputs, channels). Of a dense layer behind the pixels: what each neuron
    sees, (neurons, 28, 28); behind feature maps: the mean weight of each map, (maps, neurons); else (inputs, neurons).
    """
    W = stage.weighted.W
    if isinstance(stage.head, Conv2D):
        return W[:, :, :INPUTS, :CHANNELS]
    if before is None:
        return W[:, :IMAGES].T.reshape(-1, 28, 28)
    shape = (before.outcome or before.head).output_shape
    if len(shape) == 3:
        of_maps: Array = W.reshape(-1, shape[2], W.shape[1]).mean(axis=0)
        return of_maps[:NEURONS, :NEURONS]
    return W[:NEURONS, :NEURONS]
