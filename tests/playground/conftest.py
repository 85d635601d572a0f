"""A playground on the bundled digits, started as a user starts it, and pages that visit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from visitors import Visitor, started

from inkling.data import Digits, load_data


@pytest.fixture(scope="session")
def playground() -> Iterator[str]:
    """The address of a playground."""
    with started("--sessions", "40") as (address, _):
        yield address


@pytest.fixture
def visit(playground: str) -> Iterator[Callable[..., Visitor]]:
    """Visit the playground; the tabs are closed at the end of the test."""
    with ExitStack() as tabs:
        yield lambda *args, **kwargs: tabs.enter_context(Visitor(playground, *args, **kwargs))


@pytest.fixture(scope="session")
def page(playground: str) -> Iterator[Visitor]:
    """One page for many tests: each builds what it needs."""
    with Visitor(playground) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def digits() -> Digits:
    return load_data("digits")
