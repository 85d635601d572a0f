"""`inkling data`: what digits there are, fetching and checking them, and a look at some."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from inkling.cli import options
from inkling.cli.terminal import Loading, plain, print_json, report, results
from inkling.errors import InklingError

app = typer.Typer(help="Show what data there is; fetch it, verify it, look at it.", rich_markup_mode="rich")
GAP = "  "
"""Between digits side by side."""


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
    seed: Annotated[int, typer.Option(help="Which ones.", min=0)] = 0,
    ascii: Annotated[bool, typer.Option("--ascii", help="Use no characters beyond ASCII.")] = False,  # noqa: A002
) -> None:
    """Print digits as characters."""
    import numpy as np

    from inkling.data import SplitPlan, ascii_digit, load_data

    out = results()
    with Loading() as progress:
        digits = load_data("auto" if data is None else data, plan=SplitPlan(), progress=progress, report=report)
    candidates = np.flatnonzero(digits.train.labels == digit) if digit is not None else np.arange(len(digits.train))
    if len(candidates) == 0:
        raise InklingError(f"there is no {digit} in this data")
    picked = np.random.default_rng(seed).choice(candidates, min(count, len(candidates)), replace=False)
    out.print(plain(digits.note), highlight=False, soft_wrap=True)
    blocks = not (ascii or out.options.ascii_only)
    side = digits.train.images.shape[2]
    across = max(1, (out.width + len(GAP)) // (side + len(GAP)))
    for start in range(0, len(picked), across):
        row = picked[start : start + across]
        drawn = [ascii_digit(digits.train.images[index], blocks=blocks).splitlines() for index in row]
        for lines in zip(*drawn, strict=True):
            out.print(GAP.join(lines).rstrip(), highlight=False, markup=False, soft_wrap=True)
        captions = (f"label {digits.train.labels[index]}, image {index:,}".center(side) for index in row)
        out.print(GAP.join(captions).rstrip(), highlight=False, style="bold", soft_wrap=True)


@app.command()
def clear() -> None:
    """Remove what Inkling has downloaded, and nothing else."""
    from inkling.data import cache_folder, clear_cache

    removed = clear_cache()
    what = "nothing to remove" if not removed else f"removed {len(removed)} {'file' if len(removed) == 1 else 'files'}"
    results().print(f"{what} in [bold]{plain(cache_folder())}[/]", highlight=False, soft_wrap=True)
