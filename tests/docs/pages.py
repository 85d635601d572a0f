"""The pages for people as they are written: their blocks of code, their links, the places that links can lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
PAGES = [
    *(HOME / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted(path for path in (HOME / "docs").glob("**/*.md") if path.parent.name != "notebooks"),
]
"""All pages but docs/notebooks, which is what notebooks/ says; the tests of the notebooks run these."""
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+\"[^\"]*\")?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language ("python", "{code-cell} python" …), its text, and the line where that begins."""

    language: str
    text: str
    line: int


def name(path: Path) -> str:
    """The page as people call it: docs/data.md."""
    return path.relative_to(HOME).as_posix()


def blocks(path: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(found["language"].strip(), found["text"], text.count("\n", 0, found.start("text")) + 1)
        for found in FENCE.finditer(text)
    ]


def commands(block: Block) -> list[tuple[str, str]]:
    """Each `$ command` of a console, without the comment behind it, and the output shown below it."""
    found = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    return [(re.sub(r"\s+# .*$", "", command).replace("\\\n", " "), shown) for command, shown in found]


def links(path: Path) -> list[str]:
    """Where the page's links and pictures lead, as written; not those in code."""
    return LINK.findall(re.sub(r"`[^`\n]*\]\([^`\n]*`", "", FENCE.sub("", path.read_text("utf-8"))))


def anchors(path: Path) -> set[str]:
    """The headings of a page as GitHub and MyST turn them into anchors, and the places named by hand."""
    text = FENCE.sub("", path.read_text("utf-8"))
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*words, *re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE), *re.findall(r'id="([^"]+)"', text)}
