"""Ensembles: the mean of several answers, of several networks or of one to several shifts of the image."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.errors import InklingError
from inkling.training import Ensemble, Trainer, evaluate
from inkling.training.ensemble import shift


def test_an_ensemble_answers_with_the_mean_of_its_networks(patterns, make_network):
    images, _ = patterns(1100)  # more than go through a network at once
    networks = [make_network(seed=seed) for seed in (0, 1, 2)]
    mean = np.mean([network.predict_proba(images) for network in networks], axis=0)
    ensemble = Ensemble(networks)
    np.testing.assert_allclose(ensemble.predict_proba(images), mean, rtol=1e-5)
    np.testing.assert_array_equal(ensemble.predict(images), mean.argmax(axis=1))


def test_with_shifts_every_image_is_read_where_it_stands_and_around_it(patterns, make_network):
    images, _ = patterns(20)
    network = make_network()
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = [padded[:, y : y + 6, x : x + 6] for y in range(3) for x in range(3)]
    mean = np.mean([network.predict_proba(each) for each in moved], axis=0)
    np.testing.assert_allclose(Ensemble([network], shifts=1).predict_proba(images), mean, rtol=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-1, 1), (6, 0), (0, -6)])
def test_what_moves_in_is_paper(patterns, down, right):
    images, _ = patterns(3)
    moved = shift(images, down, right)
    assert moved.shape == images.shape
    for y in range(6):
        for x in range(6):
            inside = 0 <= y - down < 6 and 0 <= x - right < 6
            np.testing.assert_array_equal(moved[:, y, x], images[:, y - down, x - right] if inside else 0)


def test_images_may_lie_in_rows(patterns, make_network):
    images, _ = patterns(5)
    ensemble = Ensemble([make_network()], shifts=1)
    np.testing.assert_array_equal(ensemble.predict_proba(images.reshape(5, 36)), ensemble.predict_proba(images))


def test_an_ensemble_is_evaluated_like_a_network(patterns, make_network):
    images, labels = patterns(300)
    networks = [make_network(seed=seed) for seed in (0, 1)]
    for network in networks:
        Trainer(network, nn.Adam(0.01), threads=1).fit((images, labels), epochs=3, batch_size=32)
    ensemble, counted = Ensemble(networks), []
    together = evaluate(ensemble, (images, labels), progress=lambda done, of: counted.append((done, of)))
    chances = ensemble.predict_proba(images)
    assert together.accuracy == np.mean(chances.argmax(axis=1) == labels)
    assert together.loss == pytest.approx(-np.log(chances[np.arange(300), labels]).mean(), rel=1e-5)
    assert counted == [(300, 300)]
    alone = evaluate(networks[0], (images, labels))
    assert evaluate(Ensemble(networks[:1]), (images, labels)).loss == pytest.approx(alone.loss, rel=1e-5)


def test_what_cannot_read_together_is_refused(patterns, make_network):
    with pytest.raises(InklingError, match="at least one network"):
        Ensemble([])
    other = nn.Network([nn.Dense(4)], input_shape=(5, 5))
    with pytest.raises(InklingError, match=r"network 2 goes from \(5, 5\) to \(4,\), but the first one from \(6, 6\)"):
        Ensemble([make_network(), other])
    with pytest.raises(InklingError, match="made of networks, but number 2 is 5"):
        Ensemble([make_network(), 5])
    with pytest.raises(InklingError, match="shifts is -1"):
        Ensemble([make_network()], shifts=-1)
    with pytest.raises(InklingError, match="takes a row of 36 numbers"):
        Ensemble([nn.Network([nn.Dense(4)], input_shape=36)], shifts=1)
    with pytest.raises(nn.ShapeError, match=r"wants a batch of samples of 6×6, but got an array of shape \(2, 7, 7\)"):
        Ensemble([make_network()]).predict_proba(np.zeros((2, 7, 7)))
