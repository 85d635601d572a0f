"""The laws of the room: NumPy and the standard library alone, and small enough to be read."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import inkling.nn

ROOM = Path(inkling.nn.__file__).parent
CHAPTERS = sorted(ROOM.glob("**/*.py"))
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def loaded_by(statement: str) -> set[str]:
    """The modules that are loaded after the statement, in a Python of its own."""
    report = "print(json.dumps(sorted(set(sys.modules) - before)))"
    command = f"import json, sys; before = set(sys.modules); {statement}; {report}"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def code_lines(path: Path) -> int:
    """Lines with code on them: no docstrings, comments or blank lines."""
    strings: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            strings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in NOT_CODE:
                lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - strings)


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


def test_the_network_is_under_1200_lines_of_code() -> None:
    counts = {path.name: code_lines(path) for path in CHAPTERS}
    assert 300 < sum(counts.values()) < 1200, counts


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_no_chapter_is_too_long_to_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_all_that_is_offered_exists_and_is_described() -> None:
    for name in inkling.nn.__all__:
        offered = getattr(inkling.nn, name)
        assert not isinstance(offered, type) or offered.__doc__, f"{name} has no docstring"


def test_lines_of_code_are_counted_as_promised(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        '"""A\ndocstring."""\n\n# a comment\nx = [\n    1,  # one\n]\n\n\ndef f():\n    """Doc."""\n    return 1\n'
    )
    assert code_lines(path) == 5
