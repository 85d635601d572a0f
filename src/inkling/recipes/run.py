"""One training from recipe to run folder: load, build, train, measure, write down.

Here the rooms meet: `inkling.data` brings the images, `inkling.training` trains, `inkling.storage` says where
things lie. Nothing is written before data and network are known to be good, and what is written is whole at
any time: a run that is interrupted leaves a model, a history and metrics like any other, and can go on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from inkling.data import Digits, load_data
from inkling.errors import InklingError, RecipeError
from inkling.nn import Network
from inkling.recipes.build import build_augment, build_network, build_optimizer, build_plan
from inkling.recipes.loader import load_recipe
from inkling.recipes.metrics import measure
from inkling.recipes.settings import Recipe
from inkling.storage import RunFolder, read_arrays, save_model, write_atomically, write_json, write_text
from inkling.training import (
    Callback,
    Checkpoint,
    CSVLog,
    EarlyStopping,
    Evaluation,
    Health,
    History,
    Trainer,
    Vitals,
    WeightAverage,
    evaluate,
)


@dataclass(frozen=True, eq=False)
class Run:
    """A finished (or interrupted) training and where it lies."""

    folder: RunFolder
    recipe: Recipe
    network: Network
    history: History
    metrics: dict[str, Any]
    """What metrics.json holds."""
    evaluations: dict[str, Evaluation]
    """By split: "train", and "validation" and "test" where they exist."""
    digits: Digits


def run_recipe(
    recipe: Recipe | str | Path = "default",
    *,
    data: Digits | None = None,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    callbacks: Sequence[Callback] | Callable[[RunFolder], Sequence[Callback]] = (),
    on_data: Callable[[Digits], object] | None = None,
    on_saved: Callable[[Run], object] | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> Run:
    """Train by a recipe and leave a run folder.

    `data`: digits to use instead of what the recipe names, with the splits they have.
    `out`: the run folder (by default runs/<UTC time>-<recipe>).
    `resume`: a run folder to go on with; `recipe` must then be its own, but for a higher `training.epochs`.
    `callbacks`: watch the training, besides those that save it; a function is called with the run folder and returns
    them. `on_data` is called with the digits before training begins, `on_saved` with the run when all is saved and only
    its report has still to be written; `progress` and `report` as in `load_data`.

    Raises InklingError for anything the user can put right, before anything is written. After Ctrl-C the run is
    saved as it is, its outcome "interrupted".
    """
    began = perf_counter()
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    RunFolder.check_free(out)  # before data is loaded, perhaps downloaded, in vain
    if data is None:
        plan = build_plan(recipe.data, recipe.training.seed)
        data = load_data(recipe.data.source, plan=plan, progress=progress, report=report)
    if recipe.training.early_stopping and data.validation is None:
        raise RecipeError("training.early_stopping watches the validation loss, but this data has no validation split")
    network = build_network(recipe)
    if on_data is not None:
        on_data(data)
    folder = RunFolder.create(recipe.name, out) if resume is None else RunFolder.open(resume)
    fingerprint = zlib.crc32(data.train.images.data) ^ zlib.crc32(data.train.labels.data)
    stopping = recipe.training.early_stopping
    watchers: list[Callback] = [EarlyStopping(stopping)] if stopping else []
    watchers += [WeightAverage(recipe.training.average)] if recipe.training.average else []
    watchers += [CSVLog(folder.history), Checkpoint(folder.checkpoint, about={"data": fingerprint}), Health()]
    watchers += [Vitals(folder.vitals)] if recipe.report.enabled else []
    watchers += callbacks(folder) if callable(callbacks) else callbacks
    trainer = Trainer(
        network,
        build_optimizer(recipe),
        callbacks=watchers,
        seed=recipe.training.seed,
        threads=recipe.training.threads,
        engine=recipe.training.engine,
        augment=build_augment(recipe.augment),
    )
    if resume is not None:
        go_on(trainer, folder, recipe, fingerprint)
    try:
        write_text(folder.recipe, to_toml(recipe))
        train(trainer, recipe, data)
        save_model(network, folder.model, about={"recipe": recipe.name, "seed": recipe.training.seed})
    except BaseException:
        folder.remove_if_bare()
        raise
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    evaluations = {name: evaluate(network, split) for name, split in parts.items() if split is not None}
    metrics = measure(recipe, data, trainer, evaluations)
    metrics["wall_seconds"] = trainer.earlier_wall + perf_counter() - began
    write_json(folder.metrics, metrics)
    draw(folder, recipe, network, data)
    run = Run(folder, recipe, network, trainer.history, metrics, evaluations, data)
    if on_saved is not None:
        on_saved(run)
    if recipe.report.enabled:
        judged = evaluations.get("test") or evaluations.get("validation") or evaluations["train"]
        write_report(folder, data, network=network, evaluation=judged)
    return run


def train(trainer: Trainer, recipe: Recipe, data: Digits) -> None:
    """Let the trainer do its work; Ctrl-C ends it early, but leaves it whole."""
    settings = recipe.training
    try:
        trainer.fit(
            data.train,
            validation=data.validation,
            epochs=settings.epochs,
            batch_size=None if settings.batch_size == "full" else settings.batch_size,
        )
    except KeyboardInterrupt:
        # A second Ctrl-C broke off within a step: then there is nothing whole to save.
        if trainer.outcome == "failed":
            raise


def go_on(trainer: Trainer, folder: RunFolder, recipe: Recipe, fingerprint: int) -> None:
    """Prepare the trainer to continue from the run's checkpoint.

    Raises InklingError if there is none, if the training is over, or if recipe or data are not the run's.
    """
    if not folder.checkpoint.is_file():
        raise InklingError(f"{folder.path} holds no checkpoint.safetensors: there is nothing to resume from")
    arrays, metadata = read_arrays(folder.checkpoint)
    if "checkpoint" not in metadata:
        raise InklingError(f"{folder.checkpoint} is no checkpoint")
    values = metadata["checkpoint"]
    if metadata["about"].get("data") != fingerprint:
        raise InklingError(f"{folder.path} was trained on other data: name the same with --data")
    before = load_recipe(folder.recipe)
    epochs, source = recipe.training.epochs, recipe.data.source
    changes = {
        "training": before.training.model_copy(update={"epochs": epochs}),
        "report": recipe.report,
        "data": before.data.model_copy(update={"source": source}),  # the same images may lie elsewhere by now
    }
    if before.model_copy(update=changes) != recipe:
        raise RecipeError(f"{folder.path} was trained by another recipe: only training.epochs can change on resuming")
    if values["outcome"] == "stopped":
        raise InklingError(f"{folder.path} was stopped early, because validation no longer improved: it is finished")
    if values["epoch"] >= epochs:
        raise InklingError(
            f"{folder.path} has finished its {values['epoch']} epochs: to train on, say --epochs with a larger number"
        )
    trainer.restore(arrays, values)


def write_report(folder: RunFolder, digits: Digits, *, network: Network, evaluation: Evaluation) -> None:
    """The page about the run (importing what draws it takes a second, so only where one is wanted)."""
    from inkling.report import write_report as write

    write(folder, digits, network=network, evaluation=evaluation)


def draw(folder: RunFolder, recipe: Recipe, network: Network, data: Digits) -> None:
    """The pictures that the recipe asks for."""
    split = data.test or data.validation
    count = recipe.figures.predictions
    if not count or split is None:
        return
    from inkling.figures import predictions

    picked = np.arange(min(count, len(split)))
    figure = predictions(network, split.images[picked], split.labels[picked])
    write_atomically(folder.figures / "predictions.png", lambda beside: figure.savefig(beside, format="png"))


def to_toml(recipe: Recipe) -> str:
    """The recipe with all its values, as TOML: read again, it is the same recipe."""
    import tomli_w

    return tomli_w.dumps(recipe.model_dump(exclude_none=True))
