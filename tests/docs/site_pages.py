"""A built site: its pages as a program reads them, and as a browser shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Site:
    """The folder of the site, and what the build complained of."""

    folder: Path
    complaints: str

    @cached_property
    def pages(self) -> dict[str, Read]:
        """Every page, by its path within the site; not what it offers for download."""
        found = {path.relative_to(self.folder).as_posix(): path for path in sorted(self.folder.rglob("*.html"))}
        return {page: read(path) for page, path in found.items() if not page.startswith("_downloads/")}


@dataclass
class Read:
    """What matters of one page."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    """Addresses that the browser fetches by itself: scripts, styles, pictures, fonts, frames."""
    ids: set[str] = field(default_factory=set)
    pictures: list[dict[str, str | None]] = field(default_factory=list)


def read(path: Path) -> Read:
    parser = PageParser()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser.read


class PageParser(HTMLParser):
    """Collects links, ids, pictures, and whatever is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Read()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = dict(attributes)
        if has.get("id"):
            self.read.ids.add(str(has["id"]))
        if tag == "a" and has.get("href"):
            self.read.links.append(str(has["href"]))
        if tag == "img":
            self.read.pictures.append(has)
        if tag == "link" and has.get("rel") not in ("search", "index", "next", "prev", "canonical", "author"):
            self.read.loads.append(str(has.get("href")))
        for name in ("src", "srcset", "poster", "data"):
            if has.get(name) and not (tag == "object" and name != "data"):
                self.read.loads.append(str(has[name]))


class Reader:
    """Opens pages in a browser, and remembers what it complained of and asked for."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self.troubles: list[str] = []
        self.asked: list[str] = []
        self.contexts: list[Any] = []

    def open(self, page: str, *, width: int = 1200, query: str = "", **how: Any) -> Page:
        """The page of this path, from the disk."""
        if not self.contexts:
            self.contexts.append(
                self.browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **how)
            )
            self.tab = self.contexts[0].new_page()
            self.tab.on("console", lambda message: self.troubles.append(f"{self.tab.url}: {message.text}"))
            self.tab.on("pageerror", lambda error: self.troubles.append(f"{self.tab.url}: {error}"))
            self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto((self.site.folder / page).as_uri() + query)
        return self.tab

    def leave(self) -> None:
        for each in self.contexts:
            each.close()
