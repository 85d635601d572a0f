"""A session's process: it holds the network and trains it, and between two steps does what the page asks for.

One thread listens to the server. Drawings it answers itself, on a replica, so that an answer never waits for a step;
everything else it lays into the inbox. The main thread trains (`Lesson.train`, the one training loop) for as long as
the page wants steps, and looks into the inbox through a callback; what changes the training stops it first, and is
done before the next steps are taken. The process ends when the server's end of the pipe is closed, whatever the cause.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any

import numpy as np

from inkling.errors import InklingError
from inkling.nn.part import Array
from inkling.playground import errands, messages
from inkling.playground.desk import Desk
from inkling.playground.drawings import answer, in_mnists_form
from inkling.playground.frames import as_json, pack
from inkling.playground.messages import Drawing, Refused
from inkling.playground.watcher import TICK, Interim, Watcher
from inkling.training import Trainer

FEW = 50
"""For so few steps it isn't worth loading compiled code and starting threads."""
LIGHT = (
    messages.Play,
    messages.Pause,
    messages.Step,
    messages.Epoch,
    messages.Pace,
    messages.View,
    messages.Look,
    errands.Greet,
    errands.Sample,
    errands.Save,
)
"""What can be done between two steps."""
DEAR = (messages.Neuron, messages.Mistakes, messages.Confusion)
"""What can be done between two steps, but may take as long as many of them."""


