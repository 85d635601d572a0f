"""The seven things that a person can do at the playground, done as a person does them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from guests import ONE, SMALL, STURDY, ZERO, Guest

from inkling.data import load_data
from inkling.storage import load_model

Invite = Callable[..., Guest]


def numbers_in(text: str) -> list[Decimal]:
    plain = text.replace("\N{MINUS SIGN}", "-").replace(",", "")
    return [Decimal(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", plain)]


def test_the_network_is_seen_from_digit_to_answer_and_changed_on_the_picture(guest: Guest) -> None:
    page = guest.page
    assert guest.find("#cells [role=row]").count() == 3
    assert [guest.find(f"#cells [data-column='{column}']").count() for column in (1, 2, 3)] == [32, 16, 10]
    guest.until(lambda: "validation" in guest.text("#digit-name"))
    weights = 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10
    assert guest.find("#count-weights").text_content() == f"{weights:,}"

    page.get_by_label("More neurons in layer 2").click()
    guest.until(lambda: guest.find("#cells [data-column='2']").count() == 20)
    page.get_by_label("Activation of layer 1").select_option("sigmoid")
    page.get_by_label("Dropout of layer 1").select_option("0.3")
    guest.until(lambda: "dense-32-sigmoid-drop0.3,dense-20-tanh" in page.url)

    page.get_by_label("Add a layer at place 1").click()
    page.get_by_role("button", name="Convolution").click()
    guest.until(lambda: guest.find("#cells [role=row]").count() == 4)
    assert "feature map" in (guest.cell(1, 0).get_attribute("aria-label") or "")
    page.get_by_label("More settings of layer 1").click()
    page.get_by_label("kernel of layer 1").select_option("3")
    guest.until(lambda: "conv-8-k3-" in page.url)
    page.keyboard.press("Escape")
    guest.shot("1-network-with-a-convolution")

    page.get_by_label("Remove layer 1").click()
    guest.until(lambda: guest.find("#cells [role=row]").count() == 3)
    first = guest.text("#digit-name")
    page.get_by_role("button", name="The next digit").click()
    guest.until(lambda: guest.text("#digit-name") != first)


def test_it_plays_steps_and_begins_again_and_settings_change_while_it_does(guest: Guest) -> None:
    page = guest.page
    guest.find("#step").click()
    guest.until(lambda: guest.text("#count-step") == "1")
    page.keyboard.press("s")
    guest.until(lambda: guest.text("#count-step") == "2")
    page.get_by_label("Speed").select_option("100")
    page.get_by_label("Speed").blur()
    page.keyboard.press(" ")
    guest.until(lambda: guest.text("#play") == "Pause" and guest.number("#count-step") > 10)
    page.get_by_label("Learning rate", exact=True).fill("0.0005")
    page.get_by_label("Learning rate", exact=True).press("Enter")
    guest.until(lambda: "learning_rate-0.0005" in page.url)
    page.get_by_label("Batch size").select_option("128")
    page.get_by_label("L2").select_option("0.001")
    guest.until(lambda: "l2=0.001" in page.url and "batch=128" in page.url)
    here = guest.number("#count-step")
    guest.until(lambda: guest.number("#count-step") > here)
    page.get_by_label("Speed").select_option("full")
    guest.find("#play").click()
    guest.until(lambda: guest.text("#play") == "Play")
    epochs = guest.number("#count-epoch")
    guest.find("#epoch").click()
    guest.until(lambda: guest.number("#count-epoch") == epochs + 1)
    guest.find("#reset").click()
    guest.until(lambda: guest.text("#count-step") == "0")

    page.get_by_label("Preset").select_option("sigmoid-mse")
    guest.until(lambda: "loss=mean_squared_error" in page.url)
    assert guest.find("#set-optimizer").input_value() == "sgd"
    page.get_by_label("First weights").select_option("zeros")
    page.get_by_role("button", name="Distortions").click()
    page.get_by_label("rotate").fill("15")
    guest.until(lambda: "distort=rotate-15" in page.url and "initializer=zeros" in page.url)


def test_the_page_begins_with_the_batch_size_of_the_server_and_says_any_other(invite: Invite) -> None:
    guest = invite("")
    batch = guest.find("#set-batch_size")
    assert batch.input_value() == "32"
    guest.train(20)
    guest.find("#keep").click()
    guest.until(lambda: guest.find("#kept li").count() == 1)
    assert "batch" not in guest.text("#kept")
    batch.select_option("64")
    guest.until(lambda: "batch=64" in guest.page.url)
    guest.train(40)
    guest.find("#keep").click()
    guest.until(lambda: guest.find("#kept li").count() == 2)
    assert guest.text("#kept").count("batch 64") == 1


def test_curves_grow_and_earlier_runs_stay_as_ghosts_beside_the_mistakes(guest: Guest) -> None:
    guest.page.get_by_label("Speed").select_option("100")
    guest.train(120)
    guest.page.get_by_label("Speed").select_option("full")
    loss = guest.find("#chart-loss .chart-plot > svg > g:not(.crosshair):not(.faint)")
    assert loss.count() == 2
    assert len((loss.first.locator(".line").get_attribute("d") or "").split("L")) > 2
    assert guest.number("#score-validation") > 50
    guest.page.get_by_label("Optimizer").select_option("sgd")
    guest.until(lambda: guest.find("#kept li").count() == 1)
    assert "Adam 0.003" in guest.text("#kept")
    guest.train(60)
    guest.until(lambda: guest.find("#chart-loss svg g.faint").count() == 2)
    guest.shot("3-curves-with-a-ghost")

    guest.find("#mistakes").scroll_into_view_if_needed()
    cells = guest.find("#matrix [role=gridcell]")
    guest.until(lambda: "read rightly" in guest.text("#mistakes-score"))
    assert cells.count() == 100
    counts = np.array([int(text.strip("·") or 0) for text in cells.all_inner_texts()]).reshape(10, 10)
    read, of = map(float, re.findall(r"[\d.]+", guest.text("#mistakes-score")))
    assert counts.sum() == of
    assert abs(100 * np.trace(counts) / of - read) < 0.1
    mistakes = guest.find("#shelf .mistake")
    guest.until(lambda: mistakes.count() == min(of - np.trace(counts), 24))
    truth, answer = re.findall(r"\d", mistakes.first.inner_text())
    mistakes.first.click()
    guest.until(lambda: guest.text("#verdict") == f"misread as {answer}")
    assert re.match(rf"An? {truth} ", guest.text("#digit-name"))
    guest.shot("3-mistakes", full_page=True)


def test_a_one_and_a_zero_drawn_with_the_mouse_are_read_rightly(invite: Invite) -> None:
    guest = invite(STURDY)
    guest.train(400)
    guest.draw(ONE)
    guest.until(lambda: guest.text("#pad-digit") == "1")
    guest.shot("4-a-one")
    guest.find("#pad-clear").click()
    guest.until(lambda: guest.text("#pad-digit") == "?")
    guest.draw(ZERO)
    guest.until(lambda: guest.text("#pad-digit") == "0")
    guest.find("#saliency").check()
    guest.shot("4-a-zero-and-which-ink-mattered")
    # What is drawn is what the network above looks at.
    guest.until(lambda: guest.text("#digit-name") == "Your drawing" and guest.text("#verdict") == "read as 0")

    guest.draw([(0.1, 0.1), (0.3, 0.1)])
    guest.find("#pad-undo").click()
    guest.until(lambda: guest.text("#pad-digit") == "0")
    guest.page.get_by_label("This is a 0").click()
    guest.until(lambda: "1 of your drawings" in guest.text("#teach-say"))
    waits = [int(each) for each in re.findall(r"\d+", guest.text("#pad-time"))]
    assert waits
    assert waits[0] < 1000  # on a machine that does many things at once; the server's own tests are stricter


def test_a_neuron_opens_and_its_numbers_add_up(guest: Guest) -> None:
    guest.train(40)
    guest.cell(1, 5).click()
    guest.until(lambda: guest.text("#neuron-title") == "Neuron 5" and guest.find(".sum").count() == 1)
    rows = guest.find(".sum tbody tr")
    values = [numbers_in(row.locator("td").last.inner_text())[0] for row in rows.all()]
    assert len(values) == 11  # eight terms, the rest, the bias, z
    assert sum(values[:-1]) == values[-1]
    for row in rows.all()[:8]:
        x, w, product = (numbers_in(each)[0] for each in row.locator("td").all_inner_texts())
        assert abs(x * w - product) <= Decimal("0.00005")
    assert guest.find(".weight-image canvas").count() == 1
    assert guest.find(".exciting li").count() == 12
    guest.shot("5-a-neuron")
    guest.find("#neuron-next").click()
    guest.until(lambda: guest.text("#neuron-title") == "Neuron 6")
    guest.cell(3, 7).click()
    guest.until(lambda: guest.text("#neuron-title") == "The neuron for digit 7")
    guest.find("#neuron-close").click()
    assert guest.find("#curves-panel").is_visible()


def test_a_step_is_explained_so_that_a_calculator_agrees(invite: Invite) -> None:
    guest = invite(SMALL.replace("optimizer=adam,learning_rate-0.003", "optimizer=sgd,learning_rate-0.1"))
    guest.cell(2, 3).click()
    guest.until(lambda: guest.text("#neuron-title") == "Neuron 3")
    guest.find("#step").click()  # with a neuron open, one step explains itself
    guest.until(lambda: guest.find(".sentence li").count() > 0)
    assert "Step 1, explained" in guest.text("#step-say")
    line = guest.find(".sentence li").last.inner_text()
    old, rate, gradient, new = (float(each) for each in numbers_in(line.partition("=")[2]))
    assert old - rate * gradient == pytest.approx(new, rel=1e-5, abs=1e-9)
    assert rate == pytest.approx(0.1)
    assert guest.text("#count-step") == "1"
    guest.shot("5-a-step-explained")


def test_own_data_comes_in_and_models_and_reports_go_out(guest: Guest, tmp_path: Path) -> None:
    digits = load_data("digits").train
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["label", *(f"pixel{k}" for k in range(784))])
    rows.writerows(
        [label, *image.ravel()] for label, image in zip(digits.labels[:200], digits.images[:200], strict=True)
    )
    good, bad = tmp_path / "mine.csv", tmp_path / "bad.csv"
    good.write_text(table.getvalue())
    bad.write_text("label,pixel0\n3,12\n")

    guest.find("#data-file").set_input_files(bad)
    guest.until(lambda: "problem" in (guest.find("#data-say").get_attribute("class") or ""))
    assert "bad.csv, line 1: it ends after 2 columns" in guest.text("#data-say")
    assert guest.troubles.pop().startswith("Failed to load resource: the server responded with a status of 4")
    guest.shot("6-data-that-does-not-fit")
    guest.find("#data-file").set_input_files(good)
    guest.until(lambda: guest.find("#data-say.done").count() == 1)
    assert guest.text("#data-say") == "Your file mine.csv. The network begins again, on these."
    assert guest.find("#data-select option").count() == 2
    guest.train(30)

    with guest.page.expect_download() as saved:
        guest.find("#model-save").click()
    model = tmp_path / "mine.safetensors"
    saved.value.save_as(model)
    assert load_model(model).parameters.size == 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10
    with guest.page.expect_download() as saved:
        guest.find("#report-save").click()
    saved.value.save_as(tmp_path / "report.html")
    assert "<html" in (tmp_path / "report.html").read_text()
    guest.find("#reset").click()
    guest.until(lambda: guest.text("#count-step") == "0")
    guest.find("#model-file").set_input_files(model)
    guest.until(lambda: "is loaded" in guest.text("#data-say"))
    guest.shot("6-own-data", full_page=True)


def test_the_network_that_comes_along_is_there_to_be_looked_into(guest: Guest) -> None:
    guest.find("#model-trained").click()
    guest.until(lambda: "The trained network is loaded" in guest.text("#data-say"))
    guest.until(lambda: "feature map" in (guest.cell(1, 0).get_attribute("aria-label") or ""))
    guest.until(lambda: "misread" not in guest.text("#verdict"))
    guest.shot("6-the-network-that-comes-along")


def test_the_tour_has_six_steps_and_the_link_shares_the_set_up(invite: Invite) -> None:
    guest = invite(been_here=False)
    assert guest.find("#invite").is_visible()
    guest.find("#invite-start").click()
    for count in range(1, 7):
        assert guest.text("#tour-count") == f"{count} of 6"
        assert guest.find("#tour-title").inner_text()
        guest.shot(f"7-tour-{count}")
        guest.find("#tour-next").click()
    assert not guest.find("#tour").is_visible()
    assert not guest.find("#invite").is_visible()

    guest.page.get_by_label("Optimizer").select_option("rmsprop")
    guest.until(lambda: "optimizer=rmsprop" in guest.page.url)
    friend = invite("#" + guest.page.url.partition("#")[2])
    assert friend.find("#set-optimizer").input_value() == "rmsprop"
    assert friend.find("[data-key='1-activation']").input_value() == "tanh"
