import io
import math

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Rectangle
from networks import NETWORKS, dense, title
from overlap import clipped, overlaps, texts

from inkling.figures import architecture
from inkling.nn import Dropout


@pytest.mark.parametrize("name", NETWORKS)
def test_every_text_can_be_read(name):
    figure = architecture(NETWORKS[name]())
    assert overlaps(figure) == []
    assert clipped(figure) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_said_with_its_shape_and_parameters(name):
    network = NETWORKS[name]()
    figure = architecture(network)
    said = texts(figure)
    assert f"{len(network.parameters):,} parameters" in title(figure)
    for layer in network.layers:
        count = sum(math.prod(shape) for shape in layer.parameter_shapes().values())
        if count:
            assert layer.name in said
            assert f"{count:,} parameters" in said
            assert f"{layer.output_shape[0]:,} neuron".removesuffix("s") in " ".join(said)
        elif isinstance(layer, Dropout):
            assert f"dropout {100 * layer.rate:g}\u00a0%" in said


def test_activations_are_named_also_the_one_inside_the_loss():
    said = texts(architecture(NETWORKS["dropout"]()))
    assert said.count("ReLU") == 2
    assert "softmax" in said
    assert texts(architecture(NETWORKS["squared error"]())).count("Sigmoid") == 2
    assert "sigmoid" in texts(architecture(NETWORKS["yes or no"]()))


def circles(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]


def test_narrow_layers_are_drawn_whole_and_wide_ones_elided():
    assert len(circles(architecture(dense([7])))) == 7 + 10
    assert len(circles(architecture(dense([800])))) == 8 + 10


def test_the_digits_stand_beside_the_outputs():
    assert [words for words in texts(architecture(dense([16]))) if words in "0123456789"] == list("0123456789")


def test_dropout_crosses_its_share_of_the_neurons():
    for rate, dropped in ((0, 0), (0.01, 1), (0.2, 2), (0.5, 5), (0.9, 9)):
        drawn = circles(architecture(dense([10], dropout=rate)))
        assert len([circle for circle in drawn if circle.get_linestyle() not in ("-", "solid")]) == dropped


def test_lines_are_the_strongest_weights_in_the_colour_of_their_sign():
    network = dense([10])
    W = network.layers[2].W
    W[...] = 0.01
    W[3, 7], W[4, 1] = 2.0, -1.0
    figure = architecture(network)
    lines = next(
        c for c in figure.axes[0].collections if isinstance(c, LineCollection) and c.get_label() == "dense_2.W"
    )
    widths, colours, ends = lines.get_linewidths(), lines.get_colors(), lines.get_segments()
    places = [circle.center[1] for circle in circles(figure)]
    thick, second = np.argsort(widths)[::-1][:2]
    assert [y for _, y in ends[thick]] == pytest.approx([places[3], places[10 + 7]])
    assert [y for _, y in ends[second]] == pytest.approx([places[4], places[10 + 1]])
    assert colours[thick][0] > colours[thick][2]  # more red than blue
    assert colours[second][0] < colours[second][2]


def test_outputs_with_height_width_and_channels_are_stacks():
    figure = architecture(NETWORKS["maps"]())
    sheets = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    # The image is a sheet with a frame; each of the two stacks shows six maps.
    assert len(sheets) == 2 + 6 + 6
    said = texts(figure)
    assert {"14×14×8", "7×7×20", "flatten → 980"} <= set(said)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind):
    file = io.BytesIO()
    architecture(dense([16])).savefig(file, format=kind)
    assert len(file.getvalue()) > 1000
