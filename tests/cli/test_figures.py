from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from stripes import Inkling

from inkling.cli import figures as command

ALL = {
    "samples",
    "learning_curves",
    "confusion",
    "predictions",
    "mistakes",
    "saliency",
    "architecture",
    "first_layer_weights",
    "activation_functions",
    "forward_pass",
    "backward_pass",
    "weights_since_start",
    "weight_update",
}


@pytest.fixture
def run(trained: Path) -> Path:
    """A run folder on the desk, to be changed at will; its recipe asks for two predictions."""
    folder = Path(shutil.copytree(trained, "runs/mine"))
    shutil.rmtree(folder / "figures", ignore_errors=True)
    (folder / "vitals.csv").unlink(missing_ok=True)
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("predictions = 0", "predictions = 2"))
    return folder


def test_it_draws_every_picture_and_lists_the_files(inkling: Inkling, run: Path) -> None:
    answer = inkling("figures", run)
    assert (answer.status, answer.err) == (0, "")
    files = [Path(line) for line in answer.out.splitlines()]
    assert {file.name for file in files} == {f"{name}.{kind}" for name in ALL for kind in ("png", "svg")}
    assert all(file.parent == run / "figures" for file in files)
    for file in files:
        if file.suffix == ".png":
            with Image.open(file) as image:
                assert image.width > 500
        else:
            assert file.read_text().rstrip().endswith("</svg>")


def test_convolutions_and_distortions_have_pictures_of_their_own(inkling: Inkling, convolved: Path) -> None:
    answer = inkling("figures", convolved, "--format", "png", "--out", "drawn")
    assert (answer.status, answer.err) == (0, "")
    expected = ALL - {"first_layer_weights", "predictions", "mistakes"} | {"kernels", "feature_maps", "distortions"}
    assert {Path(line).stem for line in answer.out.splitlines()} == expected


def test_the_format_and_the_folder_can_be_chosen(inkling: Inkling, run: Path) -> None:
    answer = inkling("figures", "latest", "--format", "png", "--out", "slides/new", "--json")
    assert answer.json["run"] == "runs/mine"
    assert answer.json["missing"] is None
    assert {Path(file).name for file in answer.json["files"]} == {f"{name}.png" for name in ALL}
    assert {file.name for file in Path("slides/new").iterdir()} == {f"{name}.png" for name in ALL}
    assert not (run / "figures").exists()


def test_where_the_images_are_gone_it_draws_the_rest(inkling: Inkling, run: Path) -> None:
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("tiny.npz", "gone.npz"))
    answer = inkling("figures", run, "--format", "svg")
    assert answer.status == 0
    assert "drawn without its images" in answer.err
    names = [Path(line).stem for line in answer.out.splitlines()]
    assert names == ["learning_curves", "architecture", "first_layer_weights", "weights_since_start"]


def test_without_a_screen_windows_are_refused_before_anything_is_drawn(
    inkling: Inkling, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    answer = inkling("figures", run, "--show")
    assert answer.status == 2
    assert answer.err.startswith("inkling: --show needs a screen")
    assert answer.err.count("\n") == 1
    assert not (run / "figures").exists()


def test_with_a_screen_every_picture_gets_a_window(
    inkling: Inkling, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib.pyplot as plt

    seen: list[str] = []
    monkeypatch.setattr(command, "need_windows", lambda: None)
    monkeypatch.setattr(plt, "show", lambda: seen.extend(plt.get_figlabels()))
    answer = inkling("figures", run, "--format", "png", "--show")
    assert (answer.status, answer.err) == (0, "")
    assert len(seen) == len(ALL)
    assert "Confusion matrix" in seen
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nowhere",), "there is no run folder at nowhere"),
        (("runs/mine", "--out", "file"), "--out file is a file"),
        (("runs/mine", "--data", "digits"), "these are not the images of runs/mine"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    inkling: Inkling, run: Path, words: tuple[str, ...], complaint: str
) -> None:
    Path("file").touch()
    answer = inkling("figures", *words)
    assert (answer.status, answer.out) == (2, "")
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert not (run / "figures").exists()
