"""What a recipe can say, and what each word may be: the schema of the TOML files beside this one.

A `Recipe` has a section for each part of a training. pydantic checks every value and refuses unknown keys;
loader.py turns its complaints into one line that points at the key.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
)
from pydantic import model_validator as check

from inkling.data import Augment

Activation = Literal["relu", "leaky_relu", "sigmoid", "tanh", "identity"]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A section of a recipe: unknown keys and wrong types are errors, and a value once made stays."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataSettings(Section):
    """Which images, and how they are divided (see `inkling.data.SplitPlan`)."""

    source: str = "auto"
    pool: Literal["train", "all"] = "train"
    first: PositiveInt | None = None
    test: Fraction = 0.0
    validation: Annotated[int, Field(ge=0)] | Fraction | None = None
    method: Literal["last", "shuffle", "stratified"] = "last"
    seed: NonNegativeInt | None = None
    """None: the training's seed, so that another seed divides the data in another way."""
    max_train_samples: PositiveInt | None = None


class AugmentSettings(Section):
    """How much training images are distorted, each anew whenever it is seen; what is 0 is off.

    Units and ranges are those of `inkling.data.Augment`.
    """

    shift: float = 0.0
    """Pixels, along each axis."""
    rotate: float = 0.0
    """Degrees."""
    scale: float = 0.0
    """Fraction of width and of height."""
    shear: float = 0.0
    """Pixels to the side for each pixel upwards."""
    elastic: float = 0.0
    """Standard deviation of the displacement along each axis, in pixels."""
    elastic_sigma: float = 4.0
    """How smooth that displacement is: the standard deviation of a Gaussian, in pixels."""
    thickness: float = 0.0
    """Pixels by which the outlines of strokes move."""
    erase: float = 0.0
    """Largest fraction of the image's area to cover."""
    blur: float = 0.0
    """Largest standard deviation of the Gaussian that blurs, in pixels."""
    noise: float = 0.0
    """Largest standard deviation of noise on every pixel, as a fraction of full ink."""

    @check(mode="after")
    def within_range(self) -> AugmentSettings:
        """Refuse what `Augment` refuses."""
        Augment(**self.model_dump())
        return self


class ConvolutionSettings(Section):
    """One convolution: Conv2D, batch normalisation if the network has it, max pooling, activation, dropout."""

    channels: PositiveInt
    kernel: PositiveInt = 3
    stride: PositiveInt = 1
    padding: Literal["valid", "same"] = "valid"
    pool: NonNegativeInt = 0
    """The side of the windows of max pooling, 0 for none. The activation comes after it, on fewer numbers."""
    dropout: Fraction = 0.0
    batch_norm: bool | None = None
    """None: as the network has it."""
    activation: Activation | None = None
    """None: the network's."""


class HiddenSettings(Section):
    """A dense hidden layer that differs from the others. What is None is as the network has it."""

    units: PositiveInt
    batch_norm: bool | None = None
    activation: Activation | None = None
    dropout: Fraction | None = None


AnyHidden = Annotated[
    Annotated[PositiveInt, Tag("size")] | Annotated[HiddenSettings, Tag("layer")],
    Discriminator(lambda value: "layer" if isinstance(value, (dict, HiddenSettings)) else "size"),
]
"""How many neurons; or { units = …, activation = … } for a layer that differs from the others."""


class NetworkSettings(Section):
    """Convolutions, then dense hidden layers, each followed by the activation and (if above 0) dropout; ten outputs."""

    convolutions: list[ConvolutionSettings] = []
    batch_norm: bool = False
    """Batch normalisation in every convolution and every hidden layer, before the activation."""
    hidden: list[AnyHidden] = [128]
    activation: Activation = "relu"
    dropout: Fraction = 0.0
    initializer: Literal[
        "he", "he_normal", "he_uniform", "glorot", "glorot_normal", "glorot_uniform", "scaled_normal", "zeros"
    ] = "he"
    initializer_std: PositiveFloat | None = None
    """For scaled_normal: 0.01 · N(0, 1) has 0.01."""
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def hidden_layers(self) -> list[HiddenSettings]:
        """The dense hidden layers, also those that are no more than a number."""
        return [HiddenSettings(units=each) if isinstance(each, int) else each for each in self.hidden]

    @check(mode="after")
    def std_only_where_it_counts(self) -> NetworkSettings:
        """Refuse a standard deviation that nothing would use."""
        if self.initializer_std is not None and self.initializer != "scaled_normal":
            raise ValueError('initializer_std is for initializer = "scaled_normal" alone')
        return self


