"""What `--data` may say, and in which order the sources named by a word are tried."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stand_ins import Server, put_into_cache, some_digits

from inkling.data import DownloadError, SplitPlan, load_data, write_idx
from inkling.data.cache import mnist_cache
from inkling.errors import DataError

Files = dict[str, bytes]


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    split = some_digits(200, seed=5)
    write_idx(tmp_path / "mine" / "train-images-idx3-ubyte", split.images)
    write_idx(tmp_path / "mine" / "train-labels-idx1-ubyte", split.labels.astype(np.uint8))
    return tmp_path / "mine"


def test_auto_takes_the_users_own_data_first(
    own_folder: Path, small_mnist: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_cache(small_mnist)
    monkeypatch.setenv("INKLING_DATA", str(own_folder))
    for source in ("auto", "mnist"):
        digits = load_data(source)
        assert digits.source == "idx:mine"
        assert "$INKLING_DATA" in digits.note
        assert str(own_folder) in digits.note


@pytest.mark.parametrize("place", ["/no/such/folder", "notes.txt", " "])
def test_own_data_that_cannot_be_used_is_an_error_that_names_the_variable(
    place: str, tmp_path: Path, small_mnist: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("hello")
    put_into_cache(small_mnist)
    monkeypatch.setenv("INKLING_DATA", place)
    with pytest.raises(DataError, match=r"^\$INKLING_DATA: "):
        load_data("auto")


def test_then_the_cache_without_asking_anybody(
    server: Server, small_mnist: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_cache(small_mnist)
    monkeypatch.setattr("inkling.data.mirrors.MIRRORS", (server.serve_mnist(small_mnist),))
    digits = load_data("auto")
    assert digits.source == "mnist"
    assert "cache" in digits.note
    assert server.log == []


def test_then_a_download(server: Server, small_mnist: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inkling.data.mirrors.MIRRORS", (server.serve_mnist(small_mnist),))
    assert load_data("auto").source == "mnist"
    assert len(server.log) == 4
    assert load_data("auto").source == "mnist"
    assert len(server.log) == 4


def test_and_without_a_network_the_bundled_digits_saying_so() -> None:
    lines: list[str] = []
    digits = load_data("auto", report=lines.append)
    assert digits.source == "digits"
    assert "because there is no network to download MNIST" in digits.note
    assert digits.note.endswith(".")
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]


def test_mirrors_that_answer_nonsense_are_told_apart_from_no_network(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inkling.data.mirrors.MIRRORS", (server.serve_mnist({}),))
    digits = load_data("auto")
    assert digits.source == "digits"
    assert "answered 404 Not Found" in digits.note
    assert "no network" not in digits.note


def test_mnist_by_name_does_not_fall_back() -> None:
    with pytest.raises(DownloadError, match="there seems to be no network"):
        load_data("mnist")


def test_a_damaged_cache_is_never_trained_on(
    server: Server, small_mnist: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_cache(small_mnist)
    victim = mnist_cache() / "train-labels-idx1-ubyte"
    content = bytearray(victim.read_bytes())
    content[20] ^= 1  # another label, but still a digit: only the hash can tell
    victim.write_bytes(content)
    with pytest.raises(DownloadError, match="damaged"):
        load_data("mnist")
    put_back = server.serve_mnist(small_mnist)
    victim.write_bytes(content)
    monkeypatch.setattr("inkling.data.mirrors.MIRRORS", (put_back,))
    lines: list[str] = []
    assert load_data("auto", report=lines.append).source == "mnist"
    assert "damaged" in lines[0]
    assert [entry[0] for entry in server.log] == ["/train-labels-idx1-ubyte.gz"]
    assert victim.read_bytes() == small_mnist["train-labels-idx1-ubyte"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "empty text; it can be auto, mnist, digits, a folder"),
        ("nothing-here", "nothing-here: there is no such file or folder; a data source can be auto"),
        ("digits.rar", "digits.rar: no known ending; a data source can be auto"),
        ("train-images-idx3-ubyte.gz", "one of MNIST's four files; name the folder"),
        ("empty", "neither IDX files .* nor folders 0 to 9"),
        ("folder.csv", "neither IDX files"),
        ("empty.csv", "the file is empty"),
        ("empty.npz", "the file is empty"),
    ],
)
def test_what_is_no_source_says_what_would_be(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "folder.csv"):
        Path(name).mkdir()
    for name in ("digits.rar", "train-images-idx3-ubyte.gz", "empty.csv", "empty.npz"):
        Path(name).touch()
    with pytest.raises(DataError, match=says) as error:
        load_data(source)
    assert "\n" not in str(error.value)


def test_a_path_object_is_a_path_even_where_it_is_named_like_a_word(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_folder.parent)
    own_folder.rename("digits")
    assert load_data(Path("digits")).source == "idx:digits"
    assert load_data("digits").source == "digits"


def test_a_plan_and_a_limit_reach_the_data(own_folder: Path) -> None:
    digits = load_data(own_folder, plan=SplitPlan(validation=50), max_train_samples=30)
    assert (len(digits.train), len(digits.validation or ()), digits.test) == (30, 50, None)


@pytest.mark.mnist
def test_the_real_mnist_from_its_folder(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKLING_DATA", str(mnist_folder))
    digits = load_data()
    assert digits.source == "mnist"
    assert [len(part or ()) for part in (digits.train, digits.validation, digits.test)] == [55_000, 5_000, 10_000]
    assert digits.note.startswith("The real MNIST from ")


def test_importing_the_room_loads_numpy_and_nothing_heavier() -> None:
    program = "import sys, inkling.data; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    heavy = {"pandas", "sklearn", "scipy", "PIL", "requests", "urllib3", "platformdirs", "matplotlib", "pydantic"}
    assert heavy & set(loaded) == set()
