"""A run folder, read back: what the report and the pictures of a finished training are made of.

Recipe, history, metrics, vital signs and the network lie in the folder. The images don't: they are handed in, and
taken only if they are those that the run was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inkling.data import Digits, Split
from inkling.nn import Network
from inkling.storage import RunFolder, load_model
from inkling.training import Evaluation, History, Sign, evaluate, read_vitals
from inkling.training.runs import read_metrics, read_recipe

SPLITS = ("test", "validation", "train")
"""The splits a network can be judged on, the most telling first."""


@dataclass(frozen=True, eq=False)
class Record:
    """All that is known of a run."""

    folder: RunFolder
    recipe: dict[str, Any]
    """As recipe.toml says it, section by section."""
    metrics: dict[str, Any]
    history: History
    signs: list[Sign]
    """The layers' vital signs over time; empty where the run kept none."""
    network: Network
    digits: Digits | None = None
    missing: str = ""
    """Why `digits` is None, in one sentence."""
    evaluation: Evaluation | None = None
    """On the images of `judged_on`; None without digits."""

    def without(self, missing: str) -> Record:
        """The same record without images, for this reason."""
        return replace(self, digits=None, evaluation=None, missing=missing)

    @property
    def judged_on(self) -> str:
        """The split by which the run is judged: "test", or "validation" or "train" where there is no better one."""
        return next((name for name in SPLITS if self.metrics.get(f"{name}_accuracy") is not None), "train")

    @property
    def unseen(self) -> Split | None:
        """The images of `judged_on`."""
        return None if self.digits is None else getattr(self.digits, self.judged_on)

    @property
    def accuracy(self) -> float | None:
        """On `judged_on`, as metrics.json has it."""
        return self.metrics.get(f"{self.judged_on}_accuracy")

    @property
    def loss(self) -> float | None:
        """On `judged_on`, as metrics.json has it."""
        return self.metrics.get(f"{self.judged_on}_loss")

    @property
    def count(self) -> int:
        """How many images `judged_on` has."""
        return int(self.metrics["dataset"].get(self.judged_on) or 0)

    @property
    def right(self) -> int:
        """How many of them were read rightly."""
        return round((self.accuracy or 0.0) * self.count)


def read_record(
    run: RunFolder | Path | str,
    digits: Digits | None = None,
    *,
    missing: str = "the images were not handed in",
    network: Network | None = None,
    evaluation: Evaluation | None = None,
) -> Record:
    """What the run folder holds, with the images it was trained on.

    `run` is a folder or "latest". `missing` says why there are no `digits`, if there are none. `network` and
    `evaluation` (on the test images, or the best there are) save reading and computing what the caller has at hand.
    Raises InklingError in one line if the folder is no run's, or its training is not over.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.open(run)
    record = Record(
        folder,
        read_recipe(folder.recipe),
        read_metrics(folder.metrics),
        History.read(folder.history),
        read_vitals(folder.vitals) if folder.vitals.is_file() else [],
        network if network is not None else load_model(folder.path),
        missing=missing,
    )
    if digits is None:
        return record
    if trouble := mismatch(record.metrics["dataset"], digits):
        return replace(record, missing=trouble)
    record = replace(record, digits=digits, missing="")
    if evaluation is None and record.unseen is not None:
        evaluation = evaluate(record.network, record.unseen)
    return replace(record, evaluation=evaluation)


def mismatch(dataset: dict[str, Any], digits: Digits) -> str:
    """How these digits differ from those that metrics.json describes; empty if they don't."""
    if digits.source != dataset.get("source"):
        return f"the run was trained on {dataset.get('source')}, but what was found is {digits.source}"
    for name in reversed(SPLITS):
        split: Split | None = getattr(digits, name)
        now, then = 0 if split is None else len(split), dataset.get(name, 0)
        if now != then:
            return f"the run had {then:,} {name} images, but now there are {now:,}"
    return ""
