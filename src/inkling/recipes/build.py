"""From what a recipe says to the things it speaks of: network, optimizer, division of the data, distortions."""

from __future__ import annotations

from itertools import chain

from inkling import nn
from inkling.data import Augment, SplitPlan
from inkling.recipes.settings import AugmentSettings, ConvolutionSettings, DataSettings, Recipe, ScheduleSettings


def build_network(recipe: Recipe, input_shape: tuple[int, ...] = (28, 28, 1)) -> nn.Network:
    """The network with its first weights."""
    settings, loss = recipe.network, recipe.loss
    activation = nn.ACTIVATIONS[settings.activation]
    initializer: str | nn.Initializer = settings.initializer
    if settings.initializer_std is not None:
        initializer = nn.ScaledNormal(settings.initializer_std)

    norm = [nn.BatchNorm] if settings.batch_norm else []

    def convolution(wanted: ConvolutionSettings) -> list[nn.Layer]:
        layers: list[nn.Layer] = [
            nn.Conv2D(wanted.channels, wanted.kernel, wanted.stride, wanted.padding, initializer),
            *(kind() for kind in norm),
        ]
        if wanted.pool:
            layers.append(nn.MaxPool2D(wanted.pool))
        layers.append(activation())
        return [*layers, nn.Dropout(wanted.dropout)] if wanted.dropout else layers

    def hidden(units: int) -> list[nn.Layer]:
        layers = [nn.Dense(units, initializer), *(kind() for kind in norm), activation()]
        return [*layers, nn.Dropout(settings.dropout)] if settings.dropout else layers

    layers = [*chain.from_iterable(map(convolution, settings.convolutions))]
    if layers:
        layers.append(nn.Flatten())
    layers += [*chain.from_iterable(map(hidden, settings.hidden)), nn.Dense(10, initializer)]
    if loss.name == "mean_squared_error":
        layers.append(nn.Sigmoid())
    return nn.Network(
        layers,
        input_shape=input_shape,
        loss=nn.LOSSES[loss.name](loss.reduction, loss.label_smoothing),
        seed=recipe.training.seed,
        dtype=settings.dtype,
        l2=loss.l2,
    )


def build_optimizer(recipe: Recipe) -> nn.Optimizer:
    """The optimizer with its schedule."""
    settings = recipe.optimizer.model_dump(exclude={"name"})
    settings["learning_rate"] = build_schedule(recipe.schedule, settings["learning_rate"])
    return nn.OPTIMIZERS[recipe.optimizer.name](**settings)


def build_schedule(settings: ScheduleSettings, rate: float) -> float | nn.Schedule:
    """The schedule whose largest rate is `rate`; the number itself if it stays the same."""
    given = settings.model_dump(exclude={"name", "warm_epochs"}, exclude_none=True)
    kinds = {"step": nn.Step, "cosine": nn.Cosine, "one_cycle": nn.OneCycle, "constant": nn.Constant}
    if settings.name == "constant" and not settings.warm_epochs:
        return rate
    schedule: nn.Schedule = kinds[settings.name](rate, **given)
    return nn.WarmUp(schedule, settings.warm_epochs) if settings.warm_epochs else schedule


def build_plan(settings: DataSettings, seed: int) -> SplitPlan:
    """How to divide the data; `seed` is the training's, for where the recipe names no other."""
    return SplitPlan(
        pool=settings.pool,
        first=settings.first,
        test=settings.test,
        validation=settings.validation or None,
        method=settings.method,
        seed=seed if settings.seed is None else settings.seed,
        max_train_samples=settings.max_train_samples,
    )


def build_augment(settings: AugmentSettings) -> Augment | None:
    """The distortions; None where all of them are off."""
    augment = Augment(**settings.model_dump())
    return augment if augment.kinds else None
