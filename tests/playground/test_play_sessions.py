"""Tabs are sessions: each on its own, with a training that survives a lost connection and ends with its page."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from visitors import ConnectionClosed, Visitor, started
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from inkling.data import Digits
from inkling.errors import InklingError
from inkling.playground import server
from inkling.playground.server import Playground

Visit = Callable[..., Visitor]
LINUX = pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")


def processes(of: int) -> dict[int, str]:
    """The command lines of a process's children and theirs, by number."""
    parents, found, todo = {}, {}, [of]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    while todo:
        parent = todo.pop()
        children = [pid for pid, its in parents.items() if its == parent]
        todo += children
        found.update(dict.fromkeys(children, ""))
    return found


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def test_hello_tells_all_that_a_page_must_know(visit: Visit) -> None:
    hello = visit().hello
    assert {"session", "setup", "network", "limits", "presets", "data", "status", "history", "look"} <= set(hello)
    assert hello["status"]["state"] == "paused"
    assert hello["history"][0]["epoch"] == 0
    assert hello["history"][0]["validation_accuracy"] is not None
    assert hello["resumed"] is False


def test_what_a_visitor_finds_is_said_by_the_server_alone(visit: Visit) -> None:
    hello = visit().hello
    assert hello["setup"] == hello["presets"][0]["setup"]
    page = Path(server.__file__).with_name("static")
    said = re.findall(r"\bbatch_size: (\d+)", "".join(script.read_text("utf-8") for script in page.glob("*.js")))
    assert said == [str(hello["limits"]["batch_size"])], "the page knows the most that there may be, and nothing else"


def test_whoever_comes_or_comes_back_sees_the_digit_and_the_weights_at_once(visit: Visit) -> None:
    first = visit()
    tick, arrays = first.wait("tick")
    assert tick["step"] == 0
    assert len(tick["digit"]["probabilities"]) == 10
    assert arrays["input"].shape == (28, 28)
    assert any(name.startswith("w") for name in arrays)
    first.close()
    tick, again = visit(first.token).wait("tick")
    assert sorted(again) == sorted(arrays)


def test_two_tabs_know_nothing_of_each_other(visit: Visit) -> None:
    one, other = visit(), visit()
    assert one.token != other.token
    one.build(seed=1)
    other.build(seed=2)
    one.say("play")
    one.wait("tick", lambda tick: tick["step"] > 20)
    assert other.say("view")["ok"]
    assert other.steps(3)[0]["step"] == 3


def test_a_page_that_comes_back_finds_its_training(visit: Visit) -> None:
    first = visit()
    first.build()
    first.steps(17)
    first.close()
    again = visit(first.token)
    assert again.hello["resumed"] is True
    assert again.hello["status"]["step"] == 17
    assert again.hello["setup"]["layers"][0]["units"] == 16
    assert [point[0] for point in again.hello["points"]][-1] == 17
    assert again.steps(1)[0]["step"] == 18


def test_a_page_that_comes_back_finds_the_curves_of_this_network_alone(visit: Visit) -> None:
    first = visit()
    first.build()
    first.say("epoch")
    first.wait("epoch")
    first.say("reset")
    first.close()
    hello = visit(first.token).hello
    assert [row["epoch"] for row in hello["history"]] == [0]
    assert hello["points"] == hello["validation_points"] == []


def test_a_page_that_comes_back_finds_its_pace_and_how_much_it_has_taught(visit: Visit) -> None:
    first = visit()
    assert (first.hello["pace"], first.hello["taught"]) == (None, 0)
    ink = np.zeros((50, 50), np.uint8)
    ink[5:45, 22:28] = 255
    first.draw(ink)
    first.say("pace", steps_per_second=5)
    assert [first.say("teach", label=label)["taught"] for label in (1, 7)] == [1, 1]
    first.close()
    hello = visit(first.token).hello
    assert (hello["pace"], hello["taught"]) == (5, 1)


def test_training_goes_on_while_the_connection_is_lost(visit: Visit) -> None:
    first = visit()
    first.build()
    first.say("play")
    step = first.wait("tick", lambda tick: tick["step"] > 0)[0]["step"]
    first.close()
    again = visit(first.token)
    assert again.hello["status"]["state"] == "playing"
    assert again.hello["status"]["step"] >= step
    again.wait("tick", lambda tick: tick["step"] > step)


