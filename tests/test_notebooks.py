"""The notebooks run from top to bottom, say what they promise to say, and are stored without outputs."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import inkling as ik

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
CLASSIFIER, BY_HAND, OPTIMIZERS = "mnist_classifier", "backpropagation_by_hand", "optimizers_and_regularization"
CONVOLUTIONS = "convolutions"


@dataclass
class Executed:
    """What the cells of a notebook showed, by cell id: text (also that of tables), and the types of all outputs."""

    text: dict[str, str]
    types: dict[str, list[str]]
    complaints: str
    """Everything written to standard error: warnings end up there."""

    def numbers(self, cell: str, pattern: str) -> list[float]:
        """Every number that the pattern's group finds in the cell's text."""
        return [float(found.replace(",", "")) for found in re.findall(pattern, self.text[cell])]


def read(name: str) -> nbformat.NotebookNode:
    (path,) = [path for path in NOTEBOOKS if path.stem == name]
    return nbformat.read(path, as_version=4)


def execute(name: str, folder: Path) -> Executed:
    """Run the notebook in a kernel of its own, in this folder; a cell that fails raises CellExecutionError."""
    notebook = read(name)
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    text: dict[str, str] = {}
    types: dict[str, list[str]] = {}
    complaints = ""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                shown, kinds = output.text, [output.name]
                complaints += output.text if output.name == "stderr" else ""
            else:
                shown, kinds = output.data.get("text/html", output.data.get("text/plain", "")), list(output.data)
            text[cell.id] = text.get(cell.id, "") + html.unescape(shown)
            types.setdefault(cell.id, []).extend(kinds)
    return Executed(text, types, complaints)


@pytest.fixture
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run a notebook in; Jupyter finds no settings, start-up files or kernels of the user's."""
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    # The suite runs on all cores; kernels that each want all of them would only wait for one another.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


