from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from stripes import Inkling, stripes

from inkling import nn
from inkling.storage import load_model, save_model


def answers(file: Path | str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What onnxruntime reads in the images."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    probabilities, digits = session.run(None, {"images": images})
    return probabilities, digits


@pytest.mark.parametrize("run", ["trained", "convolved"])
def test_a_run_is_exported_beside_its_model_and_reads_the_same(
    inkling: Inkling, run: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = tmp_path / run
    folder.mkdir()
    for name in ("model.safetensors", "metrics.json"):
        (folder / name).write_bytes((request.getfixturevalue(run) / name).read_bytes())
    answer = inkling("export", folder, "--to", "onnx")
    assert (answer.status, answer.err) == (0, "")
    assert str(folder / "model.onnx") in answer.out
    assert f"checked: onnxruntime {onnxruntime.__version__} gives the same probabilities to" in answer.out
    images, network = stripes(60).images, load_model(folder)
    probabilities, digits = answers(folder / "model.onnx", images)
    np.testing.assert_allclose(probabilities, network.predict_proba(images), atol=1e-5)
    np.testing.assert_array_equal(digits, network.predict(images))
    known = {entry.key: entry.value for entry in onnx.load(folder / "model.onnx").metadata_props}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert known["recipe"] == "default"
    assert known["test_accuracy"] == str(metrics["test_accuracy"])
    assert known["dataset"] == metrics["dataset"]["source"]


def test_the_lines_that_it_prints_run(inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("uint8", "float32"):
        out = inkling("export", trained, "--out", f"it's {kind}.onnx", "--input", kind).out
        program = "\n".join(line.strip() for line in out.splitlines()[-3:])
        names = {"images": stripes(20).images}
        exec(program, names)
        np.testing.assert_array_equal(names["digits"], load_model(trained).predict(names["images"]))


def test_json(inkling: Inkling, trained: Path) -> None:
    told = inkling("export", trained, "--out", "reader.onnx", "--input", "float32", "--json").json
    checked = told.pop("checked")
    assert checked["runtime"] == f"onnxruntime {onnxruntime.__version__}"
    assert checked["images"] == 20
    assert 0 <= checked["largest_difference"] < 1e-5
    for end in (*told["inputs"], *told["outputs"]):
        assert end.pop("description")
    assert told == {
        "model": str(trained),
        "format": "onnx",
        "file": "reader.onnx",
        "bytes": Path("reader.onnx").stat().st_size,
        "opset": 14,
        "ir_version": 7,
        "inputs": [{"name": "images", "type": "float32", "shape": ["batch", 28, 28]}],
        "outputs": [
            {"name": "probabilities", "type": "float32", "shape": ["batch", 10]},
            {"name": "digit", "type": "int64", "shape": ["batch"]},
        ],
    }


def test_a_model_file_needs_no_run_and_the_newest_run_no_name(inkling: Inkling) -> None:
    save_model(nn.Network([nn.Dense(10)]), "digits.safetensors")
    assert inkling("export", "digits.safetensors").status == 0
    assert Path("digits.onnx").is_file()
    save_model(nn.Network([nn.Dense(10)]), Path("runs/one/model.safetensors"))
    assert inkling("export").status == 0
    assert Path("runs/one/model.onnx").is_file()


def test_the_network_that_comes_along_is_written_here(inkling: Inkling) -> None:
    shown = inkling("export", "pretrained")
    page = Path(__file__).parents[2] / "docs/export.md"
    said = shown.out.splitlines()[0].replace("pretrained.onnx", "digits.onnx")
    assert said in page.read_text(encoding="utf-8").splitlines()  # its name and its size
    assert [path.name for path in Path().iterdir()] == ["pretrained.onnx"]


def test_what_is_there_already_is_left_alone(inkling: Inkling, trained: Path) -> None:
    Path("mine.onnx").write_text("precious")
    answer = inkling("export", trained, "--out", "mine.onnx")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "inkling: mine.onnx exists already: name another file with --out\n"
    assert Path("mine.onnx").read_text() == "precious"
    answer = inkling("export", trained, "--out", ".")
    assert (answer.status, answer.err) == (2, "inkling: --out . is a folder: name the file to write\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere"], "there is no model at 'nowhere'"),
        (["wide.safetensors"], "to read digits it needs 28×28 and 10"),
        (["latest"], "there is no run in"),
        (["reader.onnx"], "reader.onnx is no Inkling model: name a run folder or a .safetensors file"),
        (["cut.safetensors"], "cut.safetensors is damaged, cut short"),
        (["digits.safetensors", "--to", "pickle"], "--to pickle: it can be onnx"),
        (["digits.safetensors", "--input", "float16"], "--input float16: it can be uint8 or float32"),
    ],
)
def test_bad_input_is_told_and_nothing_written(inkling: Inkling, words: list[str], complaint: str) -> None:
    save_model(nn.Network([nn.Dense(10)]), "digits.safetensors")
    save_model(nn.Network([nn.Dense(10)], input_shape=30), "wide.safetensors")
    Path("reader.onnx").write_bytes(b"ONNX")
    Path("cut.safetensors").write_bytes(Path("digits.safetensors").read_bytes()[:-1])
    before = sorted(Path().iterdir())
    answer = inkling("export", *words)
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert line.startswith("inkling: ")
    assert complaint in line
    assert sorted(Path().iterdir()) == before


def test_without_onnx_it_says_how_to_get_it(inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    answer = inkling("export", trained, "--out", "reader.onnx")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "inkling: ONNX files need the package onnx: pip install onnx\n"
    assert not Path("reader.onnx").exists()


def test_without_onnxruntime_it_is_written_unchecked(
    inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "onnxruntime", None)
        answer = inkling("export", trained, "--out", "reader.onnx")
        assert (answer.status, answer.err) == (0, "")
        assert "checked" not in answer.out
        assert inkling("export", trained, "--out", "again.onnx", "--json").json["checked"] is None
    assert (
        answers("reader.onnx", stripes(10).images)[1].tolist()
        == load_model(trained).predict(stripes(10).images).tolist()
    )


def test_a_runtime_that_disagrees_stops_it(inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsure = np.full((20, 10), 0.1, np.float32), np.zeros(20, np.int64)
    session = SimpleNamespace(run=lambda *_: unsure)
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: session)
    answer = inkling("export", trained, "--out", "reader.onnx")
    assert (answer.status, answer.out) == (2, "")
    assert "gives other probabilities than Inkling" in answer.err
    assert not Path("reader.onnx").exists()


def test_a_runtime_that_fails_is_no_reason_to_write_nothing(
    inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such\ndevice")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    answer = inkling("export", trained, "--out", "reader.onnx")
    assert answer.status == 0
    assert "cannot run the file, so it is not checked: no such device" in answer.err
    assert Path("reader.onnx").is_file()
