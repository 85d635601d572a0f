"""Whatever a page says is either a command or refused in one line."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.playground.frames import pack, quantised, quantised_weights, read_drawing, unpack
from inkling.playground.messages import COMMANDS, LARGEST_TEXT, Refused, Setup, read_command, read_setup

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.text() | ANYTHING.map(json.dumps) | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_text_is_a_command_or_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_command(text)
    assert "\n" not in str(refused.value)


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(["setup", "count", "layer", "x"]), ANYTHING))
def test_any_fields_of_a_known_command_are_taken_or_refused(kind: str, fields: dict[str, object]) -> None:
    text = json.dumps({**fields, "id": 7, "type": kind})
    try:
        assert read_command(text).type == kind
    except Refused:
        with pytest.raises(Refused, match=r"^[^\n]+$") as refused:
            read_command(text)
        assert refused.value.id == 7


@given(st.binary(max_size=300))
def test_any_bytes_are_a_drawing_or_refused(frame: bytes) -> None:
    with pytest.raises(Refused):
        read_drawing(frame)


@given(ANYTHING, st.binary(max_size=40))
def test_any_header_before_any_ink_is_a_drawing_or_refused(header: object, ink: bytes) -> None:
    text = json.dumps(header).encode()
    with pytest.raises(Refused):
        read_drawing(struct.pack("<I", len(text)) + text + ink)


@pytest.mark.parametrize(
    ("setup", "where"),
    [
        ({"layers": [{"kind": "dense", "units": 1025}]}, "layers.0.units"),
        ({"layers": [{"kind": "dense"}, {"kind": "conv"}]}, ""),
        ({"layers": [{"kind": "dense"}] * 9}, "layers"),
        ({"layers": [{"kind": "sparse"}]}, "layers.0"),
        ({"optimizer": {"name": "adam", "learning_rate": -1}}, "optimizer.learning_rate"),
        ({"optimizer": {"name": "adam", "learning_rate": 1e400}}, "optimizer.learning_rate"),
        ({"schedule": {"name": "cosine", "every": 3}}, "schedule"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "32"}, "batch_size"),
        ({"augment": {"shift": 99}}, "augment"),
        ({"l2": float("nan")}, "l2"),
        ({"seed": -1}, "seed"),
        ({"speed": 3}, "speed"),
        ({"data": ""}, "data"),
    ],
)
def test_a_setup_is_refused_with_the_place_of_what_is_wrong(setup: dict[str, object], where: str) -> None:
    with pytest.raises(Refused) as refused:
        read_setup(setup)
    assert refused.value.where == where


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", 'a message has a type, such as {"id": 1, "type": "play"}'),
        ("[]", 'a message is a JSON object, such as {"id": 1, "type": "play"}'),
        ("3", 'a message is a JSON object, such as {"id": 1, "type": "play"}'),
        ('{"id": 1, "type": "fly"}', "there is no such command"),
        ('{"type": "play"}', "id: it is missing"),
        ('{"id": 1, "type": "play", "x": 1}', "x: there is no such field"),
        ('{"id": 1, "type": "build"}', "setup: it is missing"),
        ('{"id": 1, "type": "build", "setup": 3}', "setup: it must be a JSON object, {…}"),
        ('{"id": 1, "type": "build", "setup": {"layers": [{}]}}', "layers.0: it must say of which kind it is"),
        ('{"id": 1, "type": "teach", "label": 10}', "label: is 10: it should be less than or equal to 9"),
    ],
)
def test_a_refusal_is_in_plain_words(text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_command(text)
    assert str(refused.value) == words


def test_what_a_setup_does_not_say_has_a_default() -> None:
    assert read_setup({}) == Setup()
    assert read_setup(Setup().model_dump()) == Setup()


def test_a_message_may_be_large_but_not_huge() -> None:
    with pytest.raises(Refused, match="larger than"):
        read_command(" " * LARGEST_TEXT + '{"id": 1, "type": "play"}')
    with pytest.raises(Refused, match="JSON"):
        read_command("[" * 60_000)


def test_a_frame_holds_what_was_packed() -> None:
    whole = np.arange(6, dtype=np.uint8).reshape(2, 3)
    floats = np.linspace(-1, 1, 5, dtype=np.float32)
    header, arrays = unpack(
        pack({"type": "tick", "loss": float("nan")}, {"a": whole, "b": floats, "c": quantised(floats)})
    )
    assert header["loss"] is None
    np.testing.assert_array_equal(arrays["a"], whole)
    np.testing.assert_array_equal(arrays["b"], floats)
    np.testing.assert_allclose(arrays["c"], floats, atol=0.5 / 127)


@given(st.lists(st.floats(-1e6, 1e6, width=32), max_size=30))
def test_a_quantised_number_is_near_the_number(values: list[float]) -> None:
    array = np.array(values, np.float32)
    whole, scale = quantised(array)
    assert whole.dtype == (np.int8 if (array < 0).any() else np.uint8)
    np.testing.assert_allclose(whole * scale, array, atol=0.51 * scale + 1e-25)
    weights, scale = quantised_weights(array)
    assert weights.dtype == np.int8
    np.testing.assert_allclose(weights * scale, array, atol=scale + 1e-25)


def test_numbers_that_are_none_are_sent_as_something() -> None:
    whole, scale = quantised(np.array([np.nan, np.inf, 1], np.float32))
    assert np.isfinite(whole * scale).all()
