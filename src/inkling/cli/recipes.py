"""`inkling recipes`: what can be trained, and what to expect of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import completion, options
from inkling.cli.terminal import plain, print_json, results

if TYPE_CHECKING:
    from inkling.recipes import Recipe


def recipes(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="Show this one whole, as TOML.",
            show_default=False,
            autocompletion=completion.recipe_names,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the recipes: network, optimizer, data, and the accuracy to expect."""
    from inkling.recipes import load_recipe, recipe_names
    from inkling.recipes.run import to_toml

    out = results()
    if recipe is not None:
        chosen = load_recipe(recipe)
        if json:
            print_json(chosen.model_dump())
        else:
            out.print(to_toml(chosen), highlight=False, markup=False, soft_wrap=True)
        return
    all_recipes = [load_recipe(name) for name in recipe_names()]
    if json:
        print_json([each.model_dump() for each in all_recipes])
        return
    from rich.table import Table

    table = Table(show_lines=True)
    for column in ("recipe", "network", "optimizer", "data", "expect"):
        first = column == "recipe"
        table.add_column(column, style="bold" if first else "", no_wrap=first, overflow="fold")
    for each in all_recipes:
        expect = plain(each.expect)
        table.add_row(each.name, describe_network(each), describe_optimizer(each), describe_data(each), expect)
    out.print(table)
    out.print("Train one: [bold]inkling train NAME[/]. See one whole: [bold]inkling recipes NAME[/].")


def describe_network(recipe: Recipe) -> str:
    """784-128-10, relu, dropout 0.2; cross_entropy. A convolution of 16 channels and 5×5 pixels, pooled 2×2: 16c5p2."""
    from inkling.recipes import build_augment

    network, loss = recipe.network, recipe.loss
    convolutions = [
        f"{each.channels}c{each.kernel}"
        + (f"s{each.stride}" if each.stride > 1 else "")
        + f"p{each.pool}" * (each.pool > 0)
        for each in network.convolutions
    ]
    words = [
        "-".join(map(str, (784, *convolutions, *(each.units for each in network.hidden_layers), 10))),
        network.activation,
    ]
    if network.batch_norm:
        words.append("batch normalisation")
    if network.dropout:
        words.append(f"dropout {network.dropout:g}")
    if loss.l2:
        words.append(f"L2 {loss.l2:g}")
    words.append(loss.name.replace("_", " "))
    if loss.label_smoothing:
        words.append(f"label smoothing {loss.label_smoothing:g}")
    if kinds := build_augment(recipe.augment):
        words.append(f"distortions: {', '.join(kinds.kinds)}")
    return ", ".join(words)


def describe_optimizer(recipe: Recipe) -> str:
    """Adam 0.001, cosine; 10 epochs, batch 128."""
    optimizer, training = recipe.optimizer, recipe.training
    words = [f"{optimizer.name} {optimizer.learning_rate:g}"]
    if momentum := getattr(optimizer, "momentum", 0):
        words.append(f"momentum {momentum:g}")
    if recipe.schedule.name != "constant":
        words.append(recipe.schedule.name.replace("_", " "))
    batch = "full batch" if training.batch_size == "full" else f"batch {training.batch_size}"
    return f"{', '.join(words)}; {training.epochs:,} epochs, {batch}"


def describe_data(recipe: Recipe) -> str:
    """Which images, and how they are divided."""
    data = recipe.data
    words = []
    if data.pool == "all":
        words.append("all 70,000")
    if data.first:
        words.append(f"first {data.first:,}")
    if data.max_train_samples:
        words.append(f"{data.max_train_samples:,} to train on")
    if data.test:
        words.append(f"{data.test:.0%} test".replace("%", " %"))
    if data.validation:
        size = (
            f"{data.validation:,}" if isinstance(data.validation, int) else f"{data.validation:.0%}".replace("%", " %")
        )
        words.append(f"{size} validation ({data.method})")
    return ", ".join(words) or "training and test images as they come"
