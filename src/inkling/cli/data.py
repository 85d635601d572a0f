"""`inkling data`: what digits there are, fetching and checking them, and a look at some."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options
from inkling.cli.terminal import Loading, plain, print_json, report, results
from inkling.errors import InklingError, RecipeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inkling.data import Augment, Split

app = typer.Typer(help="Show what data there is; fetch it, verify it, look at it.", rich_markup_mode="rich")
GAP = "  "
"""Between digits side by side."""
EXAMPLE = {"shift": 1.5, "rotate": 10.0, "scale": 0.1, "shear": 0.15, "elastic": 1.2}
"""Distortions to look at where neither a recipe nor an option names any."""


@app.callback(invoke_without_command=True)
def status(context: typer.Context, json: options.Json = False) -> None:
    """Show what data there is, and where it would come from.

    Data is looked for in $INKLING_DATA, then in the cache, then on the network;
    without any, Inkling trains on the handwritten digits that come with
    scikit-learn.
    """
    if context.invoked_subcommand is not None:
        return
    from inkling.data import cache_folder, cached_files

    files = cached_files()
    named = os.environ.get("INKLING_DATA")
    if json:
        found = [{"file": str(f.path), "bytes": f.bytes, "verified": f.verified} for f in files]
        print_json({"cache": str(cache_folder()), "files": found, "INKLING_DATA": named})
        return
    out = results()
    there = "" if named is None or Path(named).expanduser().exists() else " (there is nothing of that name)"
    out.print(f"[bold]$INKLING_DATA[/]  {plain(named or 'not set')}{there}", highlight=False, soft_wrap=True)
    out.print(f"[bold]cache[/]          {plain(cache_folder())}", highlight=False, soft_wrap=True)
    for file in files:
        state = "verified" if file.verified else "not verified: damaged, or not yet whole"
        out.print(f"  {file.path.name}  {file.bytes:,} bytes, {state}", highlight=False, soft_wrap=True)
    if not files:
        out.print("  empty: [bold]inkling data fetch[/] downloads MNIST (about 11 MB)", highlight=False)


@app.command()
def fetch(json: options.Json = False) -> None:
    """Download MNIST into the cache, from the first mirror that delivers it whole and unchanged."""
    from inkling.data import fetch_mnist

    with Loading() as progress:
        folder = fetch_mnist(progress=progress, report=report)
    if json:
        print_json({"folder": str(folder)})
    else:
        results().print(f"MNIST is in [bold]{plain(folder)}[/]", highlight=False, soft_wrap=True)


@app.command()
def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of MNIST's IDX files.", show_default="the cache")
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare MNIST's four files with the published hashes. Exit status 2 if one is missing or differs."""
    from inkling.data import verify as check

    if folder is not None and not folder.is_dir():
        raise InklingError(f"{folder} is no folder")
    states = check(folder)
    if json:
        print_json([{"file": state.name, "state": state.state, "detail": state.detail} for state in states])
    else:
        colours = {"ok": "green", "damaged": "red", "missing": "yellow"}
        for state in states:
            line = f"[{colours[state.state]}]{state.state:<8}[/] {state.name}  {plain(state.detail)}"
            results().print(line, highlight=False, soft_wrap=True)
    if any(state.state != "ok" for state in states):
        raise typer.Exit(2)


