"""Twenty pages that train at once for a minute: `make playground-load`.

Each plays a network, draws now and then and opens a neuron: nineteen WebSocket clients, and one real page in Chromium
(where there is none, a twentieth client). A server of its own is started for them. It fails if any of them hears of an
error or takes no step in a quarter of the time, or if memory keeps growing. Times are those that a page would see,
beside nineteen others on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from playwright.async_api import Page as Tab

WATCHED = ("step", "epoch")
SETUPS = ("first-look", "default", "kaggle-64-64", "conv-fast", "sigmoid-mse")
GROWTH = 1.25
"""How many times the memory after a quarter of the time it may be at the end."""


@dataclass
class Page:
    """One page and what it has seen."""

    number: int
    steps: int = 0
    epochs: int = 0
    ticks: int = 0
    moved: float = 0.0
    longest: float = 0.0
    """Seconds without a step."""
    drawings: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    waiting: dict[int, tuple[float, str]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    outputs: str = ""
    """The name of the last layer."""
    real: bool = False
    """Whether it is one in a browser."""

    async def live(self, address: str, seconds: float, presets: tuple[str, ...]) -> None:
        """From hello to goodbye."""
        host = address.removeprefix("http://").rstrip("/")
        url, origin = f"ws://{host}/stream", f"http://{host}"
        async with connect(url, origin=origin, compression=None, max_size=None, open_timeout=60) as socket:  # type: ignore[arg-type]
            hello = json.loads(await socket.recv())
            if hello["type"] != "hello":
                self.errors.append(str(hello))
                return
            setups = {preset["name"]: preset["setup"] for preset in hello["presets"]}
            await self.say(socket, "build", setup=setups[presets[self.number % len(presets)]])
            reading = asyncio.create_task(self.read(socket))
            while not self.outputs:
                await asyncio.sleep(0.05)
            await self.say(socket, "play")
            self.moved = perf_counter()
            until = perf_counter() + seconds
            while perf_counter() < until and not reading.done():
                await asyncio.sleep(1.0)
                await self.draw(socket)
                await self.say(socket, "neuron", layer=self.outputs, unit=3)
            reading.cancel()

    async def say(self, socket: ClientConnection, kind: str, **fields: Any) -> None:
        number = next(self.numbers)
        self.waiting[number] = perf_counter(), kind
        await socket.send(json.dumps({"id": number, "type": kind, **fields}))

    async def draw(self, socket: ClientConnection) -> None:
        ink = np.zeros((280, 280), np.uint8)
        ink[40:240, 120 + self.number : 140 + self.number] = 255
        number = next(self.numbers)
        header = json.dumps({"id": number, "type": "drawing", "width": 280, "height": 280}).encode()
        self.waiting[number] = perf_counter(), "drawing"
        await socket.send(struct.pack("<I", len(header)) + header + ink.tobytes())

    async def read(self, socket: ClientConnection) -> None:
        async for message in socket:
            if isinstance(message, bytes):
                (length,) = struct.unpack_from("<I", message)
                header = json.loads(message[4 : 4 + length])
            else:
                header = json.loads(message)
            self.note(header)

    def note(self, header: dict[str, Any]) -> None:
        now = perf_counter()
        if header["type"] == "tick":
            self.ticks += 1
            if header["step"] != self.steps:
                self.longest = max(self.longest, now - self.moved)
                self.steps, self.moved = header["step"], now
        elif header["type"] == "epoch":
            self.epochs = max(self.epochs, header["epoch"])
        elif header["type"] == "ended" or header.get("error"):
            self.errors.append(str(header))
        if "network" in header:
            self.outputs = header["network"]["layers"][-1]["name"]
        if header.get("id") in self.waiting:
            asked, kind = self.waiting.pop(header["id"])
            (self.drawings if kind == "drawing" else self.replies).append(1000 * (now - asked))


async def browse(page: Page, browser: Browser, address: str, seconds: float, presets: tuple[str, ...]) -> None:
    """What `Page.live` does, done by a person at a real page."""
    tab = await browser.new_page(viewport={"width": 1400, "height": 1000})
    await tab.add_init_script("localStorage.setItem('inkling-tour', 'yes')")
    tab.on("pageerror", lambda error: page.errors.append(str(error)))
    tab.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)

    def seen(frame: str | bytes) -> None:
        page.ticks += isinstance(frame, bytes) and b'"tick"' in frame[:40]

    tab.on("websocket", lambda socket: socket.on("framereceived", seen))
    await tab.goto(address)
    await tab.wait_for_selector("body.built")
    await tab.get_by_label("Preset").select_option(presets[page.number % len(presets)])
    await asyncio.sleep(1)  # the network is built
    await tab.locator("#play").click()
    page.moved = perf_counter()
    until = perf_counter() + seconds
    while perf_counter() < until:
        await asyncio.sleep(1.0)
        await draw_there(tab)
        if said := re.search(r"\d+", await tab.locator("#pad-time").inner_text()):
            page.drawings.append(float(said[0]))
        step, epoch = [int((await tab.locator(f"#count-{what}").inner_text()).replace(",", "")) for what in WATCHED]
        if step != page.steps:
            page.longest = max(page.longest, perf_counter() - page.moved)
            page.steps, page.epochs, page.moved = step, epoch, perf_counter()
        if await tab.locator("#over, #failed, #line").filter(visible=True).count():
            page.errors.append("the page shows a trouble")
            break
        if await tab.locator("#neuron-panel.behind").count():
            await tab.locator("#cells [role=gridcell]").last.click()
    await tab.close()


async def draw_there(tab: Tab) -> None:
    """A line from top to bottom, by mouse, on an empty pad."""
    pad = tab.locator("#pad")
    await pad.scroll_into_view_if_needed()
    box = await pad.bounding_box()
    assert box
    if await tab.locator("#pad-clear").is_enabled():
        await tab.locator("#pad-clear").click()
    await tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    await tab.mouse.down()
    await tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40, steps=10)
    await tab.mouse.up()
    await asyncio.sleep(0.3)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser | None]:
    """A browser, or None where there is none."""
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        yield None
        return
    async with async_playwright() as driver:
        try:
            browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        except Error:
            yield None
            return
        yield browser
        await browser.close()


def memory(root: int) -> dict[int, float]:
    """MB of each process below `root`, itself among them; what several share is divided between them."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    found, todo = {}, [root]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        found[pid] = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
    return found


