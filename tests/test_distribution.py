"""What is handed out: a wheel and an sdist that hold what they should, and work far from the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
PARTS = {
    *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"),
    *("docs", "notebooks", "pretrained", "src", "tests"),
}
"""What an sdist has at its top: all that its tests need, and no more."""
KINDS = {".css", ".html", ".ipynb", ".js", ".md", ".py", ".safetensors", ".svg", ".toml", ".typed"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def run(*words: object, cwd: Path, status: int = 0, **more: str) -> str:
    """Run a command in another folder as if nothing were known of this one; it must end with that status."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INKLING", "PYTEST"))}
    command = list(map(str, words))
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**usual, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode and unreachable(done.stdout):
        pytest.skip("there is no network to fetch packages from")
    assert done.returncode == status, done.stdout
    return done.stdout


def unreachable(said: str) -> bool:
    """Whether pip found no network. Where tests are run for everybody, that is a failure like any other."""
    signs = ("NewConnectionError", "NameResolutionError", "Temporary failure in name resolution", "ConnectTimeoutError")
    return "CI" not in os.environ and any(sign in said for sign in signs)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from it, as `python -m build` makes them."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("these tests lie beside no project")
    pytest.importorskip("build")
    place = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", place, ROOT, cwd=place)
    (sdist,), (wheel,) = place.glob("*.tar.gz"), place.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def test_the_wheel_holds_the_package_and_nothing_else(built: dict[str, Path]) -> None:
    assert built["wheel"].stat().st_size < 3e6
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    here = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/inkling").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    package = {name for name in names if ".dist-info/" not in name}
    assert package == here
    assert "inkling/py.typed" in package
    assert {PurePosixPath(name).suffix for name in package} <= KINDS
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    for line in ("License-Expression: MIT", "Requires-Python: >=3.11", "Classifier: Typing :: Typed"):
        assert line in metadata.splitlines()


def test_the_sdist_holds_what_its_tests_need_and_nothing_else(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = [PurePosixPath(*PurePosixPath(name).parts[1:]) for name in archive.getnames()]
    assert {name.parts[0] for name in names} <= PARTS
    for name in names:
        assert name.suffix in KINDS or name.name in PARTS, name
        assert not {"__pycache__", "build", "dist", "runs"} & set(name.parts[:-1]), name


def test_its_tests_run_from_the_sdist(built: dict[str, Path], tmp_path: Path, pytestconfig: pytest.Config) -> None:
    with tarfile.open(built["sdist"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    some = ("tests/nn/test_layers.py", "tests/nn/test_laws.py", "tests/data/test_idx.py", "tests/test_package.py")
    heeded = [f"-W{each}" for each in pytestconfig.getoption("pythonwarnings") or ()]  # as in this very run
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *heeded, *some)
    told = run(*command, cwd=root, PYTHONPATH=str(root / "src"), PYTHONDONTWRITEBYTECODE="1")
    assert re.search(r"\d+ passed", told)
    assert "failed" not in told


def test_the_wheel_does_its_work_in_a_clean_environment(built: dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    bin_folder = home / ("Scripts" if os.name == "nt" else "bin")
    python, inkling = bin_folder / "python", bin_folder / "inkling"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", built["wheel"], cwd=tmp_path)
    cache = {"INKLING_CACHE": str(tmp_path / "cache")}
    place = run(python, "-c", "import inkling; print(inkling.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(home)
    short = ("--data", "digits", "--epochs", 3, "--set", "training.threads=1")
    run(inkling, "train", *short, "--out", "runs/first", cwd=tmp_path, **cache)
    assert (tmp_path / "runs/first/report.html").stat().st_size > 100_000
    (row,) = json.loads(run(inkling, "runs", "--json", cwd=tmp_path))
    assert row["state"] == "finished"
    assert row["test_accuracy"] > 0.8
    measured = json.loads(run(inkling, "evaluate", "latest", "--json", cwd=tmp_path, **cache))
    assert measured["accuracy"] == row["test_accuracy"]
    told = run(inkling, "train", "--data", "digits", "--tensorboard", cwd=tmp_path, status=2, **cache)
    assert told.count("\n") == 1
    assert "pip install 'inkling-nn[tensorboard]'" in told
