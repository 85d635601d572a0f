from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stripes import Inkling


@pytest.fixture
def run(trained: Path) -> Path:
    """A run folder on the desk, to be changed at will, without a report."""
    folder = Path(shutil.copytree(trained, "runs/mine"))
    (folder / "report.html").unlink(missing_ok=True)
    return folder


def test_it_writes_the_report_and_says_where(inkling: Inkling, run: Path) -> None:
    answer = inkling("report", run)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == "runs/mine/report.html\n"
    page = (run / "report.html").read_text()
    assert 'id="picture-forward_pass"' in page
    assert "inkling train runs/mine/recipe.toml" in page


def test_the_newest_run_is_the_one_meant(inkling: Inkling, run: Path) -> None:
    answer = inkling("report", "--json", "--out", "page.html")
    assert answer.json == {"report": "page.html", "runs": [{"run": "runs/mine", "missing": None}]}
    assert Path("page.html").is_file()
    assert not (run / "report.html").exists()


def test_several_runs_become_one_comparison(inkling: Inkling, run: Path) -> None:
    shutil.copytree(run, "runs/yours")
    answer = inkling("report", "runs/mine", "runs/yours/model.safetensors")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == "runs/comparison.html\n"
    page = Path("runs/comparison.html").read_text()
    assert "2 runs side by side" in page
    assert not (run / "report.html").exists()
    assert inkling("report", "runs/mine", "runs/yours", "--out", "pages/both.html").out == "pages/both.html\n"


def test_the_same_run_twice_is_one_run(inkling: Inkling, run: Path) -> None:
    assert inkling("report", run, run.resolve(), "latest").out == "runs/mine/report.html\n"


def test_where_the_images_are_gone_it_says_so_and_does_without(inkling: Inkling, run: Path) -> None:
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("tiny.npz", "gone.npz"))
    answer = inkling("report", run)
    assert answer.status == 0
    assert "runs/mine: drawn without its images" in answer.err
    assert "gone.npz" in answer.err
    page = (run / "report.html").read_text()
    assert 'id="picture-architecture"' in page
    assert 'id="picture-forward_pass"' not in page
    assert inkling("report", run, "--json").json["runs"][0]["missing"]


def test_images_that_moved_are_found_with_data(inkling: Inkling, run: Path, tiny: Path) -> None:
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("tiny.npz", "gone.npz"))
    Path("elsewhere").mkdir()
    moved = shutil.copy(tiny, "elsewhere/tiny.npz")
    answer = inkling("report", run, "--data", moved)
    assert (answer.status, answer.err) == (0, "")
    assert 'id="picture-forward_pass"' in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nowhere",), "there is no run folder at nowhere"),
        (("runs/mine", "nowhere"), "there is no run folder at nowhere"),
        (("empty",), "holds no recipe.toml"),
        (("runs/mine", "--out", "empty"), "--out empty is a folder"),
        (("runs/mine", "--data", "digits"), "these are not the images of runs/mine"),
        (("runs/mine", "--out", "file/page.html"), "file/page.html: File exists"),
        (("runs/unfinished",), "its training is not over"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    inkling: Inkling, run: Path, words: tuple[str, ...], complaint: str
) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    shutil.copytree(run, "runs/unfinished")
    Path("runs/unfinished/metrics.json").unlink()
    before = sorted(Path.cwd().rglob("*"))
    answer = inkling("report", *words)
    assert answer.status == 2
    assert answer.out == ""
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert sorted(Path.cwd().rglob("*")) == before
