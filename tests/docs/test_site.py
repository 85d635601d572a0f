"""The site builds without a warning, all of it is linked and readable, and it needs nothing but a browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from docs_commands import every_command
from site_pages import Reader, Site

import inkling as ik

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

WITHOUT_ADDRESS = ("genindex.html", "search.html", "py-modindex.html", "_modules/")
ONE_SOURCE = "_modules/inkling/nn/layers.html"
"""All pages of source look the same, so one is enough to look at."""
OF_EACH_KIND = (
    *("index.html", "search.html", "words.html", "failures.html", "recipes.html", "start/use.html"),
    *(
        "book/02_neuron.html",
        "book/07_backpropagation.html",
        "how_to/own_csv.html",
        "reference/storage.html",
        ONE_SOURCE,
    ),
)
"""What stands on all the other pages stands on one of these, too."""


def test_it_builds_without_a_warning(site: Site) -> None:
    assert site.complaints == ""
    assert "index.html" in site.pages


def test_every_link_within_it_leads_somewhere(site: Site) -> None:
    astray = []
    for page, read in site.pages.items():
        for link in read.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (site.folder / page).parent / unquote(parts.path) if parts.path else site.folder / page
            target = target.resolve()
            if not target.is_file():
                astray.append(f"{page}: {link}: no such file")
            elif parts.fragment and target.suffix == ".html":
                other = site.pages[target.relative_to(site.folder.resolve()).as_posix()]
                if unquote(parts.fragment) not in other.ids:
                    astray.append(f"{page}: {link}: no such place")
    assert astray == []


def test_it_loads_nothing_from_elsewhere_and_all_that_it_has(site: Site) -> None:
    wrong = []
    for page, read in site.pages.items():
        for address in read.loads:
            parts = urlsplit(address)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                wrong.append(f"{page}: {address}: from elsewhere")
            elif not ((site.folder / page).parent / unquote(parts.path)).is_file():
                wrong.append(f"{page}: {address}: no such file")
    assert wrong == []


def test_every_picture_says_in_words_what_it_shows(site: Site) -> None:
    silent = [
        f"{page}: {picture.get('src')}"
        for page, read in site.pages.items()
        for picture in read.pictures
        if " " not in (picture.get("alt") or "").strip()
    ]
    assert silent == []


def test_every_page_is_reached_from_the_first(site: Site) -> None:
    reached, next_ones = set(), ["index.html"]
    while next_ones:
        page = next_ones.pop()
        if page in reached or page not in site.pages:
            continue
        reached.add(page)
        here = (site.folder / page).parent
        for link in site.pages[page].links:
            path = unquote(urlsplit(link).path)
            if path and not urlsplit(link).scheme:
                next_ones.append((here / path).resolve().relative_to(site.folder.resolve()).as_posix())
    lost = [page for page in site.pages if page not in reached and not page.startswith(WITHOUT_ADDRESS)]
    assert lost == []


def test_the_reference_describes_every_public_name(site: Site) -> None:
    described = {place for page, read in site.pages.items() if page.startswith("reference/") for place in read.ids}
    rooms = [getattr(ik, room) for room in ("data", "figures", "interop", "nn", "recipes", "report", "training")]
    public = {f"{room.__name__}.{name}" for room in rooms for name in room.__all__}
    public |= {f"{room}.{name}" for room, names in ik.WHERE.items() for name in names}
    assert sorted(public - described) == []


def test_the_commands_page_has_every_command_with_every_option(site: Site) -> None:
    places = site.pages["reference/cli.html"].ids
    for words, command in every_command():
        label = words.replace(" ", "-")
        assert label in places
        for option in command.params:
            if option.param_type_name == "option" and option.name not in ("install_completion", "show_completion"):
                assert f"{label}-{option.opts[0].lstrip('-')}" in places


# In a browser


def looked_at(site: Site) -> list[str]:
    return [page for page in site.pages if not page.startswith("_modules/") or page == ONE_SOURCE]


def test_a_phone_shows_every_page_without_scrolling_to_the_side(site: Site, reader: Reader) -> None:
    too_wide = []
    for page in looked_at(site):
        width = reader.open(page, width=390).evaluate("document.documentElement.scrollWidth")
        if width > 390:
            too_wide.append(f"{page}: {width}")
    assert too_wide == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_paper_is_light_or_dark_as_the_system_wants_it(reader: Reader, scheme: Any) -> None:
    paper = reader.open("index.html", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper.removeprefix("rgb(").removesuffix(")").split(","))) < 200) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_read_and_used_by_everybody(site: Site, reader: Reader, scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    rules = {
        "runOnly": {"type": "rule", "values": ["color-contrast", "image-alt", "link-name", "summary-name", "list"]}
    }
    found = []
    for page in OF_EACH_KIND:
        tab = reader.open(page, color_scheme=scheme)
        tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        for violation in axe.run(tab, options=rules).response["violations"]:
            found += [f"{page}: {violation['id']}: {node['html'][:120]}" for node in violation["nodes"]]
    assert found == []


def test_the_search_finds_without_a_network(reader: Reader) -> None:
    tab = reader.open("index.html")
    tab.locator("input[name=q]").first.fill("softmax")
    tab.locator("input[name=q]").first.press("Enter")
    tab.wait_for_selector("#search-results ul.search li a")
    found = tab.locator("#search-results ul.search li a").all_inner_texts()
    assert any("oftmax" in each for each in found)
    tab.locator("#search-results ul.search li a").first.click()
    assert tab.url.startswith("file:")
    assert "oftmax" in tab.locator("article").inner_text()


def test_a_picture_that_the_column_makes_small_opens_in_full_size(reader: Reader) -> None:
    for page in ("book/04_probabilities.html", "notebooks/mnist_classifier.html"):
        tab = reader.open(page)
        tab.locator("a.whole-picture").first.wait_for()
        small = tab.locator("a.whole-picture img").first.bounding_box()
        tab.locator("a.whole-picture").first.click()
        whole = tab.locator("img").evaluate("picture => picture.naturalWidth")
        assert small
        assert whole > 1.2 * small["width"]


def test_the_search_finds_what_explains_a_word_before_what_uses_it(reader: Reader) -> None:
    for word, page in (("gradient", "book/"), ("relu", "book/"), ("convolution", "book/12")):
        tab = reader.open("search.html", query=f"?q={word}")
        tab.wait_for_selector("#search-results ul.search li a")
        tab.wait_for_function("document.querySelector('.search-summary')?.innerText.match(/[0-9]/)")
        found = [link.get_attribute("href") or "" for link in tab.locator("#search-results ul.search li > a").all()]
        assert any(each.startswith(("words.html", page)) for each in found[:3]), found[:6]


def test_formulas_are_drawn_by_the_browser_itself(site: Site, reader: Reader) -> None:
    tab = reader.open("book/02_neuron.html")
    box = tab.locator("math").first.bounding_box()
    assert box
    assert box["width"] > 5
    assert box["height"] > 5
