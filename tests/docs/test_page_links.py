"""No page leads to a file or a heading that is not there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import HOME, PAGES, anchors, links, name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    astray = []
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.exists() or not target.is_relative_to(HOME):
            astray.append(f"{link}: there is no such file")
        elif parts.fragment and target.suffix == ".md" and unquote(parts.fragment) not in places(target):
            astray.append(f"{link}: there is no such heading")
    assert astray == []


def places(page: Path) -> set[str]:
    """What can be linked to; the commands have headings that the build makes."""
    if name(page) == "docs/reference/cli.md":
        from docs_commands import every_command

        return {words.replace(" ", "-") for words, _ in every_command()} | anchors(page)
    return anchors(page)


def test_pages_that_everybody_looks_for_are_there() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/index.md"} <= {name(page) for page in PAGES}
