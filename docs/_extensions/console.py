"""`{console}`: a terminal whose commands the build types, so that what is shown below them is what they say.

    ```{console}
    $ inkling recipes
    ```

The commands of a page run one after the other in one empty folder with an empty home. A command that ends with
another status than 0 breaks the build, unless `:status: 2` says that this is the point. `:lines: 12` shows the first 12
lines of each command's output, `:last: 12` the last ones, `:hidden:` nothing at all of the block, and `:quiet:` the
commands alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Generic, Text
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WIDTH = 100  # letters in a line of the terminal
LONGEST = 180  # seconds that a command may take
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class TerminalLexer(RegexLexer):
    """What follows `$ ` was typed, all else was said. (Pygments' own takes a line in parentheses for a prompt.)"""

    name = "Terminal"
    tokens: ClassVar = {
        "root": [
            (r"^(\$ )((?:[^\n]*\\\n)*[^\n]*?)( +#[^\n]*)?(\n)", bygroups(Generic.Prompt, Text, Comment, Text)),
            (r"[^\n]*\n", Generic.Output),
        ]
    }


class Console(SphinxDirective):
    """Runs its lines that begin with `$ `, and shows them with their output."""

    has_content = True
    option_spec: ClassVar = {
        "status": directives.nonnegative_int,
        "lines": directives.positive_int,
        "last": directives.positive_int,
        "quiet": directives.flag,
        "hidden": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        folder = folder_of(self.env.docname)
        shown: list[str] = []
        for command in commands("\n".join(self.content)):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LONGEST,
                check=False,
            )
            output = tidy(done.stdout, folder)
            if done.returncode != self.options.get("status", 0):
                raise self.error(f"`{command}` ended with status {done.returncode}:\n{output}")
            shown.append(f"$ {command}")
            if output and "quiet" not in self.options:
                shown.append(shortened(output, self.options.get("lines"), self.options.get("last")))
        if "hidden" in self.options:
            return []
        text = "\n".join(shown)
        block = nodes.literal_block(text, text, language="console", classes=["console"])
        self.set_source_info(block)
        return [block]


def commands(text: str) -> list[str]:
    """The commands of a block: what stands after `$ `, and the lines that continue it after a backslash."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", text, re.MULTILINE)


def tidy(output: str, folder: Path) -> str:
    """As a terminal shows it: no escape sequences, of a line that was written over and over its last state."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in ESCAPES.sub("", output).split("\n")]
    return "\n".join(lines).replace(str(folder), "~").strip("\n")


def shortened(output: str, first: int | None, last: int | None) -> str:
    """The first or the last lines, and a sign that there are more."""
    every = output.split("\n")
    if first is not None and len(every) > first:
        return "\n".join([*every[:first], "…"])
    if last is not None and len(every) > last:
        return "\n".join(["…", *every[-last:]])
    return output


FOLDERS: dict[str, Path] = {}


def folder_of(page: str) -> Path:
    """The page's own folder, made when first asked for."""
    if page not in FOLDERS:
        FOLDERS[page] = Path(tempfile.mkdtemp(prefix="inkling-docs-"))
    return FOLDERS[page]


def environment(folder: Path) -> dict[str, str]:
    """Of this machine only the programs: an empty home, no data, no colours."""
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}


def tidy_up(*_: object) -> None:
    for folder in FOLDERS.values():
        shutil.rmtree(folder, ignore_errors=True)
    FOLDERS.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("console", Console)
    app.add_lexer("console", TerminalLexer)
    app.connect("build-finished", tidy_up)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
