"""What a page is shown is what the network computes: the model is loaded beside it, and every number compared."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from visitors import Visitor

from inkling.data import Digits
from inkling.nn import Network
from inkling.playground.drawings import in_mnists_form
from inkling.storage import load_model, load_pretrained, save_model

DENSE = [{"kind": "dense", "units": 12, "activation": "tanh"}, {"kind": "dense", "units": 8, "dropout": 0.2}]
CONV = [
    {"kind": "conv", "channels": 4, "kernel": 5, "pool": 2, "batch_norm": True},
    {"kind": "conv", "channels": 6, "kernel": 3, "padding": "same", "stride": 2, "activation": "leaky_relu"},
    {"kind": "dense", "units": 8},
]
BOTH = pytest.mark.parametrize("layers", [DENSE, CONV], ids=["dense", "convolutions"])


def model_of(page: Visitor, folder: Path) -> Network:
    """The page's network, as its visitor can save it."""
    answer = requests.get(f"{page.address}/api/model", params={"session": page.token}, timeout=30)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    path = folder / "model.safetensors"
    path.write_bytes(answer.content)
    return load_model(path)


def sample(page: Visitor, index: int) -> tuple[np.ndarray[Any, Any], int]:
    """One validation image and its label."""
    params: dict[str, str | int] = {"session": page.token, "split": "validation", "index": index}
    answer = requests.get(f"{page.address}/api/sample", params=params, timeout=30).json()
    return np.frombuffer(base64.b64decode(answer["image"]), np.uint8).reshape(28, 28), answer["label"]


def stages_of(network: Network, image: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """What stands behind each layer that has weights, after its activation."""
    found, name = {}, ""
    for layer, out in network.activations(image[np.newaxis]):
        if "W" in layer.parameter_shapes():
            name = layer.name
        if type(layer).__name__ not in ("Dropout", "Flatten"):
            found[name] = out[0]
    return found


@BOTH
def test_a_tick_shows_the_networks_own_numbers(page: Visitor, tmp_path: Path, layers: list[dict[str, Any]]) -> None:
    network = page.build(layers=layers)["network"]
    page.say("look", index=3)
    page.steps(5)
    page.say("view", weights=True)
    page.heard.clear()
    page.say("look", index=3)
    header, arrays = page.wait("tick")
    model = model_of(page, tmp_path)
    image, label = sample(page, 3)
    np.testing.assert_array_equal(arrays["input"], image)
    assert header["digit"]["label"] == label
    probabilities = model.predict_proba(image[np.newaxis])[0]
    np.testing.assert_allclose(header["digit"]["probabilities"], probabilities, rtol=1e-5, atol=1e-7)
    theirs = stages_of(model, image)
    theirs[network["layers"][-1]["name"]] = probabilities
    for layer in network["layers"]:
        shown, true = arrays[f"a:{layer['name']}"], theirs[layer["name"]]
        assert list(shown.shape) == layer["shape"]
        np.testing.assert_allclose(shown, true, atol=np.abs(true).max() / 127 + 1e-6)
        weights = dict(model.named_parameters())[f"{layer['name']}.W"]
        drawn = arrays[f"w:{layer['name']}"]
        if drawn.shape[1:] == (28, 28):
            weights = weights.T.reshape(-1, 28, 28)
        elif drawn.shape != weights.shape:  # behind feature maps: the mean of each
            weights = weights.reshape(-1, drawn.shape[0], weights.shape[1]).mean(axis=0)
        np.testing.assert_allclose(drawn, weights, atol=np.abs(weights).max() / 120)
    assert network["parameters"] == len(model.parameters)


@BOTH
def test_a_neurons_sum_adds_up_as_it_is_printed(page: Visitor, tmp_path: Path, layers: list[dict[str, Any]]) -> None:
    described = page.build(layers=layers)["network"]
    page.steps(8)
    page.say("look", index=5)
    model = model_of(page, tmp_path)
    image, _ = sample(page, 5)
    outs = {layer.name: out[0] for layer, out in model.activations(image[np.newaxis])}
    for layer in described["layers"]:
        header, arrays = page.ask("neuron", layer=layer["name"], unit=2)
        assert header["ok"], header
        numbers = [Decimal(term) for term in ("bias", "rest") for term in [str(header[term])]]
        total = sum((Decimal(str(term["product"])) for term in header["terms"]), sum(numbers, Decimal(0)))
        assert total == Decimal(str(header["z_printed"]))
        for term in header["terms"]:
            assert round(Decimal(str(term["x"])) * Decimal(str(term["w"])), 4) == Decimal(str(term["product"]))
        assert abs(header["z"] - header["z_printed"]) < 1e-4
        place = (2,) if header["where"] is None else (*header["where"], 2)
        assert header["z"] == pytest.approx(float(outs[layer["name"]][place]), abs=1e-5)
        assert arrays["excite"].shape == (12, 28, 28)
        assert sorted(header["excite_activations"], reverse=True) == header["excite_activations"]
        weights = dict(model.named_parameters())[f"{layer['name']}.W"][..., 2]
        np.testing.assert_array_equal(arrays["weights"].ravel(), weights.ravel())
        written, value = header["sentence"].replace("− ", "+ -").split(" = ")
        total = Decimal(0)
        for term in re.sub(r" \([^)]*\)", "", written).split(" + "):
            w, _, x = term.partition(" × ")
            total += round(Decimal(w) * Decimal(x), 4) if x else Decimal(w)
        assert total == Decimal(value)


def test_a_place_on_a_feature_map_can_be_opened(page: Visitor) -> None:
    page.build(layers=CONV)
    header, _ = page.ask("neuron", layer="conv2d_1", unit=1, row=3, column=4)
    assert header["at"] == [3, 4]
    assert header["where"][0] in (6, 7)
    assert header["where"][1] in (8, 9)
    assert "batch_norm" in header
    refused = page.say("neuron", layer="conv2d_1", unit=1, row=12, column=0)
    assert refused["where"] == "row"
    assert page.say("neuron", layer="dense_1", unit=1, row=0)["where"] == "row"
    assert page.say("neuron", layer="dense_1", unit=99)["where"] == "unit"
    assert page.say("neuron", layer="dense_9", unit=0)["where"] == "layer"


OPTIMIZERS = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    {"name": "sgd", "learning_rate": 0.1, "clip_norm": 0.01},
    {"name": "rmsprop"},
    {"name": "adam"},
    {"name": "adamw"},
]


