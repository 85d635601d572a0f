"""The network, from scratch: NumPy does the arithmetic, everything else is in these few files.

Read them in this order: layers, activations, losses, network; then convolution, pooling and normalization; then
initializers, optimizers, schedules; and gradcheck, which proves the rest right. Nothing here knows files, screens
or clocks.
"""

# ruff: noqa: I001 (names stand side by side)
from inkling.nn.activations import ACTIVATIONS, Identity, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from inkling.nn.convolution import Conv2D
from inkling.nn.gradcheck import GradientCheck, gradcheck, numerical_gradient, relative_error
from inkling.nn.initializers import (
    INITIALIZERS, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Initializer, ScaledNormal, Zeros,
)  # fmt: skip
from inkling.nn.layers import Dense, Dropout, Flatten, Layer
from inkling.nn.losses import LOSSES, Loss, MeanSquaredError, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy, one_hot
from inkling.nn.network import Network
from inkling.nn.normalization import BatchNorm
from inkling.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSprop
from inkling.nn.part import Part, ShapeError, from_config
from inkling.nn.random import random_bits, random_stream
from inkling.nn.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from inkling.nn.schedules import Constant, Cosine, OneCycle, Schedule, Step, WarmUp

__all__ = [
    "ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "SGD", "Adam", "AdamW", "AveragePool2D", "BatchNorm",
    "Constant", "Conv2D", "Cosine", "Dense", "Dropout", "Flatten", "GlobalAveragePool2D", "GlorotNormal",
    "GlorotUniform", "GradientCheck", "HeNormal", "HeUniform", "Identity", "Initializer", "Layer", "LeakyReLU",
    "Loss", "MaxPool2D", "MeanSquaredError", "Network", "OneCycle", "Optimizer", "Part", "RMSprop", "ReLU",
    "ScaledNormal", "Schedule", "ShapeError", "Sigmoid", "SigmoidBinaryCrossEntropy", "Softmax", "SoftmaxCrossEntropy",
    "Step", "Tanh", "WarmUp", "Zeros", "from_config", "gradcheck", "numerical_gradient", "one_hot",
    "random_bits", "random_stream", "relative_error",
]  # fmt: skip
