"""From a set-up to a network and back: through a recipe, so that page, command line and library build the same.

A `Setup` is what the page shows and its URL holds; a recipe says the same in its own words. The other way round come
the recipes that are offered as presets, and networks that somebody trained elsewhere and loads into the page.
"""

from __future__ import annotations

import math
from typing import Any

from inkling.data import Digits
from inkling.nn import (
    ACTIVATIONS,
    LOSSES,
    Network,
    Optimizer,
    Schedule,
)
from inkling.nn.layers import describe_shape
from inkling.playground.messages import LIMITS, ConvLayer, DenseLayer, Refused, Setup, read_setup
from inkling.recipes import Recipe, build_network, build_optimizer, load_recipe, recipe_names
from inkling.recipes.settings import (
    AdamSettings,
    AugmentSettings,
    ConvolutionSettings,
    DataSettings,
    HiddenSettings,
    LossSettings,
    NetworkSettings,
    TrainingSettings,
)

FIRST = Setup(
    layers=[DenseLayer(units=32), DenseLayer(units=16)],
    optimizer=AdamSettings(learning_rate=0.002),
    batch_size=32,
)
"""What a visitor finds: small enough to be seen whole, and it goes on learning for as long as one watches."""
FEW = 10_000
"""Training images: a network that sees fewer gets them distorted, or it reads hardly any hand but theirs."""
MILD = AugmentSettings(shift=2.0, rotate=12.0, scale=0.15)
"""What makes of a drawn 1 more than a 3: a little, and still many epochs a second."""
BYTES_AT_WORK = 600_000_000
"""What the numbers of a batch may take on their way through the network: more would be unkind to the other sessions."""
BLOCK = 512
"""Samples that go through the network in one piece, at most."""


def recipe_of(setup: Setup) -> Recipe:
    """The recipe that says what the set-up says. Settings that all layers share stand there once."""
    dense = [layer for layer in setup.layers if isinstance(layer, DenseLayer)]
    activation = setup.layers[0].activation if setup.layers else "relu"
    batch_norm = bool(setup.layers) and all(layer.batch_norm for layer in setup.layers)
    dropout = dense[0].dropout if dense and len({layer.dropout for layer in dense}) == 1 else 0.0

    def own(layer: ConvLayer | DenseLayer) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if layer.activation != activation:
            settings["activation"] = layer.activation
        if layer.batch_norm != batch_norm:
            settings["batch_norm"] = layer.batch_norm
        return settings

    convolutions = [
        ConvolutionSettings(**layer.model_dump(exclude={"kind", "activation", "batch_norm"}), **own(layer))
        for layer in setup.layers
        if isinstance(layer, ConvLayer)
    ]
    hidden: list[int | HiddenSettings] = []
    for layer in dense:
        settings = own(layer) | ({} if layer.dropout == dropout else {"dropout": layer.dropout})
        hidden.append(HiddenSettings(units=layer.units, **settings) if settings else layer.units)
    return Recipe(
        name="playground",
        title="A training in the playground",
        data=DataSettings(max_train_samples=setup.train_samples),
        augment=setup.augment,
        network=NetworkSettings(
            convolutions=convolutions,
            batch_norm=batch_norm,
            hidden=hidden,
            activation=activation,
            dropout=dropout,
            initializer=setup.initializer,
            initializer_std=setup.initializer_std,
        ),
        loss=LossSettings(
            name=setup.loss, reduction=setup.reduction, label_smoothing=setup.label_smoothing, l2=setup.l2
        ),
        optimizer=setup.optimizer,
        schedule=setup.schedule,
        training=TrainingSettings(epochs=setup.epochs, batch_size=setup.batch_size, seed=setup.seed),
    )


