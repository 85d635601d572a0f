"""What one sees of a training: plain lines in a pipe, a moving bar on a screen."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from inkling import nn
from inkling.training import Callback, Progress, Trainer
from inkling.training.progress import LEVELS, clock, round_interval, sparkline


def watched(patterns, make_network, progress, *, epochs, validation=None, more=()):
    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[progress, *more], threads=1)
    trainer.fit(patterns(20), validation=validation, epochs=epochs, batch_size=5)


@pytest.mark.parametrize(
    ("epochs", "every", "shown"),
    [
        (3, None, [1, 2, 3]),
        (20, None, list(range(1, 21))),
        (40, None, [1, *range(2, 41, 2)]),
        (100, None, [1, *range(10, 101, 10)]),
        (100, 40, [1, 40, 80, 100]),
        (5, 2, [1, 2, 4, 5]),
    ],
)
def test_without_a_terminal_there_are_plain_lines(patterns, make_network, epochs, every, shown):
    out = io.StringIO()
    watched(patterns, make_network, Progress(every, console=Console(file=out, width=60), table=False), epochs=epochs)
    lines = out.getvalue().splitlines()
    assert [int(re.match(r"epoch +(\d+)/", line)[1]) for line in lines] == shown
    assert "\x1b" not in out.getvalue()


def test_a_line_says_loss_accuracy_validation_and_seconds(patterns, make_network):
    out = io.StringIO()
    progress = Progress(console=Console(file=out, width=30), table=False)
    watched(patterns, make_network, progress, epochs=1, validation=patterns(9, 1))
    (line,) = out.getvalue().splitlines()  # one line, however narrow the screen
    for word in ("epoch 1/1", "loss ", "accuracy ", "validation ", "%", " s"):
        assert word in line


def test_by_default_it_speaks_on_standard_error(patterns, make_network, capsys):
    watched(patterns, make_network, Progress(), epochs=2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("epoch ") == 2


def test_on_a_terminal_there_is_a_bar_that_is_gone_in_the_end(patterns, make_network):
    out, drawn = io.StringIO(), []

    class Hurry(Callback):
        def on_batch_end(self, trainer):
            progress.drawn_at = -1e9
            progress.on_batch_end(trainer)
            drawn.append(out.getvalue())

    progress = Progress(console=Console(file=out, force_terminal=True, width=80))
    watched(patterns, make_network, progress, epochs=2, validation=patterns(9, 1), more=[Hurry()])
    assert "━" in drawn[0]
    assert "images/s" in drawn[0]
    assert " left" in drawn[0]
    assert "epoch 2/2" in drawn[-1]
    assert "validation" in drawn[-1]
    text = out.getvalue()
    assert "\x1b[1A\x1b[2K" in text[text.rindex("images/s") :], "the last bar is wiped away"
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1, "the cursor is hidden, and comes back"


def test_the_cursor_comes_back_after_an_error(patterns, make_network):
    class Stumble(Callback):
        def on_epoch_end(self, trainer):
            raise RuntimeError("a stone")

    out = io.StringIO()
    with pytest.raises(RuntimeError, match="a stone"):
        watched(
            patterns,
            make_network,
            Progress(console=Console(file=out, force_terminal=True)),
            epochs=1,
            more=[Stumble()],
        )
    assert out.getvalue().count("\x1b[?25h") == 1


def test_a_training_stopped_early_says_so(patterns, make_network):
    class Enough(Callback):
        def on_epoch_end(self, trainer):
            trainer.stop()

    out = io.StringIO()
    watched(patterns, make_network, Progress(console=Console(file=out)), epochs=9, more=[Enough()])
    assert "stopped early after epoch 1" in out.getvalue()


def test_it_begins_with_a_table_of_the_network(patterns, make_network, capsys):
    watched(patterns, make_network, Progress(), epochs=1)
    network = make_network()
    said = capsys.readouterr().err
    assert said.startswith(network.summary())


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300))
def test_a_sparkline_rises_where_the_values_do(values):
    line = sparkline(values)
    assert len(line) == min(len(values), 12)
    assert set(line) <= set(LEVELS)
    if len(values) <= 12 and max(values) > min(values):
        assert line[values.index(max(values))] == LEVELS[-1]
        assert line[values.index(min(values))] == LEVELS[0]


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (75, "1:15"), (3599.6, "1:00:00"), (7265, "2:01:05")])
def test_time_left_reads_like_a_clock(seconds, shown):
    assert clock(seconds) == shown


@settings(deadline=None)
@given(st.integers(1, 10**7))
def test_the_interval_is_round_and_gives_few_lines_but_enough(epochs):
    every = round_interval(epochs)
    assert str(every).rstrip("0") in ("1", "2", "5")
    lines = epochs // every
    assert lines <= 20
    assert lines >= min(epochs, 8)
