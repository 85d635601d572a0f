"""What the page may say to the server, word by word: every message is checked here before anything is done about it.

A message is a JSON object with an `id`, a `type` and the fields of that type; there is one class for each. Whatever
does not fit is answered with one clear line, and changes nothing. A `Setup` is all that decides a training; the page
keeps it in its URL. docs/playground.md shows what the server answers.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError
from pydantic import model_validator as check

from inkling.errors import InklingError
from inkling.recipes.settings import AnyOptimizer, AugmentSettings, Fraction, Rate, ScheduleSettings, SGDSettings

LARGEST_TEXT = 64 * 1024
"""Bytes of a message as text."""
LARGEST_DRAWING = 400
"""Pixels: height and width of a drawing."""
LIMITS = {
    "hidden_layers": 8,
    "units": 1024,
    "channels": 64,
    "kernel": 9,
    "parameters": 3_000_000,
    "batch_size": 4096,
    "drawing_side": LARGEST_DRAWING,
    "message_bytes": LARGEST_TEXT,
    "upload_bytes": 64_000_000,
    "unpacked_bytes": 200_000_000,
    "upload_images": 100_000,
    "picture_pixels": 16_000_000,
    "mistakes": 60,
}
"""What the page is told, and the server holds to."""

Activation = Literal["relu", "leaky_relu", "sigmoid", "tanh", "identity"]
Whole = Annotated[int, Field(ge=0, lt=2**31)]


class Words(BaseModel):
    """Unknown fields and wrong types are refused; a number is never made of a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ConvLayer(Words):
    """Convolution, batch normalisation if wanted, max pooling if `pool` > 0, activation, dropout: in this order."""

    kind: Literal["conv"] = "conv"
    channels: Annotated[int, Field(ge=1, le=LIMITS["channels"])] = 8
    kernel: Annotated[int, Field(ge=1, le=LIMITS["kernel"])] = 3
    stride: Annotated[int, Field(ge=1, le=4)] = 1
    padding: Literal["valid", "same"] = "valid"
    pool: Annotated[int, Field(ge=0, le=4)] = 0
    batch_norm: bool = False
    activation: Activation = "relu"
    dropout: Fraction = 0.0


class DenseLayer(Words):
    """Dense layer, batch normalisation if wanted, activation, dropout: in this order."""

    kind: Literal["dense"] = "dense"
    units: Annotated[int, Field(ge=1, le=LIMITS["units"])] = 32
    batch_norm: bool = False
    activation: Activation = "relu"
    dropout: Fraction = 0.0


Layer = Annotated[ConvLayer | DenseLayer, Field(discriminator="kind")]


class Setup(Words):
    """Everything that decides a training. Ten outputs follow the hidden `layers`; convolutions stand before dense ones.

    `epochs` is how long the schedule is (training itself goes on for as long as one plays; after that many epochs the
    rate stays where the schedule has left it). `train_samples` takes only the first so many training images.
    """

    layers: Annotated[list[Layer], Field(max_length=LIMITS["hidden_layers"])] = [DenseLayer()]
    initializer: Literal[
        "he", "he_normal", "he_uniform", "glorot", "glorot_normal", "glorot_uniform", "scaled_normal", "zeros"
    ] = "he"
    initializer_std: Annotated[float, Field(gt=0, le=10)] | None = None
    loss: Literal["cross_entropy", "mean_squared_error", "binary_cross_entropy"] = "cross_entropy"
    reduction: Literal["mean", "sum"] = "mean"
    label_smoothing: Fraction = 0.0
    l2: Rate = 0.0
    optimizer: AnyOptimizer = SGDSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 10
    batch_size: Annotated[int, Field(ge=1, le=LIMITS["batch_size"])] | Literal["full"] = 128
    augment: AugmentSettings = AugmentSettings()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    data: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    train_samples: PositiveInt | None = None

    @check(mode="after")
    def convolutions_first(self) -> Setup:
        """Refuse a convolution after a dense layer, and settings that only go with others."""
        kinds = [layer.kind for layer in self.layers]
        if "dense" in kinds and "conv" in kinds[kinds.index("dense") :]:
            raise ValueError("layers: a convolution cannot follow a dense layer, which has no rows and columns")
        if self.initializer_std is not None and self.initializer != "scaled_normal":
            raise ValueError('initializer_std is for initializer = "scaled_normal" alone')
        if isinstance(self.optimizer, SGDSettings) and self.optimizer.nesterov and not self.optimizer.momentum:
            raise ValueError("optimizer: nesterov needs a momentum above 0")
        return self


