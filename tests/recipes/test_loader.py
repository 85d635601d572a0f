"""Recipes are read strictly: what is wrong is named, in one line, before anything is trained."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.data import Augment
from inkling.errors import RecipeError
from inkling.recipes import (
    Recipe,
    build_augment,
    build_network,
    build_optimizer,
    build_plan,
    load_recipe,
    parse_setting,
)
from inkling.recipes.run import to_toml


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe to be overwritten by every example."""
    return tmp_path_factory.mktemp("recipes") / "mine.toml"


def complaint(place: Path, text: str, changes: dict | None = None) -> str:
    """What is said of such a recipe, without the file's name."""
    place.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(place, changes)
    said = str(caught.value)
    assert "\n" not in said
    assert str(place) in said
    return said.replace(str(place), "").removeprefix("recipe : ")


def test_an_empty_recipe_is_all_defaults(place):
    place.write_text("")
    recipe = load_recipe(place)
    assert recipe == Recipe(name="mine")
    assert (recipe.network.hidden, recipe.optimizer.name, recipe.data.source) == ([128], "sgd", "auto")


def test_changes_win_over_the_file():
    recipe = load_recipe(
        "kaggle-64-64",
        {
            "training.epochs": 3,
            "network.hidden": [7],
            "network.initializer_std": 0.5,
            "data.source": "digits",
            "name": "other",
        },
    )
    assert (recipe.training.epochs, recipe.training.batch_size) == (3, 64)
    assert recipe.name == "other"
    assert recipe.data.source == "digits"
    assert build_network(recipe).layers[0].config() == nn.Dense(7, nn.ScaledNormal(0.5)).config()
    assert load_recipe("kaggle-64-64").training.epochs == 1000, "the recipe itself stays as it was"


def test_another_optimizer_begins_with_its_own_defaults(place):
    place.write_text('[optimizer]\nname = "sgd"\nlearning_rate = 0.5\nmomentum = 0.9\n')
    recipe = load_recipe(place, {"optimizer.name": "adam"})
    assert build_optimizer(recipe).config() == nn.Adam().config()
    assert load_recipe(place, {"optimizer.name": "sgd"}).optimizer.momentum == 0.9, "the same name changes nothing"


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_changes_does_not_matter(turned):
    changes = {"optimizer.learning_rate": 0.25, "optimizer.name": "rmsprop", "schedule.factor": 0.5}
    changes["schedule.name"] = "step"
    recipe = load_recipe("default", dict(reversed(changes.items())) if turned else changes)
    assert build_optimizer(recipe).config() == nn.RMSprop(nn.Step(0.25, factor=0.5)).config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[optimizer]\nname = "adamw"\nweight_decay = 0.1', nn.AdamW(1e-3, weight_decay=0.1)),
        ("[optimizer]\nmomentum = 0.9\nnesterov = true\nclip_norm = 1", nn.SGD(0.1, 0.9, True, clip_norm=1.0)),
        ('[schedule]\nname = "cosine"\nfinal = 0.01', nn.SGD(nn.Cosine(0.1, 0.01))),
        ('[schedule]\nname = "one_cycle"\npeak = 0.2', nn.SGD(nn.OneCycle(0.1, 0.2))),
        ("[schedule]\nwarm_epochs = 2", nn.SGD(nn.WarmUp(nn.Constant(0.1), 2.0))),
        ('[schedule]\nname = "step"\nevery = 3', nn.SGD(nn.Step(0.1, 3.0))),
    ],
)
def test_optimizers_and_schedules_are_built_as_written(place, text, expected):
    place.write_text(text)
    assert build_optimizer(load_recipe(place)).config() == expected.config()


def test_a_network_is_built_as_written(place):
    place.write_text(
        '[network]\nhidden = [6, 5]\nactivation = "tanh"\ndropout = 0.25\ninitializer = "glorot"\ndtype = "float64"\n'
        '[loss]\nname = "binary_cross_entropy"\nlabel_smoothing = 0.1\nl2 = 0.01\n[training]\nseed = 4\n'
    )
    expected = nn.Network(
        [
            *(nn.Dense(6, "glorot"), nn.Tanh(), nn.Dropout(0.25)),
            *(nn.Dense(5, "glorot"), nn.Tanh(), nn.Dropout(0.25)),
            nn.Dense(10, "glorot"),
        ],
        loss=nn.SigmoidBinaryCrossEntropy(label_smoothing=0.1),
        seed=4,
        dtype="float64",
        l2=0.01,
    )
    network = build_network(load_recipe(place))
    assert network.config() == expected.config()
    assert (network.parameters == expected.parameters).all()


