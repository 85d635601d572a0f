"""MNIST arrives from some mirror, or one line a mirror says why not, and only the real one enters the cache."""

from __future__ import annotations

import gzip
import io
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stand_ins import (
    COUNTS,
    IMPATIENT,
    Server,
    cut_after,
    endless,
    put_into_cache,
    silent_after,
    some_digits,
    status,
    web_page,
    whole,
)

from inkling.data import DownloadError, cache_folder, fetch_mnist, idx, load_data, verify
from inkling.data.cache import mnist_cache
from inkling.data.mirrors import Mirror
from inkling.data.openml import fetch as really_ask
from inkling.errors import DataError

Files = dict[str, bytes]
FIRST = "/train-images-idx3-ubyte.gz"
BOMB = gzip.compress(bytes(5_000_000), 1)
NOBODY = Mirror("http://127.0.0.1:9/")


def fetch(*mirrors: Mirror) -> list[str]:
    """Fetch from these mirrors; returns the lines that were reported."""
    lines: list[str] = []
    fetch_mnist(mirrors=mirrors, report=lines.append, patience=IMPATIENT)
    return lines


def in_cache() -> Files:
    return {name: (mnist_cache() / name).read_bytes() for name in idx.MNIST_SHA256}


def test_all_four_files_arrive_unpacked_and_nothing_else_stays(server: Server, small_mnist: Files) -> None:
    assert fetch(server.serve_mnist(small_mnist)) == []
    assert in_cache() == small_mnist
    assert {path.name for path in mnist_cache().iterdir()} == {*small_mnist, ".lock"}


