from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from readers import Page as Read

from inkling.data import Digits
from inkling.report import Record, read_record, write_comparison

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Reader:
    """Opens pages in a browser, and remembers what it complained of and asked for."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.troubles: list[str] = []
        self.asked: list[str] = []

    def open(self, path: Path, width: int = 1200, **how: Any) -> Page:
        self.context = self.browser.new_context(viewport={"width": width, "height": 900}, **how)
        page = self.context.new_page()
        page.on("console", lambda message: self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".chart-plot > svg > g")
        return page


@pytest.fixture
def reader(browser: Browser) -> Iterator[Reader]:
    reader = Reader(browser)
    yield reader
    reader.context.close()
    assert reader.troubles == []
    assert [url for url in reader.asked if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def comparison(record: Record, other: Path, digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("comparison") / "comparison.html"
    return write_comparison([record, read_record(other, digits)], out)


@pytest.mark.parametrize("width", [390, 768, 1600])
@pytest.mark.parametrize("which", ["page", "comparison"])
def test_it_fits_phone_and_wide_screen(reader: Reader, request: pytest.FixtureRequest, which: str, width: int) -> None:
    page = reader.open(request.getfixturevalue(which), width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for name in ("loss", "accuracy", "rate"):
        box = page.locator(f"[data-chart={name}] svg").last.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert all(page.eval_on_selector_all("img", "all => all.map(each => each.complete && each.naturalWidth > 0)"))


def test_the_epochs_values_are_the_histories(reader: Reader, page: Path, record: Record) -> None:
    open_page = reader.open(page)
    plot = open_page.locator("[data-chart=accuracy] .chart-plot")
    plot.focus()
    plot.press("Home")
    first = record.history.epochs[0]
    assert f"{100 * (first.validation_accuracy or 0):.2f} %" in plot.locator(".chart-tip").inner_text()
    # The other charts show the same epoch.
    assert f"{first.train_loss:.4f}" in open_page.locator("[data-chart=loss] .chart-tip").inner_text()


def test_a_cell_of_the_matrix_brings_its_mistakes(reader: Reader, page: Path) -> None:
    counts = Read.read(page).data["confusions"][0]["counts"]
    truth, answer = max(
        ((k, j) for k in range(10) for j in range(10) if k != j), key=lambda cell: counts[cell[0]][cell[1]]
    )
    open_page = reader.open(page)
    open_page.get_by_role("gridcell", name=f"{truth} read as {answer}").hover()
    count = counts[truth][answer]
    assert f"{truth} read as {answer}: {count} time" in open_page.get_by_role("status").inner_text()
    assert len(open_page.locator(".shelf span").all()) == min(count, 8)
    open_page.get_by_role("gridcell", name=f"{truth} read as {truth}").hover()
    assert open_page.locator(".shelf span").all() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_and_the_button(reader: Reader, page: Path, scheme: Any) -> None:
    open_page = reader.open(page, color_scheme=scheme)

    def paper() -> int:
        colour = open_page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))

    assert (paper() < 200) == (scheme == "dark")
    # Pictures keep their white paper, on which they were drawn.
    assert (
        open_page.evaluate("getComputedStyle(document.querySelector('.enlarge')).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    open_page.get_by_role("button", name="Switch to").click()
    assert (paper() < 200) == (scheme == "light")
    open_page.emulate_media(media="print")
    assert paper() == 3 * 255


def test_a_picture_can_be_enlarged_and_put_away_by_keyboard(reader: Reader, page: Path) -> None:
    open_page = reader.open(page, 390)
    button = open_page.locator("#picture-forward_pass .enlarge")
    small = button.locator("img").bounding_box()
    button.focus()
    open_page.keyboard.press("Enter")
    large = open_page.get_by_role("dialog").locator("img").bounding_box()
    assert small
    assert large
    assert large["width"] > 2 * small["width"]
    open_page.keyboard.press("Escape")
    assert not open_page.get_by_role("dialog").is_visible()
    assert open_page.evaluate("document.activeElement.className") == "enlarge"


def test_all_that_can_be_used_is_reached_by_the_tabulator(reader: Reader, page: Path) -> None:
    open_page = reader.open(page)
    reached = set()
    for _ in range(80):
        open_page.keyboard.press("Tab")
        reached.add(
            open_page.evaluate(
                "(({ tagName, className, id }) => [tagName, id || className].join(' '))(document.activeElement)"
            )
        )
    wanted = {"BUTTON theme", "A skip", "DIV chart-plot", "BUTTON chart-log", "BUTTON enlarge", "PRE command"}
    assert wanted <= reached
    assert any(each.startswith("TD") for each in reached)


def test_every_link_of_the_contents_leads_somewhere(reader: Reader, page: Path) -> None:
    open_page = reader.open(page)
    for link in open_page.locator("nav a").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        assert open_page.locator(f"section#{target} h2").count() == 1


def test_it_prints(reader: Reader, page: Path) -> None:
    open_page = reader.open(page)
    paper = open_page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert 5 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page/") <= 14
    open_page.emulate_media(media="print")
    assert not open_page.locator("#theme").is_visible()
    assert open_page.locator("[data-chart=loss] svg").last.is_visible()