def test_a_token_that_nobody_has_makes_a_new_session(visit: Visit) -> None:
    hello = visit("x" * 24).hello
    assert hello["resumed"] is False
    assert hello["session"] != "x" * 24


def test_a_second_page_with_the_same_token_takes_over(visit: Visit) -> None:
    first = visit()
    second = visit(first.token)
    closed = first.last_words()
    assert closed.rcvd is not None
    assert closed.rcvd.code == 4002
    assert second.say("view")["ok"]


@given(st.lists(st.text(max_size=60) | st.binary(max_size=60), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nonsense_ends_neither_session_nor_server(page: Visitor, messages: list[str | bytes]) -> None:
    for message in messages:
        page.socket.send(message)
    assert page.say("view")["ok"]
    replies = [header for header, _ in page.heard if header["type"] == "reply"]
    assert len(replies) == len(messages)
    assert not any(reply["ok"] for reply in replies)
    page.heard.clear()


def test_a_huge_message_ends_the_connection_but_not_the_session(visit: Visit) -> None:
    first = visit()
    first.build()
    first.steps(2)
    first.socket.send("x" * 70_000)
    assert "larger than" in first.wait("reply", lambda reply: not reply["ok"])[0]["error"]
    with suppress(ConnectionClosed):  # the server may be faster than the message is long
        first.socket.send("x" * 2_000_000)
    assert first.last_words() is not None
    assert visit(first.token).hello["status"]["step"] == 2


def test_too_many_messages_at_once_are_told_to_wait(visit: Visit) -> None:
    visitor = visit()
    for number in range(1000, 1400):
        visitor.socket.send(json.dumps({"id": number, "type": "mistakes", "count": 60}))
    answers = [visitor.answer(number)[0]["ok"] for number in range(1000, 1400)]
    assert any(answers)
    assert not all(answers)
    assert visitor.say("view")["ok"]


def test_late_and_repeated_commands_are_answered(visit: Visit) -> None:
    visitor = visit()
    visitor.build()
    for kind in ("pause", "play", "play", "epoch", "pause", "pause", "step", "reset", "pause"):
        assert visitor.say(kind)["ok"]
    assert visitor.steps(1)[0]["step"] == 1


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "http://evil.example"),
        ({}, "null"),
        ({"Host": "evil.example"}, "http://evil.example"),
        ({"Host": "evil.example:80"}, None),
    ],
)
def test_a_stream_for_another_sites_page_is_refused(
    playground: str, headers: dict[str, str], origin: str | None
) -> None:
    host = playground.removeprefix("http://").rstrip("/")
    if "Host" in headers:
        answer = requests.get(playground, headers=headers, timeout=10)
        assert answer.status_code == 403
        assert "host name" in answer.json()["error"]
        return
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{host}/stream", origin=origin):  # type: ignore[arg-type]
        pass
    assert refused.value.response.status_code == 403


def test_a_post_of_another_sites_page_is_refused(playground: str, visit: Visit) -> None:
    token = visit().token
    for origin in ({}, {"Origin": "http://evil.example"}):
        answer = requests.post(f"{playground}api/model?session={token}", data=b"x", headers=origin, timeout=10)
        assert answer.status_code == 403


def test_every_answer_says_what_a_page_may_do(playground: str) -> None:
    for path in ("", "static/charts.js", "static/charts.css", "nowhere", "api/sample?session=x", "static/../server.py"):
        answer = requests.get(playground + path, timeout=10)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.status_code == 404
    assert "server" not in answer.headers


def test_files_have_their_types(playground: str) -> None:
    kinds = {"": "text/html", "static/charts.js": "text/javascript", "static/charts.css": "text/css"}
    for path, kind in kinds.items():
        answer = requests.get(playground + path, timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kind)


@LINUX
def test_a_session_whose_process_dies_says_so_and_the_server_lives(visit: Visit, playground: str) -> None:
    with started("--sessions", "2") as (address, server):
        before = set(processes(server.pid))
        with Visitor(address) as doomed:
            doomed.build()
            doomed.say("play")
            (worker,) = sorted(set(processes(server.pid)) - before, reverse=True)[:1]
            os.kill(worker, signal.SIGKILL)
            ended = doomed.wait("ended")[0]
            assert "process" in ended["reason"]
            with pytest.raises(ConnectionClosed):
                doomed.read()
        with Visitor(address) as next_one, Visitor(address):
            assert next_one.say("step")["ok"]
            host = address.removeprefix("http://").rstrip("/")
            with connect(f"ws://{host}/stream", origin=f"http://{host}") as third:  # type: ignore[arg-type]
                told = json.loads(third.recv(timeout=10))
            assert told["type"] == "ended"
            assert told["full"] is True
            assert "no room" in told["reason"]
            next_one.say("play")
            below = set(processes(server.pid))
            server.send_signal(signal.SIGINT)
            assert next_one.wait("ended")[0]["reason"] == "the playground was closed"
            assert server.wait(60) == 0  # under two seconds where the machine has nothing else to do
        assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))