def test_the_training_seed_divides_the_data_unless_it_has_its_own():
    assert build_plan(load_recipe("kaggle-64-64").data, 7).seed == 7
    assert build_plan(load_recipe("kaggle-64-64", {"data.seed": 3}).data, 7).seed == 3


def test_distortions_are_built_as_written_and_none_where_nothing_is_distorted(place):
    place.write_text("[augment]\nshift = 2\nelastic = 1.5\nelastic_sigma = 6.0\n")
    recipe = load_recipe(place)
    assert build_augment(recipe.augment) == Augment(shift=2, elastic=1.5, elastic_sigma=6)
    assert build_augment(load_recipe(place, {"augment.shift": 0, "augment.elastic": 0}).augment) is None
    place.write_text("")
    assert build_augment(load_recipe(place).augment) is None


def test_every_amount_of_a_distortion_is_a_setting_with_the_same_name_and_default():
    settings = Recipe().augment.model_dump()
    assert settings == asdict(Augment())


# What is wrong is named.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nepoch = 3", "there is no setting training.epoch; did you mean epochs?"),
        ("[trainig]\nepochs = 3", "there is no setting trainig; did you mean training?"),
        ("[training]\nint = 3", "there is no setting training.int; known are epochs, batch_size"),
        ("int = 3", "there is no setting int; known are name, title"),
        ('"[" = 3', "there is no setting [; known are"),
        ('[optimizer]\nname = "adam"\nepsilom = 0.9', "there is no setting optimizer.epsilom; did you mean epsilon?"),
        ('[optimizer]\nname = "adam"\nmomentum = 0.9', "there is no setting optimizer.momentum; known are"),
        ('[optimizer]\n"a\\nb" = 1', "there is no setting optimizer.'a\\nb'; known are"),
        ('[optimizer]\nname = "adma"', "optimizer.name is 'adma'; known are adam, adamw, rmsprop, sgd"),
        ("[optimizer]\nname = [1]", "optimizer.name is [1]; known are"),
        ("optimizer = 3", "optimizer is 3: input should be a valid dictionary"),
        ("training = 3", "training is 3, but has settings of its own: epochs, batch_size"),
        ('[training]\nepochs = "5"', "training.epochs is '5': input should be a valid integer"),
        ("[training]\nepochs = 5.0", "training.epochs is 5.0: input should be a valid integer"),
        ("[training]\nepochs = true", "training.epochs is True: input should be a valid integer"),
        ("[training]\nepochs = -1", "training.epochs is -1: input should be greater than or equal to 0"),
        ("[training]\nbatch_size = 0", "training.batch_size is 0: input should be greater than 0"),
        ('[training]\nbatch_size = "all"', "training.batch_size is 'all': input should be a valid integer or input"),
        ("[training]\nseed = -1", "training.seed is -1"),
        ("[augment]\nrotate = 200", "augment: rotate is 200.0, but must lie in [0, 180] (degrees)"),
        ("[augment]\nswirl = 1", "there is no setting augment.swirl; known are shift, rotate"),
        ('[augment]\nshift = "2"', "augment.shift is '2': input should be a valid number"),
        ("[network]\nhidden = [64, 0]", "network.hidden (layer 2) is 0: input should be greater than 0"),
        ("[network]\nhidden = [{ dropout = 0.5 }]", "network.hidden (layer 1) is {'dropout': 0.5}, but needs units"),
        ("[network]\nhidden = [9, { units = 8, n = 1 }]", "no setting network.hidden (layer 2).n; known are units,"),
        ("[network]\nconvolutions = [{ kernel = 3 }]", "(layer 1) is {'kernel': 3}, but needs channels as well"),
        (
            "[network]\nconvolutions = [{ channels = 8 }, { channels = 8, filters = 3 }]",
            "there is no setting network.convolutions (layer 2).filters; known are channels, kernel, stride, padding",
        ),
        ("[network]\nconvolutions = [8]", "network.convolutions (layer 1) is 8, but has settings of its own: channels"),
        (
            "[network]\nconvolutions = [{ channels = 0 }]",
            "network.convolutions (layer 1).channels is 0: input should be greater than 0",
        ),
        ("[network]\nhidden = 64", "network.hidden is 64: input should be a valid list"),
        ("[network]\ndropout = 1.0", "network.dropout is 1.0: input should be less than 1"),
        ('[network]\nactivation = "swish"', "network.activation is 'swish': input should be 'relu'"),
        ("[network]\ninitializer_std = 0.01", 'network: initializer_std is for initializer = "scaled_normal" alone'),
        ('[network]\ninitializer = "scaled_normal"\ninitializer_std = inf', "network.initializer_std is inf"),
        ("[optimizer]\nlearning_rate = nan", "optimizer.learning_rate is nan: input should be"),
        ("[optimizer]\nlearning_rate = -0.1", "optimizer.learning_rate is -0.1"),
        ("[optimizer]\nnesterov = true", "optimizer.nesterov needs optimizer.momentum above 0"),
        ('[schedule]\nname = "step"\nfactor = inf', "schedule.factor is inf: input should be a finite number"),
        ("[schedule]\nfinal = 0.1", 'schedule: final means nothing to name = "constant"'),
        ("[data]\nvalidation = -5", "data.validation is -5: input should be greater than or equal to 0"),
        ("[data]\nvalidation = 1.5", "data.validation is 1.5: input should be a valid integer or input should be less"),
        ('[data]\nmethod = "first"', "data.method is 'first': input should be 'last', 'shuffle' or 'stratified'"),
        ("[data]\ntest = 0.2", 'set data.pool = "all"'),
        ("[training]\nearly_stopping = 3", "training.early_stopping needs a validation split"),
        ('name = ""', "name is '': string should have at least 1 character"),
    ],
)
def test_the_wrong_key_is_named_with_what_it_may_be(place, text, said):
    assert said in complaint(place, text)