def calculator(expression: str) -> float:
    """What a calculator makes of it."""
    text = re.sub(r"√([\d.]+(e-\d+)?)", r"(\1)**0.5", expression)
    return float(eval(text.replace("×", "*").replace("−", "-").replace("²", "**2"), {"__builtins__": {}}))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: "-".join(str(v) for v in o.values()))
def test_the_sentence_about_a_step_is_true(page: Visitor, tmp_path: Path, optimizer: dict[str, Any]) -> None:
    page.build(layers=DENSE, optimizer=optimizer, l2=0.001, augment={"shift": 1.0})
    page.steps(4)
    for asked in ({"unit": 3}, {"unit": 3, "input": 2}):
        before = model_of(page, tmp_path).layers[2].W.copy()
        told = page.say("explain_step", layer="dense_2", **asked)
        assert told["ok"], told
        after = model_of(page, tmp_path).layers[2].W
        assert told["old"] == before[told["input"], 3]
        assert told["new"] == after[told["input"], 3]
        for line in told["lines"]:
            _, expression, value = line.split(" = ")
            digits = len(value.lstrip("-0.").replace(".", ""))
            assert f"{calculator(expression):.{digits}g}" == f"{float(value):.{digits}g}", line
        assert float(told["lines"][-1].split(" = ")[-1]) == pytest.approx(told["new"], rel=1e-3)
        assert told["gradient"] == pytest.approx(told["data_gradient"] + told["l2_part"])
    assert told["input_name"] == "dense_1 neuron 2"


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: "-".join(str(v) for v in o.values()))
def test_a_weight_that_goes_against_its_gradient_is_told_with_the_reason(
    page: Visitor, optimizer: dict[str, Any]
) -> None:
    page.build(layers=DENSE, optimizer=optimizer)
    against = 0
    for _ in range(24):
        told = page.say("explain_step", layer="dense_2", unit=3, input=2)
        went, asked = np.sign(told["new"] - told["old"]), -np.sign(told["gradient"])
        words = told["movement"]
        assert {1: "goes up to", 0: "it stays", -1: "goes down to"}[int(went)] in words
        assert {1: "would fall", 0: "would stay", -1: "would grow"}[int(asked)] in words
        assert (", so it" in words) == (went == asked)
        if went not in (asked, 0):
            against += 1
            reason = {"sgd": "momentum follows", "adam": "Adam follows", "adamw": "Adam follows"}[optimizer["name"]]
            assert f"yet it goes {'up' if went > 0 else 'down'}" in words
            assert reason in words or "weight decay" in words
    remembers = optimizer.get("momentum") or optimizer["name"].startswith("adam")
    assert bool(against) == bool(remembers)


