"""The commands of `inkling`, as the program itself has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from inkling.cli.app import app


def every_command(words: str = "inkling", command: Any = None) -> Iterator[tuple[str, Any]]:
    """("inkling", its command), ("inkling train", …), …"""
    command = command or typer.main.get_command(app)
    yield words, command
    for name, each in getattr(command, "commands", {}).items():
        yield from every_command(f"{words} {name}", each)
