from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from stripes import Inkling

from inkling.cli.recipes import describe_data, describe_network, describe_optimizer
from inkling.recipes import load_recipe, recipe_names


def test_all_are_listed_with_network_optimizer_data_and_what_to_expect(inkling: Inkling) -> None:
    answer = inkling("recipes")
    assert answer.status == 0
    for name in recipe_names():
        assert f"│ {name} " in answer.out
    recipe = load_recipe("kaggle-64-64")
    assert describe_network(recipe) == "784-64-64-10, relu, cross entropy"
    assert describe_optimizer(recipe) == "sgd 0.1; 1,000 epochs, batch 64"
    assert describe_data(recipe) == "first 42,000, 1,000 validation (shuffle)"
    assert describe_data(load_recipe("full-batch")) == "all 70,000, 20 % test"
    text = " ".join(answer.out.replace("│", " ").split())
    for words in ("784-64-64-10, relu", "sgd 0.1;", "first 42,000", "20 %"):
        assert words in text


def test_json_has_every_value_of_every_recipe(inkling: Inkling) -> None:
    assert inkling("recipes", "--json").json == [load_recipe(name).model_dump() for name in recipe_names()]


@pytest.mark.parametrize("name", recipe_names())
def test_one_is_shown_as_a_recipe_file(inkling: Inkling, name: str) -> None:
    shown = inkling("recipes", name).out
    assert tomllib.loads(shown)["name"] == name
    Path("mine.toml").write_text(shown, encoding="utf-8")
    assert load_recipe("mine.toml") == load_recipe(name)
    assert inkling("recipes", name, "--json").json == load_recipe(name).model_dump()
