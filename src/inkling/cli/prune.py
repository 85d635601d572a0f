"""`inkling runs prune`: remove run folders that nobody needs, after saying exactly which.

Nothing is removed but what a training or Inkling itself wrote, nothing through a link, and no run that may still be
training. What is best is told by validation: choosing runs by their test accuracy would spoil the test.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import options
from inkling.cli.terminal import percent, plain, print_json, results
from inkling.cli.where import Place, Where, chosen, folder_of_runs
from inkling.errors import InklingError

if TYPE_CHECKING:
    from inkling.training.runs import RunRow

RECENT = 3600
"""An unfinished run that has written something within so many seconds may still be training."""
OURS = re.compile(
    r"recipe\.toml|history\.csv|metrics\.json|vitals\.csv|report\.html|(model|checkpoint)\.safetensors|model\.onnx"
    r"|events\.out\.tfevents\..*|figures|figures/[^/]+\.(png|svg)|\.[^/]+\.[0-9a-f]{8}"
)
"""What may lie in a run folder, its temporary files among it."""


@dataclass(frozen=True)
class Verdict:
    """What is to become of a run, and why."""

    row: RunRow
    remove: bool
    why: str
    files: int = 0
    bytes: int = 0


def prune(
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Remove those without results: what crashed trainings left. The default."),
    ] = False,
    best: Annotated[
        int | None,
        typer.Option(min=1, help="Of each recipe keep the N best on validation images.", metavar="N"),
    ] = None,
    newest: Annotated[int | None, typer.Option(min=1, help="Of each recipe keep the N newest.", metavar="N")] = None,
    where: Where = None,
    place: Place = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them. Without it, only say which.")] = False,
    json: options.Json = False,
) -> None:
    """Remove run folders: unfinished ones, or all but the best or the newest of each recipe.

    Without [bold]--yes[/bold] nothing is removed: it only says what would be. What may still
    be training stays, and so does every folder with files in it that Inkling did
    not write.

    Examples:
      inkling runs prune

      inkling runs prune --best 3 --where 'recipe=conv-*'

      inkling runs prune --newest 1 --yes

    """
    from inkling.training.runs import list_runs

    if best is not None and newest is not None:
        raise InklingError("--best and --newest: choose one")
    root = folder_of_runs(place)
    rows = {row.name: row for row in list_runs(root)}
    meant = [rows[values["name"]] for values in chosen([row.values() for row in rows.values()], where or [])]
    verdicts: list[Verdict] = []
    if unfinished or (best is None and newest is None):
        verdicts += [examined(row, so_far(row)) for row in meant if row.state == "unfinished"]
    if best is not None or newest is not None:
        verdicts += surplus(meant, best=best, newest=newest)
    verdicts += [Verdict(row, False, f"damaged ({row.problem})") for row in meant if row.state == "damaged"]
    removed = [verdict for verdict in verdicts if verdict.remove]
    kept = [verdict for verdict in verdicts if not verdict.remove]
    if not json:
        show(removed, kept, yes=yes)
    if yes:
        for verdict in removed:
            remove(verdict.row.folder.path)
    if json:
        listed = [
            {"run": str(each.row.folder.path), "why": each.why, "files": each.files, "bytes": each.bytes}
            for each in removed
        ]
        left = [{"run": str(each.row.folder.path), "why": each.why} for each in kept]
        print_json({"removed": yes, "runs": listed, "kept": left})


def surplus(rows: Sequence[RunRow], *, best: int | None, newest: int | None) -> list[Verdict]:
    """A verdict on each run with results that is not among the best, or the newest, of its recipe."""
    recipes: dict[str | None, list[RunRow]] = {}
    for row in rows:  # the newest first
        if row.state in ("finished", "interrupted"):
            recipes.setdefault(row.figures.get("recipe"), []).append(row)
    verdicts = []
    for same in recipes.values():
        if best is None:
            verdicts += [examined(row, f"{newest} newer") for row in same[newest:]]
            continue
        judged = [row for row in same if row.figures.get("validation_accuracy") is not None]
        judged.sort(key=lambda row: -row.figures["validation_accuracy"])  # of equals the newest first
        verdicts += [
            examined(row, f"validation {percent(row.figures['validation_accuracy'])}, {best} better")
            for row in judged[best:]
        ]
        if len(same) > best:
            why = "no validation images to judge it by"
            verdicts += [Verdict(row, False, why) for row in same if row not in judged]
    return verdicts


def so_far(row: RunRow) -> str:
    """How far an unfinished run came."""
    epochs = row.figures.get("epochs")
    went_on = ", could be resumed" if row.folder.checkpoint.is_file() else ""
    return (
        "unfinished"
        if epochs is None
        else f"unfinished, {epochs} of {row.settings.get('training.epochs')} epochs{went_on}"
    )


def examined(row: RunRow, why: str) -> Verdict:
    """The verdict to remove a run, unless there is a reason to leave it alone."""
    path = row.folder.path
    if path.is_symlink():
        return Verdict(row, False, "it is a link, and what it points to may be needed elsewhere")
    inside = sorted(path.rglob("*"))
    foreign = [str(file.relative_to(path).as_posix()) for file in inside]
    foreign = [name for name in foreign if not OURS.fullmatch(name)]
    if foreign:
        return Verdict(row, False, f"it holds {', '.join(foreign[:3])}{' …' * (len(foreign) > 3)}, which no run wrote")
    stats = [file.lstat() for file in (path, *inside)]
    idle = time.time() - max(stat.st_mtime for stat in stats)
    if row.state == "unfinished" and idle < RECENT:
        return Verdict(row, False, f"it wrote something {max(idle, 0) / 60:.0f} minutes ago: it may still be training")
    files = [stat for file, stat in zip(inside, stats[1:], strict=True) if not file.is_dir()]
    return Verdict(row, True, why, len(files), sum(stat.st_size for stat in files))


def show(removed: Sequence[Verdict], kept: Sequence[Verdict], *, yes: bool) -> None:
    """Each folder that goes, with the reason and its size; each that might have gone, and why it stays."""
    out = results()
    for each in removed:
        what = f"{each.files} {'file' if each.files == 1 else 'files'}, {each.bytes / 1e6:,.1f} MB"
        out.print(
            f"{'remove' if yes else 'would remove'} [bold]{plain(each.row.folder.path)}[/]  {plain(each.why)}; {what}",
            highlight=False,
            soft_wrap=True,
        )
    for each in kept:
        out.print(f"keep {plain(each.row.folder.path)}: {plain(each.why)}", highlight=False, soft_wrap=True)
    total = sum(each.bytes for each in removed) / 1e6
    count = f"{len(removed)} run {'folder' if len(removed) == 1 else 'folders'}"
    if not removed:
        out.print("there is nothing to remove")
    elif yes:
        out.print(f"{count}, {total:,.1f} MB", highlight=False)
    else:
        out.print(f"{count}, {total:,.1f} MB; to remove them, say it again with [bold]--yes[/]", highlight=False)


def remove(path: Path) -> None:
    """Remove a run folder. Raises InklingError if it cannot be."""
    import shutil

    try:
        shutil.rmtree(path)
    except OSError as error:
        raise InklingError(f"cannot remove {path}: {error.strerror or error}") from None