class Command(Words):
    """What every message has: a number that the answer repeats."""

    id: Whole


class Build(Command):
    """A new network, step 0, paused. → {setup, network: {parameters, layers: […]}}."""

    type: Literal["build"]
    setup: Setup


class Play(Command):
    """Train, step after step. → {}."""

    type: Literal["play"]


class Pause(Command):
    """Stop after this step. → {}."""

    type: Literal["pause"]


class Step(Command):
    """Take so many steps, then pause. → {}."""

    type: Literal["step"]
    count: Annotated[int, Field(ge=1, le=100_000)] = 1


class Epoch(Command):
    """Train to the end of the epoch, then pause. → {}."""

    type: Literal["epoch"]


class Reset(Command):
    """The same set-up from new first weights: the same ones, or with `new_seed` others. → as `build`."""

    type: Literal["reset"]
    new_seed: bool = False


class Pace(Command):
    """At most so many steps a second; null: as fast as it goes. → {}."""

    type: Literal["pace"]
    steps_per_second: Annotated[float, Field(gt=0, le=1e6)] | None


class Change(Command):
    """Change settings of a training that goes on, weights and all. → {setup}.

    `dropout` holds for all hidden layers. A new batch size, or other data, begins a new epoch.
    """

    type: Literal["change"]
    learning_rate: Annotated[float, Field(ge=0, le=1e6)] | None = None
    momentum: Fraction | None = None
    batch_size: Annotated[int, Field(ge=1, le=LIMITS["batch_size"])] | Literal["full"] | None = None
    l2: Rate | None = None
    dropout: Fraction | None = None
    label_smoothing: Fraction | None = None
    augment: AugmentSettings | None = None


class Look(Command):
    """Which image ticks show: one by its place in a split, the last drawing, or (`mistake`) one that is misread.

    → {source, split, index, label} and, at once, a tick.
    """

    type: Literal["look"]
    source: Literal["sample", "drawing"] = "sample"
    split: Literal["validation", "train"] = "validation"
    index: Whole | None = None
    mistake: bool = False


class View(Command):
    """What ticks carry: weights or not, and how often (milliseconds). → {}."""

    type: Literal["view"]
    weights: bool = True
    every_ms: Annotated[int, Field(ge=50, le=60_000)] = 250


class Neuron(Command):
    """Open a neuron: its weights, its sum, what excites it. `row`, `column`: where on a feature map. → frame `neuron`.

    `terms`: of the sum, the largest so many one by one.
    """

    type: Literal["neuron"]
    layer: Annotated[str, Field(max_length=40)]
    unit: Whole
    row: Whole | None = None
    column: Whole | None = None
    terms: Annotated[int, Field(ge=1, le=32)] = 8


class ExplainStep(Command):
    """Take one step, and show how it changed one weight of this neuron (`input`: which; by default the one with the
    largest gradient). → {sentence, formula, numbers …}.
    """

    type: Literal["explain_step"]
    layer: Annotated[str, Field(max_length=40)]
    unit: Whole
    input: Whole | None = None


class Teach(Command):
    """The last drawing joins the training images with this label, which replaces an earlier one. → {taught, copies}."""

    type: Literal["teach"]
    label: Annotated[int, Field(ge=0, le=9)]


class Mistakes(Command):
    """Validation images that are misread now, the surest first. → frame `mistakes`."""

    type: Literal["mistakes"]
    count: Annotated[int, Field(ge=1, le=LIMITS["mistakes"])] = 20


