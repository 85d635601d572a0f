import copy
import io

import numpy as np
import pytest
from networks import NETWORKS, dense, digit, title
from overlap import clipped, overlaps, texts

from inkling.errors import InklingError
from inkling.figures import one_step, since_start, weight_update
from inkling.figures.notation import brief
from inkling.nn import SGD, Adam, Constant, Conv2D, Dense, Network, ReLU, WarmUp

DENSE = [name for name in NETWORKS if name != "maps"]


def batch(network):
    return digit(network)[None].repeat(4, axis=0), np.array([0, 1, 2, 1])


def moved(network):
    """The network after a few steps."""
    optimizer = Adam(0.01)
    for _ in range(3):
        network.compute_gradients(*batch(network))
        optimizer.step(network.parameters, network.gradients, 0.01)
    return network


@pytest.mark.parametrize("name", DENSE)
def test_every_text_can_be_read(name):
    network = NETWORKS[name]()
    first, *_, last = (layer.name for layer in network.layers if "W" in layer.parameter_shapes() for _ in range(2))
    for figure in (
        weight_update(*since_start(moved(network)), first),
        weight_update(*one_step(network, SGD(0.1), *batch(network)), last),
    ):
        assert overlaps(figure) == []
        assert clipped(figure) == []


def test_one_step_is_the_optimizers_and_leaves_everything_as_it_was():
    network, optimizer = dense([16]), SGD(0.5)
    parameters, gradients = network.parameters.copy(), network.gradients.copy()
    before, after = one_step(network, optimizer, *batch(network))
    assert np.array_equal(network.parameters, parameters)
    assert np.array_equal(network.gradients, gradients)
    assert optimizer.steps == 0
    assert np.array_equal(before.parameters, parameters)
    network.compute_gradients(*batch(network))
    assert after.parameters == pytest.approx(parameters - 0.5 * network.gradients)


def test_one_step_goes_on_with_what_the_optimizer_remembers():
    network, optimizer = dense([16]), SGD(0.1, momentum=0.9)
    network.compute_gradients(*batch(network))
    optimizer.step(network.parameters, network.gradients, 0.1)
    remembered = optimizer.state["velocity"].copy()
    _, after = one_step(network, optimizer, *batch(network))
    assert np.array_equal(optimizer.state["velocity"], remembered)
    twin = copy.deepcopy(network)
    twin.compute_gradients(*batch(network))
    optimizer.step(twin.parameters, twin.gradients, 0.1)
    assert after.parameters == pytest.approx(twin.parameters)


def test_one_step_obeys_a_schedule():
    network = dense([16])
    schedule = WarmUp(Constant(0.5), 2)
    before, after = one_step(network, SGD(schedule), *batch(network))
    network.compute_gradients(*batch(network))
    assert after.parameters == pytest.approx(before.parameters - schedule(0, 1) * network.gradients)


def test_since_start_rebuilds_the_first_weights():
    network = moved(Network([Dense(16), ReLU(), Dense(10)], seed=5))
    first = Network([Dense(16), ReLU(), Dense(10)], seed=5).parameters
    before, after = since_start(network)
    assert np.array_equal(before.parameters, first)
    assert np.array_equal(after.parameters, network.parameters)
    network.parameters += 1
    assert not np.array_equal(after.parameters, network.parameters)


def images(figure):
    """The three pictures: before, change, after."""
    return [axes.images[0] for axes in figure.axes if axes.images and axes.images[0].get_array().shape[0] > 1]


def test_a_deeper_layer_is_drawn_as_its_matrix():
    before, after = since_start(moved(dense([40])))
    first, last = before.layers[2].W, after.layers[2].W
    pictures = images(weight_update(before, after, "dense_2"))
    for picture, values in zip(pictures, (first, last - first, last), strict=True):
        assert np.asarray(picture.get_array()) == pytest.approx(values, abs=1e-7)
        assert picture.get_clim()[0] == -picture.get_clim()[1]
    clims = [picture.get_clim() for picture in pictures]
    assert clims[0] == clims[2]
    assert clims[1][1] == pytest.approx(np.abs(last - first).max(), rel=1e-5)


