"""`python -m inkling.engine.compiled` compiles everything ahead of time, so that the next training finds it there."""

import numpy as np

from inkling import nn
from inkling.engine import code_cache as cache
from inkling.engine.compiled.plan import CompiledPlan


class Blank:
    """Two images, for the sake of the code that reads such."""

    images = np.zeros((2, 12, 12, 1), np.uint8)
    labels = np.zeros(2, np.int64)
    weights = None


def networks() -> list[nn.Network]:
    """Small ones, which together consist of what most networks consist of."""
    image = (12, 12, 1)
    dense = [[nn.Dense(16), nn.ReLU(), nn.Dense(10)], [nn.Dense(16), nn.ReLU(), nn.Dropout(0.1), nn.Dense(10)]]
    images = [
        [nn.Conv2D(4), nn.MaxPool2D(), nn.ReLU(), nn.Flatten(), nn.Dense(8), nn.ReLU(), nn.Dense(10)],
        [nn.Conv2D(4), nn.BatchNorm(), nn.MaxPool2D(), nn.ReLU(), nn.Flatten(), nn.Dense(8), nn.BatchNorm(), nn.ReLU(),
         nn.Dense(10)],
    ]  # fmt: skip
    return [nn.Network(layers, input_shape=image) for layers in (*dense, *images)]


for network in networks():
    if not cache.holds(network):
        with CompiledPlan(network, nn.SGD(), Blank(), batch_size=2, workers=1) as plan:
            plan.step(slice(0, 2), 0.1)