def test_a_gradient_with_l2_in_it_says_both_parts(page: Visitor) -> None:
    page.build(layers=DENSE, l2=0.5)
    told = page.say("explain_step", layer="dense_2", unit=3, input=2)
    assert told["l2_part"] == pytest.approx(0.5 * told["old"])
    images, l2 = re.findall(r"\((\S+) from the images and (\S+) from L2, 0.5 × w\)", told["movement"])[0]
    assert float(images) == pytest.approx(told["data_gradient"], rel=1e-4)
    assert float(l2) == pytest.approx(told["l2_part"], rel=1e-4)


def test_of_a_feature_map_it_says_that_its_numbers_are_those_of_the_whole_map(page: Visitor) -> None:
    page.build(layers=CONV)
    assert page.say("explain_step", layer="conv2d_1", unit=1)["forward"]["map"] is True
    assert "map" not in page.say("explain_step", layer="dense_1", unit=1)["forward"]


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error", "binary_cross_entropy"])
def test_an_output_neuron_says_the_probability_of_its_digit(page: Visitor, loss: str) -> None:
    page.build(loss=loss)
    page.say("look", index=4)
    shown = page.wait("tick", lambda tick: tick["digit"]["index"] == 4)[0]["digit"]["probabilities"]
    header, _ = page.ask("neuron", layer="dense_2", unit=7)
    assert header["probability"] == pytest.approx(shown[7], rel=1e-4)
    assert header["through"] == ("softmax" if loss == "cross_entropy" else "sigmoid")
    assert "probability" not in page.ask("neuron", layer="dense_1", unit=7)[0]


def test_momentum_may_go_and_come_back_while_it_trains(page: Visitor) -> None:
    page.build(layers=DENSE, optimizer={"name": "sgd", "learning_rate": 0.1, "momentum": 0.9})
    for step, momentum in ((3, 0.0), (6, 0.9), (9, 0.0)):
        tick, _ = page.steps(3)
        assert tick["step"] == step
        changed = page.say("change", momentum=momentum)
        assert changed["setup"]["optimizer"]["momentum"] == momentum
    assert page.steps(3)[0]["step"] == 12


@BOTH
def test_a_step_that_is_explained_is_a_step_like_any_other(page: Visitor, tmp_path: Path, layers: Any) -> None:
    page.build(layers=layers)
    page.steps(3)
    page.say("explain_step", layer="dense_1", unit=0)
    page.steps(2)
    explained = model_of(page, tmp_path).parameters.copy()
    page.build(layers=layers)
    page.steps(6)
    # Another engine takes it, so it may round otherwise, and of two pixels that are nearly equal let the other one win.
    np.testing.assert_allclose(model_of(page, tmp_path).parameters, explained, atol=1e-3)
    page.steps(1)
    assert np.abs(model_of(page, tmp_path).parameters - explained).max() > 5e-3


def test_what_is_drawn_is_brought_into_mnists_form_and_read(page: Visitor, tmp_path: Path) -> None:
    page.build(layers=DENSE)
    page.steps(30)
    ink = np.zeros((200, 240), np.uint8)
    ink[30:170, 110:126] = 255
    header, arrays = page.draw(ink, final=True)
    image = in_mnists_form(ink)
    assert image is not None
    np.testing.assert_array_equal(arrays["image"], image)
    assert image[4:24, 12:16].mean() > 100  # 20 pixels high, in the middle
    assert image[:3].max() == 0
    probabilities = model_of(page, tmp_path).predict_proba(image[np.newaxis])[0]
    np.testing.assert_allclose(header["probabilities"], probabilities, rtol=1e-4, atol=1e-6)
    assert header["digit"] == probabilities.argmax()
    assert arrays["saliency"].shape == (28, 28)
    assert not arrays["saliency"][image == 0].any()
    assert page.say("look", source="drawing")["source"] == "drawing"
    taught = page.say("teach", label=1)
    assert taught["taught"] == 1
    assert taught["copies"] >= 1
    page.say("look", index=0)


def test_a_blank_drawing_is_said_to_be_blank(page: Visitor) -> None:
    page.build()
    header, arrays = page.draw(np.zeros((50, 50), np.uint8))
    assert header["ok"]
    assert header["blank"] is True
    assert not arrays["image"].any()
    assert not page.say("teach", label=3)["ok"]


