"""Docstrings, which are plain text for people, become pages in which nothing is lost and nothing is mistaken."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).resolve().parents[2] / "docs" / "_extensions"
pytest.importorskip("sphinx", reason="what the site is built with is not installed")


def shown(text: str, *names: str, owner: str = "inkling.nn.Dense") -> str:
    """The docstring as reStructuredText, without what only keeps its words apart."""
    return re.sub(r"\\ ", "", written(text, *names, owner=owner)).strip()


def written(text: str, *names: str, owner: str = "inkling.nn.Dense") -> str:
    """The docstring as reStructuredText."""
    sys.path.insert(0, str(EXTENSIONS))
    try:
        from plain_docstrings import to_rest
    finally:
        sys.path.remove(str(EXTENSIONS))
    return "\n".join(to_rest(text.split("\n"), set(names), owner))


def as_text(rest: str) -> str:
    """What docutils makes of it; a complaint of its fails the test."""
    from docutils.core import publish_doctree

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return publish_doctree(rest, settings_overrides={"halt_level": 2, "report_level": 5}).astext()


@pytest.mark.parametrize(
    "text",
    [
        "x is (batch, *input_shape), the output (batch, *output_shape).",
        "m_ and v_ are |running| means; a[y·s + i]·W[i, j]ᵀ, b_ too.",
        "‖a − b‖ / max(‖a‖, ‖b‖), and 0 where both are zero; 1/(1 − rate) \\ that.",
        "1. is no list, and neither is",
        "- this",
        "e^−|z| and *stars* and <angles> and `name",
    ],
)
def test_signs_mean_nothing_but_themselves(text: str) -> None:
    assert as_text(written(text)) == text


def test_a_name_between_backticks_is_code_and_a_link_where_it_is_described() -> None:
    text = shown("As `SoftmaxCrossEntropy` and `History.best` do, not `some_variable`.")
    assert ":py:obj:`SoftmaxCrossEntropy <inkling.nn.SoftmaxCrossEntropy>`" in text
    assert ":py:obj:`History.best <inkling.training.History.best>`" in text
    assert "``some_variable``" in text


def test_a_method_is_found_in_the_base_class_that_describes_it() -> None:
    text = shown("It meets again in `reset`.", owner="inkling.nn.Adam")
    assert ":py:obj:`reset <inkling.nn.Optimizer.reset>`" in text


def test_labels_begin_paragraphs() -> None:
    text = shown("It adds up. Source: Somebody, 1986.\nShapes: x (batch, n) → (batch,).\nRaises ShapeError if not.")
    assert text.split("\n\n") == [
        "It adds up.",
        "**Source:** Somebody, 1986.",
        "**Shapes:** x (batch, n) → (batch,).",
        "**Raises** :py:obj:`ShapeError <inkling.nn.ShapeError>` if not.",
    ]


def test_arguments_are_a_list_with_all_of_their_lines() -> None:
    text = shown("source: where\n    it is. Here.\nplan: how.\nAnd then: this goes on.", "source", "plan")
    assert text.split("\n\n") == ["- **source** – where it is. Here.", "- **plan** – how.", "And then: this goes on."]


def test_numpys_headings_are_lists_too() -> None:
    text = shown("Parameters\n----------\nmax_iter : int, default=200\n    Epochs at most.\ntol : float")
    assert text.split("\n\n") == [
        ".. rubric:: Parameters",
        "- **max\\_iter** – int, default=200",
        "  Epochs at most.",
        "- **tol** – float",
    ]
