from matplotlib.figure import Figure
from overlap import clipped, overlaps, texts


def page(*places):
    figure = Figure(figsize=(4, 3))
    for x, y, words in places:
        figure.text(x, y, words)
    return figure


def test_words_over_words_are_found():
    assert overlaps(page((0.1, 0.5, "here"), (0.12, 0.51, "there"))) == [("here", "there")]


def test_words_beside_words_are_fine():
    figure = page((0.1, 0.5, "here"), (0.5, 0.5, "there"), (0.1, 0.2, "below"))
    assert overlaps(figure) == []
    assert clipped(figure) == []


def test_words_that_leave_the_page_are_found():
    assert clipped(page((0.9, 0.5, "a long way out"), (0.1, 0.5, "inside"))) == ["a long way out"]


def test_only_what_is_drawn_counts():
    figure = page((0.1, 0.5, "seen"), (0.1, 0.5, "hidden"))
    figure.texts[1].set_visible(False)
    axes = figure.add_axes((0.5, 0.5, 0.4, 0.4))
    axes.set_axis_off()
    assert texts(figure) == ["seen"]