def test_mistakes_and_confusion_are_those_of_the_network(page: Visitor, tmp_path: Path, digits: Digits) -> None:
    page.build()
    page.steps(10)
    model = model_of(page, tmp_path)
    assert digits.validation is not None
    predicted, labels = model.predict(digits.validation.images), digits.validation.labels
    header, arrays = page.ask("mistakes", count=9)
    assert header["total"] == np.count_nonzero(predicted != labels)
    assert header["of"] == len(labels)
    assert len(arrays["images"]) == header["count"] == 9
    for index, label, found in zip(header["indices"], header["labels"], header["predicted"], strict=True):
        assert (labels[index], predicted[index]) == (label, found)
    confusion = page.say("confusion")
    assert np.sum(confusion["matrix"]) == len(labels)
    assert np.trace(confusion["matrix"]) == np.count_nonzero(predicted == labels)
    shown = page.say("look", mistake=True)
    assert predicted[shown["index"]] != labels[shown["index"]]


def test_the_curve_is_that_of_the_training(page: Visitor) -> None:
    page.build(batch_size=100)
    header, _ = page.steps(1)
    assert (header["step"], header["epoch"], header["batch"], header["batches"]) == (1, 0, 1, 5)
    page.heard.clear()
    page.say("epoch")
    epoch = page.wait("epoch")[0]
    status = page.wait("status", lambda status: status["state"] == "paused")[0]
    assert (epoch["epoch"], epoch["step"]) == (1, 5)
    assert (status["epoch"], status["batch"], status["step"]) == (1, 0, 5)
    assert 0 < epoch["validation_accuracy"] <= 1
    page.say("epoch")
    assert page.wait("epoch")[0]["step"] == 10


def test_every_single_step_gives_a_point_of_the_curve(page: Visitor) -> None:
    page.build(batch_size=100)
    for _ in range(20):  # the fifth is the last of its epoch
        page.say("step")
        page.wait("status", lambda status: status["state"] == "paused")
    assert [point[0] for point in page.points] == list(range(1, 21))
    page.say("explain_step", layer="dense_1", unit=0)
    page.forget()
    page.say("explain_step", layer="dense_1", unit=0)
    page.wait("tick", lambda tick: tick["step"] == 22)
    assert [point[0] for point in page.points] == [22]


def test_the_curve_goes_on_to_the_step_where_it_paused(page: Visitor) -> None:
    page.build()
    for target in (30, 90):
        page.say("play")
        page.wait("tick", lambda tick, target=target: tick["step"] > target)
        page.say("pause")
        paused = page.wait("tick", lambda tick, target=target: tick["state"] == "paused" and tick["step"] > target)[0]
        assert page.points[-1][0] == paused["step"]
    steps = [point[0] for point in page.points]
    assert steps == sorted(set(steps))


def test_play_and_pause_and_a_slow_pace(page: Visitor) -> None:
    page.build()
    assert page.say("pace", steps_per_second=20)["ok"]
    page.say("play")
    first = page.wait("tick", lambda tick: tick["state"] == "playing")[0]
    later = page.wait("tick", lambda tick: tick["step"] >= first["step"] + 5)[0]
    assert page.points[-1][0] <= later["step"]
    page.say("pause")
    page.forget()
    still = page.say("look", index=1)
    assert still["ok"]
    page.wait("tick", lambda tick: tick["state"] == "paused")
    page.say("pace", steps_per_second=None)


def test_a_reset_gives_the_same_weights_and_a_new_seed_others(page: Visitor, tmp_path: Path) -> None:
    page.build(seed=5)
    first = model_of(page, tmp_path).parameters.copy()
    page.steps(3)
    assert np.any(model_of(page, tmp_path).parameters != first)
    page.say("reset")
    np.testing.assert_array_equal(model_of(page, tmp_path).parameters, first)
    assert page.say("reset", new_seed=True)["setup"]["seed"] == 6
    assert np.any(model_of(page, tmp_path).parameters != first)


def test_settings_change_while_it_trains(page: Visitor) -> None:
    page.build(optimizer={"name": "sgd", "learning_rate": 0.1})
    page.say("play")
    for change in ({"learning_rate": 0.025}, {"momentum": 0.5}, {"batch_size": 50}, {"dropout": 0.1}, {"l2": 0.01}):
        reply = page.say("change", **change)
        assert reply["ok"], reply
    assert reply["setup"]["batch_size"] == 50
    page.forget()
    tick = page.wait("tick", lambda tick: tick["state"] == "playing")[0]
    assert tick["learning_rate"] == pytest.approx(0.025)
    assert tick["batches"] == 10
    page.say("pause")
    assert page.say("change", batch_size=10**6)["where"] == "batch_size"