@pytest.mark.parametrize("text", ["epochs 5", "[training", "x = ", "x = " + "[" * 5000, "\0"])
def test_what_is_no_toml_is_said_to_be_none(place, text):
    assert "is not TOML" in complaint(place, text)


def test_bytes_that_are_no_text_are_no_toml(place):
    place.write_bytes(b"title = '\xff\xfe'")
    with pytest.raises(RecipeError, match="is not TOML"):
        load_recipe(place)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(RecipeError, match=r"no recipe called 'kagle-64-64': did you mean kaggle-64-64\?"):
        load_recipe("kagle-64-64")
    with pytest.raises(RecipeError, match="known are default, "):
        load_recipe("zzzzz")
    with pytest.raises(RecipeError, match=r"cannot read nowhere/mine\.toml: No such file"):
        load_recipe("nowhere/mine.toml")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("epochs", "'epochs' is no setting: write section.key, for example training.epochs"),
        ("training.", "is no setting"),
        ("training.epochs.now", "is no setting"),
        ("training.epoch", "there is no setting training.epoch; did you mean epochs?"),
        ("trainig.epochs", "there is no setting trainig; did you mean training?"),
        ("title.x", "'title' is no section"),
        ("", "is no setting"),
    ],
)
def test_a_change_to_what_is_not_there_is_refused(key, said):
    with pytest.raises(RecipeError) as caught:
        load_recipe("default", {key: 1})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training.epochs=5", ("training.epochs", 5)),
        ("optimizer.learning_rate = 1e-3", ("optimizer.learning_rate", 1e-3)),
        ("network.hidden=[64, 32]", ("network.hidden", [64, 32])),
        ("network.activation=tanh", ("network.activation", "tanh")),
        ('network.activation="tanh"', ("network.activation", "tanh")),
        ("optimizer.nesterov=true", ("optimizer.nesterov", True)),
        ("data.source=C:\\digits\\a=b.csv", ("data.source", "C:\\digits\\a=b.csv")),
        ("title=", ("title", "")),
    ],
)
def test_a_setting_on_the_command_line_is_toml_or_text(text, expected):
    key, value = parse_setting(text)
    assert (key, value) == expected
    assert type(value) is type(expected[1])


