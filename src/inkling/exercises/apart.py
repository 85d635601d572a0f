"""Running a learner's code in a process of its own, so that nothing it does can harm the one that judges it.

It gets ten seconds, two gigabytes where the system can bound that, one core and no keyboard. What it prints is kept
(the beginning of it) and shown set apart. If it never comes back, it is ended, with all that it has started.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from inkling.exercises.outcome import ENDED, ENDLESS, Outcome, Raised

SECONDS = 10.0
"""How long a solution may take for all inputs together."""
START = 60.0
"""How long Python and NumPy may take to start; on a sleepy disk that is slow."""
MEMORY = 2 * 2**30
"""Bytes of address space."""
PRINTED = 20_000
"""Characters of what is printed that are kept."""
LINE = 8 * 2**20
"""Characters that one outcome may take."""


@dataclass
class Trial:
    """All that came of running one function: an outcome for each input that it got to, prints and warnings."""

    outcomes: list[Outcome] = field(default_factory=list)
    printed: str = ""
    more_printed: int = 0
    """Characters that were printed and not kept."""
    warnings: list[tuple[int, str]] = field(default_factory=list)
    """The line in the learner's file, and what NumPy said about it."""


def try_out(exercise: str, file: Path, function: str, seconds: float = SECONDS) -> Trial:
    """Run the function of that file on the exercise's inputs, in a process of its own."""
    words = [exercise, str(file), function, str(MEMORY), str(int(seconds) + 30)]
    environment = {
        **os.environ,
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # -P: a file of the learner's called random.py must not stand in for Python's own.
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "inkling.exercises.child", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            return listen(process, seconds)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def listen(process: subprocess.Popen[bytes], seconds: float) -> Trial:
    """Gather what the process reports, until it is done, goes down, or its time is over."""
    assert process.stdout is not None
    assert process.stderr is not None
    trial, lines, prints = Trial(), queue.SimpleQueue[bytes](), Prints(process.stderr)
    reader = threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True)
    reader.start()
    prints.start()
    until = time.monotonic() + START
    done, loading = False, True
    while not done:
        try:
            line = lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            trial.outcomes.append(Outcome(raised=Raised(ENDLESS, f"{seconds:g} s", loading=loading)))
            break
        what, value = message(line)
        if what == "ready":
            until = time.monotonic() + seconds
        elif what == "loaded":
            loading = False
        elif what == "outcome":
            trial.outcomes.append(Outcome.from_json(value))
        elif what == "warning":
            trial.warnings.append((int(value[0]), str(value[1])))
        elif what == "end":
            trial.outcomes.append(Outcome(raised=Raised(ENDED, how_it_ended(process), loading=loading)))
        done = what in ("done", "end")
    end(process)
    for thread in (reader, prints):
        thread.join(timeout=1.0)
    trial.printed, trial.more_printed = prints.kept()
    return trial


def message(line: bytes) -> tuple[str, Any]:
    """One line of the child's; the end of all lines is "end"."""
    if not line:
        return "end", None
    try:
        what, value = json.loads(line)
    except ValueError:
        return "noise", None
    return what, value


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """The exit status or signal, in words."""
    try:
        status = process.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        return "it closed its output"
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def read_lines(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Pass on line after line, and at the end an empty one."""
    with contextlib.suppress(ValueError, OSError):  # closed while reading
        while line := stream.readline(LINE):
            lines.put(line)
    lines.put(b"")


class Prints(threading.Thread):
    """Reads all that is printed, keeps the beginning and counts the rest."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.beginning = b""
        self.total = 0

    def run(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            while piece := os.read(self.stream.fileno(), 65536):
                self.beginning += piece[: PRINTED - len(self.beginning)]
                self.total += len(piece)

    def kept(self) -> tuple[str, int]:
        """What was kept, and how much more there was."""
        return self.beginning.decode("utf-8", errors="replace"), self.total - len(self.beginning)
