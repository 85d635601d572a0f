"""Work that takes long, or that a stranger's file could turn bad: done in a process of its own, which is let go after.

Such a process has a limit of time and (where the system knows one) of memory; what it dies of, only it dies of.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from inkling.errors import InklingError
from inkling.playground.session import context

SECONDS = 180.0
"""How long a job may take."""
MEMORY = 2_000_000_000
"""Bytes that it may take."""


def run_job(job: Callable[..., Any], *arguments: Any, seconds: float = SECONDS) -> Any:
    """What the job returns, done in another process. Waits for it, so it is called beside the event loop.

    Raises InklingError with what the job raised of that kind, or with why it came to nothing.
    """
    ours, theirs = context().Pipe(duplex=False)
    process = context().Process(target=do_job, args=(theirs, job, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise InklingError(f"this took longer than {seconds:.0f} seconds, and was given up")
        good, found = ours.recv()
    except (EOFError, OSError):
        raise InklingError("this could not be done: its process ended, perhaps for want of memory") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if not good:
        raise InklingError(found)
    return found


def do_job(report: Connection, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """In the process: do it, and tell how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory()
    try:
        report.send((True, job(*arguments)))
    except InklingError as error:
        report.send((False, str(error)))
    except MemoryError:
        report.send((False, "there is not enough memory for this"))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        report.send((False, f"this went wrong in the playground itself ({type(error).__name__}: {error})"))


def limit_memory() -> None:
    """Let this process have no more than it has, and MEMORY."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
