from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text
from subjects import assert_readable, digits, networks, title, words

from inkling.figures import confusion
from inkling.figures.confusion import lowest
from inkling.training import Evaluation, evaluate

NETWORKS = networks()


class Blots:
    images, labels = digits(80)


def evaluation(labels, read) -> Evaluation:
    """As if the network had read these digits, which are those."""
    return Evaluation(0.5, np.array(labels), np.eye(10)[np.array(read)])


@pytest.mark.parametrize("name", ["one layer", "two layers", "deep sigmoid"])
def test_it_can_be_read_for_any_network(name):
    assert_readable(confusion(evaluate(NETWORKS[name], Blots())))


def test_it_can_be_read_with_large_counts():
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 60_000)
    read = np.where(random.random(60_000) < 0.3, random.integers(0, 10, 60_000), labels)
    assert_readable(confusion(evaluation(labels, read)))


def test_the_counts_stand_where_they_belong():
    labels = [0] * 5 + [4] * 10 + [9] * 1200
    read = [0] * 5 + [9] * 3 + [4] * 7 + [9] * 1199 + [4]
    figure = confusion(evaluation(labels, read))
    shown = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in figure.axes[0].texts}
    diagonal = {(k, k): "0" for k in range(10)} | {(0, 0): "5", (4, 4): "7", (9, 9): "1,199"}
    assert shown == diagonal | {(4, 9): "3", (9, 4): "1"}
    assert figure.axes[0].get_xlabel() == "read as"
    assert figure.axes[0].get_ylabel() == "true digit"


def test_the_right_ones_do_not_drown_the_mistakes():
    labels = [0] * 500 + [4] * 10
    read = [0] * 500 + [9] * 3 + [4] * 7
    (picture,) = confusion(evaluation(labels, read)).axes[0].images
    assert picture.get_clim() == (0, 3)
    array = picture.get_array()
    assert np.ma.getmaskarray(array).tolist() == np.eye(10, dtype=bool).tolist()
    assert array[4, 9] == 3
    assert array.sum() == 3


def test_recall_stands_beside_and_precision_below():
    labels = [0] * 8 + [1] * 10 + [2] * 4
    read = [0] * 6 + [1] * 2 + [1] * 10 + [2] * 3 + [0]
    figure = confusion(evaluation(labels, read))
    beside, below = figure.axes[0].child_axes
    (recall,) = beside.lines
    (precision,) = below.lines
    np.testing.assert_allclose(recall.get_xdata()[:3], [6 / 8, 1, 3 / 4])
    np.testing.assert_allclose(precision.get_ydata()[:3], [6 / 7, 10 / 12, 1])
    assert np.isnan(recall.get_xdata()[3:]).all()
    assert [t.get_text() for t in beside.texts] == ["75.0", "100", "75.0"] + ["–"] * 7
    assert [t.get_text() for t in below.texts] == ["85.7", "83.3", "100"] + ["–"] * 7
    assert beside.get_xlim()[0] < 0.75


def test_the_title_names_the_commonest_mistake():
    labels = [4] * 10 + [7] * 10
    figure = confusion(evaluation(labels, [9] * 3 + [4] * 7 + [1] + [7] * 9))
    assert title(figure) == "80.00\u00a0% of 20 right; most often a four is read as a nine, 3 times"
    once = confusion(evaluation(labels, [9] + [4] * 9 + [7] * 10))
    assert title(once).endswith("a four is read as a nine, once")


def test_a_network_without_mistakes_is_congratulated():
    figure = confusion(evaluation([1, 2, 3], [1, 2, 3]))
    assert_readable(figure)
    assert title(figure) == "All of 3 right"


def test_the_axis_of_the_rates_begins_below_the_worst():
    assert lowest(np.array([0.97, np.nan]), np.array([0.99])) == 0.95
    assert lowest(np.array([0.93])) == 0.9
    assert lowest(np.array([0.0, 1.0])) == 0
    assert lowest(np.array([1.0])) == 0.95


def test_all_ten_digits_label_both_axes():
    figure = confusion(evaluate(NETWORKS["one layer"], Blots()))
    axes = figure.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == [str(k) for k in range(10)]
    assert all(isinstance(label, Text) for label in labels)
    assert "precision in %: right among all that were read so" in words(figure)
