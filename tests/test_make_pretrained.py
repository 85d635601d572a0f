"""`make pretrained` puts a network into the package only if it deserves it, and writes figures that are true."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import inkling as ik
from inkling.data import CORRUPTIONS, Digits, bundled_digits, divide
from inkling.errors import DataError, InklingError
from inkling.recipes import load_recipe, run_recipe
from inkling.storage import PRETRAINED, RunFolder, read_arrays, write_json, write_text

SCRIPT = Path(__file__).resolve().parents[1] / "pretrained" / "make.py"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which writes into a folder of its own here."""
    spec = importlib.util.spec_from_file_location("make_pretrained", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PRETRAINED", tmp_path / "package" / PRETRAINED.name)
    monkeypatch.setattr(module, "CARDS", (tmp_path / "package" / "model_card.md", tmp_path / "docs" / "model_card.md"))
    monkeypatch.chdir(tmp_path)
    return module


@pytest.fixture(scope="module")
def digits() -> Digits:
    """The bundled digits, which pretend to be MNIST's."""
    found = divide(bundled_digits())
    return Digits(found.train, found.validation, found.test, "mnist", "digits for a test")


@pytest.fixture(scope="module")
def folder(digits, tmp_path_factory) -> RunFolder:
    """A run of the recipe that was finished at once."""
    recipe = load_recipe("conv-robust", {"training.epochs": 0, "report.enabled": False})
    folder = run_recipe(recipe, data=digits, out=tmp_path_factory.mktemp("runs") / "run").folder
    text = folder.recipe.read_text(encoding="utf-8")
    epochs = load_recipe("conv-robust").training.epochs
    write_text(folder.recipe, text.replace("\nepochs = 0\n", f"\nepochs = {epochs}\n"))
    return folder


def written(make) -> list[Path]:
    return [path for path in (make.PRETRAINED, *make.CARDS) if path.exists()]


def test_the_file_is_rounded_and_file_and_cards_say_the_same(make, digits, monkeypatch):
    monkeypatch.setattr(make, "FLOORS", dict.fromkeys(make.FLOORS, 0.0))
    network = ik.load_pretrained()
    about = make.publish(network, digits, threads=1)
    _, metadata = read_arrays(make.PRETRAINED)
    assert metadata["about"] == about
    assert metadata["stored"] == "float16"
    rounded = ik.load_model(make.PRETRAINED)
    for name, split in (("validation", digits.validation), ("test", digits.test)):
        assert about[name]["accuracy"] == ik.evaluate(rounded, split).accuracy
        assert about[name]["count"] == len(split)
    assert about["corrupted"]["clean"] == about["validation"]["accuracy"]
    assert list(about["corrupted"]) == ["clean", *CORRUPTIONS]
    low, high = about["test"]["interval"]
    assert 0 <= low < about["test"]["accuracy"] < high <= 1
    first, second = (path.read_text(encoding="utf-8") for path in make.CARDS)
    assert first == second
    assert f"**{100 * about['test']['accuracy']:.2f} %**" in first


def test_the_interval_is_wilsons(make, digits, monkeypatch):
    monkeypatch.setattr(make, "FLOORS", {})
    about = make.publish(ik.load_pretrained(), digits, threads=1)
    n, p, z = about["test"]["count"], about["test"]["accuracy"], 1.959964
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert about["test"]["interval"] == pytest.approx([(middle + s * half) / (1 + z**2 / n) for s in (-1, 1)], abs=1e-6)


def test_a_network_that_reads_too_little_stays_outside(make, digits, capsys):
    network = ik.load_pretrained()
    network.initialize()
    with pytest.raises(InklingError, match=r"too few images are read: clean, rotate, .*the network stays where it was"):
        make.publish(network, digits, threads=1)
    assert written(make) == []
    assert "at least 99.44 %" in capsys.readouterr().out


def test_a_network_that_rounding_harms_stays_outside(make, digits, monkeypatch):
    monkeypatch.setattr(make, "FLOORS", {})
    network = ik.load_pretrained()
    network.layers[-1].W += 2048  # all scores grow alike, but from here on float16 knows only even numbers
    with pytest.raises(InklingError, match="rounding to float16 costs accuracy"):
        make.publish(network, digits, threads=1)
    assert written(make) == []


def test_a_network_that_is_too_large_stays_outside(make, digits, monkeypatch):
    monkeypatch.setattr(make, "LARGEST", 10_000)
    with pytest.raises(InklingError, match="10,000 are the most it may"):
        make.publish(ik.load_pretrained(), digits, threads=1)
    assert written(make) == []


def test_from_the_images_to_the_file(make, digits, monkeypatch, capsys):
    """The whole way of `make pretrained`, with an epoch of less than that, and no promises to keep."""
    recipe = load_recipe("conv-robust", {"training.epochs": 1, "training.threads": 1, "report.enabled": False})
    seen = []
    monkeypatch.setattr(make, "load_recipe", lambda name: recipe if name == "conv-robust" else load_recipe(name))
    monkeypatch.setattr(make, "load_data", lambda source, **_: seen.append(source) or digits)
    monkeypatch.setattr(make, "FLOORS", {})
    monkeypatch.setattr("sys.argv", ["make.py"])
    make.main()
    assert seen == ["mnist"]
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "metrics.json").read_text())["test_accuracy"] is None, "the training saw no test images"
    trained, kept = ik.load_model(run), ik.load_model(make.PRETRAINED)
    np.testing.assert_array_equal(kept.parameters, trained.parameters.astype(np.float16))
    assert "1 epochs on one thread" in make.CARDS[0].read_text(encoding="utf-8")
    assert f"{make.PRETRAINED}: " in capsys.readouterr().out


