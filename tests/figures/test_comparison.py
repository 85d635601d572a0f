from __future__ import annotations

import statistics

import numpy as np
import pytest
from subjects import assert_readable, history, title, words

from inkling.figures import comparison
from inkling.figures.comparison import FIGURES
from inkling.training import History

NAMES = ("dropout-l2-sgd", "dropout-l2-momentum", "dropout-l2-adam", "sigmoid-mse", "kaggle-64-64", "full-batch")


def runs(recipes: int, seeds: int, epochs: int = 6) -> tuple[list[dict[str, object]], dict[str, list[History]]]:
    """The later a recipe, the better and the slower; seeds differ a little."""
    rows, histories = [], {}
    for number, name in enumerate(NAMES[:recipes]):
        histories[name] = []
        for seed in range(seeds):
            accuracy = 0.9 + number / 100 + seed / 1000
            trained = [
                {
                    **row,
                    "validation_accuracy": accuracy - 0.1 / row["epoch"],
                    "validation_loss": 0.5 / row["epoch"] - number / 100 + seed / 100,
                }
                for row in history(epochs).to_list()
            ]
            histories[name].append(History.from_list(trained))
            figures = {key: accuracy if "accuracy" in key else 1 - accuracy for key in FIGURES}
            rows.append({"recipe": name, "seed": seed, **figures, "seconds": 3.0 + number})
    return rows, histories


@pytest.mark.parametrize(("recipes", "seeds"), [(1, 1), (2, 1), (3, 3), (6, 5)])
@pytest.mark.parametrize("epochs", [1, 6, 300])
def test_it_can_be_read_for_any_number_of_runs(recipes, seeds, epochs):
    assert_readable(comparison(*runs(recipes, seeds, epochs)))


def test_the_table_holds_means_and_deviations():
    rows, histories = runs(2, 3)
    texts = [text.get_text() for text in comparison(rows, histories).axes[0].texts]
    assert texts[:10] == ["recipe", "seeds", *FIGURES.values()]
    first = texts[10:20]
    assert first[:2] == ["dropout-l2-sgd", "3"]
    assert first[2] == "90.10 ± 0.10\u00a0%"
    assert first[3] == "0.0990 ± 0.0010"
    assert first[-1] == "3.0 ± 0.0"


def test_the_best_of_each_column_is_marked_not_by_colour_alone():
    rows, histories = runs(3, 2)
    table = comparison(rows, histories).axes[0]
    marked = [text.get_text() for text in table.texts if text.get_bbox_patch() is not None]
    assert marked == ["3.0 ± 0.0", *["92.05 ± 0.07\u00a0%", "0.0795 ± 0.0007"] * 3, "92.05 ± 0.07\u00a0%"]
    assert {text.get_fontweight() for text in table.texts if text.get_bbox_patch() is not None} == {"bold"}
    cells = [text for text in table.texts if "±" in text.get_text() and text.get_bbox_patch() is None]
    assert {text.get_fontweight() for text in cells} == {"normal"}


def test_the_title_names_the_winner():
    rows, histories = runs(3, 2)
    assert title(comparison(rows, histories)) == "dropout-l2-adam reads the test images best: 92.05 ± 0.07\u00a0% right"
    untested = [{**row, "test_accuracy": None} for row in rows]
    assert "the validation images best" in title(comparison(untested, histories))
    assert title(comparison(*runs(1, 2))) == "dropout-l2-sgd, trained 2 times"


def test_the_line_is_the_mean_over_the_seeds_and_the_band_one_deviation():
    rows, histories = runs(2, 3)
    _, loss, accuracy = comparison(rows, histories).axes
    for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
        for line, band, name in zip(axes.lines, axes.collections, histories, strict=True):
            columns = np.array([run[f"validation_{what}"] for run in histories[name]])
            np.testing.assert_allclose(line.get_ydata(), columns.mean(axis=0))
            deviation = statistics.stdev(columns[:, -1])
            edge = band.get_paths()[0].vertices
            last = edge[edge[:, 0] == 6][:, 1]
            assert last.max() == pytest.approx(columns[:, -1].mean() + deviation)
            assert last.min() == pytest.approx(columns[:, -1].mean() - deviation)
            assert line.get_label() == name


def test_recipes_have_the_same_colour_and_marker_in_table_and_curves():
    table, loss, _ = comparison(*runs(3, 1)).axes
    looks = [(line.get_color(), line.get_marker()) for line in table.lines]
    assert looks == [(line.get_color(), line.get_marker()) for line in loss.lines]
    assert len({marker for _, marker in looks}) == 3


def test_one_seed_has_no_band():
    _, loss, accuracy = comparison(*runs(2, 1)).axes
    assert len(loss.collections) == len(accuracy.collections) == 0


def test_seeds_that_stopped_early_shorten_the_line():
    rows, histories = runs(1, 2)
    histories[NAMES[0]][1] = History(histories[NAMES[0]][1].epochs[:4])
    _, loss, _ = comparison(rows, histories).axes
    np.testing.assert_array_equal(loss.lines[0].get_xdata(), [1, 2, 3, 4])


def test_without_validation_training_is_drawn():
    rows, _ = runs(2, 2)
    histories = {name: [history(5, validation=False)] * 2 for name in NAMES[:2]}
    bare = [{key: None if key.startswith(("valid", "first")) else value for key, value in row.items()} for row in rows]
    figure = comparison(bare, histories)
    assert_readable(figure)
    assert [axes.get_title() for axes in figure.axes[1:]] == ["training loss", "training accuracy"]
    assert "valid. accuracy" not in words(figure)


def test_without_histories_there_is_the_table():
    figure = comparison(runs(3, 2)[0], {})
    assert_readable(figure)
    assert len(figure.axes) == 1


def test_nothing_is_no_error():
    figure = comparison([], {})
    assert_readable(figure)
    assert "Nothing to compare" in words(figure)