async def load(address: str, server: int, sessions: int, seconds: float, presets: tuple[str, ...]) -> bool:
    async with chromium() as browser:
        if browser is None:
            print("no Chromium (or no Playwright) here: no page is a real one")
        return await visit(browser, address, server, sessions, seconds, presets)


async def visit(
    browser: Browser | None, address: str, server: int, sessions: int, seconds: float, presets: tuple[str, ...]
) -> bool:
    pages = [Page(number) for number in range(sessions)]
    before = sum(memory(server).values())
    tasks = [asyncio.create_task(page.live(address, seconds, presets)) for page in pages[1 if browser else 0 :]]
    if browser:
        pages[0].real = True
        tasks.insert(0, asyncio.create_task(browse(pages[0], browser, address, seconds, presets)))
    sizes: list[float] = []
    steps: list[list[int]] = []
    began = perf_counter()
    while not all(task.done() for task in tasks):
        await asyncio.sleep(seconds / 12)
        sizes.append(sum(memory(server).values()))
        steps.append([page.steps for page in pages])
    took = perf_counter() - began
    for page, result in zip(pages, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, BaseException):
            page.errors.append(f"{type(result).__name__}: {result}")
    show(pages, took, presets)
    quarter, end = sizes[len(sizes) // 4], sizes[-2] if len(sizes) > 1 else sizes[-1]
    print(f"memory: {before:.0f} MB with nobody there, {quarter:.0f} MB after a quarter of the time, ", end="")
    print(f"{end:.0f} MB at its end: {(end - before) / sessions:.1f} MB a session")
    quarters = list(itertools.pairwise(steps[:13:3]))
    still = [page.number for page in pages if any(b[page.number] <= a[page.number] for a, b in quarters)]
    wrong = [f"page {page.number}: {error}" for page in pages for error in page.errors]
    growing = end > GROWTH * quarter + 50
    for line in [
        *wrong[:10],
        *([f"stood still: {still}"] if still else []),
        *(["memory keeps growing"] if growing else []),
    ]:
        print(line)
    return not (wrong or still or growing)


def show(pages: list[Page], took: float, presets: tuple[str, ...]) -> None:
    titles = f"{'page':>4}  {'network':18}{'steps':>8}{'epochs':>8}{'ticks/s':>9}{'longest wait':>14}"
    print(f"{titles}{'drawing ms':>12}{'95 %':>8}")
    for page in pages:
        name, median, most = presets[page.number % len(presets)], at(page.drawings, 0.5), at(page.drawings, 0.95)
        name = f"{name}, page" if page.real else name
        told = f"{page.number:>4}  {name:18}{page.steps:>8,}{page.epochs:>8}{page.ticks / took:>9.1f}"
        print(f"{told}{page.longest:>12.2f} s{median:>12.1f}{most:>8.1f}")
    every = [*itertools.chain.from_iterable(page.drawings for page in pages)]
    print(f"drawings: median {at(every, 0.5):.1f} ms, 95 % under {at(every, 0.95):.1f} ms")


def at(values: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--presets", default=",".join(SETUPS))
    asked = parser.parse_args()
    command = [sys.executable, "-m", "inkling", "play", "--port", "0", "--no-browser", "--data", asked.data]
    command += ["--sessions", str(asked.sessions)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})
    try:
        assert server.stdout is not None
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        good = asyncio.run(load(address, server.pid, asked.sessions, asked.seconds, tuple(asked.presets.split(","))))
    finally:
        server.terminate()
        server.wait(10)
    print("good" if good else "NOT good")
    sys.exit(not good)


if __name__ == "__main__":
    main()