class Confusion(Command):
    """How often each digit is read as which, on the validation images, now. → {matrix, labels, …}."""

    type: Literal["confusion"]


class Drawing(Command):
    """The header of a drawing, which comes as a binary frame: `height` rows of `width` bytes of ink follow, 0…255.

    → frame `drawing`.
    """

    type: Literal["drawing"]
    width: Annotated[int, Field(ge=1, le=LARGEST_DRAWING)]
    height: Annotated[int, Field(ge=1, le=LARGEST_DRAWING)]
    final: bool = False


AnyCommand = (
    Build
    | Play
    | Pause
    | Step
    | Epoch
    | Reset
    | Pace
    | Change
    | Look
    | View
    | Neuron
    | ExplainStep
    | Teach
    | Mistakes
    | Confusion
)
COMMANDS = frozenset(get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(AnyCommand))
"""The types of all commands."""
_COMMAND: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="type")])


PLAIN = {
    "union_tag_invalid": "there is no such kind",
    "union_tag_not_found": "it must say of which kind it is",
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "model_type": "it must be a JSON object, {…}",
    "model_attributes_type": "it must be a JSON object, {…}",
    "list_type": "it must be a list, […]",
}
"""Of some of pydantic's complaints, by their types, the same in plain words."""
_EXAMPLE = 'such as {"id": 1, "type": "play"}'
PLAIN_OF_MESSAGES = PLAIN | {
    "union_tag_invalid": "there is no such command",
    "union_tag_not_found": f"a message has a type, {_EXAMPLE}",
    "model_type": f"a message is a JSON object, {_EXAMPLE}",
    "model_attributes_type": f"a message is a JSON object, {_EXAMPLE}",
}
"""The same where a message as a whole is wrong."""


class Refused(InklingError):
    """A message that does not fit: `where` names the field, `id` the message if it had one."""

    def __init__(self, message: str, where: str = "", number: int | None = None) -> None:
        super().__init__(message)
        self.where, self.id = where, number


def read_command(text: str) -> AnyCommand:
    """The command that this text is. Raises Refused."""
    if len(text) > LARGEST_TEXT or len(text.encode("utf-8", "surrogatepass")) > LARGEST_TEXT:
        raise Refused(f"the message is larger than {LARGEST_TEXT:,} bytes")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("the message is no JSON") from None
    try:
        return _COMMAND.validate_python(values)
    except ValidationError as error:
        raise refusal(error, id_of(values)) from None


def read_setup(values: Any) -> Setup:
    """The set-up that these values describe. Raises Refused."""
    try:
        return Setup.model_validate(values)
    except ValidationError as error:
        raise refusal(error, None) from None


def read_drawing_header(values: Any) -> Drawing:
    """The header of a drawing. Raises Refused."""
    try:
        return Drawing.model_validate(values)
    except ValidationError as error:
        raise refusal(error, id_of(values)) from None


def id_of(values: Any) -> int | None:
    """The message's number, if it has one."""
    number = values.get("id") if isinstance(values, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31 else None


def refusal(error: ValidationError, number: int | None) -> Refused:
    """Pydantic's first complaint as one line, and which field it is about."""
    first = error.errors(include_url=False)[0]
    tags = {"build", "change", "conv", "dense", "sgd", "rmsprop", "adam", "adamw"}
    place = [str(part) for part in first["loc"] if part not in tags and str(part).replace("_", "").isalnum()]
    if place and place[0] in COMMANDS:
        place = place[1:]
    if place[1:] and place[0] == "setup":
        place = place[1:]
    where = ".".join(place)[:120]
    kind = first["type"]
    plain = PLAIN if place else PLAIN_OF_MESSAGES
    message = plain.get(kind) or first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    message = message[:1].lower() + message[1:]
    given = first.get("input")
    if isinstance(given, (int, float)) and kind not in ("value_error", *plain):
        message = f"is {given if math.isfinite(given) else 'not finite'}: {message}"
    return Refused(f"{where}: {message}" if where else message, where, number)
