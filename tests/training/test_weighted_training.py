"""Trainings in which some samples count more than others."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import InklingError, Trainer, nn


def weights_for(labels: np.ndarray) -> np.ndarray:
    return 1.0 + labels + np.random.default_rng(1).random(len(labels))


def test_a_training_with_weights_is_one_with_copies(patterns, make_network) -> None:
    images, labels = patterns(60)
    counts = np.random.default_rng(0).integers(0, 4, 60)
    weighted, copied = make_network(dtype=np.float64), make_network(dtype=np.float64)
    ours = Trainer(weighted, nn.Adam(0.01)).fit((images, labels, counts), epochs=20, batch_size=None)
    copies = images.repeat(counts, axis=0), labels.repeat(counts)
    theirs = Trainer(copied, nn.Adam(0.01)).fit(copies, epochs=20, batch_size=None)
    np.testing.assert_allclose(weighted.parameters, copied.parameters, rtol=1e-6, atol=1e-9)
    assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-9)
    assert ours["train_accuracy"] == pytest.approx(theirs["train_accuracy"], rel=1e-9)


def test_validation_is_weighted_as_well(patterns, make_network) -> None:
    images, labels = patterns(40, seed=1)
    counts = np.random.default_rng(0).integers(0, 4, 40)
    copies = images.repeat(counts, axis=0), labels.repeat(counts)
    found = [
        Trainer(make_network(), nn.SGD(0.05)).fit(patterns(60), validation=validation, epochs=2)
        for validation in ((images, labels, counts), copies)
    ]
    assert found[0]["validation_loss"] == pytest.approx(found[1]["validation_loss"], rel=1e-5)
    assert found[0]["validation_accuracy"] == pytest.approx(found[1]["validation_accuracy"], rel=1e-6)


@pytest.mark.parametrize("factor", [1e-20, 1e20])
def test_only_their_ratios_matter(patterns, make_network, factor) -> None:
    images, labels = patterns(60)
    weights = weights_for(labels)
    networks = [make_network(), make_network()]
    for network, by in zip(networks, (1.0, factor), strict=True):
        Trainer(network, nn.SGD(0.1)).fit((images, labels, weights * by), epochs=3, batch_size=16)
    np.testing.assert_allclose(networks[0].parameters, networks[1].parameters, rtol=1e-4, atol=1e-6)


def test_none_is_all_the_same(patterns, make_network) -> None:
    images, labels = patterns(60)
    networks = [make_network(dropout=0.2) for _ in range(3)]
    for network, data in zip(
        networks, [(images, labels), (images, labels, None), (images, labels, np.full(60, 3))], strict=True
    ):
        Trainer(network, nn.SGD(0.1)).fit(data, epochs=3, batch_size=16)
    np.testing.assert_array_equal(networks[0].parameters, networks[1].parameters)
    np.testing.assert_allclose(networks[0].parameters, networks[2].parameters, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_engine_weighs_alike(patterns, make_network, computing, shuffle) -> None:
    images, labels = patterns(97)
    networks = [make_network(dtype=np.float64, dropout=0.2) for _ in range(2)]
    histories = [
        Trainer(network, nn.Adam(0.01), **how).fit(
            (images, labels, weights_for(labels)), epochs=3, batch_size=24, shuffle=shuffle
        )
        for network, how in zip(networks, ({"engine": "reference"}, computing), strict=True)
    ]
    np.testing.assert_allclose(networks[0].parameters, networks[1].parameters, rtol=1e-7, atol=1e-10)
    assert histories[0]["train_loss"] == pytest.approx(histories[1]["train_loss"])
    assert histories[0]["train_accuracy"] == pytest.approx(histories[1]["train_accuracy"])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(59), "60 training images need as many weights"),
        (np.ones((60, 1)), "60 training images need as many weights"),
        (np.full(60, -1.0), "at least 0"),
        (np.full(60, np.nan), "finite"),
        (np.zeros(60), "all training weights are zero"),
    ],
)
def test_weights_that_make_no_sense_are_refused(patterns, make_network, weights, words) -> None:
    with pytest.raises(InklingError, match=words):
        Trainer(make_network(), nn.SGD(0.1)).fit((*patterns(60), weights))
