"""One file from one server, whatever the server does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from stand_ins import IMPATIENT, Server, cut_after, endless, etag, silent_after, status, web_page, whole, without_range

from inkling.data.download import CutError, MirrorError, Patience, download, knock
from inkling.errors import DataError

CONTENT = bytes(range(256)) * 800  # 204,800 bytes


def fetch(server: Server, part: Path, patience: Patience = IMPATIENT, largest: int = 10**6) -> bool:
    return download(f"{server.url}file", part, label="file", largest=largest, patience=patience)


@pytest.fixture
def part(tmp_path: Path, server: Server) -> Path:
    server.files["/file"] = CONTENT
    return tmp_path / "file.part"


def test_a_file_arrives_whole_and_tells_how_far_it_is(server: Server, part: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    download(
        f"{server.url}file",
        part,
        label="digits",
        largest=10**6,
        patience=IMPATIENT,
        progress=lambda *step: seen.append(step),
    )
    assert part.read_bytes() == CONTENT
    assert seen[-1] == ("digits", len(CONTENT), len(CONTENT))
    assert [step[1] for step in seen] == sorted(step[1] for step in seen)


@pytest.mark.parametrize(
    ("way", "says"),
    [
        (status(404), "404 Not Found"),
        (status(503), "503 Service Unavailable"),
        (web_page, "web page"),
    ],
)
def test_an_answer_that_is_no_file_is_said_so(server: Server, part: Path, way: object, says: str) -> None:
    server.ways["/file"] = [way]  # type: ignore[list-item]
    with pytest.raises(MirrorError, match=says):
        fetch(server, part)
    assert not part.exists()


def test_a_cut_connection_is_taken_up_where_it_broke_off(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(100_000), cut_after(50_000)]
    assert fetch(server, part)
    assert part.read_bytes() == CONTENT
    assert [entry[1:] for entry in server.log] == [
        [None, 100_000],
        ["bytes=100000-", 50_000],
        ["bytes=150000-", 54_800],
    ]


def test_a_connection_that_keeps_breaking_is_given_up_but_what_arrived_is_kept(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(10_000)] * 3
    with pytest.raises(CutError, match="broke off"):
        fetch(server, part)
    assert part.read_bytes() == CONTENT[:30_000]
    assert fetch(server, part)
    assert server.log[-1][1:] == ["bytes=30000-", len(CONTENT) - 30_000]


def test_a_killed_process_loses_nothing(server: Server, part: Path) -> None:
    server.ways["/file"] = [silent_after(120_000)]
    program = (
        "import sys, pathlib\nfrom inkling.data.download import Patience, download\n"
        "download(sys.argv[1], pathlib.Path(sys.argv[2]), label='', largest=10**6, patience=Patience(read=60))"
    )
    with subprocess.Popen([sys.executable, "-c", program, f"{server.url}file", str(part)]) as process:
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size == 120_000):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    fetch(server, part)
    assert part.read_bytes() == CONTENT
    assert server.log[-1][1:] == ["bytes=120000-", 84_800]


def test_a_server_without_ranges_sends_everything_again(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(100_000), without_range]
    fetch(server, part)
    assert part.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_not_pieced_together_from_two(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(100_000)] * 3
    with pytest.raises(CutError):
        fetch(server, part, Patience(read=1.0, attempts=1))
    server.files["/file"] = CONTENT[::-1]
    server.ways.clear()
    fetch(server, part)
    assert part.read_bytes() == CONTENT[::-1]


def test_a_part_of_another_address_is_not_gone_on_from(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(100_000)]
    with pytest.raises(CutError):
        fetch(server, part, Patience(read=1.0, attempts=1))
    server.files["/other"] = CONTENT[::-1]
    download(f"{server.url}other", part, label="", largest=10**6, patience=IMPATIENT)
    assert part.read_bytes() == CONTENT[::-1]
    assert server.log[-1][1] is None


def test_a_part_that_is_longer_than_the_file_is_dropped(server: Server, part: Path) -> None:
    server.ways["/file"] = [cut_after(100_000)]
    with pytest.raises(CutError):
        fetch(server, part, Patience(read=1.0, attempts=1))
    part.write_bytes(CONTENT + b"and more")
    fetch(server, part)
    assert part.read_bytes() == CONTENT


def test_another_piece_than_was_asked_for_is_refused(server: Server, part: Path) -> None:
    def wrong_piece(handler, content):  # type: ignore[no-untyped-def]
        handler.start(206, 10, ETag=etag(content), Content_Range=f"bytes 0-9/{len(content)}")
        handler.send(content[:10])

    server.ways["/file"] = [cut_after(100_000), wrong_piece]
    with pytest.raises(MirrorError, match="another piece"):
        fetch(server, part)


def test_a_server_that_falls_silent_costs_the_time_out(server: Server, part: Path) -> None:
    server.ways["/file"] = [silent_after(1_000), silent_after(0)]
    with pytest.raises(MirrorError, match="sent nothing for 1 s"):
        fetch(server, part)


def test_a_server_that_drips_is_given_up(server: Server, part: Path) -> None:
    def drip(handler, content):  # type: ignore[no-untyped-def]
        handler.start(200, len(content))
        for place in range(200):
            handler.send(content[place : place + 1])
            time.sleep(0.05)

    server.ways["/file"] = [drip]
    with pytest.raises(MirrorError, match="bytes a second"):
        fetch(server, part)


def test_more_than_was_expected_is_not_accepted(server: Server, part: Path) -> None:
    with pytest.raises(MirrorError, match="offers 204,800 bytes"):
        fetch(server, part, largest=200_000)
    assert not part.exists()
    server.ways["/file"] = [endless]
    with pytest.raises(MirrorError, match="sent more than the 200,000 bytes"):
        fetch(server, part, largest=200_000)
    assert part.stat().st_size <= 200_000


def test_nothing_is_sent_twice_by_a_good_server(server: Server, part: Path) -> None:
    server.ways["/file"] = [whole]
    assert not fetch(server, part)
    assert [entry[2] for entry in server.log] == [len(CONTENT)]


def test_knocking_tells_a_living_server_from_a_dead_one(server: Server) -> None:
    dead = "http://127.0.0.1:9/"
    out_of_reach = knock([server.url, dead], seconds=2)
    assert out_of_reach(server.url) is None
    assert "no connection to 127.0.0.1" in (out_of_reach(dead) or "")


def test_a_name_server_that_hangs_costs_only_the_time_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import threading

    over = threading.Event()

    def hang(*_: object, **__: object) -> None:
        over.wait(30)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", hang)
    out_of_reach = knock(["https://a.invalid/", "https://b.invalid/", "https://c.invalid/"], seconds=0.2)
    assert out_of_reach("https://a.invalid/") == "a.invalid did not answer within 0.2 s"
    assert out_of_reach("https://c.invalid/") == "c.invalid did not answer within 0.2 s"
    over.set()


def test_behind_a_proxy_it_is_the_proxy_that_must_be_within_reach(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", server.url.removeprefix("http://"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert knock(["https://elsewhere.invalid/"], seconds=2)("https://elsewhere.invalid/") is None


def test_a_proxy_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:port")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(DataError, match="the proxy http://proxy:port"):
        knock(["https://elsewhere.invalid/"], seconds=1)
