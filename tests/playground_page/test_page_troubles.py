"""What the page says and does when something is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from guests import SMALL, Guest, running

Invite = Callable[..., Guest]


def test_a_training_that_blows_up_is_told_and_mended(invite: Invite) -> None:
    linear = SMALL.replace("relu", "identity").replace("tanh", "identity")
    guest = invite(linear.replace("optimizer=adam,learning_rate-0.003", "optimizer=sgd,learning_rate-100"))
    guest.find("#play").click()
    guest.until(lambda: guest.find("#failed").is_visible())
    assert "diverged" in guest.text("#failed-say")
    assert guest.find("#play").is_disabled()
    guest.shot("blown-up")
    guest.find("#failed-slower").click()
    guest.until(lambda: not guest.find("#failed").is_visible() and "learning_rate-10&" in guest.page.url)
    assert guest.find("#play").is_enabled()


def test_after_a_lost_connection_the_run_goes_on(invite: Invite) -> None:
    lines: list[Any] = []

    def between(guest: Guest) -> None:
        def carry(socket: Any) -> None:
            server = socket.connect_to_server()
            lines.append((socket, server))

        guest.page.route_web_socket("**/stream*", carry)

    guest = invite(before=between)
    guest.train(40)
    step = guest.number("#count-step")
    page_side, server_side = lines[-1]
    page_side.close(code=3001, reason="a cable was pulled")
    server_side.close(code=3001)
    guest.until(lambda: guest.find("#line").is_visible() or len(lines) > 1)
    guest.until(lambda: len(lines) > 1 and not guest.find("#line").is_visible() and guest.find("#step").is_enabled())
    assert guest.number("#count-step") == step
    guest.find("#step").click()
    guest.until(lambda: guest.number("#count-step") == step + 1)


def test_where_all_places_are_taken_it_says_so(browser: Any, shots: Path) -> None:
    with running("--sessions", "1") as address:
        first = Guest(browser, address, shots, "").come()
        second = Guest(browser, address, shots, "")
        second.page.goto(address)
        second.page.wait_for_selector("#over:visible")
        assert second.text("#over-title") == "All places are taken"
        assert "no room" in second.text("#over-say")
        second.shot("all-places-taken")
        first.leave()
        second.leave()


def test_a_set_up_that_cannot_be_is_refused_in_one_line_and_nothing_changes(guest: Guest) -> None:
    before = guest.page.url
    guest.find("[data-key='0-size']").fill("5000")  # more than a layer may have
    guest.find("[data-key='0-size']").press("Enter")
    assert guest.find("[data-key='0-size']").input_value() == "32"
    assert guest.page.url == before
    for rows in (4, 5, 5):  # 28 × 28 pixels become 12 × 12, 4 × 4, and then are too few for a kernel of 5 × 5
        guest.page.get_by_label("Add a layer at place 1").click()
        guest.page.get_by_role("button", name="Convolution").click()
        guest.until(lambda rows=rows: guest.find("#cells [role=row]").count() == rows)
    guest.until(lambda: guest.find("#toast p").inner_text().startswith("Layer 3: "))
    assert "\n" not in guest.text("#toast p")
    guest.shot("refused")
    assert guest.page.url.count("conv-") == 2


def test_a_link_that_says_nonsense_is_told_of_and_the_rest_is_built(invite: Invite) -> None:
    guest = invite(SMALL + "&l2=evil&__proto__=3&batch=64")
    guest.until(lambda: guest.find("#toast").is_visible())
    assert "l2=evil" in guest.text("#toast")
    assert guest.find("#set-batch_size").input_value() == "64"
    assert guest.find("#set-l2").input_value() == "0"
