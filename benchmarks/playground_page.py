"""What a page costs the training that it watches, and how smoothly it shows it: `make bench-playground`.

The recipe `default` trains in turn without a playground, in one that a bare WebSocket client watches, and in one that a
real page in Chromium watches, on the same machine. A page's own work, drawing, is the browser's and on its cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep

import pandas as pd
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

SECONDS = 6.0
WARM = 2.0
FRAMES = """() => new Promise((done) => {
  let count = 0;
  const began = performance.now();
  const next = (now) => { count += 1; if (now - began < 3000) requestAnimationFrame(next); else done(count / 3); };
  requestAnimationFrame(next);
})"""


def main() -> None:
    """Measure in turn, and print the medians."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--data", default="auto")
    reader.add_argument("--rounds", type=int, default=3)
    given = reader.parse_args()
    found: dict[str, list[dict[str, float]]] = {"alone": [], "watched": [], "page": []}
    with server(given.data) as address:
        for number in range(given.rounds):
            for kind, rounds in found.items():
                told = alone(given.data) if kind == "alone" else {"watched": watched, "page": paged}[kind](address)
                rounds.append(told)
                print(f"round {number + 1}, {kind}: {json.dumps(told)}", flush=True)
    print("\n| training of `default` | steps a second | of alone | ticks a second | frames a second |")
    print("| --- | --- | --- | --- | --- |")
    for kind, rounds in found.items():
        share = statistics.median(
            one["steps"] / other["steps"] for one, other in zip(rounds, found["alone"], strict=True)
        )
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        seen = f"{middle.get('ticks', 0):.1f} | {middle.get('frames', 0):.0f}"
        print(f"| {kind} | {middle['steps']:.0f} | {share:.2f} | {seen} |")


def alone(data: str) -> dict[str, float]:
    """`inkling train default`, its second epoch and those after it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "inkling", "train", "default", "--epochs", "8", "--no-report", "--quiet"]
        subprocess.run([*command, "--data", data, "--out", str(run)], check=True, stdout=subprocess.DEVNULL)
        seconds = pd.read_csv(run / "history.csv")["seconds"].iloc[2:]
        images = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["dataset"]["train"]
    return {"steps": -(-images // 128) / float(seconds.median())}


@contextmanager
def server(data: str) -> Iterator[str]:
    """A playground of its own."""
    command = [sys.executable, "-m", "inkling", "play", "--port", "0", "--no-browser", "--data", data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()


def watched(address: str) -> dict[str, float]:
    """A client that reads all it is sent and draws nothing."""
    host = address.removeprefix("http://").rstrip("/")
    with connect(f"ws://{host}/stream?session=", origin=f"http://{host}", max_size=None, compression=None) as socket:
        hello = json.loads(socket.recv())
        setup = next(each["setup"] for each in hello["presets"] if each["name"] == "default")
        for number, words in enumerate(({"type": "build", "setup": setup}, {"type": "play"}), 1):
            socket.send(json.dumps({"id": number, **words}))
        seen: list[tuple[float, int]] = []
        began = perf_counter()
        while perf_counter() - began < WARM + SECONDS:
            message = socket.recv()
            if not isinstance(message, bytes):
                continue
            length = int.from_bytes(message[:4], "little")
            header = json.loads(message[4 : 4 + length])
            if header["type"] == "tick" and perf_counter() - began > WARM:
                seen.append((perf_counter(), header["step"]))
    (first, before), (last, after) = seen[0], seen[-1]
    return {"steps": (after - before) / (last - first), "ticks": (len(seen) - 1) / (last - first)}


def paged(address: str) -> dict[str, float]:
    """The page itself, in Chromium, as somebody sees it who watches."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.add_init_script(
            "localStorage.setItem('inkling-tour', 'yes'); window.ticks = 0;"
            "const Native = WebSocket; window.WebSocket = class extends Native { constructor(...all) { super(...all);"
            " this.addEventListener('message', ({ data }) => { window.ticks += typeof data !== 'string'; }); } };"
        )
        page.goto(address)
        page.get_by_label("Preset").select_option("default")
        sleep(1)
        page.locator("#play").click()
        sleep(WARM)
        now = (
            "[performance.now(), Number(document.querySelector('#count-step').textContent.replace(/\\D/g, '')), ticks]"
        )
        first = page.evaluate(now)
        frames = page.evaluate(FRAMES)
        sleep(SECONDS - 3)
        last = page.evaluate(now)
        browser.close()
    seconds = (last[0] - first[0]) / 1000
    return {"steps": (last[1] - first[1]) / seconds, "ticks": (last[2] - first[2]) / seconds, "frames": frames}


if __name__ == "__main__":
    main()
