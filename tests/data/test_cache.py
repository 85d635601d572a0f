"""The cache says what it holds, whether it is sound, and gives back the room it takes."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from stand_ins import put_into_cache

from inkling.data import cache_folder, cached_files, clear_cache, verify
from inkling.data.cache import mnist_cache
from inkling.errors import DataError

Files = dict[str, bytes]


def test_the_cache_is_where_the_system_keeps_caches_unless_the_variable_says_otherwise(
    own_house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == own_house
    monkeypatch.delenv("INKLING_CACHE")
    assert cache_folder() == platformdirs.user_cache_path("inkling", appauthor=False)
    monkeypatch.setenv("INKLING_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"


def test_looking_creates_nothing(own_house: Path) -> None:
    assert cached_files() == []
    assert [state.state for state in verify()] == ["missing"] * 4
    assert clear_cache() == []
    assert list(own_house.iterdir()) == []


def test_each_file_is_ok_damaged_or_missing(small_mnist: Files) -> None:
    folder = put_into_cache(small_mnist)
    names = list(small_mnist)
    (folder / names[0]).write_bytes(small_mnist[names[0]][:-1])
    (folder / names[1]).write_bytes(small_mnist[names[1]][:-1] + b"\x00")
    (folder / names[2]).unlink()
    states = {state.name: state for state in verify()}
    assert [states[name].state for name in names] == ["damaged", "damaged", "missing", "ok"]
    assert "but the file has" in states[names[0]].detail
    assert "sha256 is another one" in states[names[1]].detail
    assert states[names[3]].path == folder / names[3]


def test_a_folder_of_ones_own_can_be_verified(small_mnist: Files, tmp_path: Path) -> None:
    (tmp_path / "t10k-labels.idx1-ubyte").write_bytes(small_mnist["t10k-labels-idx1-ubyte"])
    states = {state.name: state.state for state in verify(tmp_path)}
    assert states.pop("t10k-labels-idx1-ubyte") == "ok"
    assert set(states.values()) == {"missing"}
    with pytest.raises(DataError, match="there is no such folder"):
        verify(tmp_path / "nowhere")


def test_what_is_cached_is_listed_with_its_size(small_mnist: Files) -> None:
    folder = put_into_cache(small_mnist)
    (folder / "train-images-idx3-ubyte.gz.part").write_bytes(bytes(10))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"?")
    found = {file.path.name: (file.bytes, file.verified) for file in cached_files()}
    assert found["train-images-idx3-ubyte"] == (len(small_mnist["train-images-idx3-ubyte"]), True)
    assert found["t10k-labels-idx1-ubyte"] == (1, False)
    assert found["train-images-idx3-ubyte.gz.part"] == (10, False)


def test_clearing_removes_what_inkling_put_there_and_nothing_else(small_mnist: Files) -> None:
    folder = put_into_cache(small_mnist)
    for name in ("train-images-idx3-ubyte.gz.part", "train-images-idx3-ubyte.gz.part.json", ".lock", "mnist.npz.part"):
        (folder / name).touch()
    (folder / "diary.txt").write_text("mine")
    assert len(clear_cache()) == 8
    assert [path.name for path in folder.iterdir()] == ["diary.txt"]
    (folder / "diary.txt").unlink()
    put_into_cache_again = mnist_cache()
    clear_cache()
    assert not put_into_cache_again.exists()
