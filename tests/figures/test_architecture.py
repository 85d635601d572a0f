import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Rectangle
from networks import NETWORKS, dense, title
from overlap import clipped, overlaps, texts

from inkling.figures import architecture
from inkling.figures.columns import WIDTH
from inkling.figures.stages import stages
from inkling.nn import BatchNorm, Conv2D, Dense, Dropout, Flatten, MaxPool2D, Network, ReLU
from inkling.nn.layers import describe_shape


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
    for stage in stages(network)[1]:
        head = stage.head
        assert head.name in said
        if stage.parameters:
            assert f"{stage.parameters:,} parameters" in said
        shape = head.output_shape
        assert (f"{shape[0]:,} neuron" if isinstance(head, Dense) else describe_shape(shape)) in " ".join(said)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            assert f"dropout {100 * layer.rate:g}\u00a0%" in said
    norms = sum(isinstance(layer, BatchNorm) for layer in network.layers)
    assert said.count("batch norm") == norms


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
    # The image is a sheet with a frame; stacks of 8 and of 20 maps, a sheet more for each doubling.
    assert len(sheets) == 2 + 5 + 6
    said = texts(figure)
    assert {"14×14×8", "7×7×20", "flatten → 980"} <= set(said)


def test_kernels_and_windows_are_said():
    said = texts(architecture(NETWORKS["deep convolutions"]()))
    assert said.count("3×3 kernels") == 6
    assert said.count("3×3 kernels, stride 2") == 2
    said = texts(architecture(NETWORKS["pooled first"]()))
    assert {"2×2 windows", "3×3 windows", "3×2 kernels, stride 1×2", "2×2 kernels"} <= set(said)
    assert "3×3 windows, stride 2" in texts(architecture(NETWORKS["as recipes build them"]()))


def test_the_window_of_a_pixel_is_true_to_scale():
    network = Network([Conv2D(4, 7, stride=2, padding="same"), ReLU(), MaxPool2D(2), Flatten(), Dense(10)])
    patches = [patch for patch in architecture(network).axes[0].patches if isinstance(patch, Rectangle)]
    image = patches[0]
    pixel = image.get_width() / 28
    windows = [patch for patch in patches if patch.get_alpha() == 0.35]
    assert len(windows) == 2
    assert windows[0].get_width() == pytest.approx(7 * pixel)
    # Output pixel 7 of 14 sees the pixels from 7·2 − 2 on, since "same" puts two of five zeros before the image.
    assert windows[0].get_x() - image.get_x() == pytest.approx(12 * pixel)
    front = next(p for p in patches[2:] if p.get_width() == pytest.approx(p.get_height()) and p.get_zorder() == 4)
    assert windows[1].get_width() == pytest.approx(2 * front.get_width() / 14)


def test_a_deep_network_goes_on_in_another_row_and_gets_no_wider():
    for depth in (3, 8, 20, 40):
        layers = [layer for _ in range(depth) for layer in (Conv2D(4, 3, padding="same"), ReLU())]
        figure = architecture(Network([*layers, Dense(20), ReLU(), Dense(10)]))
        assert figure.get_size_inches()[0] == pytest.approx(WIDTH)
        assert overlaps(figure) == []
        assert clipped(figure) == []
        said = texts(figure)
        assert {f"conv2d_{place + 1}" for place in range(depth)} < set(said)
    assert title(figure).startswith("The network: 40 convolutions and 2 dense layers, ")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind):
    file = io.BytesIO()
    architecture(dense([16])).savefig(file, format=kind)
    assert len(file.getvalue()) > 1000
