from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Chart = Callable[..., None]
STATIC = resources.files("inkling.report") / "static"


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """An empty page that knows the charts as a module, and tells at the end whether anything went wrong."""
    context = browser.new_context(viewport={"width": 800, "height": 600})
    desk, troubles = context.new_page(), []
    desk.on("pageerror", lambda error: troubles.append(str(error)))
    style = (STATIC / "charts.css").read_text() + (STATIC / "report.css").read_text()
    module = (STATIC / "charts.js").read_text()
    desk.set_content(
        f"<style>{style}</style><button>before</button><div id='place' style='width:600px'></div>"
        f"<script type=module>{module}\nwindow.charts = {{ lineChart, confusionMatrix, niceTicks, logTicks }};</script>"
    )
    desk.wait_for_function("window.charts")
    yield desk
    context.close()
    assert troubles == []


@pytest.fixture
def chart(desk: Page) -> Chart:
    """`chart(series, …)` draws lines; `window.chart` then steers them."""

    def show(series: list[dict[str, Any]], **options: Any) -> None:
        desk.evaluate(
            """([series, options]) => {
                window.moves = [];
                options.onMove = (x) => moves.push(x);
                window.chart = charts.lineChart(document.getElementById("place"), series, options);
            }""",
            [series, options],
        )

    return show


def curve(values: list[float | None], name: str = "loss", **look: Any) -> dict[str, Any]:
    return {"name": name, "points": [[epoch, value] for epoch, value in enumerate(values, 1)], **look}


def lines(desk: Page) -> list[str]:
    return desk.eval_on_selector_all(".chart-plot > svg > g > .line", "all => all.map(each => each.getAttribute('d'))")


def tip(desk: Page) -> str:
    return " ".join(desk.locator(".chart-tip").inner_text().split())


@pytest.mark.parametrize("count", [1, 2, 37, 1000])
def test_any_number_of_epochs_becomes_a_line_within_the_picture(desk: Page, chart: Chart, count: int) -> None:
    chart([curve([1 / epoch for epoch in range(1, count + 1)])], label="Loss", zero=True)
    (path,) = lines(desk)
    places = [tuple(map(float, place.split(","))) for place in path.replace("L", "M").split("M")[1:]]
    assert len(places) == count
    assert path.count("M") == 1
    width, height = map(float, (desk.locator(".chart-plot > svg").get_attribute("viewBox") or "").split()[2:])
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert len(desk.locator(".tick.x").all()) <= 15
    assert desk.locator(".tick.x").first.text_content() == "1"


def test_without_epochs_it_says_so(desk: Page, chart: Chart) -> None:
    chart([curve([])])
    assert "no epochs yet" in desk.locator(".chart-plot").inner_text()
    desk.locator(".chart-plot").hover()
    desk.locator(".chart-plot").press("ArrowRight")
    assert not desk.locator(".chart-tip").is_visible()


def test_a_missing_value_is_a_gap(desk: Page, chart: Chart) -> None:
    chart([curve([1.0, 0.5, None, 0.4, 0.3])])
    assert lines(desk)[0].count("M") == 2
    desk.evaluate("chart.show(3)")
    assert tip(desk) == "epoch 3"


def test_the_pointer_shows_the_values_of_the_nearest_epoch(desk: Page, chart: Chart) -> None:
    chart([curve([0.9, 0.5, 0.2], "first"), curve([0.8, 0.4, 0.1], "second")])
    plot = desk.locator(".chart-plot")
    box = plot.bounding_box()
    assert box
    plot.hover(position={"x": box["width"] - 20, "y": 60})
    assert tip(desk) == "epoch 3 first 0.2 second 0.1"
    plot.hover(position={"x": 60, "y": 60})
    assert tip(desk) == "epoch 1 first 0.9 second 0.8"
    assert len(desk.locator(".crosshair .dot").all()) == 2
    desk.mouse.move(5, 590)
    assert not desk.locator(".chart-tip").is_visible()
    assert desk.evaluate("moves") == [3, 1, None]


def test_the_keyboard_moves_through_the_epochs(desk: Page, chart: Chart) -> None:
    chart([curve([k / 100 for k in range(30)])], label="Loss")
    desk.locator("button", has_text="before").focus()
    desk.keyboard.press("Tab")
    plot = desk.get_by_role("slider", name="Loss")
    assert plot.get_attribute("aria-valuetext") == "epoch 30: loss 0.29"
    for key, epoch in [
        ("ArrowLeft", 29),
        ("PageDown", 19),
        ("Home", 1),
        ("ArrowLeft", 1),
        ("ArrowRight", 2),
        ("End", 30),
    ]:
        desk.keyboard.press(key)
        assert plot.get_attribute("aria-valuenow") == str(epoch)
        assert tip(desk).startswith(f"epoch {epoch} ")
    desk.keyboard.press("Escape")
    assert not desk.locator(".chart-tip").is_visible()