@LINUX
def test_no_process_outlives_a_server_that_was_killed() -> None:
    with started() as (address, server), Visitor(address) as visitor:
        visitor.say("play")
        below = set(processes(server.pid))
        assert below
        server.kill()
        assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "inkling", "play", "--port", port, "--no-browser", "--data", "digits"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"--port {port}" in done.stderr
    assert "another" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_an_address_that_is_none_is_one_clear_line() -> None:
    command = [sys.executable, "-m", "inkling", "play", "--host", "no such host", "--no-browser", "--data", "digits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--host" in done.stderr
    assert "Traceback" not in done.stderr


def test_drawings_come_in_any_number_and_each_is_answered(visit: Visit) -> None:
    visitor = visit()
    visitor.say("play")
    for thick in range(1, 12):
        ink = np.zeros((280, 280), np.uint8)
        ink[40:240, 140 - thick : 140 + thick] = 255
        header, arrays = visitor.draw(ink, final=thick == 11)
        assert header["ok"]
        assert arrays["image"].shape == (28, 28)


def told(story: Coroutine[Any, Any, None]) -> None:
    """Run the story in a thread of its own: in this one, a browser of other tests may have its loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, story).result()


def test_a_session_whose_page_is_gone_ends_after_a_grace(digits: Digits, tmp_path: Path) -> None:
    async def story() -> None:
        playground = Playground(digits, tmp_path, sessions=1, threads=1, grace=0.4)
        watching = asyncio.create_task(playground.watch())
        session, resumed = await playground.session("")
        assert not resumed
        page = session.arrive()
        assert (await session.greet())["status"]["state"] == "paused"
        await asyncio.sleep(1)
        assert session.ended is None  # somebody is there
        with pytest.raises(InklingError, match="no room"):
            await playground.session("somebody else")
        session.leave(page)
        assert (await playground.session(session.token))[1]  # still there for one that comes back
        while session.ended is None:
            await asyncio.sleep(0.05)
        assert session.ended == "the page was closed"
        with pytest.raises(InklingError, match="over"):
            playground.named(session.token)
        await playground.end()
        assert not session.process.is_alive()
        assert [path.name for path in tmp_path.iterdir()] == ["data"]
        watching.cancel()

    told(story())


def test_where_places_are_full_whoever_has_been_gone_for_longest_makes_room(digits: Digits, tmp_path: Path) -> None:
    async def story() -> None:
        playground = Playground(digits, tmp_path, sessions=3, threads=1)
        there, gone, just_gone = [(await playground.session(""))[0] for _ in range(3)]
        pages = [session.arrive() for session in (there, gone, just_gone)]
        gone.leave(pages[1])
        await asyncio.sleep(0.05)
        just_gone.leave(pages[2])
        newcomer, resumed = await playground.session("")
        assert not resumed
        assert gone.ended == "its page had gone, and somebody else came"
        assert there.ended is just_gone.ended is newcomer.ended is None
        await playground.end()

    told(story())


def test_many_that_train_share_the_cores(digits: Digits, tmp_path: Path) -> None:
    async def story() -> None:
        playground = Playground(digits, tmp_path, sessions=3, threads=4)
        one, other = [(await playground.session(""))[0] for _ in range(2)]
        one.playing = True
        playground.changed()
        assert one.threads == 4
        other.playing = True
        playground.changed()
        assert (one.threads, other.threads) == (1, 1)
        other.end("enough")
        assert one.threads == 4
        await playground.end()

    told(story())


def test_a_page_that_takes_nothing_gets_no_heap_of_ticks(visit: Visit) -> None:
    visitor = visit()
    visitor.build()
    visitor.say("view", every_ms=50)
    visitor.say("play")
    time.sleep(2)  # in which it reads nothing
    assert max(visitor.read()[0].get("step", 0) for _ in range(20)) > 0
    assert visitor.say("pause")["ok"]
