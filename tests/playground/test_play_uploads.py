"""A visitor's own digits: what is taken, and what is refused in one line that harms nobody."""

from __future__ import annotations

import gzip
import io
import itertools
import socket
import struct
import zipfile
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from visitors import Visitor, started

from inkling.data import Digits
from inkling.errors import DataError
from inkling.playground import store, uploads
from inkling.playground.messages import LIMITS


def zipped(files: dict[str, bytes], **kwargs: object) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def png(pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def huge_png(side: int) -> bytes:
    """A picture of side × side white pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join(packer.compress(row) for _ in range(64)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def csv(digits: Digits, count: int = 40) -> bytes:
    rows = [",".join(["label", *(f"pixel{i}" for i in range(784))])]
    for label, image in zip(digits.train.labels[:count], digits.train.images[:count], strict=True):
        rows.append(",".join(map(str, [label, *image.ravel()])))
    return "\n".join(rows).encode()


def pictures(digits: Digits, prefix: str = "") -> dict[str, bytes]:
    return {
        f"{prefix}{label}/{number}.png": png(255 - np.kron(image, np.ones((3, 3), np.uint8)))
        for number, (label, image) in enumerate(zip(digits.train.labels[:40], digits.train.images[:40], strict=True))
    }


def take(content: bytes, name: str, folder: Path) -> Digits:
    """As a session does it."""
    file = folder / "received"
    file.write_bytes(content)
    uploads.take_in(file, name, folder / "kept")
    return store.open_kept(folder / "kept")


@lru_cache
def files(digits: Digits) -> dict[str, bytes]:
    """A good file of every kind."""
    npz = io.BytesIO()
    np.savez_compressed(npz, images=digits.train.images[:60], labels=digits.train.labels[:60])
    capital = io.BytesIO()
    np.savez(capital, X=digits.train.images[:40].reshape(40, 784), y=digits.train.labels[:40])
    return {
        "digits.csv": csv(digits),
        "digits.csv.gz": gzip.compress(csv(digits)),
        "digits.npz": npz.getvalue(),
        "capital.npz": capital.getvalue(),
        "table.zip": zipped({"train.csv": csv(digits)}),
        "photos.zip": zipped(pictures(digits)),
        "nested.zip": zipped({**pictures(digits, "my digits/"), "__MACOSX/x": b"", "my digits/.DS_Store": b"x"}),
    }


@pytest.mark.parametrize(
    "name",
    ["digits.csv", "digits.csv.gz", "digits.npz", "capital.npz", "table.zip", "photos.zip", "nested.zip"],
)
def test_a_good_file_is_taken_and_divided(digits: Digits, tmp_path: Path, name: str) -> None:
    found = take(files(digits)[name], name, tmp_path)
    assert found.validation is not None
    assert found.test is not None
    assert len(found.train) + len(found.validation) + len(found.test) == (60 if name == "digits.npz" else 40)
    assert found.note == f"Your file {name}."


def test_pictures_of_any_size_are_brought_into_mnists_form(digits: Digits, tmp_path: Path) -> None:
    found = take(zipped(pictures(digits)), "photos.zip", tmp_path)
    assert found.train.images.shape[1:] == (28, 28)
    assert found.train.images[:, :3].mean() < 20
    assert found.train.images.max() == 255


MOST = 3_000_000
"""Bytes: what an archive may unpack to in these tests, so that bombs are small."""


@lru_cache
def bomb() -> bytes:
    """One that is none too small for the real limit."""
    return zipped({"train.csv": bytes(LIMITS["unpacked_bytes"] + 10)})


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "unpacked_bytes", MOST)


@lru_cache
def bad(digits: Digits) -> dict[str, tuple[bytes, str]]:
    """Files that are refused: what they are, and a word of why."""
    small = zipped({"train.csv": bytes(MOST + 10)})
    image = png(digits.train.images[0])
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        link = zipfile.ZipInfo("0/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    liar = bytearray(small)
    place = liar.rindex(b"PK\x01\x02")
    liar[place + 24 : place + 28] = struct.pack("<I", 1000)  # it says that it holds 1,000 bytes
    return {
        "bomb.zip": (small, "the most here"),
        "liar.zip": (bytes(liar), "unpack"),
        "bomb.csv.gz": (gzip.compress(bytes(MOST + 10)), "the most here"),
        "inner.zip": (zipped({"train-images-idx3-ubyte.gz": gzip.compress(bytes(MOST + 10))}), "the most here"),
        "up.zip": (zipped({"../x.png": image}), "leads out"),
        "deep.zip": (zipped({"0/../../x.png": image}), "leads out"),
        "root.zip": (zipped({"/etc/x.png": image}), "leads out"),
        "windows.zip": (zipped({"0\\..\\x.png": image}), "leads out"),
        "link.zip": (linked.getvalue(), "link"),
        "giant.zip": (zipped({"0/giant.png": huge_png(20_000)}), "16 million pixels"),
        "large.zip": (zipped({"0/large.png": huge_png(6_000)}), "16 million pixels"),
        "broken.zip": (zipped({"0/broken.png": image[:-30]}), "0/broken.png"),
        "words.zip": (zipped({"0/words.png": b"no picture"}), "no readable picture"),
        "empty.zip": (zipped({}), "empty"),
        "aside.zip": (zipped({"readme.txt": b"hello"}), "neither"),
        "cut.zip": (files(digits)["photos.zip"][:-100], "no zip archive"),
        "noise.zip": (b"PK\x03\x04" + bytes(range(256)) * 20, "no zip archive"),
        "noise.npz": (bytes(range(256)) * 20, "no zip archive"),
        "noise.csv": (b"label,pixel0\nseven,\xff\xfe", "noise.csv"),
        "noise.csv.gz": (b"label,pixel0\n", "damaged"),
        "few.csv": (csv(digits, 3), "least"),
        "digits.exe": (b"MZ", "no known ending"),
    }


@pytest.mark.parametrize(
    "name",
    ["bomb.zip", "liar.zip", "bomb.csv.gz", "inner.zip", "up.zip", "deep.zip", "root.zip", "windows.zip", "link.zip",
     "giant.zip", "large.zip", "broken.zip", "words.zip", "empty.zip", "aside.zip", "cut.zip", "noise.zip", "noise.npz",
     "noise.csv", "noise.csv.gz", "few.csv", "digits.exe"],
)  # fmt: skip
@pytest.mark.usefixtures("tight")
def test_a_bad_file_is_refused_in_one_line(digits: Digits, tmp_path: Path, name: str) -> None:
    content, why = bad(digits)[name]
    inside = tmp_path / "session"
    inside.mkdir()
    with pytest.raises(DataError, match=why) as refused:
        take(content, name, inside)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)
    assert name in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["session"]
    assert not (inside / "kept").exists()


def upload(page: Visitor, name: str, content: bytes) -> requests.Response:
    url, origin = f"{page.address}/api/upload", {"Origin": page.address}
    return requests.post(url, params={"session": page.token, "name": name}, data=content, headers=origin, timeout=120)


def test_a_network_learns_from_a_visitors_own_digits(page: Visitor, digits: Digits) -> None:
    answer = upload(page, "my digits.csv", csv(digits))
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "my digits.csv"
    assert answer.json()["train"] == 32
    built = page.build(data="my digits.csv", train_samples=None)
    assert built["data"]["train"] == 32
    page.steps(2)
    assert page.say("build", setup={})["ok"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for the server's folder in /proc")
def test_only_what_is_in_use_stays_on_the_disk(digits: Digits) -> None:
    with started("--sessions", "2") as (address, server), Visitor(address) as page:
        environment = Path(f"/proc/{server.pid}/environ").read_text().split("\0")
        place = next(Path(each.removeprefix("TMPDIR=")) for each in environment if each.startswith("TMPDIR="))
        (folder,) = place.glob(f"inkling-play-*/{page.token}")
        for name in ["mine.csv", "bad.csv", "yours.csv", "bad.csv", *["mine.csv"] * 6]:
            good = upload(page, name, b"label,pixel0\n3,12\n" if name == "bad.csv" else csv(digits)).json()["ok"]
            assert good == (name != "bad.csv")
        page.build(data="mine.csv", train_samples=None)
        page.say("epoch")
        page.wait("epoch")
        for _ in range(2):
            assert requests.get(f"{address}api/model", params={"session": page.token}, timeout=30).ok
            assert requests.get(f"{address}api/report", params={"session": page.token}, timeout=120).ok
        assert len(list(folder.iterdir())) == 2
        assert all(path.name.endswith("-kept") for path in folder.iterdir())
        page.build(data="mine.csv", train_samples=None)
        page.steps(2)


def test_a_file_that_breaks_off_is_no_trouble_for_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    with started("--sessions", "2") as (address, _), Visitor(address) as page:
        host = address.removeprefix("http://").rstrip("/")
        for path, body in itertools.product(("model", "upload"), (b"ZZZ\r\n", b"5\r\nhello")):
            with socket.create_connection(tuple(host.split(":"))) as line:  # type: ignore[arg-type]
                line.sendall(
                    f"POST /api/{path}?session={page.token}&name=a.csv HTTP/1.1\r\nHost: {host}\r\n"
                    f"Origin: http://{host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                    + body
                )
                line.shutdown(socket.SHUT_WR)
                line.settimeout(10)
                with suppress(OSError):
                    line.recv(1000)
        assert page.say("view")["ok"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["bomb.zip", "giant.zip"])
def test_what_is_refused_harms_neither_session_nor_server(page: Visitor, digits: Digits, name: str) -> None:
    page.build()
    content, why = bad(digits)[name]
    if name == "bomb.zip":
        content = bomb()
    answer = upload(page, name, content)
    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert page.steps(1)[0]["step"] == 1


def test_a_file_that_is_too_large_is_refused_while_it_comes(page: Visitor) -> None:
    answer = upload(page, "large.csv", bytes(LIMITS["upload_bytes"] + 1))
    assert answer.status_code == 400
    assert "64 MB" in answer.json()["error"]
    assert "name" in upload(page, "", b"x").json()["error"]
    assert "empty" in upload(page, "x.csv", b"").json()["error"]
