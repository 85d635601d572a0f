from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, history, title, words

from inkling.figures import learning_curves
from inkling.figures.style import INK
from inkling.training import History


def line(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


@pytest.mark.parametrize("epochs", [1, 2, 10, 1000])
@pytest.mark.parametrize("validation", [True, False])
def test_it_can_be_read_however_long_the_training_was(epochs, validation):
    assert_readable(learning_curves(history(epochs, validation=validation)))


@pytest.mark.parametrize("count", [2, 4, 9])
def test_it_can_be_read_for_several_runs(count):
    runs = {f"dropout-l2-momentum-{n}": history(3 * n + 1, fall=5 * n) for n in range(count)}
    assert_readable(learning_curves(runs))


def test_the_lines_are_the_history():
    run = history(12, best=7)
    loss, accuracy, rate = learning_curves(run).axes
    for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
        for part, name in (("train", "train"), ("validation", "validation")):
            drawn = line(axes, name)
            np.testing.assert_array_equal(drawn.get_xdata(), range(1, 13))
            np.testing.assert_array_equal(drawn.get_ydata(), run[f"{part}_{what}"])
        assert line(axes, "train").get_linestyle() != line(axes, "validation").get_linestyle()
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), run["learning_rate"])


def test_the_best_epoch_is_ringed():
    run = history(12, best=7)
    figure = learning_curves(run)
    for axes, what in zip(figure.axes, ("loss", "accuracy"), strict=False):
        ring = line(axes, "best")
        assert list(ring.get_xdata()) == [7]
        assert list(ring.get_ydata()) == [getattr(run.epochs[6], f"validation_{what}")]
        assert ring.get_markerfacecolor() == "none"
        assert ring.get_markeredgecolor() == INK
    assert title(figure) == "Best after epoch 7 of 12: validation loss 0.3, 94.0\u00a0% right"


def test_without_validation_training_says_which_epoch_is_best():
    run = history(5, validation=False)
    figure = learning_curves(run)
    assert list(line(figure.axes[0], "best").get_ydata()) == [run.epochs[-1].train_loss]
    assert title(figure) == "Still improving after 5 epochs: training loss 0.2, 98.0\u00a0% right"
    assert "validation" not in words(figure)
    assert "training" in words(figure)


def test_a_single_epoch_is_a_point_that_can_be_seen():
    figure = learning_curves(history(1))
    assert title(figure) == "After one epoch: validation loss 0.3, 94.0\u00a0% right"
    for axes in figure.axes[:2]:
        assert line(axes, "train").get_marker() == "o"
    assert list(figure.axes[2].get_xticks()) == [1]


@pytest.mark.parametrize(("fall", "scale"), [(2, "linear"), (1000, "log")])
def test_losses_that_span_decades_get_a_logarithmic_scale(fall, scale):
    figure = learning_curves(history(10, fall=fall))
    axes = figure.axes[0]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low <= 2 / fall
    assert high >= 2
    assert (low == 0) == (scale == "linear")


def test_a_loss_of_zero_does_no_harm():
    run = history(4, fall=1e4)
    rows = run.to_list()
    rows[-1]["train_loss"] = 0.0
    assert_readable(learning_curves(History.from_list(rows)))


def test_a_loss_that_was_no_number_leaves_a_gap():
    rows = history(4).to_list()
    rows[2]["train_loss"] = float("nan")
    figure = learning_curves(History.from_list(rows))
    assert_readable(figure)
    assert np.isnan(line(figure.axes[0], "train").get_ydata()[2])


def test_several_runs_differ_in_colour_and_marker_and_are_named():
    runs = {"sgd": history(10), "adam": history(10, fall=50), "rmsprop": history(8)}
    figure = learning_curves(runs)
    drawn = [line(figure.axes[0], f"{name} validation") for name in runs]
    assert len({one.get_color() for one in drawn}) == 3
    assert len({one.get_marker() for one in drawn}) == 3
    for name in runs:
        assert name in words(figure)
        np.testing.assert_array_equal(line(figure.axes[1], f"{name} train").get_ydata(), runs[name]["train_accuracy"])
        assert (
            line(figure.axes[0], f"{name} best").get_markeredgecolor()
            == line(figure.axes[0], f"{name} train").get_color()
        )


def test_the_headline_names_the_run_that_reads_most():
    bad = history(5, best=1)
    good = History.from_list([{**row, "validation_accuracy": 0.987} for row in history(5).to_list()])
    assert (
        title(learning_curves({"bad": bad, "good": good}))
        == "good reads most digits: 98.7\u00a0% of the validation images"
    )


def test_a_learning_rate_that_falls_far_gets_a_logarithmic_panel():
    constant = learning_curves(history(10, rate=0.003)).axes[2]
    assert constant.get_yscale() == "linear"
    assert [label.get_text() for label in constant.get_yticklabels()] == ["0", "0.003"]
    assert learning_curves(history(10, rate=lambda epoch: 0.1 * 0.4**epoch)).axes[2].get_yscale() == "log"


def test_before_the_first_epoch_there_is_a_notice():
    for nothing in (History(), {}, {"a": History()}):
        figure = learning_curves(nothing)
        assert_readable(figure)
        assert "Nothing learned yet" in words(figure)


def test_accuracy_ends_at_a_hundred_percent():
    rows = [{**row, "train_accuracy": 1.0, "validation_accuracy": 0.05} for row in history(3).to_list()]
    axes = learning_curves(History.from_list(rows)).axes[1]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert "100\u00a0%" in labels
    assert not [label for label in labels if label and float(label.rstrip("%")) > 100]
