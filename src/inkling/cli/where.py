"""Which runs are meant, and in which order: conditions such as `recipe=conv-*` and `test>98%`, keys to sort by.

A run is a flat row of values by name (`inkling.training.runs`). A condition is a name, one of = != < <= > >=, and a
value; several must all hold. `=` and `!=` take * and ? for any letters, and nothing for what is missing. A value that
no run can have under that name (epochs=two) is an error: to find nothing would look like an answer.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.errors import InklingError

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Only runs such as [bold]recipe=conv-*[/bold] or [bold]test>98%[/bold]. Can be repeated.",
        show_default=False,
    ),
]
Place = Annotated[
    Path | None, typer.Option("--in", metavar="FOLDER", help="The folder of the runs.", show_default="runs/")
]

Row = Mapping[str, Any]
HEADS = {
    "name": "run",
    "recipe": "recipe",
    "data": "data",
    "parameters": "parameters",
    "epochs": "epochs",
    "seconds": "seconds",
    "validation_accuracy": "validation",
    "test_accuracy": "test",
    "seed": "seed",
    "when": "when (UTC)",
    "state": "state",
}
"""The columns of the table of runs, and how they are headed."""
STATES = ("finished", "interrupted", "unfinished", "damaged")
CONDITION = re.compile(r"\s*([^\s=!<>]+)\s*(!=|<=|>=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
SHORT = {
    "run": "name",
    "train": "train_accuracy",
    "validation": "validation_accuracy",
    "test": "test_accuracy",
}
"""What a user would rather write."""
MIXED = ("training.batch_size",)
"""What is a number in some recipes and a word in others."""
BEST_FIRST = ("_accuracy", "when", "samples_per_second")
"""Endings of what is sorted downwards, because the largest is what one looks for; everything else upwards."""


@dataclass(frozen=True)
class Condition:
    """One condition, its key already one that the rows have."""

    key: str
    sign: str
    value: str

    def holds(self, row: Row) -> bool:
        """Whether the row meets it. What is missing meets nothing but `key=`."""
        has = row.get(self.key)
        if has is None or has == "":
            return self.sign == "=" and self.value == ""
        if self.sign in ("=", "!="):
            return self.equals(has) == (self.sign == "=")
        wanted: Any = moment(self.value) if self.key == "when" else number(self.value, self.key)
        if self.key != "when":
            if isinstance(has, (int, float)) != (wanted is not None):
                return False  # a batch size may be "full", which is neither below nor above a number
            if wanted is None:
                has, wanted = as_text(has).lower(), self.value.lower()
        return bool({"<": has < wanted, "<=": has <= wanted, ">": has > wanted, ">=": has >= wanted}[self.sign])

    def equals(self, has: Any) -> bool:
        """Whether a value is the wanted one: as a number if both are, else as text."""
        wanted = number(self.value, self.key)
        if wanted is not None and isinstance(has, (int, float)) and not isinstance(has, bool):
            return abs(has - wanted) <= 1e-9 * abs(wanted)
        if self.key == "when" and self.value:  # a day is all of its hours
            return has == moment(self.value) or matches(as_text(has), f"{spaced(self.value)}*")
        return matches(as_text(has), self.value)

    def complaint(self, rows: Sequence[Row]) -> str:
        """Why no run can have the value, which is not of the kind of what the rows have; "" if one can."""
        known = [row[self.key] for row in rows if row.get(self.key) not in (None, "")]
        equality = self.sign in ("=", "!=")
        if not known or (equality and self.value == ""):
            return ""
        kinds = {type(value) for value in known}
        wanted = number(self.value, self.key)
        open_ended = equality and ("*" in self.value or "?" in self.value)
        if self.key == "when":
            unclear = not open_ended and moment(self.value) is None
            return f"{self.value!r} is no time; write it as 2026-01-31 or 2026-01-31T12:30" * unclear
        if self.key == "state":
            right = equality and any(matches(state, self.value) for state in STATES)
            return "a run is finished, interrupted, unfinished or damaged" * (not right)
        if kinds == {bool}:
            right = equality and any(matches(word, self.value) for word in ("true", "false"))
            return f"{self.key} is true or false" * (not right)
        if self.key in MIXED and equality:
            return ""
        some, all_numbers = bool(kinds & {int, float}), kinds <= {int, float}
        if (all_numbers if equality else some) and wanted is None and not open_ended:
            return f"{self.key} is a number, and {self.value!r} is no number"
        if kinds == {str} and wanted is not None and not equality and self.key not in MIXED:
            return f"{self.key} is no number, so nothing is above or below it"
        return ""


def matches(text: str, pattern: str) -> bool:
    """Whether the text is what the pattern says; capitals don't matter."""
    # Square brackets are for letters here, not for choices between them: folders may have them in their names.
    return fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


