"""From what a recipe says to the things it speaks of: network, optimizer, division of the data, distortions."""

from __future__ import annotations

from inkling import nn
from inkling.data import Augment, SplitPlan
from inkling.recipes.settings import (
    AugmentSettings,
    ConvolutionSettings,
    DataSettings,
    HiddenSettings,
    Recipe,
    ScheduleSettings,
)


def build_network(recipe: Recipe, input_shape: tuple[int, ...] = (28, 28, 1)) -> nn.Network:
    """The network with its first weights."""
    settings, loss = recipe.network, recipe.loss
    initializer: str | nn.Initializer = settings.initializer
    if settings.initializer_std is not None:
        initializer = nn.ScaledNormal(settings.initializer_std)

    def hidden(
        head: nn.Layer, wanted: ConvolutionSettings | HiddenSettings, dropout: float, pool: int = 0
    ) -> list[nn.Layer]:
        layers = [head]
        if settings.batch_norm if wanted.batch_norm is None else wanted.batch_norm:
            layers.append(nn.BatchNorm())
        if pool:
            layers.append(nn.MaxPool2D(pool))
        layers.append(nn.ACTIVATIONS[wanted.activation or settings.activation]())
        return [*layers, nn.Dropout(dropout)] if dropout else layers

    layers: list[nn.Layer] = []
    for kernels in settings.convolutions:
        head = nn.Conv2D(kernels.channels, kernels.kernel, kernels.stride, kernels.padding, initializer)
        layers += hidden(head, kernels, kernels.dropout, kernels.pool)
    if layers:
        layers.append(nn.Flatten())
    for wanted in settings.hidden_layers:
        dropout = settings.dropout if wanted.dropout is None else wanted.dropout
        layers += hidden(nn.Dense(wanted.units, initializer), wanted, dropout)
    layers.append(nn.Dense(10, initializer))
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
