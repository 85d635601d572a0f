"""A playground as a person starts it, and an invitation to visit.

Screenshots go to $INKLING_ARTIFACTS/playground, or into pytest's temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from guests import SMALL, Guest, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def address(browser: Browser) -> Iterator[str]:
    """The address of a playground (asked for only where there is a browser to visit it)."""
    with running() as address:
        yield address


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    wanted = os.environ.get("INKLING_ARTIFACTS")
    folder = Path(wanted) / "playground" if wanted else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def invite(browser: Browser, address: str, shots: Path) -> Iterator[Callable[..., Guest]]:
    """`invite(link, width=…, color_scheme=…)`: a guest at the page, who leaves it without complaint.

    `before` is called with the guest before the page is opened.
    """
    guests: list[Guest] = []

    def invite(link: str = SMALL, before: Callable[[Guest], None] | None = None, **how: Any) -> Guest:
        guests.append(Guest(browser, address, shots, link, **how))
        if before:
            before(guests[-1])
        return guests[-1].come()

    yield invite
    for guest in guests:
        guest.leave()


@pytest.fixture
def guest(invite: Callable[..., Guest]) -> Guest:
    """A guest at a wide screen, with a small network."""
    return invite()
