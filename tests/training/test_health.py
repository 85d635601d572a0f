"""A training that goes wrong says so, and names the cause; one that goes well says nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from inkling import nn
from inkling.errors import InklingError
from inkling.training import Callback, Health, Trainer, TrainingDiverged, TrainingWarning


def train(network, data, *, rate=0.05, epochs=3, batch_size=16, more=(), **optimizer):
    trainer = Trainer(network, nn.SGD(rate, **optimizer), callbacks=[Health(), *more], threads=1)
    trainer.fit(data, epochs=epochs, batch_size=batch_size)
    return trainer


@pytest.mark.parametrize("batch_size", [16, None])
def test_a_healthy_training_warns_of_nothing(patterns, make_network, batch_size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(make_network(), patterns(200), epochs=20, batch_size=batch_size)


def test_a_rate_too_high_is_named(patterns):
    network = nn.Network([nn.Dense(8), nn.LeakyReLU(), nn.Dense(4)], input_shape=(6, 6))
    with pytest.warns(TrainingWarning, match=r"loss grew from .* the learning rate \(7\) is too high") as caught:
        train(network, patterns(200), rate=7)
    assert sum("loss grew" in str(warning.message) for warning in caught) == 1, "once is enough"


def test_going_on_from_a_good_network_is_no_divergence(patterns, make_network):
    images, labels = patterns(400)
    labels = labels.copy()
    labels[::40] = (labels[::40] + 1) % 4  # a few wrong labels: the loss of a batch is near 0, or it is not
    network = make_network()
    trainer = train(network, (images, labels), epochs=30, batch_size=8)
    first = network.compute_gradients(images[1:9], labels[1:9])[0]
    assert 2 * first < trainer.history.last.train_loss  # what a naive comparison would take for divergence
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trainer(network, nn.SGD(0.001), callbacks=[Health()], threads=1).fit(
            (images[1:], labels[1:]), batch_size=8, shuffle=False
        )


def test_a_layer_of_dead_neurons_is_named(patterns, make_network):
    network = make_network()
    network.layers[2].b[...] = -1000  # dense_2: relu_2 never sees anything above 0
    with pytest.warns(TrainingWarning, match="every neuron of relu_2 is dead .*leaky_relu") as caught:
        train(network, patterns(50))
    assert not any("relu_1" in str(warning.message) for warning in caught)


def test_a_layer_that_is_mostly_dead_is_named(patterns, make_network):
    network = make_network()
    network.layers[0].b[:9] = -1000
    with pytest.warns(TrainingWarning, match=r"(9|10|11) of the 12 neurons of relu_1 are silent"):
        train(network, patterns(50))


def test_a_kernel_that_finds_nothing_at_some_places_is_not_dead(patterns):
    images, labels = patterns(100)
    images = images.copy()
    images[:, :, 3:] = 0
    network = nn.Network([nn.Conv2D(12, 2), nn.ReLU(), nn.Dense(4)], input_shape=(6, 6, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(network, (images, labels), rate=0.01)
    network.layers[0].b[...] = -100
    with pytest.warns(TrainingWarning, match="every neuron of relu_1 is dead"):
        train(network, (images, labels), rate=0.01)


def test_a_loss_that_overflows_says_where_and_what_to_try(patterns, make_network):
    with pytest.raises(TrainingDiverged) as caught:
        train(make_network(), patterns(100), rate=1e30)
    said = str(caught.value)
    assert "\n" not in said
    assert "training diverged in epoch 1, step" in said
    assert "lower learning rate (it is 1e+30; try 1e+29)" in said
    assert "clip_norm" in said
    assert isinstance(caught.value, InklingError)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize(("layer", "name"), [(0, "dense_1"), (2, "dense_2"), (4, "dense_3")])
@pytest.mark.parametrize("parameter", ["W", "b"])
def test_the_first_broken_parameter_is_named(patterns, make_network, layer, name, parameter, poison):
    network = make_network()
    getattr(network.layers[layer], parameter)[..., 0] = poison
    with pytest.raises(TrainingDiverged, match=rf"not a finite number is {name}\.{parameter}\."):
        train(network, patterns(50))


def test_outputs_that_overflow_are_named_where_the_parameters_are_fine(patterns, make_network):
    network = make_network()
    network.layers[0].W[...] = 1e30
    network.layers[2].W[...] = 1e30
    with pytest.raises(TrainingDiverged, match="the output of dense_2"):
        train(network, patterns(50))


def test_the_cures_fit_the_case(patterns, make_network):
    def cure(network, data, **optimizer) -> str:
        network.layers[0].W[0, 0] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            with pytest.raises(TrainingDiverged) as caught:
                train(network, data, **optimizer)
        return str(caught.value).partition("Try ")[2]

    images, labels = patterns(50)
    plain = cure(make_network(), (images, labels))
    summed = cure(make_network(loss=nn.SoftmaxCrossEntropy("sum")), (images, labels))
    assert ('reduction = "mean"' in plain, 'reduction = "mean"' in summed) == (False, True)
    assert "clip_norm" not in cure(make_network(), (images, labels), clip_norm=1.0)
    assert "scaling the pixels" not in plain
    assert "scaling the pixels" in cure(make_network(), (images.astype(np.float32), labels))


def test_divergence_is_found_in_large_batches_too(patterns, make_network, computing):
    network = make_network()
    network.layers[2].W[0, 0] = np.nan
    with pytest.raises(TrainingDiverged, match=r"dense_2\.W"):
        Trainer(network, nn.SGD(0.1), **computing).fit(patterns(3000), batch_size=None)


def test_the_outcome_of_a_diverged_training_is_failed(patterns, make_network):
    network, outcomes = make_network(), []
    network.parameters[0] = np.nan

    class Look(Callback):
        def on_train_end(self, trainer):
            outcomes.append(trainer.outcome)

    with pytest.raises(TrainingDiverged):
        train(network, patterns(20), more=[Look()])
    assert outcomes == ["failed"]


def test_nan_pixels_are_refused_before_the_network_sees_them(patterns, make_network):
    images, labels = patterns(20)
    images = images / 255
    images[7, 3, 3] = np.nan
    with pytest.raises(InklingError, match="not finite") as caught:
        train(make_network(), (images, labels))
    assert not isinstance(caught.value, TrainingDiverged)


def test_looking_after_its_health_does_not_change_the_training(patterns, make_network):
    watched, alone = make_network(dropout=0.3), make_network(dropout=0.3)
    train(watched, patterns(50))
    Trainer(alone, nn.SGD(0.05), threads=1).fit(patterns(50), epochs=3, batch_size=16)
    np.testing.assert_array_equal(watched.parameters, alone.parameters)


def test_zero_weights_are_named_as_such(patterns):
    network = nn.Network([nn.Dense(8, "zeros"), nn.ReLU(), nn.Dense(4, "zeros")], input_shape=(6, 6))
    with pytest.warns(TrainingWarning, match="all first weights are zero"):
        train(network, patterns(50))