@pytest.fixture
def on_bundled_digits(quiet_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`auto` finds the bundled digits where $INKLING_DATA points, and so has no reason to ask the network."""
    digits = ik.data.bundled_digits()
    archive = tmp_path / "digits.npz"
    assert digits.test is not None
    np.savez(
        archive,
        x_train=digits.train.images,
        y_train=digits.train.labels,
        x_test=digits.test.images,
        y_test=digits.test.labels,
    )
    monkeypatch.setenv("INKLING_DATA", str(archive))
    return quiet_place


@pytest.fixture
def on_mnist(quiet_place: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INKLING_DATA", str(mnist_folder))
    return quiet_place


# What runs a notebook warns of its own affairs (event loops, ports); what the cells warn of is in `complaints`.
runs_a_kernel = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def check_classifier(run: Executed, *, floor: float) -> None:
    assert not run.complaints
    epochs = run.numbers("train", r"epoch +(\d+)  loss")
    assert epochs == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    losses = run.numbers("train", r"epoch +\d+  loss ([\d.]+)")
    assert losses[-1] < losses[0] / 3
    (accuracy,) = run.numbers("evaluate", r"test accuracy ([\d.]+)%")
    assert accuracy >= floor
    assert "precision" in run.text["report"]
    assert len(run.numbers("report", r"(?m)^ +(\d) +[01]\.")) == 10
    assert "All answers are the same as before: True" in run.text["save"]
    assert run.numbers("enter", r"difference: ([\d.e+-]+)")[0] < 1e-5
    pictures = {cell for cell, kinds in run.types.items() if "image/png" in kinds}
    told = ("look", "architecture", "curves", "curves-both", "confusion", "predictions", "mistakes", "weights")
    walked = ("activations", "forward", "backward", "update")
    assert pictures == {*told, *walked}


def check_by_hand(run: Executed, *, floor: float) -> None:
    assert not run.complaints
    assert "DIFFER" not in run.text["toy-inkling"]
    assert run.text["toy-inkling"].count("agree") == 5
    for cell in ("check-by-hand", "gradcheck", "sigmoid-check"):
        errors = run.numbers(cell, r"relative error ([\d.e+-]+)")
        assert len(errors) == 4
        assert max(errors) < 1e-6
    mistakes = run.text["mistakes"].splitlines()
    assert len(mistakes) == 3
    assert all(max(map(float, re.findall(r"[Wb][12] ([\d.e+-]+)", line))) > 0.1 for line in mistakes)

    # In the same order of adding up: the same. In another: close, but not the same.
    assert run.text["other-order"].count("not equal to the last bit") == 2
    for cell, arrays in (("side-by-side", 8), ("other-order", 8), ("engines", 4), ("sigmoid-bits", 8)):
        ulps = run.numbers(cell, r"\(([\d.]+) ulp\)")
        assert len(ulps) == arrays
        assert max(ulps) < 1000
    if "openblas" in np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]:
        for cell in ("side-by-side", "sigmoid-bits"):
            assert run.text[cell].count("→ equal to the last bit") == 2
    assert min(run.numbers("learned", r"([\d.]+)%")) >= floor
    assert min(run.numbers("sigmoid-bits", r"test images: ([\d.]+)%")) >= floor
    assert {"learned-figure", "activations"} <= {cell for cell, kinds in run.types.items() if "image/png" in kinds}


def check_optimizers(run: Executed, *, floor: float) -> None:
    assert not run.complaints
    assert [line.split()[0] for line in run.text["rates"].splitlines()] == ["SGD", "momentum", "RMSprop", "Adam"]
    for kind in ("neither", "dropout", "L2", "dropout + L2"):
        assert run.text["table"].count(f"<th>{kind}</th>") == 4
    assert run.text["table"].count(" ± ") == 16 * 4
    assert len(re.findall(r"(?:lower|higher|may be chance)$", run.text["gap"], re.M)) == 12
    # What the text says of L2 holds on any data: it pulls at the weights.
    assert all(line.endswith("lower") for line in re.findall(r"size of a weight.*", run.text["gap"])[1:])
    assert "Lowest mean validation loss" in run.text["choose"]
    (accuracy,) = run.numbers("choose", r"Test accuracy: ([\d.]+)%")
    assert accuracy >= floor
    pictures = {cell for cell, kinds in run.types.items() if "image/png" in kinds}
    shown = {"valley", "rates-figure", "comparison-optimizers", "comparison-kinds", "curves-optimizers", "curves-kinds"}
    assert pictures == shown


def check_convolutions(run: Executed, *, floor: float) -> None:
    assert not run.complaints
    in_order, in_disorder = run.numbers("shuffle-train", r"([\d.]+)% of")
    assert abs(in_order - in_disorder) < 6  # the order of the pixels means nothing to a dense network
    assert run.numbers("conv2d", r"largest difference: ([\d.e+-]+)")[0] < 1e-12
    assert run.text["equivariance"].rstrip().endswith("True")
    assert max(run.numbers("gradient", r"relative error ([\d.e+-]+)")) < 1e-6
    changes = run.numbers("forget", r"changed by ([\d.]+)%")
    assert changes[-1] < changes[1] < changes[0]  # pooling forgets the place, a whole map's maximum altogether
    dense, convolutional, placeless = run.numbers("train", r"accuracy ([\d.]+)%")
    assert min(dense, placeless) >= floor - 6
    assert convolutional >= max(floor, dense - 0.6, placeless)  # of the few bundled test digits, two are 0.6 %
    after_three = {line.split()[0]: float(line.split()[4].rstrip("%")) for line in run.text["shift"].splitlines()[1:]}
    assert after_three["placeless"] > after_three["convolutional"] > after_three["dense"]
    pictures = {cell for cell, kinds in run.types.items() if "image/png" in kinds}
    looked_at = {"shuffle", "kernel-figure", "distortions", "curves", "shift-figure"}
    assert pictures == {*looked_at, "architecture", "kernels", "maps", "saliency"}


CHECKS = {
    CLASSIFIER: check_classifier,
    BY_HAND: check_by_hand,
    OPTIMIZERS: check_optimizers,
    CONVOLUTIONS: check_convolutions,
}


@pytest.mark.parametrize("name", CHECKS)
class TestOnBundledDigits:
    pytestmark = runs_a_kernel

    def test_runs_and_says_what_it_promises(self, name: str, on_bundled_digits: Path) -> None:
        CHECKS[name](execute(name, on_bundled_digits), floor=92)


@pytest.mark.mnist
@pytest.mark.parametrize("name", CHECKS)
class TestOnMNIST:
    pytestmark = runs_a_kernel

    def test_runs_and_says_what_it_promises(self, name: str, on_mnist: Path) -> None:
        floors = {CLASSIFIER: 96, BY_HAND: 80, OPTIMIZERS: 92, CONVOLUTIONS: 94}
        CHECKS[name](execute(name, on_mnist), floor=floors[name])


def test_every_notebook_is_checked() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(CHECKS)


def test_a_train_csv_beside_the_notebook_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = ik.data.bundled_digits().train.take(slice(50))
    table = np.column_stack([digits.labels, digits.images.reshape(50, -1)])
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    np.savetxt(tmp_path / "train.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    monkeypatch.chdir(tmp_path)
    code = {cell.id: cell.source for cell in read(CLASSIFIER).cells}
    found: dict[str, object] = {}
    exec(code["setup"].replace("%matplotlib inline", "") + "\n" + code["load"], found)
    np.testing.assert_array_equal(found["images"], digits.images)
    np.testing.assert_array_equal(found["labels"], digits.labels)


def test_thirty_lines_are_thirty_lines() -> None:
    (source,) = [cell.source for cell in read(BY_HAND).cells if cell.id == "thirty-lines"]
    assert len(source.splitlines()) <= 30


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stored_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.metadata
        assert re.fullmatch(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*", cell.id)
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
