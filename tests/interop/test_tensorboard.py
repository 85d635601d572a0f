"""Event files, read back by TensorBoard itself."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import inkling as ik
from inkling import nn
from inkling.data import Split
from inkling.interop import TensorBoard
from inkling.interop.tensorboard import BINS, SCALARS
from inkling.training import Callback, Trainer

pytest.importorskip("tensorboardX")


def digits(count: int, seed: int = 0) -> Split:
    random = np.random.default_rng(seed)
    return Split(random.integers(0, 256, (count, 28, 28), dtype=np.uint8), random.integers(0, 10, count))


def read(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorBoard's own
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        return EventAccumulator(str(folder), {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}).Reload()


def trainer_of(
    *callbacks: Callback, layers: list[nn.Layer] | None = None, shape: tuple[int, ...] = (28, 28, 1)
) -> Trainer:
    network = nn.Network(layers or [nn.Dense(12), nn.ReLU(), nn.Dense(10)], input_shape=shape, seed=0)
    return Trainer(network, nn.SGD(0.05), callbacks=callbacks, threads=1)


def steps(events: list[Any]) -> list[int]:
    return [event.step for event in events]


def values(found: Any, tag: str) -> list[float]:
    return [event.value for event in found.Scalars(tag)]


def test_the_curves_are_the_history(tmp_path: Path) -> None:
    trainer = trainer_of(TensorBoard(tmp_path))
    history = trainer.fit(digits(40), validation=digits(20, 1), epochs=3, batch_size=10)
    found = read(tmp_path)
    for tag, column in SCALARS.items():
        assert steps(found.Scalars(tag)) == [1, 2, 3]
        np.testing.assert_allclose(values(found, tag), history[column], rtol=1e-6)


def test_without_validation_there_are_no_curves_of_it(tmp_path: Path) -> None:
    trainer_of(TensorBoard(tmp_path)).fit(digits(40), epochs=1, batch_size=10)
    found = read(tmp_path)
    assert "loss/train" in found.Tags()["scalars"]
    assert "loss/validation" not in found.Tags()["scalars"]
    assert "mistakes" not in found.Tags()["images"]


def test_the_distribution_of_every_parameter_before_training_and_after_each_epoch(tmp_path: Path) -> None:
    before: dict[str, Any] = {}

    class Look(Callback):
        def on_train_begin(self, trainer: Trainer) -> None:
            before.update({name: array.copy() for name, array in trainer.network.named_parameters()})

    trainer = trainer_of(Look(), TensorBoard(tmp_path))
    trainer.fit(digits(40), epochs=2, batch_size=10)
    found = read(tmp_path)
    after = dict(trainer.network.named_parameters())
    for name in after:
        events = found.Histograms(f"parameters/{name}")
        assert steps(events) == [0, 1, 2]
        for event, array in ((events[0], before[name]), (events[2], after[name])):
            told = event.histogram_value
            assert (told.min, told.max, told.num) == (array.min(), array.max(), array.size)
            assert told.sum == pytest.approx(array.sum(), abs=1e-4)
            assert told.sum_squares == pytest.approx((array**2).sum(), rel=1e-4)
            assert sum(told.bucket) == array.size
            if array.min() < array.max():
                counts, ends = np.histogram(array.astype(float), BINS)
                np.testing.assert_allclose(told.bucket_limit, ends[1:], rtol=1e-6, atol=1e-9)
                assert np.abs(np.array(told.bucket) - counts).sum() <= 4  # a number on an edge may fall to either side


def test_the_norms_of_the_gradients_are_those_on_the_first_images(tmp_path: Path) -> None:
    train = digits(200)
    trainer = trainer_of(TensorBoard(tmp_path))
    trainer.fit(train, epochs=1, batch_size=50)
    found = read(tmp_path)
    network = trainer.network
    network.compute_gradients(train.images[:128], train.labels[:128])
    for name, gradient in network.named_gradients():
        assert values(found, f"gradient_norm/{name}") == [pytest.approx(np.linalg.norm(gradient), rel=1e-4)]


CONVOLUTION = [nn.Conv2D(4, 5), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2), nn.Dense(10)]


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_pictures_every_few_epochs_and_after_the_last(tmp_path: Path, kind: str) -> None:
    layers = None if kind == "dense" else CONVOLUTION
    trainer_of(TensorBoard(tmp_path, pictures=2), layers=layers).fit(
        digits(40), validation=digits(30, 1), epochs=5, batch_size=10
    )
    found = read(tmp_path)
    for tag in ("first_layer", "mistakes"):
        events = found.Images(tag)
        assert steps(events) == [2, 4, 5]
        picture = Image.open(io.BytesIO(events[-1].encoded_image_string))
        assert picture.size == (events[-1].width, events[-1].height)
        assert np.asarray(picture.convert("L")).std() > 10


def test_a_network_whose_inputs_are_no_image_has_no_picture_of_its_weights(tmp_path: Path) -> None:
    train = (np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32), np.arange(20) % 10)
    trainer_of(TensorBoard(tmp_path), shape=(7,)).fit(train, validation=train, epochs=1)
    assert read(tmp_path).Tags()["images"] == []


def test_what_is_not_wanted_is_left_out(tmp_path: Path) -> None:
    trainer_of(TensorBoard(tmp_path, histograms=0, pictures=0)).fit(digits(40), validation=digits(20, 1), epochs=2)
    tags = read(tmp_path).Tags()
    assert tags["images"] == tags["histograms"] == []
    trainer_of(TensorBoard(tmp_path / "b", histograms=2)).fit(digits(40), epochs=3)
    assert steps(read(tmp_path / "b").Histograms("parameters/dense_1.W")) == [0, 2]
    with pytest.raises(ValueError, match="TensorBoard: pictures is -1"):
        TensorBoard(tmp_path, pictures=-1)


class Stop(Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, trainer: Trainer) -> None:
        if trainer.step == self.step:
            import signal

            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("stop", [2, 10])
def test_an_interrupted_training_goes_on_with_the_same_curves(tmp_path: Path, stop: int) -> None:
    train, validation = digits(40), digits(20, 1)
    whole = trainer_of(TensorBoard(tmp_path / "whole")).fit(train, validation=validation, epochs=5, batch_size=10)
    first = trainer_of(TensorBoard(tmp_path / "cut"), Stop(stop))
    with pytest.raises(KeyboardInterrupt):
        first.fit(train, validation=validation, epochs=5, batch_size=10)
    second = trainer_of(TensorBoard(tmp_path / "cut"), Stop(0))
    second.restore(*first.state())
    second.fit(train, validation=validation, epochs=5, batch_size=10)
    found, all_of_it = read(tmp_path / "cut"), read(tmp_path / "whole")
    assert len(list((tmp_path / "cut").iterdir())) == 2
    for tag in SCALARS:
        assert steps(found.Scalars(tag)) == [1, 2, 3, 4, 5]
    assert values(found, "loss/train") == values(all_of_it, "loss/train")
    np.testing.assert_allclose(values(found, "accuracy/validation"), whole["validation_accuracy"], rtol=1e-6)
    assert steps(found.Histograms("parameters/dense_1.W")) == [0, 1, 2, 3, 4, 5]


def test_after_a_crash_no_step_is_there_twice_and_none_is_missing(tmp_path: Path) -> None:
    kept: list[Any] = []

    class Crash(Callback):
        """Saves as a checkpoint does, before the others hear of the epoch; two epochs later the process is gone."""

        def on_epoch_end(self, trainer: Trainer) -> None:
            if trainer.epoch == 2:
                kept.extend(trainer.state())
            if trainer.epoch == 4:
                raise MemoryError

    first = trainer_of(Crash(), TensorBoard(tmp_path))
    with pytest.raises(MemoryError):
        first.fit(digits(40), epochs=6, batch_size=10)
    second = trainer_of(Crash(), TensorBoard(tmp_path))
    second.restore(*kept)
    second.callbacks.pop(0)
    second.callbacks.insert(0, Callback())
    history = second.fit(digits(40), epochs=6, batch_size=10)
    found = read(tmp_path)
    assert steps(found.Scalars("loss/train")) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(values(found, "loss/train"), history["train_loss"], rtol=1e-6)


def test_a_training_that_began_without_it_has_its_curves_from_the_beginning(tmp_path: Path) -> None:
    first = trainer_of(Stop(10))
    with pytest.raises(KeyboardInterrupt):
        first.fit(digits(40), epochs=4, batch_size=10)
    second = trainer_of(Stop(0), TensorBoard(tmp_path))
    second.restore(*first.state())
    second.fit(digits(40), epochs=4, batch_size=10)
    assert steps(read(tmp_path).Scalars("loss/train")) == [1, 2, 3, 4]


def test_what_lies_in_the_folder_stays_even_if_the_checkpoint_knows_nothing_of_it(tmp_path: Path) -> None:
    first = trainer_of(Stop(10), TensorBoard(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        first.fit(digits(40), epochs=4, batch_size=10)
    second = trainer_of(TensorBoard(tmp_path))  # in another place of the list, as after another choice of callbacks
    second.restore(*first.state())
    second.fit(digits(40), epochs=4, batch_size=10)
    assert steps(read(tmp_path).Scalars("loss/train")) == [1, 2, 3, 4]
    assert steps(read(tmp_path).Histograms("parameters/dense_1.W")) == [0, 1, 2, 3, 4]


def test_in_another_folder_the_curves_are_whole_as_well(tmp_path: Path) -> None:
    first = trainer_of(TensorBoard(tmp_path / "a"), Stop(10))
    with pytest.raises(KeyboardInterrupt):
        first.fit(digits(40), epochs=4, batch_size=10)
    second = trainer_of(TensorBoard(tmp_path / "b"), Stop(0))
    second.restore(*first.state())
    second.fit(digits(40), epochs=4, batch_size=10)
    assert steps(read(tmp_path / "b").Scalars("loss/train")) == [1, 2, 3, 4]


def test_another_training_into_the_same_folder_takes_the_place_of_the_first(tmp_path: Path) -> None:
    trainer = trainer_of(TensorBoard(tmp_path))
    trainer.fit(digits(40), epochs=3, batch_size=10)
    history = trainer.fit(digits(40), epochs=2, batch_size=10)
    found = read(tmp_path)
    assert steps(found.Scalars("loss/train")) == [1, 2]
    np.testing.assert_allclose(values(found, "loss/train"), history["train_loss"], rtol=1e-6)


def test_it_changes_nothing_about_the_training(tmp_path: Path) -> None:
    def weights(*callbacks: Callback) -> Any:
        layers = [nn.Conv2D(2, 5), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)]
        trainer = trainer_of(*callbacks, layers=layers)
        trainer.fit(digits(60), validation=digits(20, 1), epochs=2, batch_size=20)
        return np.concatenate([trainer.network.parameters, trainer.network.state])

    np.testing.assert_array_equal(weights(), weights(TensorBoard(tmp_path, pictures=1)))


def test_numbers_that_are_no_longer_finite_do_not_stop_it(tmp_path: Path) -> None:
    trainer = trainer_of(TensorBoard(tmp_path))
    trainer.optimizer.learning_rate = 1e30
    with pytest.raises(ik.training.TrainingDiverged):
        trainer.fit(digits(40), epochs=3, batch_size=10)
    assert read(tmp_path).Tags()["histograms"]


def test_without_its_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ik.InklingError, match=r"pip install 'inkling-nn\[tensorboard\]'"):
        TensorBoard(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ik.InklingError, match=r"cannot write to .*file"):
        trainer_of(TensorBoard(tmp_path / "file")).fit(digits(40))


def test_of_a_recipe_it_writes_into_the_run_folder(tmp_path: Path) -> None:
    recipe = ik.load_recipe("default", {"training.epochs": 2, "report.enabled": False, "training.threads": 1})
    data = ik.data.Digits(digits(60), digits(20, 1), digits(20, 2), "noise", "noise")
    run = ik.run_recipe(recipe, data=data, out=tmp_path / "run", callbacks=lambda folder: [TensorBoard(folder.path)])
    assert values(read(run.folder.path), "loss/train") == pytest.approx(run.history["train_loss"], rel=1e-6)
