"""The history of a training: one row an epoch, and where the numbers go that pictures and files are made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from inkling.errors import InklingError


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Training loss and accuracy are running means over the epoch, as the batches were seen (dropout on, the
    network still changing); validation's are measured after it. Accuracies are fractions of 1. `seconds` is the
    time this epoch's training took, without validation. Validation is None where there is no such split.
    """

    epoch: int
    seconds: float
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


COLUMNS = tuple(field.name for field in fields(Epoch))


@dataclass
class History:
    """The epochs so far; `history["train_loss"]` is one column as a list."""

    epochs: list[Epoch] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, column: str) -> list[Any]:
        if column not in COLUMNS:
            raise KeyError(f"history has no column {column!r}; it has {', '.join(COLUMNS)}")
        return [getattr(epoch, column) for epoch in self.epochs]

    @property
    def last(self) -> Epoch:
        """The newest row; raises IndexError before the first epoch has ended."""
        return self.epochs[-1]

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss (without validation: training loss)."""
        return min(self.epochs, key=lambda e: e.train_loss if e.validation_loss is None else e.validation_loss)

    def to_csv(self) -> str:
        """All rows as CSV text with a header; an empty cell where there is no number."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(epoch) for epoch in self.epochs)
        return text.getvalue()

    def to_list(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, ready for JSON."""
        return [asdict(epoch) for epoch in self.epochs]

    @classmethod
    def from_list(cls, rows: list[dict[str, Any]]) -> History:
        """The history that `to_list` described."""
        return cls([Epoch(**row) for row in rows])

    @classmethod
    def read(cls, path: Path | str) -> History:
        """The history in a `history.csv`. Raises InklingError if it is missing or something else."""
        try:
            with Path(path).open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows = list(reader)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"its first line is not {','.join(COLUMNS)}")
            return cls([Epoch(**{name: number(name, row[name]) for name in COLUMNS}) for row in rows])
        except OSError as error:
            raise InklingError(f"cannot read {path}: {error.strerror or error}") from None
        except (csv.Error, ValueError, TypeError) as error:
            raise InklingError(f"{path} is no history of a training ({error})") from None


def number(column: str, text: str) -> Any:
    """A cell of the CSV as what it was."""
    if text == "" and column.startswith("validation"):
        return None
    return int(text) if column == "epoch" else float(text)