def work(connection: Connection, data: Path, threads: int) -> None:
    """What the process does, until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes the pipe
    with suppress(BrokenPipeError, KeyboardInterrupt, InklingError):  # whatever it is, the server is gone
        Worker(connection, data, threads).run()


class Worker:
    """The process of one session."""

    def __init__(self, connection: Connection, data: Path, threads: int) -> None:
        self.connection, self.threads = connection, threads
        self.sending = threading.Lock()
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.later: list[Any] = []
        self.dear: deque[Any] = deque()
        self.free_at = 0.0
        self.stop_at: float = 0
        self.pace: float | None = None
        self.next_step = 0.0
        self.error = ""
        self.desk = Desk(data)
        self.fresh()
        self.desk.first_epoch()

    # The thread that listens.

    def listen(self) -> None:
        """Take in what the server sends, for ever."""
        try:
            while True:
                message = self.connection.recv()
                if isinstance(message, tuple):
                    self.draw(*message)
                else:
                    self.inbox.put(message)
        except (EOFError, OSError):
            os._exit(0)

    def draw(self, header: Drawing, ink: Array) -> None:
        """Answer a drawing."""
        began = perf_counter()
        try:
            image = in_mnists_form(ink)
            shown = np.zeros((28, 28), np.uint8) if image is None else image
            probabilities, saliency = answer(self.reader, shown)
            self.desk.drawing = image
            runner_up, digit = np.argsort(probabilities, kind="stable")[-2:].tolist()
            reply = {
                "type": "drawing",
                "id": header.id,
                "ok": True,
                "blank": image is None,
                "digit": digit,
                "runner_up": runner_up,
                "probabilities": probabilities.tolist(),
                "milliseconds": 1000 * (perf_counter() - began),
            }
            self.send(b"b", pack(reply, {"image": shown, "saliency": saliency}))
            if self.desk.source == "drawing":
                self.inbox.put(None)  # wakes the main thread, which shows it
        except Exception as error:
            self.complain(header.id, error)

    # What is sent.

    def send(self, kind: bytes, content: bytes | dict[str, Any]) -> None:
        """Send to the server: t text for the page, b a frame for it, k a tick, i something for the server itself."""
        if isinstance(content, dict):
            content = as_json(content)
        with self.sending:
            self.connection.send_bytes(kind + content)

    def complain(self, number: int | None, error: Exception) -> None:
        """Say that a message could not be done: in one line, and nothing else happens."""
        if isinstance(error, InklingError | MemoryError):
            line = str(error) or "there is not enough memory for this"
        else:
            traceback.print_exc(file=sys.stderr)
            line = f"this went wrong in the playground itself ({type(error).__name__}: {error})"
        where = error.where if isinstance(error, Refused) else ""
        self.send(b"t", {"type": "reply", "id": number, "ok": False, "error": line, "where": where})

    @property
    def wanted(self) -> bool:
        """Whether more steps are to be taken."""
        return not self.error and self.desk.lesson.step < self.stop_at

    def status(self) -> dict[str, Any]:
        """How things stand."""
        return {
            "type": "status",
            "state": "playing" if self.wanted else "paused",
            **self.desk.position(),
            **({"error": self.error} if self.error else {}),
        }

    def say_status(self) -> None:
        """Tell the page, and the server, how things stand."""
        self.send(b"t", self.status())

    def tick(self, speed: float = 0.0) -> None:
        """Send a picture of the moment, and `speed` in images a second."""
        self.say_points()
        state = "playing" if self.wanted else "paused"
        self.send(b"k", self.desk.tick({"samples_per_second": speed, "state": state}))

    def say_points(self) -> None:
        """Send the curve's new points: by themselves, for a page that is too slow for every tick must miss none."""
        if self.desk.meter.new:
            self.send(b"t", {"type": "points", "points": self.desk.meter.new})
            self.desk.meter.new = []

    def fresh(self) -> None:
        """There is a network that the page does not know yet: have a replica for drawings, and show it."""
        self.stop_at, self.error = 0, ""
        self.desk.forget()
        self.renew()

    def renew(self) -> None:
        """Look at the network as it is now: it may be another one."""
        self.reader = self.desk.lesson.network.replica()
        self.desk.renew()

    # The main thread.

    def run(self) -> None:
        """Train while steps are wanted, do what is asked, wait."""
        threading.Thread(target=self.listen, daemon=True).start()
        while True:
            while self.later:
                self.obey(self.later.pop(0))
            if self.wanted and self.inbox.empty():
                self.train()
            else:
                self.obey(self.inbox.get())

    def train(self) -> None:
        """Train until something else is to be done."""
        lesson = self.desk.lesson
        self.interim = Interim(lambda: lesson.validate(1000))
        try:
            if self.stop_at - lesson.step > FEW:
                lesson.train([Watcher(self)], threads=self.threads)
            else:
                lesson.train([Watcher(self)], threads=1, engine="numpy")
        except (InklingError, MemoryError) as error:
            self.error = str(error) or "there is not enough memory to train this network"
        self.desk.next_weights = 0.0  # the next picture shows what has become of them
        self.say_points()
        self.later = [*self.dear, *self.later]
        self.dear.clear()
        if not self.wanted:
            self.stop_at = 0
            self.say_status()
            self.tick()

    def began(self, trainer: Trainer) -> None:
        """The callback: training begins."""
        self.desk.meter.begin(trainer)

    def hurried(self) -> bool:
        """The callback asks after every step."""
        return self.pace is not None or not self.inbox.empty() or bool(self.dear)

    def between_steps(self, trainer: Trainer) -> None:
        """The callback: send a tick if it is time, do what can be done now, and stop for the rest."""
        now = perf_counter()
        if now >= self.desk.next_tick and self.wanted:
            self.tick(self.desk.meter.read(trainer))
            self.desk.next_tick = now + TICK
        if found := self.interim.due():
            self.desk.validations.append((trainer.step, found["loss"], found["accuracy"]))
            self.send(b"t", {"type": "validation", "step": trainer.step, "count": 1000, **found})
        while not self.inbox.empty():
            self.now_or_later(self.inbox.get())
        if self.dear and now >= self.free_at:
            self.obey(self.dear.popleft())
            self.free_at = 2 * perf_counter() - now
        while (
            self.pace is not None and self.wanted and not self.later and (left := self.next_step - perf_counter()) > 0
        ):
            with suppress(Empty):
                self.now_or_later(self.inbox.get(timeout=left))
        if self.pace is not None:
            self.next_step = max(self.next_step, perf_counter() - 1 / self.pace) + 1 / self.pace
        if self.later or not self.wanted:
            self.desk.meter.read(trainer)
            trainer.stop(now=True)

    def now_or_later(self, message: Any) -> None:
        """Do what leaves the training alone; keep for later what changes it.

        What takes long is done one by one, and after each the training has as much time for itself: somebody who asks
        for one neuron after the other slows it by half at most.
        """
        if message is None or (isinstance(message, LIGHT) and not self.later):
            self.obey(message)
        elif isinstance(message, DEAR) and not self.later:
            self.dear.append(message)
        else:
            self.later.append(message)

    def epoch_ended(self, trainer: Trainer) -> None:
        """The callback: an epoch is over."""
        self.interim.put_off()
        self.desk.meter.epoch_ended(trainer)
        self.send(b"t", self.desk.epoch(trainer.history.last, trainer.step))

    # What is asked for.

    def obey(self, message: Any) -> None:
        """Do it and answer. Whatever goes wrong is an answer too."""
        if message is None:
            self.tick()
            return
        number = getattr(message, "id", getattr(message, "number", None))
        try:
            reply = self.done(message)
        except Exception as error:
            if isinstance(message, errands.Errand):
                line = str(error) if isinstance(error, InklingError) else f"{type(error).__name__}: {error}"
                self.send(b"i", {"number": number, "ok": False, "error": line})
            else:
                self.complain(number, error)
            return
        if isinstance(reply, bytes):
            self.send(b"b", reply)
        elif isinstance(message, errands.Errand):
            self.send(b"i", {"number": number, "ok": True, **reply})
        elif not isinstance(message, errands.Share):
            self.send(b"t", {"type": "reply", "id": number, "ok": True, **reply})
        self.after(message)

    def done(self, message: Any) -> dict[str, Any] | bytes:
        """Do it; returns the fields of the answer, or a whole frame."""
        name = type(message).__name__
        if isinstance(message, errands.Share):
            self.threads = message.threads
            return {}
        if isinstance(message, errands.Greet):
            return {**self.desk.greeting(), "status": self.status(), "pace": self.pace}
        own: dict[str, Callable[[Any], None]] = {
            "Play": self.play,
            "Pause": self.pause,
            "Step": self.take_steps,
            "Epoch": self.to_the_epochs_end,
            "Pace": self.set_pace,
        }
        if name in own:
            own[name](message)
            return {}
        reply: dict[str, Any] | bytes = getattr(self.desk, f"do_{name.lower()}")(message)
        return reply

    def after(self, message: Any) -> None:
        """What the page sees of it without asking."""
        if isinstance(message, (messages.Build, messages.Reset, errands.Load)):
            self.fresh()
            self.send(b"t", self.desk.first_epoch())
            self.say_status()
            self.tick()
        elif isinstance(message, (messages.Change, messages.Teach, messages.Look, messages.ExplainStep)):
            if isinstance(message, messages.ExplainStep) and self.desk.position()["batch"] == 0:
                self.send(b"t", self.desk.epoch(self.desk.lesson.history[-1], self.desk.lesson.step))
            if not isinstance(message, messages.Look):
                self.renew()
                self.say_status()
            self.tick()
        elif isinstance(message, (messages.Play, messages.Pause, messages.Step, messages.Epoch)):
            self.say_status()
        elif isinstance(message, errands.Greet):  # who has just come sees the current digit without pressing anything
            self.tick()

    def play(self, message: messages.Play) -> None:
        """Without an end."""
        self.go(float("inf"))

    def pause(self, message: messages.Pause) -> None:
        """After this step."""
        self.stop_at = 0

    def take_steps(self, message: messages.Step) -> None:
        """So many."""
        self.go(self.desk.lesson.step + message.count)

    def to_the_epochs_end(self, message: messages.Epoch) -> None:
        """As many as are left of this epoch, or a whole one."""
        lesson = self.desk.lesson
        self.go(lesson.step + lesson.batches - self.desk.position()["batch"] % lesson.batches)

    def go(self, stop_at: float) -> None:
        """Take steps. Raises Refused if there is no point in it."""
        if self.error:
            raise Refused(f"this training cannot go on: {self.error} (reset it, or build another network)")
        self.stop_at = stop_at
        self.next_step = perf_counter()

    def set_pace(self, message: messages.Pace) -> None:
        """So many steps a second."""
        self.pace, self.next_step = message.steps_per_second, perf_counter()
