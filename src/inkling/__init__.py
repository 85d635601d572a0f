"""Inkling: a neural network that reads handwritten digits, written from first principles.

NumPy does the arithmetic; the network, its gradients and its training are here to be read, in this order:
`inkling.nn` (the network), `inkling.data` (where digits come from), `inkling.training` (how it learns),
`inkling.storage` (how it is kept), `inkling.recipes` (trainings worth repeating).

Importing this package loads next to nothing; a room is opened when a name in it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkling import data, figures, interop, nn, recipes, storage, training
    from inkling.data import Digits, Split, SplitPlan, load_data
    from inkling.engine import Predictor
    from inkling.errors import InklingError
    from inkling.recipes import Recipe, Run, load_recipe, run_recipe
    from inkling.storage import load_model, load_pretrained, save_model
    from inkling.training import (
        Callback,
        Checkpoint,
        CSVLog,
        EarlyStopping,
        Ensemble,
        Evaluation,
        Health,
        History,
        Progress,
        Trainer,
        WeightAverage,
        evaluate,
        load_runs,
    )
    from inkling.training.trace import trace

__version__ = "0.1.0"

WHERE = {
    "inkling.data": ["Digits", "Split", "SplitPlan", "load_data"],
    "inkling.engine": ["Predictor"],
    "inkling.errors": ["InklingError"],
    "inkling.recipes": ["Recipe", "Run", "load_recipe", "run_recipe"],
    "inkling.storage": ["load_model", "load_pretrained", "save_model"],
    "inkling.training": [
        "CSVLog",
        "Callback",
        "Checkpoint",
        "EarlyStopping",
        "Ensemble",
        "Evaluation",
        "Health",
        "History",
        "Progress",
        "Trainer",
        "WeightAverage",
        "evaluate",
        "load_runs",
        "trace",
    ],
}
"""Which room each name lives in: it is opened when the name is first used."""

ROOMS = ("data", "figures", "interop", "nn", "recipes", "report", "storage", "training")

__all__ = [
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Digits",
    "EarlyStopping",
    "Ensemble",
    "Evaluation",
    "Health",
    "History",
    "InklingError",
    "Predictor",
    "Progress",
    "Recipe",
    "Run",
    "Split",
    "SplitPlan",
    "Trainer",
    "WeightAverage",
    "data",
    "evaluate",
    "figures",
    "interop",
    "load_data",
    "load_model",
    "load_pretrained",
    "load_recipe",
    "load_runs",
    "nn",
    "recipes",
    "run_recipe",
    "save_model",
    "storage",
    "trace",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"inkling.{name}")
    for room, names in WHERE.items():
        if name in names:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'inkling' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__", *ROOMS})
