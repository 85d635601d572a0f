from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling, stripes, write_csv

from inkling.data import idx, mirrors


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files that, for this test, are MNIST: name to content."""
    files = {}
    for part, split in {"train": stripes(60, 1), "t10k": stripes(20, 2)}.items():
        for kind, array in {"images-idx3": split.images, "labels-idx1": split.labels.astype(np.uint8)}.items():
            files[f"{part}-{kind}-ubyte"] = idx.idx_header(array) + array.tobytes()
    for name, content in files.items():
        monkeypatch.setitem(idx.MNIST_SHA256, name, hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(mirrors.BYTES, name, len(content))
    return files


@pytest.fixture
def mirror(small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on this machine that has these files, below `good/` only."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = small_mnist.get(self.path.removeprefix("/good/").removesuffix(".gz"))
            packed = gzip.compress(content) if content else b""
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(mirrors, "MIRRORS", (mirrors.Mirror(f"{url}bad/"), mirrors.Mirror(f"{url}good/")))
        yield url
        server.shutdown()
        thread.join()


def test_an_empty_cache_says_how_to_fill_it(inkling: Inkling, own_house: Path) -> None:
    answer = inkling("data")
    assert answer.status == 0
    assert "not set" in answer.out
    assert str(own_house) in answer.out
    assert "inkling data fetch" in answer.out
    assert inkling("data", "--json").json == {"cache": str(own_house), "files": [], "INKLING_DATA": None}


def test_a_place_that_does_not_exist_is_said_to(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKLING_DATA", "[/red]nowhere")
    assert "[/red]nowhere (there is nothing of that name)" in inkling("data").out


def test_fetched_data_is_shown_verified_trained_on_and_cleared(inkling: Inkling, mirror: str, own_house: Path) -> None:
    fetched = inkling("data", "fetch", "--json")
    assert fetched.json == {"folder": str(own_house / "mnist")}
    assert f"{mirror}bad/: answered 404" in fetched.err
    assert "MNIST is in" in inkling("data", "fetch").out

    state = inkling("data", "--json").json
    assert [file["verified"] for file in state["files"]] == [True] * 4
    assert inkling("data").out.count("bytes, verified") == 4
    assert {row["state"] for row in inkling("data", "verify", "--json").json} == {"ok"}

    small = ("--epochs", 0, "--hidden", 0, "--set", "data.validation=0", "--set", "figures.predictions=0")
    assert inkling("train", "--json", *small).json["dataset"]["source"] == "mnist"

    (own_house / "somebody else's").touch()
    assert f"in {own_house}" in inkling("data", "clear").out
    assert inkling("data", "--json").json["files"] == []
    assert [path.name for path in own_house.iterdir()] == ["somebody else's"]
    assert "nothing to remove" in inkling("data", "clear").out


def test_what_is_damaged_or_missing_is_found(inkling: Inkling, mirror: str, own_house: Path) -> None:
    inkling("data", "fetch")
    files = own_house / "mnist"
    (files / "train-labels-idx1-ubyte").unlink()
    damaged = files / "t10k-images-idx3-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    for folder in ([], [files]):
        answer = inkling("data", "verify", *folder)
        assert answer.status == 2
        assert [line.split()[0] for line in answer.out.splitlines()] == ["ok", "missing", "damaged", "ok"]
    assert [row["state"] for row in inkling("data", "verify", "--json").json] == ["ok", "missing", "damaged", "ok"]
    assert inkling("data").out.count("not verified") == 1


def test_without_a_network_fetching_says_what_else_can_be_done(inkling: Inkling, own_house: Path) -> None:
    answer = inkling("data", "fetch", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith(
        "inkling: MNIST could not be downloaded: there seems to be no network"
    )
    assert "INKLING_DATA" in answer.err
    assert not list((own_house / "mnist").glob("*ubyte*"))


def test_digits_are_drawn_as_characters(inkling: Inkling) -> None:
    write_csv(Path("[mine].csv"), stripes(50))
    answer = inkling("data", "show", "--data", "[mine].csv", "--count", 5, "--digit", 3)
    assert answer.status == 0
    assert "[mine].csv" in answer.out
    assert answer.out.count("label 3, image") == 5
    assert answer.out.count("█" * 20) == 5  # the stripe of a 3
    assert max(map(len, answer.out.splitlines())) <= 120
    assert inkling("data", "show", "--data", "[mine].csv", "--count", 5, "--digit", 3).out == answer.out
    assert inkling("data", "show", "--data", "[mine].csv", "--ascii").out.isascii()


def test_a_digit_that_is_not_there_is_said_to(inkling: Inkling) -> None:
    write_csv(Path("few.csv"), stripes(5))
    answer = inkling("data", "show", "--data", "few.csv", "--digit", 8)
    assert (answer.status, answer.out) == (2, "")
    assert "there is no 8" in answer.err


# Distortions.


def test_each_digit_is_shown_beside_distorted_ones(inkling: Inkling) -> None:
    write_csv(Path("mine.csv"), stripes(50))
    show = ("data", "show", "--data", "mine.csv", "--count", 2, "--digit", 3, "--augment")
    answer = inkling(*show, "--set", "augment.shift=4")
    assert answer.status == 0
    captions = [line for line in answer.out.splitlines() if "label 3, image" in line]
    assert len(captions) == 2
    assert all(line.count("distorted") == 3 for line in captions)
    lines = [line.ljust(118) for line in answer.out.splitlines()[1:15]]
    first, *others = ["".join(line[start : start + 28] for line in lines) for start in (0, 30, 60, 90)]
    assert "█" * 20 in first, "the stripe of a 3, as it is"
    assert len({first, *others}) == 4
    assert inkling(*show, "--set", "augment.shift=4").out == answer.out
    assert inkling(*show, "--set", "augment.shift=4", "--seed", 1).out != answer.out
    assert inkling(*show).out != answer.out, "there are example amounts"


def test_distortions_are_drawn_into_a_file(inkling: Inkling) -> None:
    write_csv(Path("mine.csv"), stripes(50))
    for file in ("here.png", "v1.2.svg"):
        answer = inkling("data", "show", "--data", "mine.csv", "--augment", "--count", 1, "--out", file)
        assert answer.status == 0
        assert answer.out.splitlines()[-1] == file
        assert Path(file).stat().st_size > 1000


def test_each_corruption_is_shown_beside_the_digit(inkling: Inkling) -> None:
    write_csv(Path("mine.csv"), stripes(50))
    show = ("data", "show", "--data", "mine.csv", "--corrupted", "--count", "2")
    answer = inkling(*show, "--out", "corruptions.png")
    assert answer.status == 0
    words = answer.out.split()
    for name in ("rotate", "shear", "shrink", "shift", "noise", "blur", "thin", "thick"):
        assert words.count(name) == 2
    assert answer.out.splitlines()[-1] == "corruptions.png"
    assert Path("corruptions.png").stat().st_size > 5000
    assert inkling(*show).out == answer.out.removesuffix("corruptions.png\n")


def test_a_recipe_says_how_much_and_options_win(inkling: Inkling) -> None:
    write_csv(Path("mine.csv"), stripes(50))
    Path("mine.toml").write_text("[augment]\nrotate = 90\n")
    show = ("data", "show", "--data", "mine.csv", "--augment")
    by_recipe = inkling(*show, "--recipe", "mine.toml").out
    assert by_recipe == inkling(*show, "--set", "augment.rotate=90").out
    assert inkling(*show, "--recipe", "mine.toml", "--set", "augment.rotate=5").out != by_recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "x.png"], "--out draws distortions or corruptions: say --augment or --corrupted as well"),
        (["--augment", "--corrupted"], "--augment and --corrupted: say one of them"),
        (["--recipe", "default"], "--recipe is for distortions"),
        (["--set", "augment.rotate=5"], "--set is for distortions"),
        (["--augment", "--out", "x.gif"], "--out x.gif: the name must end in .png or .svg"),
        (["--augment", "--set", "augment.rotate=200"], "augment: rotate is 200.0, but must lie in [0, 180] (degrees)"),
        (["--augment", "--set", "augment.rotate=400"], "inkling: augment: rotate is 400.0, but must lie in [0, 180]"),
        (["--augment", "--recipe", "default", "--set", "augment.rotate=400"], "recipe default: augment: rotate is 400"),
        (["--augment", "--set", "augment.rotat=20"], "there is no setting augment.rotat; did you mean rotate?"),
        (["--augment", "--set", "training.epochs=3"], "--set training.epochs: only distortions can be set here"),
        (["--augment", "--recipe", "full-batch"], "recipe full-batch distorts nothing: set an amount"),
        (["--augment", "--recipe", "nowhere"], "there is no recipe called 'nowhere'"),
        (["--augment", "--out", "mine.csv/x.png"], "cannot write"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(inkling: Inkling, options: list[str], said: str) -> None:
    write_csv(Path("mine.csv"), stripes(20))
    answer = inkling("data", "show", "--data", "mine.csv", *options)
    assert answer.status == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert not list(Path().glob("x.*"))
