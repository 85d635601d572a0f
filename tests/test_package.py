"""The front door: light to open, and twenty lines are enough to get somewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import inkling as ik


def loaded_by(statement: str) -> set[str]:
    """The packages outside the standard library that a fresh Python loads for this statement."""
    program = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    # cython_runtime is what NumPy's compiled half leaves in the list of modules.
    return {name for name in ran.stdout.split() if not name.startswith("_") and name != "cython_runtime"}


def test_import_inkling_loads_numpy_at_most():
    assert loaded_by("import inkling") <= {"inkling", "numpy"}
    assert loaded_by("import inkling; inkling.nn.Network([inkling.nn.Dense(1)])") == {"inkling", "numpy"}


@pytest.mark.parametrize("room", ["training", "storage", "data", "interop"])
def test_a_room_opened_but_not_used_is_light_too(room):
    assert loaded_by(f"import inkling.{room}") <= {"inkling", "numpy"}


def test_training_loads_nothing_that_it_does_not_use():
    program = (
        "import inkling as ik, numpy as np\n"
        "network = ik.nn.Network([ik.nn.Dense(10)])\n"
        "ik.Trainer(network, ik.nn.SGD()).fit((np.zeros((4, 784), np.uint8), np.arange(4)))"
    )
    assert loaded_by(program) == {"inkling", "numpy", "threadpoolctl"}


@pytest.mark.parametrize("name", ik.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ik, name) is not None
    assert name in dir(ik)


def test_names_are_the_rooms_own():
    from inkling.storage import load_model
    from inkling.training import Trainer

    assert ik.Trainer is Trainer
    assert ik.load_model is load_model
    assert isinstance(ik.__version__, str)
    assert "__version__" in dir(ik)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'inkling' has no attribute 'Trianer'"):
        _ = ik.Trianer
    assert not hasattr(ik, "nothing")


def test_twenty_lines_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    digits = ik.load_data("digits")  # .train, .validation, .test: uint8 images, integer labels
    network = ik.nn.Network(
        [ik.nn.Dense(128), ik.nn.ReLU(), ik.nn.Dropout(0.2), ik.nn.Dense(10)],
        input_shape=(28, 28, 1),
        loss=ik.nn.SoftmaxCrossEntropy(),
        seed=0,
    )
    trainer = ik.Trainer(network, ik.nn.Adam(1e-3), callbacks=[ik.Progress()])
    history = trainer.fit(digits.train, validation=digits.validation, epochs=5, batch_size=128)
    assert len(history) == 5
    accuracy = ik.evaluate(network, digits.test).accuracy
    assert accuracy > 0.85
    probabilities = network.predict_proba(digits.test.images[:10])
    assert probabilities.shape == (10, 10)
    ik.save_model(network, "digits.safetensors")
    network = ik.load_model("digits.safetensors")
    np.testing.assert_array_equal(network.predict_proba(digits.test.images[:10]), probabilities)
    recipe = ik.load_recipe("default", {"training.epochs": 1})
    run = ik.run_recipe(recipe, data=digits)
    assert run.metrics["epochs"] == 1
    assert ik.evaluate(run.network, digits.test).accuracy == run.metrics["test_accuracy"]
