"""For everybody: by keyboard, by screen reader, on a phone and on a projector, in light and in dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from guests import Guest

Invite = Callable[..., Guest]


def complaints(guest: Guest) -> list[str]:
    """What axe says about the page as it is now, each complaint in a line."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(guest.page).response["violations"]
    return [f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']][:5])}" for each in found]


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1440, 900), ("dark", 360, 740), ("light", 820, 1100), ("dark", 1920, 1080)],
)
def test_nothing_stands_in_anybodys_way(invite: Invite, scheme: Any, width: int, height: int) -> None:
    guest = invite(color_scheme=scheme, width=width, height=height)
    guest.train(30)
    name = f"{scheme}-{width}"
    assert guest.page.evaluate("document.documentElement.scrollWidth") == width
    guest.find("#mistakes").scroll_into_view_if_needed()
    guest.until(lambda: "read rightly" in guest.text("#mistakes-score"))
    guest.shot(name)
    assert complaints(guest) == []
    guest.find("#stage").scroll_into_view_if_needed()
    guest.cell(1, 2).click()
    guest.until(lambda: guest.find(".sum").count() == 1)
    guest.find("#explain").click()
    guest.until(lambda: guest.find(".sentence").count() == 1)
    guest.shot(f"{name}-neuron")
    assert complaints(guest) == []


def test_at_no_width_does_the_page_stick_out(guest: Guest) -> None:
    for width in (*range(340, 1400, 53), 1536, 1880, 1920, 2560):
        guest.page.set_viewport_size({"width": width, "height": 900})
        assert guest.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_nothing_moves_while_somebody_is_about_to_press_it(invite: Invite, width: int) -> None:
    guest = invite(width=width)
    buttons = ["#pad-clear", "#data-pick", "#model-save", "#report-save"]

    def places() -> list[tuple[float, float]]:
        top = guest.page.evaluate("scrollY")
        boxes = [guest.find(button).bounding_box() for button in buttons]
        return [(box["x"], box["y"] + top) for box in boxes if box]

    before = places()
    guest.find("#mistakes").scroll_into_view_if_needed()
    guest.until(lambda: guest.find(".mistake").count() > 20)  # the matrix and the mistakes arrive
    assert places() == before
    guest.train(600)  # the curves begin, and most of the mistakes go
    guest.until(lambda: guest.find(".mistake").count() < 20)
    assert places() == before
    assert len(before) == len(buttons)


@pytest.mark.parametrize("opened", ["tour", "glossary", "insert", "extras", "distortions"])
def test_what_opens_is_for_everybody_too(guest: Guest, opened: str) -> None:
    button = {
        "tour": "#tour-start", "glossary": "#words", "insert": "[data-key=insert-1]", "extras": "[data-key='0-extras']",
        "distortions": "#set-augment",
    }[opened]  # fmt: skip
    guest.find(button).click()
    guest.page.wait_for_timeout(150)
    guest.shot(f"opened-{opened}")
    assert complaints(guest) == []
    guest.page.keyboard.press("Escape")
    assert not guest.find({"tour": "#tour", "glossary": "#glossary"}.get(opened, ":popover-open")).is_visible()


def test_the_light_changes_with_the_button(guest: Guest) -> None:
    def paper() -> int:
        colour = guest.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))

    light = paper()
    guest.page.get_by_role("button", name="Dark colours").click()
    assert paper() < 200 < light
    guest.page.get_by_role("button", name="Light colours").click()
    assert paper() == light


def test_everything_is_reached_by_the_tabulator_and_shows_it(guest: Guest) -> None:
    reached, unseen = set(), []
    focus = "(({ id, dataset, role }) => [id, dataset.key ?? '', role ?? ''])(document.activeElement)"
    ring = "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(110):
        guest.page.keyboard.press("Tab")
        found = guest.page.evaluate(focus)
        reached.update(each for each in found if each)
        if guest.page.evaluate(ring) == "none":
            unseen.append(found)
    wanted = {
        "reset", "play", "step", "epoch", "pace", "words", "tour-start", "share", "theme", "set-preset",
        "set-learning_rate",
        "set-augment", "0-size", "0-activation", "0-dropout", "0-extras", "0-remove", "insert-0", "gridcell", "lines",
        "tab-curves", "keep", "pad", "saliency", "data-pick", "model-save", "report-save",
    }  # fmt: skip
    assert wanted - reached == set()
    assert unseen == []


def test_arrow_keys_walk_from_neuron_to_neuron_and_enter_opens_one(guest: Guest) -> None:
    keyboard = guest.page.keyboard
    guest.cell(1, 0).focus()
    place = "(({ column, cell }) => [column, cell].map(Number))(document.activeElement.dataset)"
    walked = []
    for key in ("ArrowRight", "ArrowDown", "End", "Home"):
        keyboard.press(key)
        walked.append(guest.page.evaluate(place))
    assert walked[0] == [1, 1]
    assert walked[1][0] == 1
    assert walked[1][1] > 1
    assert walked[2:] == [[1, 31], [1, 0]]
    for _ in range(9):
        keyboard.press("ArrowRight")
    assert guest.page.evaluate(place)[0] == 3
    assert "%" in (guest.page.evaluate("document.activeElement.getAttribute('aria-label')") or "")
    keyboard.press("Enter")
    guest.until(lambda: guest.text("#neuron-title").startswith("The neuron for digit"))
    assert guest.find("#cells [tabindex='0']").count() == 1


def test_one_can_draw_with_keys_alone(guest: Guest) -> None:
    guest.find("#pad").focus()
    keyboard = guest.page.keyboard
    for _ in range(14):
        keyboard.press("ArrowUp")
    keyboard.press(" ")
    for _ in range(28):
        keyboard.press("ArrowDown")
    guest.until(lambda: guest.text("#pad-digit").isdigit())
    guest.shot("drawn-with-keys")
    assert guest.text("#count-step") == "0"  # the space bar put the pen down, and trained nothing
    keyboard.press("Backspace")
    guest.until(lambda: guest.text("#pad-digit") == "?")


def test_a_finger_draws_too(invite: Invite) -> None:
    guest = invite(width=390, height=800, has_touch=True)
    pad = guest.find("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    touch = guest.context.new_cdp_session(guest.page)

    def at(share: float) -> list[dict[str, float]]:
        return [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * share}]

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at(0.2)})
    for k in range(1, 8):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": at(0.2 + k * 0.08)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    guest.until(lambda: guest.text("#pad-digit").isdigit())
    guest.shot("drawn-with-a-finger")
