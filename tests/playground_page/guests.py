"""People who visit the playground in a real Chromium, and the playground they visit.

A `Guest` watches over its page: an error in the console, or a request that leaves this machine, fails the test.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SMALL = "#layers=dense-32-relu,dense-16-tanh&optimizer=adam,learning_rate-0.003&batch=32&schedule=constant&epochs=10"
"""The part of a link after #: a network that is built and trained in no time."""
BEND = "distort=shift-2,rotate-12,scale-0.2,thickness-1"
STURDY = f"#layers=conv-8-k5-p2-relu,dense-64-relu&optimizer=adam,learning_rate-0.003&batch=32&schedule=constant&{BEND}"
"""A network that learns to read other hands than those of its few training images."""


@contextmanager
def running(*options: str) -> Iterator[str]:
    """`inkling play` on the bundled digits, with these options: its address."""
    command = [sys.executable, "-m", "inkling", "play", "--port", "0", "--no-browser", "--data", "digits", *options]
    environment = {name: value for name, value in os.environ.items() if name != "INKLING_DATA"} | {"COLUMNS": "200"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()


class Guest:
    """A person at the page: what tests do again and again, in a person's words."""

    def __init__(self, browser: Browser, address: str, shots: Path, link: str, **how: Any) -> None:
        width, height = how.pop("width", 1440), how.pop("height", 900)
        been_here = how.pop("been_here", True)
        self.shots, self.address = shots, address
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **how)
        self.context.set_default_timeout(40_000)
        self.page: Page = self.context.new_page()
        if been_here:
            self.page.add_init_script("localStorage.setItem('inkling-tour', 'yes')")
        self.troubles: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.link = link

    def come(self) -> Guest:
        """Open the page, and wait until the network that the link asks for can be seen."""
        self.page.goto(self.address + self.link)
        self.page.wait_for_selector("body.built")
        if self.link:
            self.until(lambda: "a new network" in self.text("#live"))
        return self

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def text(self, selector: str) -> str:
        return self.find(selector).inner_text().replace("\N{NO-BREAK SPACE}", " ")

    def number(self, selector: str) -> float:
        return float(self.text(selector).replace(",", "").removesuffix(" %").replace("\N{MINUS SIGN}", "-"))

    def cell(self, column: int, cell: int) -> Locator:
        return self.find(f"#cells [data-column='{column}'][data-cell='{cell}']")

    def until(self, true: Callable[[], bool], seconds: float = 40) -> None:
        """Wait for something that the page shows (its policy forbids the browser to evaluate expressions)."""
        for _ in range(round(seconds / 0.05)):
            if true():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"waited {seconds} s in vain; see {self.shot('in-vain')}")

    def train(self, steps: int) -> None:
        """Play until so many steps are done, then pause."""
        self.page.keyboard.press("Escape")
        self.find("#play").click()
        self.until(lambda: self.number("#count-step") >= steps, 60)
        self.find("#play").click()
        self.until(lambda: self.text("#play") == "Play")

    def draw(self, *strokes: list[tuple[float, float]]) -> None:
        """Draw with the mouse; points are fractions of the pad's side."""
        pad = self.find("#pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box
        for stroke in strokes:
            places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            self.page.mouse.move(*places[0])
            self.page.mouse.down()
            for place in places[1:]:
                self.page.mouse.move(*place, steps=3)
            self.page.mouse.up()

    def shot(self, name: str, **how: Any) -> Path:
        path = self.shots / f"{name}.png"
        self.page.screenshot(path=path, **how)
        return path

    def leave(self) -> None:
        self.context.close()
        assert self.troubles == [], self.troubles
        home = self.address.removeprefix("http://").rstrip("/")
        assert [url for url in self.asked if url.split("://")[-1].split("/")[0] != home and "://" in url] == []


ONE = [(0.52, 0.16), (0.5, 0.5), (0.48, 0.84)]
ZERO = [(0.5 - 0.25 * math.sin(k * math.pi / 12), 0.5 - 0.35 * math.cos(k * math.pi / 12)) for k in range(25)]
