"""Is the training well? Says what is wrong, in words that name the cause, while there is time to do something.

`Health` is a callback that warns (`TrainingWarning`) of a training that diverges and of dead ReLUs; pixels that
nobody scaled are noticed before the first step. A loss that is no number any more ends the training
with `TrainingDiverged`, which tells where in the network it began and what to try.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import InklingError
from inkling.nn import ReLU
from inkling.nn.part import Array
from inkling.training.callbacks import Callback, is_finite

if TYPE_CHECKING:
    from inkling.training.trainer import Trainer

PROBE = 256
"""How many training images the network is looked at with."""


class TrainingWarning(UserWarning):
    """The training goes on, but probably not to where you want."""


class TrainingDiverged(InklingError):
    """The loss is not a finite number any more; the message says where that began and what to try."""


class Health(Callback):
    """Warns, once for each ailment, of a loss that grows and of layers whose neurons are all silent."""

    def on_train_begin(self, trainer: Trainer) -> None:
        self.said: set[str] = set()
        self.first_loss: float | None = None
        self.twin = trainer.network.replica()

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.first_loss is None:
            self.first_loss = trainer.train_loss

    def on_epoch_end(self, trainer: Trainer) -> None:
        loss = trainer.history.last.train_loss
        start = self.first_loss or loss
        # A network that learned before begins with a loss near 0, which a single batch may well double; so
        # growing is an ailment only where guessing would do better.
        guessing = math.log(math.prod(trainer.network.output_shape))
        if loss > max(2 * start, guessing):
            self.warn(
                "diverging",
                f"the training loss grew from {start:.3g} to {loss:.3g}: the learning rate "
                f"({trainer.learning_rate:g}) is too high for this network; try a tenth of it",
            )
        self.look_for_dead_neurons(trainer)

    def look_for_dead_neurons(self, trainer: Trainer) -> None:
        """Warn if a ReLU layer gives only zeros, or almost, on a sample of the training images."""
        # A look costs a forward pass of 256 images: nothing beside an epoch, unless the epoch is a single batch.
        if trainer.batches == 1 and trainer.epoch % 10 != 1:
            return
        for layer, a in self.twin.activations(trainer.train.images[:PROBE]):
            if not isinstance(layer, ReLU):
                continue
            # Of feature maps a channel counts as one neuron: a kernel that finds nothing in a corner is not dead.
            units = a.shape[-1]
            dead = int(np.count_nonzero(~a.reshape(-1, units).any(axis=0)))
            if dead == units:
                weights = [values for name, values in self.twin.named_parameters() if name.endswith(".W")]
                if weights and not weights[0].any():
                    self.warn("zeros", "all first weights are zero, so all neurons of a layer stay the same: use He's")
                    continue
                self.warn(
                    f"dead {layer.name}",
                    f"every neuron of {layer.name} is dead (all zero on {len(a)} images), so nothing behind it can "
                    "learn: the learning rate was too high, or the first weights too small; try a lower rate, "
                    "He initial weights or leaky_relu",
                )
            elif dead > 0.5 * units and units > 10:
                self.warn(
                    f"dying {layer.name}",
                    f"{dead} of the {units} neurons of {layer.name} are silent on {len(a)} images (dead ReLUs): "
                    "try a lower learning rate or leaky_relu",
                )

    def warn(self, ailment: str, message: str) -> None:
        """Warn, unless this ailment was spoken of before."""
        if ailment not in self.said:
            self.said.add(ailment)
            warnings.warn(message, TrainingWarning, stacklevel=2)


def warn_about_input(images: Array) -> None:
    """Warn of images that were not brought into a range near 0…1 (those of uint8 are scaled by the network)."""
    if images.dtype == np.uint8:
        return
    largest = float(np.max(np.abs(images[:PROBE])))
    if largest > 20:
        warnings.warn(
            f"the pixels are not normalised: they reach {largest:g}, and the network was made for 0…1; "
            "divide them by 255, or hand them over as uint8, which the network scales itself",
            TrainingWarning,
            stacklevel=3,
        )


def explain_non_finite(trainer: Trainer, images: Array) -> str:
    """Where a loss that is no number came from: the first layer with such parameters or outputs, and what to try."""
    where = "the loss"
    twin = trainer.network.replica()
    parameters = dict(twin.named_parameters())
    with np.errstate(all="ignore"):
        for layer, a in twin.activations(images[:PROBE]):
            broken = [n for n, v in parameters.items() if n.startswith(f"{layer.name}.") and not is_finite(v)]
            if broken or not is_finite(a):
                where = f"{broken[0] if broken else 'the output of ' + layer.name}"
                break
    cures = [f"a lower learning rate (it is {trainer.learning_rate:g}; try {trainer.learning_rate / 10:g})"]
    if trainer.optimizer.clip_norm is None:
        cures.append("clipping the gradient (clip_norm = 1)")
    if trainer.network.loss.reduction == "sum":
        cures.append('averaging gradients over the batch (reduction = "mean")')
    if images.dtype != np.uint8 and float(np.nanmax(np.abs(images))) > 20:
        cures.insert(0, "scaling the pixels to 0…1")
    return (
        f"training diverged in epoch {trainer.epoch + 1}, step {trainer.step + 1}: "
        f"the first thing that is not a finite number is {where}. Try {', or '.join(cures)}"
    )