def setup_of(recipe: Recipe) -> Setup:
    """The set-up that says what the recipe says, but for its data. Raises Refused for what the page cannot show."""
    network = recipe.network
    layers: list[dict[str, Any]] = []
    for kernels in network.convolutions:
        layers.append(
            {"kind": "conv", **kernels.model_dump(exclude={"activation", "batch_norm"}), **shared(recipe, kernels)}
        )
    for wanted in network.hidden_layers:
        dropout = network.dropout if wanted.dropout is None else wanted.dropout
        layers.append({"kind": "dense", "units": wanted.units, "dropout": dropout, **shared(recipe, wanted)})
    return read_setup(
        {
            "layers": layers,
            "initializer": network.initializer,
            "initializer_std": network.initializer_std,
            "loss": recipe.loss.name,
            **recipe.loss.model_dump(exclude={"name"}),
            "optimizer": recipe.optimizer.model_dump(),
            "schedule": recipe.schedule.model_dump(),
            "epochs": recipe.training.epochs,
            "batch_size": recipe.training.batch_size,
            "augment": recipe.augment.model_dump(),
            "seed": recipe.training.seed,
            "train_samples": recipe.data.max_train_samples,
        }
    )


def shared(recipe: Recipe, layer: ConvolutionSettings | HiddenSettings) -> dict[str, Any]:
    """What a layer has of its own or, where it says nothing, from the network."""
    own, network = layer, recipe.network
    return {
        "activation": own.activation or network.activation,
        "batch_norm": network.batch_norm if own.batch_norm is None else own.batch_norm,
    }


def first_setup(digits: Digits) -> Setup:
    """What a visitor finds who comes to these digits."""
    return FIRST.model_copy(update={"augment": MILD}) if len(digits.train) < FEW else FIRST


def presets(setup: Setup = FIRST) -> list[dict[str, Any]]:
    """What a visitor finds, and the recipes that come with Inkling, as set-ups: [{name, title, expect, setup}]."""
    first = {"name": "first-look", "title": "Two small layers that can be seen whole", "expect": "96 % on MNIST"}
    found: list[dict[str, Any]] = [{**first, "setup": setup.model_dump()}]
    for name in recipe_names():
        recipe = load_recipe(name)
        try:
            setup = setup_of(recipe)
        except Refused:
            continue
        found.append({"name": name, "title": recipe.title, "expect": recipe.expect, "setup": setup.model_dump()})
    return found


def build(setup: Setup) -> Network:
    """The network with its first weights.

    Raises Refused, naming the layer, if neighbours don't fit, or if it would be larger than the playground allows.
    """
    check_size(setup)
    try:
        return build_network(recipe_of(setup))
    except ValueError as error:  # a ShapeError names the layer
        raise Refused(str(error), "layers") from None


