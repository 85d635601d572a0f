"""Draw the picture of playground.md: the playground in Chromium, after two short trainings and a drawing.

`python docs/playground_picture.py` writes docs/images/playground.png. It needs Playwright and a Chromium, and learns
from whatever digits `--data auto` finds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

OUT = Path(__file__).parent / "images" / "playground.png"
TRAINING = "optimizer=rmsprop,learning_rate-0.0005&batch=32&initializer=scaled_normal"
LINK = f"#layers=dense-32-relu,dense-16-relu&{TRAINING}&show=seeks"
SEVEN = [(0.24, 0.2), (0.5, 0.19), (0.74, 0.2), (0.62, 0.45), (0.5, 0.66), (0.42, 0.84)]


def main() -> None:
    """Start a playground, visit it, and end it."""
    command = [sys.executable, "-m", "inkling", "play", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1440, "height": 940})
                page.add_init_script("localStorage.setItem('inkling-tour', 'yes')")
                page.goto(address + LINK)
                picture(page)
                browser.close()
        finally:
            server.terminate()


def picture(page: Page) -> None:
    """Two trainings, so that there is a ghost to compare with, and a drawing."""
    page.wait_for_timeout(2000)
    page.get_by_label("Speed").select_option("100")  # slowly enough for curves with many points
    train(page, 800)
    page.get_by_label("Optimizer").select_option("adam")
    page.wait_for_timeout(1500)
    train(page, 600)
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    page.wait_for_timeout(1500)
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    page.screenshot(path=OUT)
    # A palette makes the file a third as large, and nobody sees it.
    Image.open(OUT).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(OUT, optimize=True)


def train(page: Page, steps: int) -> None:
    """Play until so many steps are done."""
    page.locator("#play").click()
    while int((page.locator("#count-step").text_content() or "0").replace(",", "")) < steps:
        page.wait_for_timeout(50)
    page.locator("#play").click()
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main()