def test_a_setting_without_equals_sets_nothing():
    with pytest.raises(RecipeError, match=r"'training\.epochs' sets nothing: write section\.key=value"):
        parse_setting("training.epochs")


# Whatever is in the file.

words = st.sampled_from(
    [
        *Recipe.model_fields,
        *("epochs", "batch_size", "hidden", "validation", "learning_rate", "momentum", "seed", "dropout", "l2"),
        *("sgd", "adam", "full", "int", "float", "constrained-int", "[", "a.b", "", "name"),
    ]
)
values = st.recursive(
    st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats()
    | words
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.datetimes(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(words, children, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(words, values, max_size=4))
def test_any_toml_is_a_recipe_or_a_recipe_error(place, junk):
    place.write_text(tomli_w.dumps(junk), encoding="utf-8")
    with suppress(RecipeError):
        recipe = load_recipe(place)
        place.write_text(to_toml(recipe), encoding="utf-8")
        assert load_recipe(place) == recipe
        return
    with pytest.raises(RecipeError) as caught:
        load_recipe(place)
    assert len(str(caught.value).splitlines()) == 1


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_recipe_or_a_recipe_error(place, text):
    place.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(RecipeError):
        load_recipe(place)


@settings(deadline=None)
@given(st.text(max_size=30), values)
def test_any_change_is_made_or_refused(key, value):
    for changed in (key, f"training.{key}", f"optimizer.{key}"):
        with suppress(RecipeError):
            load_recipe("default", {changed: value})


def test_convolutions_stand_before_the_hidden_layers(place):
    place.write_text(
        "[network]\nhidden = [6]\nbatch_norm = true\ndropout = 0.5\n"
        "convolutions = [\n"
        "    { channels = 4, kernel = 5, pool = 2 },\n"
        '    { channels = 8, stride = 2, padding = "same", dropout = 0.25 },\n]\n'
    )
    network = build_network(load_recipe(place))
    assert repr(network.layers) == repr(
        [
            *(nn.Conv2D(4, 5), nn.BatchNorm(), nn.MaxPool2D(2), nn.ReLU()),
            *(nn.Conv2D(8, 3, 2, "same"), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.25)),
            nn.Flatten(),
            *(nn.Dense(6), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.5)),
            nn.Dense(10),
        ]
    )


def test_a_recipe_with_convolutions_comes_back_from_toml(place):
    recipe = load_recipe("conv-fast")
    place.write_text(to_toml(recipe))
    assert load_recipe(place, {"name": "conv-fast"}) == recipe


def test_convolutions_that_do_not_fit_the_image_are_refused(place):
    place.write_text("[network]\nconvolutions = [{ channels = 4, kernel = 40 }]\n")
    with pytest.raises(nn.ShapeError, match="conv2d_1 got 28×28×1, but wants images at least as large as its window"):
        build_network(load_recipe(place))


def test_best_weights_and_mean_weights_exclude_each_other(place):
    said = complaint(place, "[data]\nvalidation = 10\n[training]\nearly_stopping = 3\naverage = 0.99\n")
    assert "choose one" in said


def test_a_layer_may_differ_from_the_others(place):
    place.write_text(
        "[network]\ndropout = 0.1\n"
        'convolutions = [{ channels = 4, activation = "tanh", batch_norm = true, pool = 2 }, { channels = 6 }]\n'
        'hidden = [12, { units = 8, activation = "sigmoid", dropout = 0.5 }]\n'
    )
    recipe = load_recipe(place)
    assert repr(build_network(recipe).layers) == repr(
        [
            *(nn.Conv2D(4), nn.BatchNorm(), nn.MaxPool2D(2), nn.Tanh()),
            *(nn.Conv2D(6), nn.ReLU()),
            nn.Flatten(),
            *(nn.Dense(12), nn.ReLU(), nn.Dropout(0.1)),
            *(nn.Dense(8), nn.Sigmoid(), nn.Dropout(0.5)),
            nn.Dense(10),
        ]
    )
    place.write_text(to_toml(recipe))
    assert load_recipe(place) == recipe
    assert "network.hidden (layer 1).kernel" in complaint(place, "[network]\nhidden = [{ units = 8, kernel = 3 }]")
    assert "network.hidden (layer 1) is -8" in complaint(place, "[network]\nhidden = [-8]")