def check_size(setup: Setup) -> None:
    """Raise Refused for too many parameters or too much work at a time, before any memory is taken."""
    shape: tuple[int, ...] = (28, 28, 1)
    parameters, numbers = 0, 28 * 28
    for index, layer in enumerate(setup.layers):
        if isinstance(layer, ConvLayer):
            if layer.padding == "valid":
                rows, columns = ((side - layer.kernel) // layer.stride + 1 for side in shape[:2])
            else:
                rows, columns = (-(-side // layer.stride) for side in shape[:2])
            if min(rows, columns) < max(layer.pool, 1):
                window = f"a pooling window of {layer.pool}×{layer.pool}" if min(rows, columns) > 0 else "its kernel"
                raise Refused(
                    f"layers.{index}: images of {describe_shape(shape[:2])} have no room for {window}",
                    f"layers.{index}",
                )
            parameters += (layer.kernel**2 * shape[2] + 1) * layer.channels
            numbers += rows * columns * layer.channels * 3 + rows * layer.kernel * shape[1] * shape[2]
            pool = max(layer.pool, 1)
            shape = (rows // pool, columns // pool, layer.channels)
        else:
            parameters += (math.prod(shape) + 1) * layer.units
            numbers += 3 * layer.units
            shape = (layer.units,)
    parameters += (math.prod(shape) + 1) * 10
    if parameters > LIMITS["parameters"]:
        raise Refused(
            f"layers: this network would have {parameters:,} parameters; {LIMITS['parameters']:,} are the most here: "
            "fewer neurons, or pooling before the dense layers, make it smaller",
            "layers",
        )
    samples = BLOCK if setup.batch_size == "full" else min(setup.batch_size, BLOCK)
    if 4 * 2 * numbers * samples > BYTES_AT_WORK:
        raise Refused(
            f"layers: a batch of {setup.batch_size} takes too much memory on its way through these layers: "
            "a smaller batch, fewer channels or more pooling help",
            "batch_size",
        )


class PlayedSchedule(Schedule):
    """The set-up's schedule, whose end is not the end of the training: after `own_epochs` its last rate stays."""

    def __init__(self, schedule: Schedule, own_epochs: int) -> None:
        self.schedule, self.own_epochs = schedule, own_epochs

    def __call__(self, epoch: float, epochs: float) -> float:
        return self.schedule(min(epoch, self.own_epochs), self.own_epochs)


def optimizer_of(setup: Setup) -> Optimizer:
    """The optimizer, with a schedule that training may outlive."""
    optimizer = build_optimizer(recipe_of(setup))
    if isinstance(optimizer.learning_rate, Schedule):
        optimizer.learning_rate = PlayedSchedule(optimizer.learning_rate, setup.epochs)
    return optimizer


def setup_of_network(network: dict[str, Any], before: Setup) -> Setup:
    """The set-up of a saved network, from its description; what that does not say stays as it was.

    Raises Refused if it has layers that the page cannot show.
    """
    try:
        layers = network["layers"]
        if tuple(network["input_shape"]) not in ((28, 28, 1), (28, 28), (784,)) or network["dtype"] != "float32":
            raise Refused("the playground shows networks that read images of 28 × 28 pixels, in float32")
        described = {
            "layers": described_layers(layers, network["loss"]["type"]),
            "loss": next(name for name, kind in LOSSES.items() if kind.__name__ == network["loss"]["type"]),
            "reduction": network["loss"]["reduction"],
            "label_smoothing": network["loss"]["label_smoothing"],
            "l2": network["l2"],
        }
    except (KeyError, TypeError, ValueError, StopIteration, AttributeError, IndexError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("the description of this network cannot be read") from None
    return read_setup({**before.model_dump(), **described})


def described_layers(layers: list[dict[str, Any]], loss: str) -> list[dict[str, Any]]:
    """The hidden layers of a saved network in a set-up's words. Raises Refused for those that it has no words for."""
    names = {kind.__name__: name for name, kind in ACTIVATIONS.items()}
    kinds = [layer["type"] for layer in layers]
    end = ["Dense", "Sigmoid"] if loss == "MeanSquaredError" else ["Dense"]
    if kinds[-len(end) :] != end or layers[-len(end)]["units"] != 10:
        raise Refused("the playground shows networks that end in a dense layer of ten outputs")
    found: list[dict[str, Any]] = []
    for layer in layers[: -len(end)]:
        kind, last = layer["type"], found[-1] if found else None
        if kind == "Conv2D" and isinstance(layer["kernel"], int) and isinstance(layer["stride"], int):
            found.append(
                {"kind": "conv", "activation": "identity"}
                | {name: layer[name] for name in ("channels", "kernel", "stride", "padding")}
            )
        elif kind == "Dense":
            found.append({"kind": "dense", "activation": "identity", "units": layer["units"]})
        elif kind == "Flatten":
            pass
        elif last is not None and kind == "BatchNorm":
            last["batch_norm"] = True
        elif last is not None and kind == "MaxPool2D" and isinstance(layer["size"], int) and not layer.get("stride"):
            last["pool"] = layer["size"]
        elif last is not None and kind in names and names[kind] != "softmax":
            last["activation"] = names[kind]
        elif last is not None and kind == "Dropout":
            last["dropout"] = layer["rate"]
        else:
            raise Refused(f"this network has a layer that the playground cannot show: {kind}"[:200])
    return found


def same_layers(network: Network, description: dict[str, Any]) -> bool:
    """Whether a network has the layers that the description names, in their order."""
    passing = ("Flatten", "Identity")
    ours = [type(layer).__name__ for layer in network.layers]
    theirs = [layer["type"] for layer in description["layers"]]
    return [name for name in ours if name not in passing] == [name for name in theirs if name not in passing]