def folder_of_runs(place: Path | None) -> Path:
    """The folder that --in names, or the one where runs go."""
    from inkling.storage import RUNS

    return RUNS if place is None else place


def conditions(texts: Sequence[str], rows: Sequence[Row]) -> list[Condition]:
    """The conditions that a user wrote. Raises InklingError for one that is none, or that no row can meet or miss."""
    found = []
    for text in texts:
        match = CONDITION.fullmatch(text)
        if match is None:
            raise InklingError(f"--where {text!r} is no condition: write for example recipe=conv-* or test>98%")
        key, sign, value = match.groups()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":  # TOML has quotes there
            value = value[1:-1]
        condition = Condition(known_key(key, rows, "--where"), sign.replace("==", "="), value)
        if complaint := condition.complaint(rows):
            raise InklingError(f"--where {text}: {complaint}")
        found.append(condition)
    return found


def chosen(rows: Sequence[Row], texts: Sequence[str]) -> list[Row]:
    """The rows for which all conditions hold."""
    wanted = conditions(texts, rows)
    return [row for row in rows if all(condition.holds(row) for condition in wanted)]


def in_order(rows: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """The rows sorted by the first key, and by the next where that is equal; a - before a key turns it round.

    Accuracies, speed and time begin with the largest, everything else with the smallest; missing values come last.
    """
    ordered = list(rows)
    for text in reversed(keys):
        if not text.removeprefix("-"):
            raise InklingError("--sort: name what to sort by, such as test or -epochs")
        key = known_key(text.removeprefix("-"), rows, "--sort")
        downwards = key.endswith(BEST_FIRST) != text.startswith("-")
        known = [row for row in ordered if row.get(key) not in (None, "")]
        numbers = all(isinstance(row[key], (int, float)) for row in known)
        known.sort(key=lambda row, k=key, n=numbers: row[k] if n else as_text(row[k]).lower(), reverse=downwards)  # type: ignore[misc]
        ordered = known + [row for row in ordered if row.get(key) in (None, "")]
    return ordered


def known_key(key: str, rows: Sequence[Row], option: str) -> str:
    """The key of the rows that a user means: itself, or a setting by the end of its name.

    Raises InklingError if no row has it, or several settings are called so.
    """
    keys = list(dict.fromkeys(name for row in rows for name in row))
    if key in SHORT:
        return SHORT[key]
    if not keys or key in keys:
        return key
    if f"{key}.name" in keys:  # optimizer=adam
        return f"{key}.name"
    ends = [name for name in keys if name.endswith(f".{key}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InklingError(f"{option} {key}: there is {' and '.join(ends)}; write which")
    close = difflib.get_close_matches(key, [*keys, *SHORT], n=1)
    rest = f"known are {', '.join(HEADS)}, and whatever else the first line of `inkling runs --csv` names"
    hint = f"did you mean {close[0]}?" if close else rest
    raise InklingError(f"{option}: a run has no {key!r}; {hint}")


def number(text: str, key: str) -> float | None:
    """The text as a number, 98% as 0.98; None if it is none. For an accuracy 98 means 98 %, too."""
    try:
        value = float(text.removesuffix("%").replace(",", "").rstrip())
    except ValueError:
        return None
    percent = text.endswith("%") or (key.endswith("_accuracy") and value > 1)
    return value / 100 if percent else value


def moment(text: str) -> datetime | None:
    """The beginning of a year, a month, a day, an hour …, in UTC unless it says otherwise; None if it is no time."""
    for rest in ("", "-01", "-01-01"):
        try:
            found = datetime.fromisoformat(text + rest)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def spaced(text: str) -> str:
    """A time as `as_text` writes it: the T of ISO 8601 may stand between day and hour."""
    return re.sub(r"(?<=\d)T(?=\d)", " ", text)


def as_text(value: Any) -> str:
    """A value as a condition sees it: true and false as TOML writes them, a time as 2026-01-31 12:30:00 (UTC)."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value).lower() if isinstance(value, bool) else str(value)