def test_a_finger_shows_values_too(desk: Page, chart: Chart) -> None:
    chart([curve([0.9, 0.5, 0.2])])
    box = desk.locator(".chart-plot").bounding_box()
    assert box
    touch = {"pointerType": "touch", "clientX": box["x"] + box["width"] - 20, "clientY": box["y"] + 50, "bubbles": True}
    desk.locator(".chart-plot").dispatch_event("pointerdown", touch)
    assert tip(desk) == "epoch 3 loss 0.2"


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm(desk: Page, chart: Chart) -> None:
    chart([curve([10, 1, 0.1, 0, 0.001])], logToggle=True)
    straight = lines(desk)[0]
    button = desk.get_by_role("button", name="log scale")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    bent = lines(desk)[0]
    assert bent != straight
    assert bent.count("M") == 2
    heights = [float(place.split(",")[1]) for place in bent.replace("L", "M").split("M")[1:]]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    button.click()
    assert lines(desk)[0] == straight


def test_runs_differ_in_marks_and_parts_in_dashes(desk: Page, chart: Chart) -> None:
    chart([curve([1, 2], "a", mark=0, line="solid"), curve([2, 1], "b", mark=1, line="dashed")])
    marks = desk.eval_on_selector_all(".chart-legend .mark", "all => all.map(each => each.getAttribute('d'))")
    dashes = desk.eval_on_selector_all(
        ".chart-legend .line", "all => all.map(each => each.getAttribute('stroke-dasharray'))"
    )
    assert len(set(marks)) == len(set(dashes)) == 2


def test_new_data_can_be_drawn_at_any_time(desk: Page, chart: Chart) -> None:
    chart([curve([0.9])])
    desk.evaluate("chart.show(1)")
    desk.evaluate(f"chart.update({json.dumps([curve([0.9, 0.5, 0.25])])})")
    assert tip(desk) == "epoch 1 loss 0.9"
    desk.evaluate("chart.show(3)")
    assert tip(desk) == "epoch 3 loss 0.25"
    assert desk.evaluate("moves") == []  # who moves the crosshair from outside knows


def test_it_follows_the_width_of_its_place(desk: Page, chart: Chart) -> None:
    chart([curve([0.9, 0.5, 0.2])])
    desk.evaluate("document.getElementById('place').style.width = '320px'")
    desk.wait_for_function("document.querySelector('.chart-plot > svg').viewBox.baseVal.width === 320")


@pytest.mark.parametrize(
    ("call", "ticks"),
    [
        ("niceTicks(0, 1, 5)", [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("niceTicks(0.93, 0.98, 4)", [0.93, 0.94, 0.95, 0.96, 0.97, 0.98]),
        ("niceTicks(1, 1000, 10)", [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
        ("niceTicks(3, 3, 4)", [3]),
        ("logTicks(0.1, 10, 8)", [0.1, 0.2, 0.5, 1, 2, 5, 10]),
        ("logTicks(1e-6, 10, 5)", [1e-6, 1e-4, 0.01, 1]),
    ],
)
def test_ticks_are_round_numbers(desk: Page, call: str, ticks: list[float]) -> None:
    assert desk.evaluate(f"charts.{call}") == ticks


MATRIX = [[50, 0, 1], [2, 40, 9], [0, 0, 0]]


def test_a_cell_tells_what_it_counts(desk: Page) -> None:
    desk.evaluate(
        """counts => {
            window.cells = [];
            window.matrix = charts.confusionMatrix(document.getElementById("place"), counts,
                { label: "Digits", onCell: (truth, answer) => cells.push([truth, answer]) });
        }""",
        MATRIX,
    )
    say = desk.get_by_role("status")
    desk.get_by_role("gridcell", name="1 read as 2").hover()
    assert say.inner_text() == "1 read as 2: 9 times (17.6 % of all 1s)"
    desk.mouse.move(790, 590)
    assert "Point at a cell" in say.inner_text()
    assert desk.evaluate("cells") == [[1, 2], [None, None]]
    desk.locator("button", has_text="before").focus()
    for key in ("Tab", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        desk.keyboard.press(key)
    assert say.inner_text().startswith("1 read as 2")
    desk.keyboard.press("ArrowDown")
    assert say.inner_text() == "2 read as 2: 0 times (0.0 % of all 2s)"
    desk.evaluate("matrix.update([[1, 2], [3, 4]])")
    assert len(desk.get_by_role("gridcell").all()) == 4