def test_the_first_layer_is_drawn_as_tiles_of_the_neurons_that_changed_most():
    before, after = since_start(moved(dense([40])))
    change = (after.layers[0].W - before.layers[0].W).astype(float)
    most = np.linalg.norm(change, axis=0).argmax()
    figure = weight_update(before, after)
    for picture, network in zip(images(figure)[::2], (before, after), strict=True):
        tile = np.asarray(picture.get_array())[:28, :28]
        assert tile == pytest.approx(network.layers[0].W[:, most].reshape(28, 28))
    assert any("20 of 40 neurons that changed most" in words for words in texts(figure))


def test_a_convolution_is_drawn_as_its_kernels():
    before, after = since_start(moved(NETWORKS["convolutions"]()))
    first, second = (layer.W for layer in after.layers if isinstance(layer, Conv2D))
    figure = weight_update(before, after, "conv2d_1")
    picture = np.asarray(images(figure)[2].get_array())
    assert picture[:5, 6:11] == pytest.approx(first[:, :, 0, 1])
    assert np.count_nonzero(~np.isnan(picture)) == 25 * 8
    assert any("All 8 kernels; a tile is the kernel of one channel." in words for words in texts(figure))

    figure = weight_update(before, after, "conv2d_2")
    change = np.linalg.norm(second - before.layers[3].W, axis=(0, 1))
    come, goes = np.unravel_index(change.argmax(), change.shape)
    picture = np.asarray(images(figure)[2].get_array())
    assert picture[:5, :5] == pytest.approx(second[:, :, come, goes])
    assert any("20 of 128 kernels that changed most" in words for words in texts(figure))
    assert "3,200 weights" in " ".join(texts(figure))


def test_few_neurons_are_all_shown_in_their_own_order():
    network = dense([])
    figure = weight_update(network, network)
    picture = np.asarray(images(figure)[0].get_array())
    assert picture[:28, 30:58] == pytest.approx(network.layers[0].W[:, 1].reshape(28, 28))
    assert np.count_nonzero(~np.isnan(picture)) == 784 * 10
    assert any(words.startswith("All 10 neurons") for words in texts(figure))


def test_histograms_count_every_weight():
    before, after = since_start(moved(dense([40])))
    figure = weight_update(before, after)
    bars = [[patch.get_height() for patch in axes.patches] for axes in figure.axes if len(axes.patches) > 20]
    assert [sum(heights) for heights in bars] == [784 * 40] * 3
    assert any("31,360 weights" in words for words in texts(figure))


def test_lengths_are_written_beside():
    before, after = since_start(moved(dense([40])))
    first, last = before.layers[2].W.astype(float), after.layers[2].W.astype(float)
    said = texts(weight_update(before, after, "dense_2"))
    length, of = np.linalg.norm(last - first), np.linalg.norm(first)
    assert f"‖ΔW‖ = {brief(length)}, {100 * length / of:.1f}\u00a0% of before" in said
    assert f"‖W‖ = {brief(np.linalg.norm(last))}" in said


def test_no_change_is_drawn_as_no_change():
    network = dense([16])
    figure = weight_update(network, network, title="Nothing happened")
    assert title(figure) == "Nothing happened"
    assert "‖ΔW‖ = 0, 0.0\u00a0% of before" in texts(figure)


def test_an_unknown_layer_is_refused_with_the_names_there_are():
    network = dense([16])
    with pytest.raises(InklingError, match="no layer 'dense_9' with weights; there are dense_1, dense_2"):
        weight_update(network, network, "dense_9")


def test_networks_of_different_shapes_are_refused():
    with pytest.raises(InklingError, match="784×16 before and 784×17 after"):
        weight_update(dense([16]), dense([17]))


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind):
    file = io.BytesIO()
    network = dense([16])
    weight_update(network, network).savefig(file, format=kind)
    assert len(file.getvalue()) > 1000