class LossSettings(Section):
    """What is made small. `l2` is λ of ½·λ·Σ W²."""

    name: Literal["cross_entropy", "mean_squared_error", "binary_cross_entropy"] = "cross_entropy"
    reduction: Literal["mean", "sum"] = "mean"
    label_smoothing: Fraction = 0.0
    l2: Rate = 0.0


class OptimizerSettings(Section):
    """What every optimizer has."""

    learning_rate: Rate
    clip_norm: PositiveFloat | None = None


class SGDSettings(OptimizerSettings):
    """Stochastic gradient descent, with or without momentum."""

    name: Literal["sgd"] = "sgd"
    learning_rate: Rate = 0.1
    momentum: Fraction = 0.0
    nesterov: bool = False


class RMSpropSettings(OptimizerSettings):
    """RMSprop."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: Rate = 0.001
    rho: Fraction = 0.9
    epsilon: Rate = 1e-8


class AdamSettings(OptimizerSettings):
    """Adam."""

    name: Literal["adam"] = "adam"
    learning_rate: Rate = 0.001
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Rate = 1e-8


class AdamWSettings(AdamSettings):
    """Adam with decoupled weight decay."""

    name: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    weight_decay: Rate = 0.01


AnyOptimizer = Annotated[SGDSettings | RMSpropSettings | AdamSettings | AdamWSettings, Field(discriminator="name")]


class ScheduleSettings(Section):
    """How the learning rate changes over the epochs; the optimizer's `learning_rate` is the largest."""

    name: Literal["constant", "step", "cosine", "one_cycle"] = "constant"
    warm_epochs: NonNegativeFloat = 0.0
    every: PositiveFloat | None = None
    factor: PositiveFloat | None = None
    final: Rate | None = None
    peak: Annotated[float, Field(ge=0, le=1)] | None = None
    divide: Annotated[float, Field(ge=1)] | None = None
    final_divide: Annotated[float, Field(ge=1)] | None = None

    @check(mode="after")
    def only_its_own(self) -> ScheduleSettings:
        """Refuse settings that belong to another schedule."""
        own = {
            "constant": set(),
            "step": {"every", "factor"},
            "cosine": {"final"},
            "one_cycle": {"peak", "divide", "final_divide"},
        }[self.name]
        for setting in ("every", "factor", "final", "peak", "divide", "final_divide"):
            if getattr(self, setting) is not None and setting not in own:
                raise ValueError(f'{setting} means nothing to name = "{self.name}"')
        return self


class TrainingSettings(Section):
    """How long, in which portions, and what stops it. `batch_size = "full"` takes all samples in each step."""

    epochs: NonNegativeInt = 10
    batch_size: PositiveInt | Literal["full"] = 128
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    log_every: PositiveInt | None = None
    early_stopping: PositiveInt | None = None
    """Stop after so many epochs without a better validation loss, and keep the best weights."""
    threads: PositiveInt | None = None
    engine: Literal["auto", "compiled", "numpy", "reference"] = "auto"
    """What computes: neither this nor `threads` changes what is learned, but for rounding."""
    average: Fraction = 0.0
    """Train on, but keep the moving average of the weights with this decay, such as 0.999; 0 keeps the last ones."""


class FiguresSettings(Section):
    """Pictures drawn into the run folder after training."""

    predictions: NonNegativeInt = 10
    """How many test images, with predicted and true label, in figures/predictions.png; 0 for none."""


class ReportSettings(Section):
    """The page about the run, report.html, and the vital signs of the layers that it shows."""

    enabled: bool = True


class Recipe(Section):
    """A training worth repeating: everything that decides its outcome."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = "custom"
    title: str = ""
    expect: str = ""
    """The accuracy to expect, in a few words, for the list of recipes."""
    claim: str = ""
    """What the program that the recipe retells says of itself."""
    data: DataSettings = DataSettings()
    augment: AugmentSettings = AugmentSettings()
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    optimizer: AnyOptimizer = SGDSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    training: TrainingSettings = TrainingSettings()
    figures: FiguresSettings = FiguresSettings()
    report: ReportSettings = ReportSettings()

    @check(mode="after")
    def fits_together(self) -> Recipe:
        """Refuse sections that contradict each other."""
        if self.training.early_stopping and not self.data.validation:
            raise ValueError("training.early_stopping needs a validation split: set data.validation")
        if self.training.early_stopping and self.training.average:
            raise ValueError(
                "training.early_stopping keeps the best weights and training.average their mean: choose one"
            )
        if self.data.test and self.data.pool != "all":
            raise ValueError('data.test draws a test set from all images together: set data.pool = "all"')
        if isinstance(self.optimizer, SGDSettings) and self.optimizer.nesterov and not self.optimizer.momentum:
            raise ValueError("optimizer.nesterov needs optimizer.momentum above 0")
        return self
