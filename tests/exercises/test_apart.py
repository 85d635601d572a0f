"""A process apart: whatever a learner's file does, there is an answer, and nobody else is harmed."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest
from trying import kinds

from inkling.exercises import Verdict, exercise_named, judge, try_out
from inkling.exercises.apart import PRINTED, Trial


def run(folder: Path, body: str, exercise: str = "relu", seconds: float = 30.0) -> tuple[Verdict, Trial]:
    """The verdict on a file with this in it."""
    file = folder / "solution.py"
    file.write_text(textwrap.dedent(body), encoding="utf-8")
    trial = try_out(exercise, file, exercise, seconds)
    return judge(exercise_named(exercise), trial.outcomes), trial


def test_a_right_solution_with_its_prints(tmp_path: Path):
    verdict, trial = run(
        tmp_path,
        """
        import numpy as np
        print("here", "ünd thêre")

        def relu(z):
            return np.maximum(z, 0)

        if __name__ == "__main__":
            raise SystemExit("not when it is checked")
        """,
    )
    assert verdict.status == "right"
    assert trial.printed == "here ünd thêre\n"
    assert not trial.more_printed


def test_an_exception_is_told_with_the_learners_own_line(tmp_path: Path):
    verdict, _ = run(
        tmp_path,
        """
        import numpy as np

        def relu(z):
            both = np.concatenate([z, "none"])
            return both
        """,
    )
    (finding,) = verdict.findings
    assert (finding.line, finding.text) == (5, 'both = np.concatenate([z, "none"])')
    assert finding.came.startswith("ValueError: ")


def test_warnings_come_with_their_line_and_not_among_the_prints(tmp_path: Path):
    verdict, trial = run(
        tmp_path,
        """
        import numpy as np
        def softmax(z):
            e = np.exp(z)
            return e / e.sum(axis=1, keepdims=True)
        """,
        "softmax",
    )
    assert kinds(verdict) == ["overflow"]
    assert [line for line, _ in trial.warnings] == [4, 5]
    assert "overflow" in trial.warnings[0][1]
    assert not trial.printed


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("import sys\ndef relu(z): sys.exit('bye')", "exit"),
        ("def relu(z): return 1\nraise SystemExit", "exit"),
        ("def relu(z): return 1\n1 / 0", "raised"),
        ("def relu(z): return input('z? ')", "raised"),
        ("import os\ndef relu(z): os._exit(7)", "ended"),
        ("def relu(z): raise KeyboardInterrupt", "ended"),
        ("def relu(z): return relu(z)", "raised"),
        ("def relu(z, y): return z", "arguments"),
        ("def relu(): return 0", "arguments"),
        ("async def relu(z): return z", "kind"),
        ("def relu(z): yield z", "kind"),
        ("import numpy as np\ndef relu(z): return np.zeros((3000, 3000))", "huge"),
        ("def relu(z): return ['x' * 10**6] * 10**5", "list"),
        ("import sys\ndef relu(z):\n    sys.stdout.close(); sys.stderr.close()\n    return None", "nothing"),
        ("import os\nos.close(1)\nos.close(2)\ndef relu(z): return None", "nothing"),
        ("import nosuchmodule\ndef relu(z): return z", "raised"),
        ("relu = None\ndef other(z): return z", "raised"),
    ],
)
def test_whatever_it_does_there_is_an_answer(tmp_path: Path, body: str, kind: str):
    verdict, _ = run(tmp_path, body)
    assert verdict.status == "not yet"
    assert kinds(verdict) == [kind]


def test_it_need_not_come_back(tmp_path: Path):
    verdict, trial = run(tmp_path, "print('so far')\ndef relu(z):\n    while True: pass", seconds=1.0)
    assert kinds(verdict) == ["endless"]
    assert "within 1 s" in verdict.findings[0].looks_like
    assert trial.printed == "so far\n"
    verdict, _ = run(tmp_path, "while True: pass\ndef relu(z): return z", seconds=1.0)
    assert kinds(verdict) == ["endless"]
    assert "before any call" in verdict.findings[0].looks_like


def test_what_goes_wrong_before_any_call_is_told_without_one(tmp_path: Path):
    verdict, _ = run(tmp_path, "def relu(z): return 1\n1 / 0")
    (finding,) = verdict.findings
    assert "before any call" in finding.looks_like
    assert (finding.line, finding.text, finding.call, finding.asked) == (2, "1 / 0", "", ())


def test_a_flood_of_prints_is_cut_off(tmp_path: Path):
    verdict, trial = run(tmp_path, "def relu(z):\n    while True: print('noise ' * 100)", seconds=1.0)
    assert kinds(verdict) == ["endless"]
    assert len(trial.printed) == PRINTED
    assert trial.more_printed > 0


def test_threads_and_exit_handlers_do_not_keep_us(tmp_path: Path):
    verdict, _ = run(
        tmp_path,
        """
        import atexit, threading, time
        import numpy as np
        atexit.register(time.sleep, 1000)
        threading.Thread(target=time.sleep, args=(1000,)).start()
        def relu(z):
            return np.maximum(z, 0)
        """,
    )
    assert verdict.status == "right"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process like this")
def test_memory_is_bounded(tmp_path: Path):
    verdict, _ = run(tmp_path, "import numpy as np\ndef relu(z): return np.ones(10**9)[:3]")
    (finding,) = verdict.findings
    assert finding.came.startswith("MemoryError")
    assert "memory" in finding.question


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_what_it_has_started_is_ended_with_it(tmp_path: Path):
    mark = tmp_path / "pid"
    body = f"""
    import subprocess, sys
    def relu(z):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        open({str(mark)!r}, "w").write(str(child.pid))
        while True: pass
    """
    run(tmp_path, body, seconds=3.0)
    status = Path(f"/proc/{mark.read_text()}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_the_judge_is_out_of_reach(tmp_path: Path):
    verdict, _ = run(
        tmp_path,
        """
        import numpy as np
        np.allclose = lambda *_, **__: True
        np.array_equal = lambda *_, **__: True
        def relu(z):
            return z
        """,
    )
    assert kinds(verdict) == ["input"]


def test_a_file_beside_it_can_be_imported_but_takes_nobodys_place(tmp_path: Path):
    (tmp_path / "random.py").write_text("raise RuntimeError")
    (tmp_path / "numpy.py").write_text("raise RuntimeError")
    (tmp_path / "mine.py").write_text("def bend(z):\n    return z * (z > 0)\n")
    verdict, _ = run(tmp_path, "import random\nimport numpy\nfrom mine import bend as relu")
    assert verdict.status == "right"


def test_only_the_learners_lines_are_told(tmp_path: Path):
    verdict, _ = run(tmp_path, "def relu(z):\n    return helper(z)\n\ndef helper(z):\n    return z.nosuch\n")
    (finding,) = verdict.findings
    assert (finding.line, finding.text) == (5, "return z.nosuch")
    assert "Traceback" not in finding.came
