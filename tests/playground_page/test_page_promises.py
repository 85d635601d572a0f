"""Small things that a visitor relies on without thinking of them: nothing typed, drawn or learnt is lost or misread."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guests import ONE, SMALL, ZERO, Guest, running

from inkling.playground.messages import Setup, read_setup
from inkling.playground.setups import MILD, presets

Invite = Callable[..., Guest]


def test_every_preset_survives_its_own_link(guest: Guest) -> None:
    same = {"he": "he_normal", "glorot": "glorot_uniform"}  # the library's short names
    for preset in presets():
        link, read = guest.page.evaluate(
            """async (setup) => {
                const { complete, fromHash, toHash } = await import("/static/state.js");
                const link = toHash({ setup: complete(setup), view: {} });
                return [link, fromHash(link)];
            }""",
            preset["setup"],
        )
        wanted = {
            **preset["setup"],
            "initializer": same.get(preset["setup"]["initializer"], preset["setup"]["initializer"]),
        }
        assert read["complaints"] == []
        assert read_setup({**Setup().model_dump(), **read["setup"]}) == read_setup(wanted), link


def test_a_link_without_distortions_has_none(invite: Invite) -> None:
    fresh = invite("")
    few = ",".join(f"{name}-{value:g}" for name, value in MILD.model_dump(exclude_defaults=True).items())
    fresh.find("#step").click()
    fresh.page.get_by_label("L2").select_option("0.001")
    fresh.until(lambda: f"distort={few}" in fresh.page.url)
    assert "distort" not in invite(SMALL).page.url


@pytest.mark.parametrize("typed", ["abc", "-1", "1e9", ""])
def test_what_is_no_learning_rate_is_told_and_the_box_shows_the_real_one(guest: Guest, typed: str) -> None:
    box = guest.page.get_by_label("Learning rate", exact=True)
    box.fill(typed)
    box.press("Enter")
    guest.until(lambda: guest.find("#toast").is_visible())
    assert "a number from 0 to 100" in guest.text("#toast p")
    assert box.input_value() == "0.003"


def test_a_learning_rate_may_have_a_decimal_comma(guest: Guest) -> None:
    box = guest.page.get_by_label("Learning rate", exact=True)
    box.fill("0,01")
    box.press("Enter")
    guest.until(lambda: "learning_rate-0.01&" in guest.page.url)
    assert box.input_value() == "0.01"


@pytest.mark.parametrize("typed", ["0", "-3", "5000", "1.5"])
def test_what_is_no_number_of_neurons_is_told(guest: Guest, typed: str) -> None:
    box = guest.find("[data-key='0-size']")
    box.fill(typed)
    box.press("Enter")
    guest.until(lambda: guest.find("#toast").is_visible())
    assert "1 to 1,024 neurons, in whole numbers" in guest.text("#toast p")
    assert box.input_value() == "32"


def test_a_page_that_is_loaded_again_goes_on_with_its_training(browser: Any, shots: Path) -> None:
    with running("--sessions", "1") as address:
        guest = Guest(browser, address, shots, "").come()
        guest.page.get_by_label("Speed").select_option("100")
        guest.train(60)
        step, link = guest.number("#count-step"), guest.page.url
        guest.page.reload()
        guest.page.wait_for_selector("body.built")
        guest.until(lambda: guest.number("#count-step") == step)
        assert guest.page.url == link
        assert guest.find("#pace").input_value() == "100"
        guest.until(lambda: guest.text("#score-loss") != "–")
        line = guest.find("#chart-loss svg > g:not(.crosshair):not(.faint) .line").first
        guest.until(lambda: (line.get_attribute("d") or "").count("L") > 2)
        guest.shot("loaded-again")
        guest.find("#step").click()
        guest.until(lambda: guest.number("#count-step") == step + 1)
        guest.leave()


def test_another_link_in_the_same_tab_is_what_it_says(invite: Invite) -> None:
    guest = invite()
    guest.train(20)
    guest.page.goto(guest.address + "?followed" + SMALL.replace("dense-16-tanh", "dense-9-tanh"))
    guest.page.wait_for_selector("body.built")
    guest.until(lambda: guest.find("#cells [data-column='2']").count() == 9)


def test_a_tab_that_is_duplicated_has_a_training_of_its_own(invite: Invite) -> None:
    guest = invite()
    guest.train(20)
    with guest.context.expect_page() as opened:
        guest.page.evaluate("() => { window.open(location.href); }")  # takes a copy of the tab's storage along
    other = opened.value
    other.wait_for_selector("body.built")
    assert other.locator("#count-step").inner_text() == "0"
    guest.find("#step").click()
    guest.until(lambda: guest.number("#count-step") > 20)
    assert not guest.find("#over").is_visible()


def test_the_curve_and_the_loss_reach_the_step_where_it_paused(guest: Guest) -> None:
    sent: list[dict[str, Any]] = []

    def hear(frame: Any) -> None:
        if isinstance(frame, str):
            sent.append(json.loads(frame))

    guest.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    guest.page.reload()
    guest.page.wait_for_selector("body.built")
    guest.train(200)

    def last() -> list[float]:
        points: list[list[float]] = [message["points"][-1] for message in sent if message["type"] == "points"]
        return points[-1]

    guest.until(lambda: last()[0] == guest.number("#count-step"))  # the last comes just behind "paused"
    shown = guest.text("#score-loss")
    assert float(shown) == pytest.approx(last()[1], abs=0.51 * 10 ** -len(shown.partition(".")[2]))


def test_a_long_curve_is_drawn_to_its_last_point(invite: Invite) -> None:
    def between(guest: Guest) -> None:
        def carry(socket: Any) -> None:
            socket.connect_to_server()
            sockets.append(socket)

        guest.page.route_web_socket("**/stream*", carry)

    sockets: list[Any] = []
    guest = invite(before=between)
    points = [[step, 1 + 1 / step, 0.5] for step in range(1, 1000)]  # 999: several wait for neighbours
    sockets[-1].send(json.dumps({"type": "points", "points": points}))
    sockets[-1].send(json.dumps({"type": "validation", "step": 999, "count": 1, "loss": 1.0, "accuracy": 0.5}))
    lines = guest.find("#chart-loss svg > g:not(.crosshair):not(.faint) .line")
    guest.until(lambda: lines.count() == 2 and "L" in (lines.last.get_attribute("d") or ""))
    training, validation = (re.findall(r"[\d.]+", line.get_attribute("d") or "") for line in lines.all())
    assert training[-2] == validation[-2]


def test_a_mistake_keeps_the_focus_while_the_network_trains(guest: Guest) -> None:
    guest.find("#mistakes").scroll_into_view_if_needed()
    guest.page.keyboard.press(" ")
    guest.until(lambda: guest.find("#shelf .mistake").count() > 3)
    guest.find("#shelf .mistake").nth(2).focus()
    held = guest.find("#shelf .mistake:focus").get_attribute("data-index")
    step = guest.number("#count-step")
    guest.page.wait_for_timeout(4000)  # in which the shelf would have been filled anew twice
    assert guest.number("#count-step") > step
    assert guest.find("#shelf .mistake:focus").get_attribute("data-index") == held
    score = guest.text("#mistakes-score")
    guest.find("#mistakes h2").click()
    guest.until(lambda: guest.text("#mistakes-score") != score or guest.find("#shelf .mistake:focus").count() == 0)


def test_an_output_neuron_shows_its_probability(guest: Guest) -> None:
    guest.train(40)
    guest.cell(3, 7).click()
    guest.until(lambda: "softmax" in guest.find("#neuron-body .flow").inner_text())
    flow, said = guest.text("#neuron-body .flow"), guest.text("#neuron-body .quiet-note >> nth=0")
    assert "PROBABILITY" in flow.upper()
    share = re.findall(r"[\d.]+ %", flow)[0]
    assert f"this one's is {share}" in said
    guest.shot("an-output-neuron")


def test_what_is_told_of_a_step_says_which_way_the_weight_goes(guest: Guest) -> None:
    guest.cell(2, 3).click()
    guest.until(lambda: guest.text("#neuron-title") == "Neuron 3")
    told = []
    for count in range(1, 9):
        guest.find("#step").click()
        guest.until(lambda count=count: f"Step {count}, explained" in guest.text("#step-say"))
        told.append(guest.find("#step-say dd").last.inner_text())
    assert all(re.search(r"(so|yet) it (goes (up|down) to|stays)", each) for each in told)
    assert not any("grows" in each or "shrinks" in each for each in told)
    assert not any("-" in each for each in told)
    assert "On average it says" in guest.text("#neuron-body")
    assert "-" not in guest.text("#neuron-body .quiet-note >> nth=0")
    guest.shot("which-way-a-weight-goes")


def test_with_an_empty_pad_the_network_sees_the_digit_from_before(guest: Guest) -> None:
    guest.page.get_by_role("button", name="The next digit").click()
    guest.until(lambda: "validation 1" in guest.text("#digit-name"))
    before = guest.text("#digit-name")
    guest.draw(ONE)
    guest.until(lambda: guest.text("#digit-name") == "Your drawing")
    guest.find("#pad-clear").click()
    guest.until(lambda: guest.text("#digit-name") == before)


def test_drawings_that_were_taught_are_counted_and_one_that_is_taught_again_only_once(guest: Guest) -> None:
    guest.draw(ZERO)
    for digit in (6, 0):
        guest.page.get_by_label(f"This is a {digit}").click()
        guest.until(lambda digit=digit: f"as a {digit}" in guest.text("#teach-say"))
        assert "1 of your drawings is" in guest.text("#teach-say")
    counts = guest.text("#data-counts")
    assert re.match(r"[\d,]+ training and 1 of yours · ", counts), counts


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_tours_card_leaves_free_what_it_speaks_of(invite: Invite, width: int) -> None:
    guest = invite("", width=width, height=844, been_here=False, reduced_motion="reduce")
    guest.find("#invite-start").click()
    spoken = {1: "#cells [data-column='1']", 4: "#cells [data-column='1']", 5: "#seen, #draw .pad-answer"}
    for count in range(1, 7):
        guest.until(lambda count=count: guest.text("#tour-count") == f"{count} of 6")
        card = guest.find("#tour").bounding_box()
        top = guest.find("header").bounding_box()
        assert card
        assert top
        for each in guest.find(spoken[count]).all() if count in spoken else []:
            box = each.bounding_box()
            assert box
            beside = box["x"] + box["width"] <= card["x"] or box["x"] >= card["x"] + card["width"]
            assert beside or box["y"] + box["height"] <= card["y"] or box["y"] >= card["y"] + card["height"]
            assert box["y"] >= top["y"] + top["height"] - 1
        guest.find("#tour-next").click()