def test_what_is_there_already_is_not_asked_for(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    put_into_cache(small_mnist)
    (mnist_cache() / "t10k-labels-idx1-ubyte").unlink()
    fetch(mirror)
    assert [entry[0] for entry in server.log] == ["/t10k-labels-idx1-ubyte.gz"]
    fetch()
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("way", "says"),
    [
        (status(404), "answered 404 Not Found"),
        (status(503), "answered 503 Service Unavailable"),
        (web_page, "answered with a web page"),
        (lambda h, _: whole(h, b"<html>no content type</html>"), "answered with a web page"),
        (lambda h, _: whole(h, b"not a digit in sight"), "neither gzip nor IDX"),
        (lambda h, c: whole(h, c[: len(c) // 2]), "cut short"),
        (lambda h, c: whole(h, c[:-50] + bytes(50)), "damaged gzip file"),
        (lambda h, c: whole(h, gzip.compress(gzip.decompress(c)[:-1] + b"?")), "sha256 is another one"),
        (lambda h, c: whole(h, gzip.compress(gzip.decompress(c) + b"?")), "more than 47,056 bytes"),
        (lambda h, _: whole(h, BOMB), "more than 47,056 bytes"),
        (lambda h, _: whole(h, b""), "neither gzip nor IDX"),
        (silent_after(0), "sent nothing for 1 s"),
        (endless, "sent more than"),
    ],
)
def test_a_mirror_that_misbehaves_is_one_line_and_the_next_is_asked(
    server: Server, small_mnist: Files, way: object, says: str
) -> None:
    server.serve_mnist(small_mnist)
    server.files |= {f"/bad{path}": content for path, content in server.files.items()}
    server.ways["/bad" + FIRST] = [way]  # type: ignore[list-item]
    lines = fetch(Mirror(f"{server.url}bad/"), Mirror(server.url))
    assert len(lines) == 1
    assert lines[0].startswith(f"{server.url}bad/: ")
    assert says in lines[0]
    assert "\n" not in lines[0]
    assert in_cache() == small_mnist


def test_two_at_once_download_once(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    others = [threading.Thread(target=fetch, args=(mirror,)) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert in_cache() == small_mnist
    assert len(server.log) == 4


def test_nothing_of_a_mirror_that_was_cut_stays_once_another_had_everything(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    server.files["/mnist.npz"] = keras_archive()
    server.ways[FIRST] = [cut_after(10_000)] * 3
    (line,) = fetch(mirror, Mirror(f"{server.url}mnist.npz", "npz"))
    assert "broke off" in line
    assert {path.name for path in mnist_cache().iterdir()} == {*small_mnist, ".lock"}


def test_a_cut_connection_costs_only_the_rest(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    server.ways[FIRST] = [cut_after(30_000)]
    assert fetch(mirror) == []
    assert in_cache() == small_mnist
    size = len(server.files[FIRST])
    assert [entry[1:] for entry in server.log[:2]] == [[None, 30_000], ["bytes=30000-", size - 30_000]]


def test_the_next_day_the_download_goes_on(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    server.ways[FIRST] = [cut_after(10_000)] * 3
    with pytest.raises(DownloadError):
        fetch(mirror)
    server.log.clear()
    fetch(mirror)
    assert server.log[0][1] == "bytes=30000-"
    assert in_cache() == small_mnist


def test_a_part_that_was_damaged_in_between_is_fetched_anew(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    server.ways[FIRST] = [cut_after(10_000)] * 3
    with pytest.raises(DownloadError):
        fetch(mirror)
    part = mnist_cache() / f"{FIRST[1:]}.part"
    part.write_bytes(bytes(part.stat().st_size))
    assert fetch(mirror) == []
    assert in_cache() == small_mnist


def test_a_file_served_unpacked_is_taken_too(server: Server, small_mnist: Files) -> None:
    server.files |= {f"/{name}.gz": content for name, content in small_mnist.items()}
    fetch(Mirror(server.url))
    assert in_cache() == small_mnist


def test_mirrors_out_of_reach_are_named_and_the_error_says_what_to_do(small_mnist: Files) -> None:
    with pytest.raises(DownloadError) as failure:
        fetch(NOBODY, Mirror("http://127.0.0.1:9/again/"))
    assert failure.value.offline
    assert len(failure.value.tried) == 1  # one dead server, one line
    assert "127.0.0.1" in str(failure.value)
    assert "INKLING_DATA" in str(failure.value)
    assert "--data FOLDER" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_when_every_mirror_fails_each_is_in_the_error(server: Server, small_mnist: Files) -> None:
    with pytest.raises(DownloadError) as failure:
        fetch(Mirror(f"{server.url}a/"), Mirror(f"{server.url}b/"))
    assert not failure.value.offline
    assert f"{server.url}a/: answered 404" in str(failure.value)
    assert f"{server.url}b/: answered 404" in str(failure.value)


def test_a_damaged_file_in_the_cache_is_said_and_fetched_again(server: Server, small_mnist: Files) -> None:
    mirror = server.serve_mnist(small_mnist)
    fetch(mirror)
    victim = mnist_cache() / FIRST[1:-3]
    content = bytearray(victim.read_bytes())
    content[5_000] ^= 1
    victim.write_bytes(content)
    (line,) = fetch(mirror)
    assert str(victim) in line
    assert "damaged" in line
    assert in_cache() == small_mnist


def keras_archive(**changes: np.ndarray) -> bytes:
    train, test = some_digits(COUNTS["train"], 0), some_digits(COUNTS["t10k"], 1)
    arrays = {
        "x_train": train.images,
        "y_train": train.labels.astype(np.uint8),
        "x_test": test.images,
        "y_test": test.labels.astype(np.uint8),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **(arrays | changes))
    return file.getvalue()


def test_keras_archive_is_a_mirror(server: Server, small_mnist: Files) -> None:
    server.files["/mnist.npz"] = keras_archive()
    assert fetch(NOBODY, Mirror(f"{server.url}mnist.npz", "npz"))[1:] == []
    assert in_cache() == small_mnist


def test_a_changed_or_damaged_archive_is_not_taken(server: Server, small_mnist: Files) -> None:
    server.files["/changed.npz"] = keras_archive(x_test=some_digits(COUNTS["t10k"], 7).images)
    server.files["/cut.npz"] = keras_archive()[:-100]
    with pytest.raises(DownloadError) as failure:
        fetch(Mirror(f"{server.url}changed.npz", "npz"), Mirror(f"{server.url}cut.npz", "npz"))
    assert "t10k-images-idx3-ubyte is not MNIST" in failure.value.tried[0]
    assert "not a readable .npz archive" in failure.value.tried[1]


@pytest.fixture
def sklearn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """`sklearn(code)`: what scikit-learn's fetch_openml does when it is asked, in whatever process."""

    def stand_in(code: str) -> None:
        package = tmp_path / "sklearn"
        package.mkdir()
        (package / "__init__.py").touch()
        lines = ["import socket, sys, types", "import numpy as np", "def fetch_openml(name, **arguments):"]
        (package / "datasets.py").write_text("\n".join([*lines, *(f"    {line}" for line in code.splitlines())]))

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("inkling.data.openml.fetch", really_ask)
    monkeypatch.setattr("inkling.data.mirrors.TRAINING_IMAGES", COUNTS["train"])
    monkeypatch.setattr("socket.setdefaulttimeout", lambda _: pytest.fail("a time-out for all sockets of the process"))
    return stand_in


def answering(file: Path, images: np.ndarray, labels: np.ndarray) -> str:
    """A fetch_openml that answers with these, as it does: float pixels in rows, labels as text."""
    np.savez(file, data=images.reshape(len(images), -1).astype(float), target=labels.astype(str))
    right = "(name, arguments['version'], arguments['as_frame']) == ('mnist_784', 1, False)"
    return f"assert {right}\nreturn types.SimpleNamespace(**np.load({str(file)!r}))"


def test_openml_is_a_mirror(server: Server, small_mnist: Files, sklearn: Callable[[str], None], tmp_path: Path) -> None:
    both = some_digits(COUNTS["train"], 0).joined(some_digits(COUNTS["t10k"], 1))
    sklearn(answering(tmp_path / "both.npz", both.images, both.labels))
    fetch(Mirror(server.url, "openml"))
    assert in_cache() == small_mnist


def test_openml_in_another_order_is_not_taken(
    server: Server, small_mnist: Files, sklearn: Callable[[str], None], tmp_path: Path
) -> None:
    both = some_digits(COUNTS["t10k"], 1).joined(some_digits(COUNTS["train"], 0))
    sklearn(answering(tmp_path / "both.npz", both.images, both.labels))
    with pytest.raises(DownloadError, match="is not MNIST"):
        fetch(Mirror(server.url, "openml"))


def test_openml_failing_is_one_line_and_cannot_hang(
    server: Server, small_mnist: Files, sklearn: Callable[[str], None]
) -> None:
    sklearn(
        f"assert socket.getdefaulttimeout() == {IMPATIENT.read}\n"
        "raise OSError('HTTP Error 412: Precondition Failed\\nand more')"
    )
    with pytest.raises(DownloadError) as failure:
        fetch(Mirror(server.url, "openml"))
    assert "fetch_openml failed (OSError: HTTP Error 412: Precondition Failed)" in failure.value.tried[0]
    assert "\n" not in str(failure.value)
    assert socket.getdefaulttimeout() is None


def test_a_process_that_dies_while_it_asks_openml_is_one_line_too(
    server: Server, small_mnist: Files, sklearn: Callable[[str], None]
) -> None:
    sklearn("sys.exit(7)")
    with pytest.raises(DownloadError, match=r"fetch_openml failed \(its process ended with 7\)"):
        fetch(Mirror(server.url, "openml"))


def test_openml_is_not_even_asked_where_it_is_out_of_reach(small_mnist: Files) -> None:
    with pytest.raises(DownloadError):  # no_way_out fails the test if it is asked
        fetch(Mirror("http://127.0.0.1:9/", "openml"))


def test_a_cache_that_cannot_be_written_is_named(
    server: Server, small_mnist: Files, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blocked = tmp_path_factory.mktemp("blocked") / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("INKLING_CACHE", str(blocked))
    with pytest.raises(DataError, match=r"cannot be written .* set INKLING_CACHE"):
        fetch(server.serve_mnist(small_mnist))


def test_what_was_fetched_is_what_is_loaded(
    server: Server, small_mnist: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inkling.data.mirrors.MIRRORS", (server.serve_mnist(small_mnist),))
    steps: list[str] = []
    digits = load_data("mnist", progress=lambda label, *_: steps.append(label))
    assert digits.source == "mnist"
    assert len(digits.train) + len(digits.validation or ()) == COUNTS["train"]
    np.testing.assert_array_equal(digits.test.images, some_digits(COUNTS["t10k"], 1).images)  # type: ignore[union-attr]
    assert set(steps) == set(small_mnist)
    assert [state.state for state in verify()] == ["ok"] * 4
    assert mnist_cache().is_relative_to(cache_folder())
