"""Training on distorted images: every epoch anew, repeatable, and only while training."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.data import Augment
from inkling.errors import DataError
from inkling.training import Callback, Trainer


class Recorder:
    """Distorts nothing, and keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[np.ndarray, float]] = []

    def __call__(self, images, random):
        self.seen.append((images.copy(), random.random()))
        return images


def test_the_training_sees_what_the_distortion_makes_of_its_images(patterns, make_network):
    images, labels = patterns(60)
    plain, inverted = make_network(), make_network()
    Trainer(plain, nn.SGD(0.1), threads=1).fit((255 - images, labels), epochs=2, batch_size=16)
    Trainer(inverted, nn.SGD(0.1), threads=1, augment=lambda x, _: 255 - x).fit(
        (images, labels), epochs=2, batch_size=16
    )
    np.testing.assert_array_equal(plain.parameters, inverted.parameters)


def test_random_numbers_are_new_in_every_batch_and_every_epoch(patterns, make_network):
    recorder = Recorder()
    Trainer(make_network(), nn.SGD(0.1), threads=1, augment=recorder).fit(patterns(40), epochs=3, batch_size=16)
    drawn = [number for _, number in recorder.seen]
    assert len(drawn) == len(set(drawn)) == 9
    assert [len(images) for images, _ in recorder.seen] == [16, 16, 8] * 3


def test_the_same_seed_distorts_in_the_same_way_also_after_an_interrupt(patterns, make_network):
    class Stop(Callback):
        def on_batch_end(self, trainer):
            if trainer.step == 4:
                raise KeyboardInterrupt

    def trainer(*callbacks) -> Trainer:
        return Trainer(make_network(), nn.Adam(), callbacks=callbacks, threads=1, augment=Augment(shift=2, noise=0.1))

    whole, broken, again = trainer(), trainer(Stop()), trainer()
    whole.fit(patterns(40), epochs=2, batch_size=16)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(patterns(40), epochs=2, batch_size=16)
    again.restore(*broken.state())
    again.fit(patterns(40), epochs=2, batch_size=16)
    np.testing.assert_array_equal(again.network.parameters, whole.network.parameters)


def test_validation_images_are_not_distorted(patterns, make_network):
    recorder, validation = Recorder(), patterns(30, 1)
    trainer = Trainer(make_network(), nn.SGD(0.1), threads=1, augment=recorder)
    trainer.fit(patterns(16), validation=validation, epochs=1, batch_size=16)
    assert sum(len(images) for images, _ in recorder.seen) == 16


def test_every_engine_learns_from_the_same_distorted_images(patterns, make_network, computing):
    """And every batch of a training is distorted in a way of its own."""
    everything = Augment(shift=2, rotate=20, elastic=1.0, thickness=0.5, erase=0.1, blur=1.0, noise=0.2)

    def trained(**how) -> np.ndarray:
        network = make_network(dtype=np.float64)
        Trainer(network, nn.SGD(0.1), augment=everything, **how).fit(patterns(70), epochs=2, batch_size=32)
        return network.parameters

    ours = trained(**computing)
    np.testing.assert_array_equal(ours, trained(**computing))
    np.testing.assert_allclose(ours, trained(engine="reference"), rtol=1e-9, atol=1e-12)


def test_images_that_cannot_be_distorted_are_refused(patterns, make_network):
    images, labels = patterns(16)
    with pytest.raises(DataError, match="images must be uint8"):
        Trainer(make_network(), nn.SGD(0.1), threads=1, augment=Augment(shift=2)).fit((images / 255, labels))
