"""Ctrl-C, taken at a good moment: between two steps, when the network and the optimizer agree with each other."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interruptible:
    """While this context is open, Ctrl-C (and a polite kill) only sets `requested`.

    A second Ctrl-C interrupts at once. Outside the main thread, where Python delivers no signals, nothing changes.
    """

    def __enter__(self) -> Interruptible:
        self.requested = False
        self.before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue  # who started us wants it ignored, as the shell does for a job in the background
                self.before[number] = signal.signal(number, self.note)
        return self

    def note(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
