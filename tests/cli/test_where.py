"""Which runs a user means: conditions and keys to sort by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.cli.where import chosen, in_order
from inkling.errors import InklingError


def row(name: str, **values: Any) -> dict[str, Any]:
    usual = {
        "recipe": "default",
        "epochs": 10,
        "state": "finished",
        "test_accuracy": None,
        "when": datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
    }
    settings = {"optimizer.name": "adam", "optimizer.learning_rate": 0.001, "training.batch_size": 128, "data.seed": 1}
    return {"name": name, **usual, **settings, **values}


ROWS = [
    row("20260131T123000-a", recipe="conv-fast", test_accuracy=0.991),
    row("20260201T080000-b", recipe="conv-robust", test_accuracy=0.98, when=datetime(2026, 2, 1, 8, tzinfo=UTC)),
    row("c[1]", **{"optimizer.name": "sgd", "training.batch_size": "full", "network.batch_norm": True}, epochs=100),
    row("d", **{"network.hidden": "256,128", "network.batch_norm": False, "training.seed": 2}, test_accuracy=0.5),
]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], "abcd"),
        (["recipe=conv-*"], "ab"),
        (["recipe=CONV-f?st"], "a"),
        (["recipe!=conv-*"], "cd"),
        (["recipe=conv-*", "test>0.985"], "a"),
        (["test>98%"], "a"),
        (["test>=98"], "ab"),
        (["test_accuracy=0.98"], "b"),
        (["test="], "c"),
        (["test!="], "abd"),
        (["test<1"], "abd"),
        (["epochs=10"], "abd"),
        (["epochs == 1e2"], "c"),
        (["epochs<=10"], "abd"),
        (["when=2026-01-31*"], "acd"),
        (["when>=2026-02"], "b"),
        (["when<2026-01-31T12:30:01"], "acd"),
        (["run=2026*"], "ab"),
        (["run=c[1]"], "c"),
        (["optimizer=sgd"], "c"),
        (["learning_rate=1e-3"], "abcd"),
        (["batch_size=full"], "c"),
        (["batch_size<200"], "abd"),
        (["batch_size>0"], "abd"),
        (["hidden=256,128"], "d"),
        (["batch_norm=true"], "c"),
        (["batch_norm=false"], "d"),
        (["when=2026-01-31"], "acd"),
        (["when!=2026-01-31T12"], "b"),
        (["when!="], "abcd"),
        (["when="], ""),
        (["when=2026-01-31T12:30:00+00:00"], "acd"),
        (["when>=2026"], "abcd"),
        (["when<2026-02-01T09:00+01:00"], "acd"),
        (["epochs=1*"], "abcd"),
        (["state=fin*"], "abcd"),
        (["state=damaged"], ""),
        (['recipe="conv-fast"'], "a"),
        (["recipe='default'"], "cd"),
    ],
)
def test_a_condition_finds(texts: list[str], found: str) -> None:
    letters = dict(zip([each["name"] for each in ROWS], "abcd", strict=True))
    assert "".join(letters[each["name"]] for each in chosen(ROWS, texts)) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("conv-*", "is no condition: write for example recipe=conv-"),
        ("", "is no condition"),
        ("=3", "is no condition"),
        ("recip=conv", "no 'recip'; did you mean recipe"),
        ("nonsense=3", "no 'nonsense'; known are name, recipe, .*, state, and whatever else the first line of"),
        ("seed=3", "there is data.seed and training.seed; write which"),
        ("epochs>many", "'many' is no number"),
        ("batch_size>full", "'full' is no number"),
        ("epochs>=", "'' is no number"),
        ("epochs=two", "epochs is a number, and 'two' is no number"),
        ("learning_rate!=small", "optimizer.learning_rate is a number, and 'small' is no number"),
        ("when>=2026-13-45", "'2026-13-45' is no time; write it as 2026-01-31"),
        ("when>=yesterday", "'yesterday' is no time"),
        ("when=yesterday", "'yesterday' is no time"),
        ("state=finnished", "a run is finished, interrupted, unfinished or damaged"),
        ("state!=done", "a run is finished"),
        ("batch_norm=yes", "network.batch_norm is true or false"),
        ("batch_norm>0", "network.batch_norm is true or false"),
        ("hidden>3", "network.hidden is no number, so nothing is above or below it"),
    ],
)
def test_a_condition_that_makes_no_sense(text: str, says: str) -> None:
    with pytest.raises(InklingError, match=says):
        chosen(ROWS, [text])


def test_a_batch_size_may_be_full_even_if_it_never_was() -> None:
    assert chosen(ROWS[:2], ["batch_size=full"]) == []
    assert chosen(ROWS[:2], ["batch_size!=full"]) == ROWS[:2]
    assert chosen(ROWS[2:3], ["batch_size>100"]) == []


def test_where_there_are_no_runs_any_key_is_right() -> None:
    assert chosen([], ["whatever=3"]) == []
    assert in_order([], ["whatever"]) == []


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([], "abcd"),
        (["test"], "abdc"),
        (["-test"], "dbac"),
        (["epochs"], "abdc"),
        (["-epochs", "-run"], "cdba"),
        (["recipe", "test"], "abdc"),
        (["when"], "bacd"),
        (["batch_size"], "abdc"),
        (["hidden"], "dabc"),
    ],
)
def test_the_order(keys: list[str], order: str) -> None:
    letters = dict(zip([each["name"] for each in ROWS], "abcd", strict=True))
    assert "".join(letters[each["name"]] for each in in_order(ROWS, keys)) == order


@pytest.mark.parametrize("key", ["", "-"])
def test_a_key_to_sort_by_that_is_none(key: str) -> None:
    with pytest.raises(InklingError, match="--sort: name what to sort by"):
        in_order(ROWS, [key])


def test_a_key_to_sort_by_that_no_run_has() -> None:
    with pytest.raises(InklingError, match="--sort: a run has no 'tset'; did you mean test"):
        in_order(ROWS, ["-tset"])


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_one_clear_line(text: str) -> None:
    try:
        found = chosen(ROWS, [text])
    except InklingError as error:
        message = str(error)
    else:
        assert all(each in ROWS for each in found)
        return
    assert message.startswith("--where")
