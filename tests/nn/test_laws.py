"""The laws of the room: NumPy and the standard library alone, written as the formulas are, and made to be read."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import inkling.nn

ROOM = Path(inkling.nn.__file__).parent
CHAPTERS = sorted(ROOM.glob("**/*.py"))


def loaded_by(statement: str) -> set[str]:
    """The modules that are loaded after the statement, in a Python of its own."""
    report = "print(json.dumps(sorted(set(sys.modules) - before)))"
    command = f"import json, sys; before = set(sys.modules); {statement}; {report}"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def test_importing_the_network_loads_numpy_and_the_standard_library_and_nothing_else() -> None:
    loaded = loaded_by("import inkling.nn")
    # NumPy loads one compiled support module that bears no name of NumPy's.
    foreign = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"numpy", "inkling"}
    foreign -= {name.partition(".")[0] for name in loaded_by("import numpy")}
    assert not foreign
    assert "inkling.nn.network" in loaded


def test_importing_the_network_loads_no_other_room_of_inkling() -> None:
    rooms = {name for name in loaded_by("import inkling.nn") if name.startswith("inkling.")}
    assert {name for name in rooms if name != "inkling.nn" and not name.startswith("inkling.nn.")} == set()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_nothing_is_computed_into_a_buffer_or_by_several_threads(path: Path) -> None:
    """That is the business of the engines; here stands what they are compared with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.keyword) and node.arg == "out"), f"line {node.lineno} has out="
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {getattr(node, "module", None), *(alias.name for alias in node.names)}
            assert not names & {"threading", "multiprocessing", "concurrent.futures", "ctypes"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_no_chapter_is_too_long_to_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_all_that_is_offered_exists_and_is_described() -> None:
    for name in inkling.nn.__all__:
        offered = getattr(inkling.nn, name)
        assert not isinstance(offered, type) or offered.__doc__, f"{name} has no docstring"
