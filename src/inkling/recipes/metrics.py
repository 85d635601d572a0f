"""The figures that a run is known by: what metrics.json holds."""

from __future__ import annotations

import sys
from typing import Any

from inkling.data import Digits, Split
from inkling.recipes.settings import Recipe
from inkling.report.environment import environment
from inkling.training import Evaluation, Trainer


def measure(recipe: Recipe, data: Digits, trainer: Trainer, evaluations: dict[str, Evaluation]) -> dict[str, Any]:
    """What metrics.json says of a run."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    metrics: dict[str, Any] = {
        "recipe": recipe.name,
        "dataset": {
            "source": data.source,
            "note": data.note,
            **{name: 0 if split is None else len(split) for name, split in parts.items()},
        },
        "parameters": len(trainer.network.parameters),
        "epochs": trainer.epoch,
        "outcome": trainer.outcome,
        "seed": recipe.training.seed,
        "engine": trainer.plan.name,
        "engine_note": trainer.plan.why,
        "threads": trainer.plan.workers,
        "seconds": trainer.seconds,
        "wall_seconds": trainer.wall_seconds,
        "samples_per_second": samples_trained(trainer, data.train) / max(trainer.seconds, 1e-9),
        "peak_memory_mb": peak_memory_mb(),
    }
    metrics["environment"] = environment()
    for name in parts:
        evaluation = evaluations.get(name)
        metrics[f"{name}_accuracy"] = evaluation.accuracy if evaluation else None
        metrics[f"{name}_loss"] = evaluation.loss if evaluation else None
    first = trainer.history.epochs[0] if trainer.history.epochs else None
    metrics["first_epoch_validation_accuracy"] = first.validation_accuracy if first else None
    metrics["first_epoch_validation_loss"] = first.validation_loss if first else None
    return metrics


def samples_trained(trainer: Trainer, train: Split) -> int:
    """How many images the training has seen, each time counted."""
    return trainer.epoch * len(train) + trainer.batch * trainer.batch_size


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MB (10⁶ bytes)."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset / 1e6)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