def test_a_training_that_diverges_says_so_and_can_be_reset(page: Visitor) -> None:
    layers = [{"kind": "dense", "units": 16, "activation": "identity"}] * 3
    page.build(layers=layers, optimizer={"name": "sgd", "learning_rate": 1e6})
    page.say("play")
    status = page.wait("status", lambda status: "error" in status)[0]
    assert "diverged" in status["error"]
    assert status["state"] == "paused"
    assert not page.say("play")["ok"]
    assert page.say("reset")["ok"]
    page.forget()
    assert page.steps(1)[0]["step"] == 1


def test_a_network_that_cannot_be_is_refused_and_the_old_one_stays(page: Visitor) -> None:
    page.build()
    page.steps(2)
    nine = [{"kind": "conv", "kernel": 9}] * 4
    refused = page.say("build", setup={"layers": nine})
    assert not refused["ok"]
    assert refused["where"] == "layers.3"
    assert not page.say("build", setup={"data": "nothing"})["ok"]
    assert page.steps(1)[0]["step"] == 3


def test_a_model_can_be_saved_and_loaded(page: Visitor, tmp_path: Path) -> None:
    page.build(layers=CONV)
    page.steps(4)
    model = model_of(page, tmp_path)
    page.build()
    url, origin = f"{page.address}/api/model?session={page.token}", {"Origin": page.address}
    answer = requests.post(url, data=(tmp_path / "model.safetensors").read_bytes(), headers=origin, timeout=30)
    assert answer.status_code == 200, answer.text
    assert [layer["kind"] for layer in answer.json()["setup"]["layers"]] == ["conv", "conv", "dense"]
    np.testing.assert_array_equal(model_of(page, tmp_path).parameters, model.parameters)
    assert page.say("step")["ok"]


@pytest.mark.parametrize("kind", ["noise", "short", "huge", "foreign", "empty"])
def test_a_file_that_is_no_model_is_refused(page: Visitor, tmp_path: Path, kind: str) -> None:
    page.build()
    url, origin = f"{page.address}/api/model?session={page.token}", {"Origin": page.address}
    whole = requests.get(url, timeout=30).content
    content = {"noise": bytes(range(256)) * 9, "short": whole[:-50], "empty": b"", "huge": b"", "foreign": b""}[kind]
    if kind == "huge":
        content = whole.replace(b'\\"units\\": 16', b'\\"units\\": 99')
    if kind == "foreign":
        path = save_model(load_model("pretrained"), tmp_path / "robust.safetensors")
        content = path.read_bytes().replace(b"MaxPool2D", b"Shuffle2D")
    answer = requests.post(url, data=content, headers=origin, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert str(tmp_path) not in answer.json()["error"]
    assert page.say("step")["ok"]


def test_the_network_that_comes_along_can_be_loaded(page: Visitor, tmp_path: Path) -> None:
    path = save_model(load_model("pretrained"), tmp_path / "robust.safetensors")
    url, origin = f"{page.address}/api/model?session={page.token}", {"Origin": page.address}
    answer = requests.post(url, data=path.read_bytes(), headers=origin, timeout=30)
    assert answer.status_code == 200, answer.text
    assert page.say("confusion")["accuracy"] > 0.9


def test_a_report_of_the_training_can_be_downloaded(page: Visitor) -> None:
    page.build(layers=DENSE)
    url = f"{page.address}/api/report?session={page.token}"
    early = requests.get(url, timeout=60)
    assert early.status_code == 400
    assert "train for an epoch" in early.json()["error"]
    page.say("epoch")
    page.wait("epoch")
    report = requests.get(url, timeout=120)
    assert report.status_code == 200, report.text[:500]
    assert report.text.lstrip().lower().startswith("<!doctype html>")
    assert "attachment" in report.headers["Content-Disposition"]


def test_what_belongs_to_no_session_is_refused(page: Visitor) -> None:
    for path in ("model", "report", "sample"):
        answer = requests.get(f"{page.address}/api/{path}?session=nobody", timeout=10)
        assert answer.status_code == 400
        assert "over" in answer.json()["error"]
    for query in ("split=test", "index=-1", "index=x", "index=99999999"):
        answer = requests.get(f"{page.address}/api/sample?session={page.token}&{query}", timeout=10)
        assert answer.status_code == 400


def test_the_network_that_comes_along_can_be_taken(page: Visitor, tmp_path: Path) -> None:
    query = {"session": page.token, "name": "pretrained"}
    own = {"Origin": page.address}
    answer = requests.post(f"{page.address}/api/model", params=query, headers=own, timeout=60).json()
    assert answer["ok"], answer
    assert [layer["kind"] for layer in answer["setup"]["layers"]] == ["conv", "conv", "conv", "dense"]
    np.testing.assert_array_equal(model_of(page, tmp_path).parameters, load_pretrained().parameters)
    assert page.steps(2)[0]["step"] == 2
