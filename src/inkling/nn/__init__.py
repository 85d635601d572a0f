"""The network, from scratch: NumPy does the arithmetic, everything else is in these few files.

Read them in this order: layers, activations, losses, network; then initializers, optimizers, schedules; and
gradcheck, which proves the rest right. Nothing here knows files, screens or clocks.
"""

from inkling.nn.activations import (
    ACTIVATIONS,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from inkling.nn.gradcheck import GradientCheck, gradcheck, numerical_gradient, relative_error
from inkling.nn.initializers import (
    INITIALIZERS,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    ScaledNormal,
    Zeros,
)
from inkling.nn.layers import Dense, Dropout, Flatten, Layer
from inkling.nn.losses import (
    LOSSES,
    Loss,
    MeanSquaredError,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    one_hot,
)
from inkling.nn.network import Network
from inkling.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSprop
from inkling.nn.part import Part, ShapeError, from_config, random_stream
from inkling.nn.schedules import Constant, Cosine, OneCycle, Schedule, Step, WarmUp
from inkling.nn.trace import LayerTrace, Trace, trace

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Dense",
    "Dropout",
    "Flatten",
    "GlorotNormal",
    "GlorotUniform",
    "GradientCheck",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "Layer",
    "LayerTrace",
    "LeakyReLU",
    "Loss",
    "MeanSquaredError",
    "Network",
    "OneCycle",
    "Optimizer",
    "Part",
    "RMSprop",
    "ReLU",
    "ScaledNormal",
    "Schedule",
    "ShapeError",
    "Sigmoid",
    "SigmoidBinaryCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Step",
    "Tanh",
    "Trace",
    "WarmUp",
    "Zeros",
    "from_config",
    "gradcheck",
    "numerical_gradient",
    "one_hot",
    "random_stream",
    "relative_error",
    "trace",
]
