"""The recipes that come with Inkling say what the programs they retell do."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from inkling import nn
from inkling.data import Digits, Split, divide
from inkling.recipes import build_network, build_optimizer, build_plan, load_recipe, recipe_names
from inkling.recipes.run import to_toml

CLAIMED = {
    # recipe: layers, loss, optimizer, learning rate, batch size, epochs
    "full-batch": ("784-64-10 ReLU", nn.SoftmaxCrossEntropy(), nn.SGD, 0.5, "full", 100),
    "kaggle-64-64": ("784-64-64-10 ReLU", nn.SoftmaxCrossEntropy(), nn.SGD, 0.1, 64, 1000),
    "sigmoid-mse": ("784-128-10 Sigmoid", nn.MeanSquaredError("sum"), nn.SGD, 0.01, 128, 15),
    "float32-15k": ("784-128-10 ReLU", nn.SoftmaxCrossEntropy(), nn.SGD, 0.15, "full", 1000),
}


def sketch(network: nn.Network) -> str:
    """784-64-10 ReLU, for example."""
    dense = [layer for layer in network.layers if isinstance(layer, nn.Dense)]
    between = {type(layer).__name__ for layer in network.layers if not isinstance(layer, nn.Dense)}
    return f"{'-'.join(map(str, [dense[0].inputs, *(layer.units for layer in dense)]))} {' '.join(sorted(between))}"


@pytest.mark.parametrize("name", CLAIMED)
def test_a_recipe_says_what_its_source_says(name):
    layers, loss, optimizer, rate, batch_size, epochs = CLAIMED[name]
    recipe = load_recipe(name)
    network, built = build_network(recipe), build_optimizer(recipe)
    assert sketch(network) == layers
    assert network.loss.config() == loss.config()
    assert network.l2 == 0
    assert network.dtype == np.float32
    assert type(built) is optimizer
    assert built.config() == optimizer(rate).config()  # no momentum, no clipping, no schedule
    assert recipe.training.batch_size == batch_size
    assert recipe.training.epochs == epochs


def test_the_old_school_has_sigmoids_to_the_end():
    network = build_network(load_recipe("sigmoid-mse"))
    assert [type(layer) for layer in network.layers] == [nn.Dense, nn.Sigmoid, nn.Dense, nn.Sigmoid]


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("full-batch", [np.sqrt(2 / 784), np.sqrt(2 / 64)]),
        ("kaggle-64-64", [0.01, 0.01, 0.01]),
        ("sigmoid-mse", [np.sqrt(2 / (784 + 128)), np.sqrt(2 / (128 + 10))]),
        ("float32-15k", [np.sqrt(2 / 784), np.sqrt(2 / 128)]),
    ],
)
def test_first_weights_have_the_spread_of_the_source_and_biases_are_0(name, spread):
    network = build_network(load_recipe(name))
    dense = [layer for layer in network.layers if isinstance(layer, nn.Dense)]
    assert [layer.W.std() for layer in dense] == pytest.approx(spread, rel=0.1)
    assert not any(layer.b.any() for layer in dense)


# Splits, on data of MNIST's size whose every image is known by its number.


@pytest.fixture(scope="module")
def numbered() -> Digits:
    """60,000 and 10,000 images; the first pixels spell the number of each."""
    images = np.zeros((70_000, 28, 28), np.uint8)
    numbers = np.arange(70_000)
    for place in range(3):
        images[:, 0, place] = numbers >> (8 * place) & 255
    labels = np.random.default_rng(0).integers(0, 10, 70_000)
    train, test = Split(images[:60_000], labels[:60_000]), Split(images[60_000:], labels[60_000:])
    return Digits(train, None, test, "numbered", "numbered images")


def numbers(split: Split) -> np.ndarray:
    return split.images[:, 0, :3].astype(int) @ [1, 256, 65536]


def divided(name: str, digits: Digits, seed: int = 0) -> Digits:
    return divide(digits, build_plan(load_recipe(name).data, seed))


def test_full_batch_has_exactly_scikit_learns_split(numbered):
    found = divided("full-batch", numbered)
    train, test = train_test_split(np.arange(70_000), test_size=0.2, random_state=42)
    np.testing.assert_array_equal(numbers(found.train), train)
    np.testing.assert_array_equal(numbers(found.test), test)
    assert found.validation is None
    np.testing.assert_array_equal(numbers(divided("full-batch", numbered, seed=1).test), test)


def test_kaggle_holds_out_the_first_thousand_after_shuffling_the_first_42000(numbered):
    found = divided("kaggle-64-64", numbered)
    assert (len(found.train), len(found.validation), len(found.test)) == (41_000, 1000, 10_000)
    drawn = np.concatenate([numbers(found.validation), numbers(found.train)])
    np.testing.assert_array_equal(np.sort(drawn), np.arange(42_000))
    assert np.count_nonzero(np.diff(drawn) < 0) > 20_000, "shuffled"
    again, other = divided("kaggle-64-64", numbered), divided("kaggle-64-64", numbered, seed=1)
    np.testing.assert_array_equal(numbers(again.validation), numbers(found.validation))
    assert np.any(numbers(other.validation) != numbers(found.validation))
    kaggle = Digits(numbered.train.take(slice(42_000)), None, None, "csv:train.csv", "Kaggle's file")
    np.testing.assert_array_equal(numbers(divided("kaggle-64-64", kaggle).validation), numbers(found.validation))


def test_fifteen_thousand_are_trained_on_and_another_thousand_held_out(numbered):
    found = divided("float32-15k", numbered)
    assert (len(found.train), len(found.validation), len(found.test)) == (15_000, 1000, 10_000)
    assert len(np.intersect1d(numbers(found.train), numbers(found.validation))) == 0


def test_sigmoid_mse_trains_on_all_training_images(numbered):
    found = divided("sigmoid-mse", numbered)
    assert (len(found.train), found.validation, len(found.test)) == (60_000, None, 10_000)


def test_the_default_holds_out_the_last_5000(numbered):
    found = divided("default", numbered)
    np.testing.assert_array_equal(numbers(found.validation), np.arange(55_000, 60_000))
    np.testing.assert_array_equal(numbers(found.test), np.arange(60_000, 70_000))


# All of them.


def test_the_default_recipe_comes_first():
    names = recipe_names()
    assert names[0] == "default"
    assert names[1:] == sorted(names[1:])
    assert set(CLAIMED) < set(names)


@pytest.mark.parametrize("name", recipe_names())
def test_each_recipe_builds_and_introduces_itself(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert "%" in recipe.expect
    network = build_network(recipe)
    build_optimizer(recipe)
    build_plan(recipe.data, 0)
    assert network.output_shape == (10,)
    assert network.input_shape == (28, 28, 1)


@pytest.mark.parametrize("name", recipe_names())
def test_written_with_all_its_values_it_is_the_same_recipe(name, tmp_path):
    recipe = load_recipe(name)
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe
    assert load_recipe(tmp_path) == recipe, "a run folder stands for its recipe"
    assert {"network", "loss", "optimizer", "training"} <= tomllib.loads(to_toml(recipe)).keys()
