"""Make the network that comes along with Inkling (`make pretrained`): train it, round it, measure it, describe it.

The recipe is trained on the real MNIST into a run folder like any other. The network is then rounded to float16, and
only if that cost nothing, and corrupted copies of the validation images are still read, does it take its place in the
package, with its figures in the file and in its card. The test images are read once, at the very end.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from inkling.data import CORRUPTIONS, Digits, Split, bundled_digits, load_data, strokes
from inkling.data.corruptions import Corruption, either, moved
from inkling.data.random import image_keys
from inkling.data.warp import Images
from inkling.errors import DataError, InklingError
from inkling.nn import Network
from inkling.recipes import Recipe, build_plan, load_recipe, run_recipe
from inkling.storage import PRETRAINED, RunFolder, load_model, save_model, write_text
from inkling.training import Progress, corrupted_accuracies, evaluate

HERE = Path(__file__).resolve().parent
RECIPE = PRETRAINED.stem
TEMPLATE = HERE / "model_card.md"
CARDS = (PRETRAINED.with_name("model_card.md"), HERE.parent / "docs" / "model_card.md")
"""The card lies beside the weights, for whoever has only the package, and among the pages for everybody else."""
LARGEST = 500_000
"""Bytes of the file."""
FLOORS = {
    "clean": 0.9944,
    "rotate": 0.983,
    "shear": 0.989,
    "shrink": 0.986,
    "shift": 0.970,
    "noise": 0.970,
    "blur": 0.981,
    "thin": 0.970,
    "thick": 0.985,
}
"""What the network must reach on validation images, as they are and corrupted, to be worth carrying along."""


def main() -> None:
    """Train, or take a finished run, and put the network into the package."""
    parser = argparse.ArgumentParser(description="Make the network that comes along with Inkling.")
    parser.add_argument("--run", metavar="RUN", help=f"a finished run of {RECIPE} to take instead of training one")
    given = parser.parse_args()
    try:
        digits = real_digits(load_recipe(RECIPE))
        folder = train(digits) if given.run is None else RunFolder.open(given.run)
        about = publish(load_model(folder.path), digits, threads=check_run(folder)["threads"])
    except InklingError as error:
        sys.exit(f"make pretrained: {error}")
    size, accuracy = PRETRAINED.stat().st_size, percent(about["test"]["accuracy"])
    print(f"{PRETRAINED}: {size:,} bytes, {accuracy} of the test images")


def real_digits(recipe: Recipe) -> Digits:
    """The real MNIST, divided as the recipe says. Raises DataError if anything else is found, or nothing."""
    digits = load_data("mnist", plan=build_plan(recipe.data, recipe.training.seed))
    if digits.source != "mnist":
        raise DataError(
            f"this is {digits.note}, but the network that comes along is made from the real MNIST alone: "
            "unset INKLING_DATA, or point it at MNIST's four files"
        )
    return digits


def train(digits: Digits) -> RunFolder:
    """A run of the recipe. It does not get to see the test images."""
    learned_from = Digits(digits.train, digits.validation, None, digits.source, digits.note)
    return run_recipe(load_recipe(RECIPE), data=learned_from, callbacks=[Progress()]).folder


def check_run(folder: RunFolder) -> dict[str, Any]:
    """The metrics of a finished run of today's recipe on the real MNIST. Raises InklingError for any other."""
    now, then = load_recipe(RECIPE), load_recipe(folder.recipe)
    # Words decide nothing, and neither does where the images lay, what computed or how many cores took part.
    same = {name: getattr(now, name) for name in ("title", "expect", "claim", "report", "figures")}
    same["training"] = then.training.model_copy(update={"threads": now.training.threads, "engine": now.training.engine})
    same["data"] = then.data.model_copy(update={"source": now.data.source})
    if then.model_copy(update=same) != now:
        raise InklingError(f"{folder.path} was trained by another recipe than today's {RECIPE}: train it again")
    try:
        metrics: dict[str, Any] = json.loads(folder.metrics.read_text(encoding="utf-8"))
        outcome, source = metrics["outcome"], metrics["dataset"]["source"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InklingError(f"{folder.path} holds no metrics.json that can be read: the run is not finished") from None
    if outcome != "finished" or source != "mnist":
        raise InklingError(f"{folder.path} is {outcome}, on {source}: a finished run on mnist is wanted")
    return metrics


def publish(network: Network, digits: Digits, *, threads: int) -> dict[str, Any]:
    """Round the network, measure what is left, and put file and cards into their places; what the file says of itself.

    `threads`: how many took part in its training, which decides in what order sums were rounded.

    Raises InklingError, leaving what was there, if rounding cost accuracy, a floor is not reached, or the file is too
    large.
    """
    assert digits.validation is not None
    recipe = load_recipe(RECIPE)
    with tempfile.TemporaryDirectory() as place:
        file = save_model(network, Path(place) / PRETRAINED.name, half=True)
        if file.stat().st_size > LARGEST:
            raise InklingError(f"the file takes {file.stat().st_size:,} bytes; {LARGEST:,} are the most it may")
        stored = load_model(file)
    exact, validation = evaluate(network, digits.validation), evaluate(stored, digits.validation)
    print(f"validation {percent(exact.accuracy)} in float32, {percent(validation.accuracy)} rounded to float16")
    # One image may lie so near the border between two digits that any change tips it, to either side.
    if validation.accuracy < exact.accuracy - 1.5 / validation.count:
        raise InklingError("rounding to float16 costs accuracy: the network stays where it was")
    corrupted = corrupted_accuracies(stored, digits.validation)
    check_floors(corrupted)
    beyond = beyond_accuracies(stored, digits.validation)
    others = bundled_digits()
    bundled = evaluate(stored, others.train.joined(others.test))
    test = evaluate(stored, digits.test)
    right = round(test.accuracy * test.count)
    interval = binomtest(right, test.count).proportion_ci(method="wilson")
    about = {
        "recipe": recipe.name,
        "seed": recipe.training.seed,
        "threads": threads,
        "data": digits.source,
        "train": {"count": len(digits.train)},
        "validation": {
            "count": validation.count,
            "accuracy": validation.accuracy,
            "loss": validation.loss,
            "accuracy_before_rounding": exact.accuracy,
        },
        "corrupted": corrupted,
        "beyond": beyond,
        "bundled": {"count": bundled.count, "accuracy": bundled.accuracy},
        "test": {
            "count": test.count,
            "accuracy": test.accuracy,
            "loss": test.loss,
            "interval": [float(interval.low), float(interval.high)],
        },
    }
    save_model(network, PRETRAINED, about=about, half=True)
    card = describe(network, recipe, about)
    for path in CARDS:
        write_text(path, card)
    return about


def beyond_accuracies(network: Network, split: Split) -> dict[str, float]:
    """The share of images read where they are far worse than those it has learned from: nobody shall trust it there."""
    found = {}
    for each in BEYOND:
        images = each(split.images, np.random.default_rng(0))
        found[each.words] = evaluate(network, replace(split, images=images)).accuracy
    return found


def half_as_large(images: Images, _: np.random.Generator) -> Images:
    """Half as high and wide."""
    half = np.full(len(images), 0.5, np.float32)
    return moved(images, scale_x=half, scale_y=half)


def very_noisy(images: Images, random: np.random.Generator) -> Images:
    """With noise of twice the strength of the corruption of that name."""
    noisy = images.copy()
    strokes.speckle(noisy, np.full(len(images), 0.5, np.float32), image_keys(random, len(images)))
    return noisy


BEYOND = (
    Corruption(
        "turned", "turned by 45°", lambda images, random: moved(images, angle=either(images, random, math.pi / 4))
    ),
    Corruption(
        "shifted",
        "shifted by 6 px, both ways",
        lambda images, random: moved(images, shift_x=either(images, random, 6), shift_y=either(images, random, 6)),
    ),
    Corruption("small", "half as large", half_as_large),
    Corruption("noisy", "noise of 0.5 of full ink", very_noisy),
    Corruption("inverted", "dark ink on light paper", lambda images, _: ~images),
)
"""What it has not learned: the card says how badly it does, so that nobody expects otherwise."""


def check_floors(accuracies: Mapping[str, float]) -> None:
    """Show what was reached beside what is wanted. Raises InklingError if anything is below."""
    for name, floor in FLOORS.items():
        print(f"{name:8} {percent(accuracies[name])}  (at least {percent(floor)})")
    if below := [name for name, floor in FLOORS.items() if accuracies[name] < floor]:
        raise InklingError(f"too few images are read: {', '.join(below)}; the network stays where it was")


def describe(network: Network, recipe: Recipe, about: Mapping[str, Any]) -> str:
    """The card: the template with every figure in its place."""
    validation, test = about["validation"], about["test"]
    amounts = recipe.augment.model_dump(exclude_defaults=True)
    words = {"clean": "as they are", **{name: each.words for name, each in CORRUPTIONS.items()}}
    rows = [f"| `{name}` | {words[name]} | {percent(share)} |" for name, share in about["corrupted"].items()]
    far = [f"| {words} | {percent(share)} |" for words, share in about["beyond"].items()]
    return TEMPLATE.read_text(encoding="utf-8").format(
        file=PRETRAINED.name,
        kilobytes=f"{PRETRAINED.stat().st_size / 1000:.0f}",
        parameters=f"{len(network.parameters):,}",
        summary=network.summary(),
        recipe=recipe.name,
        seed=recipe.training.seed,
        threads="one thread" if about["threads"] == 1 else f"{about['threads']} threads",
        epochs=recipe.training.epochs,
        distortions=", ".join(f"`{name}` {amount:g}" for name, amount in amounts.items()),
        train_count=f"{about['train']['count']:,}",
        validation_count=f"{validation['count']:,}",
        validation_accuracy=percent(validation["accuracy"]),
        exact_accuracy=percent(validation["accuracy_before_rounding"]),
        bundled_count=f"{about['bundled']['count']:,}",
        bundled_accuracy=percent(about["bundled"]["accuracy"]),
        test_count=f"{test['count']:,}",
        test_accuracy=percent(test["accuracy"]),
        test_low=percent(test["interval"][0]),
        test_high=percent(test["interval"][1]),
        corrupted="\n".join(["| corruption | how much | accuracy |", "| --- | --- | --- |", *rows]),
        beyond="\n".join(["| images | accuracy |", "| --- | --- |", *far]),
    )


def percent(share: float) -> str:
    """0.9944 as 99.44 %."""
    return f"{100 * share:.2f} %"


if __name__ == "__main__":
    main()
