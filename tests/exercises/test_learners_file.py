"""A learner's file: which exercises it is for, and one clear line where it is for none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inkling.errors import InklingError
from inkling.exercises import exercise_names, read_solutions


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "mine.py"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def found(file: Path, exercise: str | None = None) -> list[tuple[str, str]]:
    return [(solution.exercise, solution.function) for solution in read_solutions(file, exercise)]


def test_functions_are_found_by_their_names_in_the_books_order(tmp_path: Path):
    file = written(tmp_path, "def softmax(z): ...\ndef helper(): ...\nrelu = lambda z: z\nfrom x import neuron\nN = 3")
    assert found(file) == [("neuron", "neuron"), ("relu", "relu"), ("softmax", "softmax")]
    assert found(file, "softmax") == [("softmax", "softmax")]
    assert found(file, "7") == [("softmax", "softmax")]


def test_a_file_may_say_what_it_is_for(tmp_path: Path):
    file = written(tmp_path, "# exercise: softmax\ndef my_own(z): ...\n")
    assert found(file) == [("softmax", "my_own")]
    file = written(tmp_path, "def my_own(z): ...\n")
    assert found(file, "relu") == [("relu", "my_own")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def softmax(z:\n    return z\n", "mine.py, line 1: "),
        ("def softmax(z):\nreturn z\n", "mine.py, line 2: expected an indented block"),
        ("x = 1\nreturn x\n", "mine.py, line 2: 'return' outside function, in: return x"),
        ("def softmax(z):\n\treturn z\n        return z\n", "line 3"),
        (b"x = '\xff'", "mine.py"),
        (b"def softmax(z):\n    return '\x00'", "mine.py"),
        (b"# coding: nonsense\n", "mine.py"),
        ("(" * 5000, "mine.py"),
        ("-" * 200_000 + "1", "mine.py"),
        ("", "no function of any exercise: inkling exercise list"),
        ("def sofmax(z): ...", "does sofmax mean softmax"),
        ("# exercise: sofmax\n", "did you mean softmax"),
        ("# exercise: softmax\ndef sofmax(z): ...\ndef other(): ...", "no function softmax: did you mean sofmax"),
        ("# exercise: softmax\ndef a(z): ...\ndef b(): ...", "it has a, b"),
        ("# exercise: softmax\n", "it has none"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str | bytes, says: str):
    with pytest.raises(InklingError) as error:
        read_solutions(written(tmp_path, text))
    message = str(error.value)
    assert says in message
    assert len(message) < 400 + len(str(tmp_path))


def test_files_that_are_none(tmp_path: Path):
    with pytest.raises(InklingError, match="there is no file"):
        read_solutions(tmp_path / "none.py")
    with pytest.raises(InklingError, match="is a folder"):
        read_solutions(tmp_path)
    with pytest.raises(InklingError, match="too large"):
        read_solutions(written(tmp_path, b"#" * 2**21))
    with pytest.raises(InklingError, match="there is no exercise 'sofmax': did you mean softmax"):
        read_solutions(written(tmp_path, "def softmax(z): ..."), "sofmax")


pieces = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(
        [b"def softmax(z):\n", b"    return z\n", b"# exercise: ", b"relu", b" = ", b"\n", b"\xef\xbb\xbf"]
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=6))
def test_any_bytes_are_read_or_refused(tmp_path: Path, parts: list[bytes]):
    with contextlib.suppress(InklingError):
        solutions = read_solutions(written(tmp_path, b"".join(parts)))
        assert {solution.exercise for solution in solutions} <= set(exercise_names())