@app.command()
def show(
    data: options.Data = None,
    count: Annotated[int, typer.Option(help="How many digits.", min=1, max=1000)] = 6,
    digit: Annotated[int | None, typer.Option(help="Only this digit.", min=0, max=9, show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Which ones, and how they are distorted.", min=0)] = 0,
    ascii: Annotated[bool, typer.Option("--ascii", help="Use no characters beyond ASCII.")] = False,  # noqa: A002
    augment: Annotated[
        bool, typer.Option("--augment", help="Each with some random distortions of it, as training may see them.")
    ] = False,
    corrupted: Annotated[
        bool, typer.Option("--corrupted", help="Each as [bold]inkling evaluate --corrupted[/bold] measures on it.")
    ] = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Distort as this recipe does.",
            show_default="some example amounts",
            autocompletion=completion.recipe_names,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="augment.KEY=VALUE",
            help="How much of a distortion, for example [bold]--set augment.rotate=15[/bold]. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Draw distortions or corruptions into this file, a .png or .svg.", show_default=False),
    ] = None,
) -> None:
    """Print digits as characters, as they are, with random distortions, or corrupted.

    Examples:
      inkling data show --digit 7

      inkling data show --augment --set augment.rotate=30 --out distortions.png

      inkling data show --corrupted --count 1

    """
    import numpy as np

    from inkling.data import SplitPlan, load_data

    if not augment and (recipe is not None or settings):
        raise InklingError(f"{'--set' if recipe is None else '--recipe'} is for distortions: say --augment as well")
    if augment and corrupted:
        raise InklingError("--augment and --corrupted: say one of them")
    if out is not None and not (augment or corrupted):
        raise InklingError("--out draws distortions or corruptions: say --augment or --corrupted as well")
    if out is not None and out.suffix not in (".png", ".svg"):
        raise InklingError(f"--out {out}: the name must end in .png or .svg")
    distort = amounts(recipe, settings) if augment else None
    with Loading() as progress:
        digits = load_data("auto" if data is None else data, plan=SplitPlan(), progress=progress, report=report)
    train = digits.train
    candidates = np.flatnonzero(train.labels == digit) if digit is not None else np.arange(len(train))
    if len(candidates) == 0:
        raise InklingError(f"there is no {digit} in this data")
    random = np.random.default_rng(seed)
    picked = random.choice(candidates, min(count, len(candidates)), replace=False)
    results().print(plain(digits.note), highlight=False, soft_wrap=True)
    labels = [f"label {train.labels[index]}, image {index:,}" for index in picked]
    if corrupted:
        show_corrupted(train.take(picked), labels, seed, ascii=ascii)
        if out is not None:
            from inkling.figures import corruptions

            mixed = train.take(random.permutation(candidates))
            write_picture(corruptions(mixed.images, mixed.labels, seed=seed), out)
        return
    if distort is None:
        print_digits(train.images[picked], labels, ascii=ascii)
        return
    for image, label in zip(train.images[picked], labels, strict=True):
        times = max(1, across(image.shape[1]) - 1)
        distorted = distort(np.repeat(image[None], times, axis=0), random)
        print_digits(np.concatenate([image[None], distorted]), [label] + ["distorted"] * times, ascii=ascii)
    if out is not None:
        from inkling.figures import distortions

        mixed = train.take(random.permutation(candidates))
        write_picture(distortions(mixed.images, mixed.labels, distort, seed=seed), out)


def amounts(recipe: str | None, settings: list[str] | None) -> Augment:
    """The distortions that the options name. Raises InklingError if there are none."""
    from inkling.recipes import build_augment, load_recipe, parse_setting

    changes: dict[str, Any] = dict(map(parse_setting, settings or []))
    if other := next((key for key in changes if not key.startswith("augment.")), None):
        raise InklingError(f"--set {other}: only distortions can be set here, for example augment.rotate=15")
    if recipe is None and not changes:
        changes = {f"augment.{kind}": most for kind, most in EXAMPLE.items()}
    try:
        augment = build_augment(load_recipe(recipe or "default", changes).augment)
    except RecipeError as error:
        if recipe is not None:
            raise
        raise InklingError(str(error).removeprefix("recipe default: ")) from None  # a recipe that nobody named
    if augment is None:
        raise InklingError(
            f"recipe {recipe or 'default'} distorts nothing: set an amount, for example --set augment.rotate=15"
        )
    return augment


def show_corrupted(split: Split, captions: list[str], seed: int, *, ascii: bool) -> None:  # noqa: A002
    """Print each digit, and each corruption of it."""
    import numpy as np

    from inkling.data import CORRUPTIONS, corrupt

    changed = [corrupt(split.images, name, seed=seed) for name in CORRUPTIONS]
    for row, caption in enumerate(captions):
        images = np.stack([split.images[row], *(images[row] for images in changed)])
        print_digits(images, [caption, *CORRUPTIONS], ascii=ascii)


def write_picture(figure: Figure, out: Path) -> None:
    """Write the figure, and say where it is."""
    from inkling.figures.files import save

    (file,) = save(figure, out.with_suffix(""), (out.suffix.removeprefix("."),))
    results().print(plain(file), highlight=False, soft_wrap=True)


def across(side: int) -> int:
    """How many digits of that width fit side by side."""
    return max(1, (results().width + len(GAP)) // (side + len(GAP)))


def print_digits(images: Any, captions: list[str], *, ascii: bool) -> None:  # noqa: A002
    """Print digits (n, height, width) as characters, as many side by side as fit, a caption below each."""
    from inkling.data import ascii_digit

    out = results()
    blocks = not (ascii or out.options.ascii_only)
    side = images.shape[2]
    for start in range(0, len(images), across(side)):
        row = slice(start, start + across(side))
        drawn = [ascii_digit(image, blocks=blocks).splitlines() for image in images[row]]
        for lines in zip(*drawn, strict=True):
            out.print(GAP.join(lines).rstrip(), highlight=False, markup=False, soft_wrap=True)
        below = GAP.join(caption.center(side) for caption in captions[row])
        out.print(below.rstrip(), highlight=False, style="bold", soft_wrap=True)


@app.command()
def clear() -> None:
    """Remove what Inkling has downloaded, and nothing else."""
    from inkling.data import cache_folder, clear_cache

    removed = clear_cache()
    what = "nothing to remove" if not removed else f"removed {len(removed)} {'file' if len(removed) == 1 else 'files'}"
    results().print(f"{what} in [bold]{plain(cache_folder())}[/]", highlight=False, soft_wrap=True)
