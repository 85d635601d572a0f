"""TensorBoard: a training as event files, which `tensorboard --logdir runs` shows as curves, histograms and pictures.

A callback like any other, so it sees what the history sees, at the end of each epoch. An event file is a row of
records, each an `Event` of TensorBoard's protocol; tensorboardX brings that protocol and writes the records, at
once and in this process.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.interop.tiles import mistakes_picture, png, weights_picture
from inkling.nn.part import Array
from inkling.training import Callback, Epoch

if TYPE_CHECKING:
    from inkling.training import Trainer

BINS = 50
"""Bars of a histogram."""
PROBE = 128
"""With how many training images the gradients are measured, always the same ones."""
JUDGED = 2000
"""Among how many validation images mistakes are looked for."""
FLUSH_SECONDS = 5.0
"""How often what was written reaches the disk while training goes on; TensorBoard itself looks every 30 s."""
SCALARS = {
    "loss/train": "train_loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "learning_rate",
    "seconds": "seconds",
}
"""The curves, and the column of the history that each is made of."""


def need_tensorboard() -> None:
    """Raise InklingError in one line unless the package that writes event files is there."""
    if find_spec("tensorboardX") is None:
        raise InklingError(
            "writing for TensorBoard needs the package tensorboardX: pip install 'inkling-nn[tensorboard]'"
        )


class TensorBoard(Callback):
    """Write event files for TensorBoard into `folder`; a step there is an epoch here.

    After every epoch: the history's curves, and the norm of the gradient of each parameter (∂ data loss on 128
    training images, dropout off). Every `histograms` epochs, and before the first, how each parameter's numbers are
    distributed. Every `pictures` epochs, and after the last, the weights or kernels of the first layer, and validation
    images that are misread. 0 leaves them out.
    Going on with an interrupted training goes on with its curves: no step is written twice, and steps that a crash left
    behind are taken back.
    Raises InklingError without the package tensorboardX, ValueError for a negative number of epochs.
    """

    def __init__(self, folder: Path | str, *, histograms: int = 1, pictures: int = 5) -> None:
        need_tensorboard()
        for name, every in (("histograms", histograms), ("pictures", pictures)):
            if every < 0:
                raise ValueError(f"TensorBoard: {name} is {every}, but must be a number of epochs, or 0 for never")
        self.folder, self.histograms, self.pictures = Path(folder), histograms, pictures
        self.written = 0
        """The last epoch that is in the files."""
        self.remembered: int | None = None
        """What a checkpoint says that was."""

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: where to write and how far it is, and not the open file."""
        return {name: value for name, value in self.__dict__.items() if name != "writer"}

    def on_train_begin(self, trainer: Trainer) -> None:
        from tensorboardX import RecordWriter

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            goes_on = trainer.step > 0 and any(self.folder.glob("events.out.tfevents.*"))
            self.written = 0 if not goes_on else trainer.epoch if self.remembered is None else self.remembered
            self.remembered = None
            self.writer = RecordWriter(str(free_name(self.folder)))
        except OSError as error:
            raise InklingError(f"cannot write to {self.folder}: {error.strerror or error}") from None
        self.begin_file(self.written + 1 if goes_on else 0)
        if not goes_on:
            self.write(0, summary_text(trainer))
            if self.histograms and trainer.step == 0:
                self.write(0, histograms(trainer))
        # A crash may have taken the last of it, or the training began without this callback, or in another folder.
        for epoch in trainer.history.epochs[self.written :]:
            self.write(epoch.epoch, scalars(epoch))
        self.written = trainer.epoch
        self.flush()

    def on_epoch_end(self, trainer: Trainer) -> None:
        epoch = self.written = trainer.epoch
        self.write(epoch, scalars(trainer.history.last) + gradient_norms(trainer))
        if self.histograms and epoch % self.histograms == 0:
            self.write(epoch, histograms(trainer))
        if self.pictures and (epoch % self.pictures == 0 or epoch == trainer.epochs):
            self.write(epoch, pictures(trainer))
        if time.monotonic() - self.flushed_at >= FLUSH_SECONDS:
            self.flush()

    def on_train_end(self, trainer: Trainer) -> None:
        self.flush()
        self.writer.close()

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        return {}, {"written": self.written}

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        self.remembered = values["written"]

    def begin_file(self, step: int) -> None:
        """Say what kind of file it is, and that it takes the place of what older ones hold of `step` and after it."""
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self.record(Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = SessionLog(status=SessionLog.START)
        self.record(Event(wall_time=time.time(), step=step, session_log=start))

    def write(self, step: int, values: list[Any]) -> None:
        """Write the values of one step."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        if values:
            self.record(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def record(self, event: Any) -> None:
        """Append an event to the file. Raises InklingError if the disk does not take it."""
        try:
            self.writer.write(event.SerializeToString())
        except OSError as error:
            raise InklingError(f"cannot write to {self.folder}: {error.strerror or error}") from None

    def flush(self) -> None:
        """Bring to the disk what was written."""
        try:
            self.writer.flush()
        except OSError as error:
            raise InklingError(f"cannot write to {self.folder}: {error.strerror or error}") from None
        self.flushed_at = time.monotonic()


def free_name(folder: Path) -> Path:
    """A new file in the folder that TensorBoard knows as one of its own, and reads after the older ones."""
    stamp, number = f"events.out.tfevents.{time.time():.0f}", 0
    while (path := folder / f"{stamp}.{number}.inkling").exists():
        number += 1
    return path


def scalars(epoch: Epoch) -> list[Any]:
    """The history's numbers of one epoch, as points of the curves."""
    from tensorboardX.proto.summary_pb2 import Summary

    points = [(tag, getattr(epoch, column)) for tag, column in SCALARS.items()]
    return [Summary.Value(tag=tag, simple_value=value) for tag, value in points if value is not None]


def gradient_norms(trainer: Trainer) -> list[Any]:
    """The length of each parameter's gradient as one vector, on the probe images."""
    from tensorboardX.proto.summary_pb2 import Summary

    twin = trainer.network.replica()
    images, labels = trainer.train.images[:PROBE], trainer.train.labels[:PROBE]
    twin.backward(twin.loss.gradient(twin.forward(images), labels))
    return [
        Summary.Value(tag=f"gradient_norm/{name}", simple_value=float(np.linalg.norm(gradient)))
        for name, gradient in twin.named_gradients()
    ]


def histograms(trainer: Trainer) -> list[Any]:
    """How the numbers of each parameter are distributed; none if they are no longer finite."""
    from tensorboardX.proto.summary_pb2 import HistogramProto, Summary

    found = []
    for name, array in trainer.network.named_parameters():
        values = array.reshape(-1)
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            return []
        width = (high - low) / BINS
        if width > 0:
            # Counting whole numbers is many times faster than looking each value up among the edges.
            places = np.minimum((values - values.dtype.type(low)) / values.dtype.type(width), BINS - 1)
            counts = np.bincount(places.astype(np.intp), minlength=BINS).astype(float)
            ends = low + width * np.arange(1, BINS + 1)
        else:
            counts, ends = np.array([float(len(values))]), np.array([high])
        told = HistogramProto(
            min=low,
            max=high,
            num=len(values),
            sum=float(values.sum(dtype=np.float64)),
            sum_squares=float(np.dot(values, values)),
            bucket_limit=ends.tolist(),
            bucket=counts.tolist(),
        )
        found.append(Summary.Value(tag=f"parameters/{name}", histo=told))
    return found


def pictures(trainer: Trainer) -> list[Any]:
    """The weights of the first layer, and validation images that are misread; what there is of both."""
    from tensorboardX.proto.summary_pb2 import Summary

    drawn = {"first_layer": weights_picture(trainer.network)}
    if trainer.validation is not None and trainer.validation.images.ndim == 3:
        some = slice(JUDGED)
        images, labels = trainer.validation.images[some], trainer.validation.labels[some]
        drawn["mistakes"] = mistakes_picture(trainer.network, images, labels)
    found = []
    for tag, picture in drawn.items():
        if picture is not None:
            width, height = picture.size
            shown = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=png(picture))
            found.append(Summary.Value(tag=tag, image=shown))
    return found


def summary_text(trainer: Trainer) -> list[Any]:
    """The table of the network's layers."""
    from tensorboardX.summary import text

    return list(text("network", f"```\n{trainer.network.summary()}\n```").value)
