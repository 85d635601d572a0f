"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.errors import RecipeError

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="auto (real MNIST, or the bundled digits where there is no network), mnist, digits, a folder of IDX "
        "files, a .csv, an .npz, or a folder of images sorted into 0/ … 9/.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on standard output, and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors and warnings.")]
Epochs = Annotated[
    int | None, typer.Option(help="How often to go through the training images.", min=0, show_default=False)
]
BatchSize = Annotated[
    str | None, typer.Option(help="Images a step, or [bold]full[/bold] for all of them.", show_default=False)
]
LearningRate = Annotated[float | None, typer.Option(help="How large the steps are.", show_default=False)]
Hidden = Annotated[
    str | None,
    typer.Option(metavar="N,N,…", help="Neurons of the hidden layers: 128,64. 0 for none.", show_default=False),
]
Activation = Annotated[
    str | None, typer.Option(help="relu, leaky_relu, sigmoid, tanh or identity.", show_default=False)
]
OptimizerName = Annotated[
    str | None, typer.Option("--optimizer", help="sgd, rmsprop, adam or adamw.", show_default=False)
]
Dropout = Annotated[
    float | None, typer.Option(help="Fraction of hidden neurons to silence in each step.", show_default=False)
]
L2 = Annotated[
    float | None, typer.Option("--l2", help="λ of the penalty ½·λ·Σ W² on large weights.", show_default=False)
]
Seed = Annotated[
    int | None, typer.Option(help="Decides first weights, order of images and dropout.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Any other setting of the recipe, for example [bold]--set schedule.name=cosine[/bold]. Can be repeated.",
        show_default=False,
    ),
]


def changes(
    *,
    settings: list[str] | None = None,
    data: str | None = None,
    batch_size: str | None = None,
    hidden: str | None = None,
    **flags: Any,
) -> dict[str, Any]:
    """What the options change in a recipe, as "section.key" → value. Options not given change nothing."""
    from inkling.recipes import parse_setting

    keys = {
        "optimizer": "optimizer.name",
        "epochs": "training.epochs",
        "learning_rate": "optimizer.learning_rate",
        "activation": "network.activation",
        "dropout": "network.dropout",
        "l2": "loss.l2",
        "seed": "training.seed",
    }
    changed = {keys[name]: flags[name] for name in keys if flags.get(name) is not None}
    if data is not None:
        changed["data.source"] = where_it_is(data)
    if batch_size is not None:
        changed["training.batch_size"] = batch_size if batch_size == "full" else whole("--batch-size", batch_size)
    if hidden is not None:
        sizes = [whole("--hidden", size) for size in hidden.split(",")]
        changed["network.hidden"] = [] if sizes == [0] else sizes
    return changed | dict(map(parse_setting, settings or []))


def whole(option: str, text: str) -> int:
    """The text as a whole number. Raises RecipeError with the option's name and what it can be."""
    try:
        return int(text)
    except ValueError:
        known = {"--batch-size": "a whole number, or full", "--hidden": "whole numbers: 128,64, or 0 for no layer"}
        raise RecipeError(f"{option}: {text.strip()!r} is no whole number; it can be {known[option]}") from None


def where_it_is(source: str) -> str:
    """A data source as it can be found from any folder: paths become absolute.

    Raises RecipeError for a path that is no text, because a recipe could not hold it.
    """
    if source in ("auto", "mnist", "digits") or not source.strip():
        return source
    try:
        source.encode()
    except UnicodeEncodeError:
        raise RecipeError(f"--data {source!r}: this name is not UTF-8; rename the file or the folder") from None
    return str(Path(source).expanduser().absolute())