def test_what_goes_wrong_is_said_in_one_line(make, monkeypatch, tmp_path):
    monkeypatch.setenv("INKLING_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr("sys.argv", ["make.py"])
    with pytest.raises(SystemExit) as caught:
        make.main()
    assert str(caught.value).startswith("make pretrained: ")
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


def test_only_the_real_mnist_will_do(make, monkeypatch, tmp_path):
    archive = tmp_path / "digits.npz"
    bundled = bundled_digits()
    np.savez(archive, images=bundled.train.images, labels=bundled.train.labels)
    monkeypatch.setenv("INKLING_DATA", str(archive))
    with pytest.raises(DataError, match="made from the real MNIST alone: unset INKLING_DATA"):
        make.real_digits(load_recipe("conv-robust"))
    monkeypatch.setenv("INKLING_DATA", str(tmp_path / "nothing"))
    with pytest.raises(DataError, match="there is no such file or folder"):
        make.real_digits(load_recipe("conv-robust"))


def test_a_finished_run_of_the_recipe_will_do(make, folder):
    assert make.check_run(folder)["outcome"] == "finished"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "interrupted"}, "is interrupted, on mnist: a finished run on mnist is wanted"),
        ({"dataset": {"source": "digits"}}, "is finished, on digits"),
        ({"dataset": None}, r"holds no metrics\.json that can be read"),
    ],
)
def test_a_run_that_is_not_finished_or_on_other_data_will_not(make, folder, tmp_path, change, said):
    copy = RunFolder(tmp_path / "copy")
    write_text(copy.recipe, folder.recipe.read_text(encoding="utf-8"))
    write_json(copy.metrics, json.loads(folder.metrics.read_text(encoding="utf-8")) | change)
    with pytest.raises(InklingError, match=said):
        make.check_run(copy)


def test_a_run_of_another_recipe_will_not(make, folder, tmp_path):
    copy = RunFolder(tmp_path / "copy")
    write_text(copy.recipe, folder.recipe.read_text(encoding="utf-8").replace("seed = 0", "seed = 1"))
    with pytest.raises(InklingError, match="another recipe than today's conv-robust"):
        make.check_run(copy)
