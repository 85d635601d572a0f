"""The gallery: which pictures there are of a run, what each of them tells, and how to draw them all.

Each picture has a file of its own in this room; here they hang side by side, with a title, a sentence on how to
read them and a description for those who cannot see them. The report takes its pictures from here, and so does
`inkling figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.data import Augment, Split
from inkling.figures.activations import activation_functions
from inkling.figures.architecture import architecture
from inkling.figures.backward import backward_pass
from inkling.figures.confusion import confusion
from inkling.figures.curves import learning_curves
from inkling.figures.distortions import distortions
from inkling.figures.feature_maps import feature_maps
from inkling.figures.forward import forward_pass
from inkling.figures.kernels import kernels
from inkling.figures.mistakes import mistakes
from inkling.figures.predictions import predictions
from inkling.figures.saliency import saliency
from inkling.figures.samples import samples
from inkling.figures.stages import convolutions, image_shape, is_activation
from inkling.figures.updates import one_step, since_start, weight_update
from inkling.figures.vitals import vital_signs
from inkling.figures.weights import first_layer_weights
from inkling.nn import Dense, Network, Optimizer
from inkling.nn.part import Array
from inkling.training import Evaluation, History, Sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HESITANT = 0.9
"""An answer with less confidence than this is not certain."""
SOME, FEW = 256, 64
"""How many images are enough to see where a layer's values lie; where each image has thousands of them, fewer are."""
LOOKED_AT = 6
"""So many digits show where the network looked, up to half of them misread."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What the pictures of a run are made of; what is None or empty, they do without.

    `unseen` are the images the network is judged on, `evaluation` what it made of them. `optimizer` is as the run's
    was when it began, `augment` what distorted the training images.
    """

    network: Network
    history: History
    signs: Sequence[Sign] = ()
    train: Split | None = None
    unseen: Split | None = None
    evaluation: Evaluation | None = None
    optimizer: Optimizer | None = None
    augment: Augment | None = None
    count: int = 10
    """How many predictions, and how many mistakes, are shown."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be drawn. `name` is its file's name without the ending."""

    name: str
    title: str
    caption: str
    """How to read it, in a sentence or two."""
    alt: str
    """What it shows, for those who cannot see it."""
    draw: Callable[[], Figure]


def gallery(subject: Subject) -> list[Picture]:
    """The pictures that can be drawn of this subject, in the order in which they tell its story."""
    parts = of_the_data, of_the_training, of_the_answers, of_the_network, of_one_digit, of_the_change
    return [picture for part in parts for picture in part(subject)]


def of_the_data(subject: Subject) -> Iterator[Picture]:
    """What there was to learn from."""
    train = subject.train
    if train is not None:
        yield Picture(
            "samples",
            "The images",
            "A few training images of each digit, as the network gets them: 28 × 28 pixels, 0 (paper) to 255 (ink).",
            f"Samples of the {len(train):,} training images, sorted by digit.",
            lambda: samples(train.images, train.labels),
        )
    augment = subject.augment
    if train is not None and augment is not None:
        yield Picture(
            "distortions",
            "The images, distorted",
            "The network never saw quite the same image twice: above, digits as they are and as it may have seen them; "
            "below, each kind of distortion alone, from one end of its range to the other.",
            f"Digits distorted at random, and one digit distorted by each of: {', '.join(augment.kinds)}.",
            lambda: distortions(train.images, train.labels, augment),
        )


def of_the_training(subject: Subject) -> Iterator[Picture]:
    """How it learned."""
    if len(subject.history):
        yield Picture(
            "learning_curves",
            "Learning curves",
            "Loss and accuracy after each epoch; training dashed, validation solid. Where the two part, the network "
            "learns its training images by heart.",
            f"Curves of loss, accuracy and learning rate over {len(subject.history)} epochs.",
            lambda: learning_curves(subject.history),
        )
    if subject.signs:
        yield Picture(
            "vital_signs",
            "Vital signs of the layers",
            "How large each layer's activations and gradients are, epoch by epoch, and how many of its neurons are "
            "silent for every image. Lines far below the others are gradients that vanish on their way back.",
            "Curves of the size of activations and gradients and of the share of dead neurons, a line for each layer.",
            lambda: vital_signs(subject.signs),
        )


def of_the_answers(subject: Subject) -> Iterator[Picture]:
    """What it makes of images that it has not learned from."""
    network, unseen, evaluation = subject.network, subject.unseen, subject.evaluation
    if evaluation is not None:
        yield Picture(
            "confusion",
            "Confusion matrix",
            "Rows are true digits, columns the network's answers: everything off the diagonal is a mistake.",
            f"A table of ten by ten counts; {evaluation.accuracy:.2%} of {evaluation.count:,} lie on its diagonal.",
            lambda: confusion(evaluation),
        )
    if unseen is None:
        return
    if subject.count:
        some = slice(min(subject.count, len(unseen)))
        known = None if evaluation is None else evaluation.probabilities
        yield Picture(
            "predictions",
            "Predictions",
            "The first images and the network's answers, its confidence as a bar; wrong ones are crossed and framed.",
            f"The first {some.stop} images, each with predicted digit, true digit and confidence.",
            lambda: predictions(network, unseen.images[some], unseen.labels[some]),
        )
        yield Picture(
            "mistakes",
            "The most confident mistakes",
            "The wrong answers that the network was surest of, the surest first: some are ill-written, some a "
            "surprise.",
            "Images read wrongly with great confidence, each with predicted digit, true digit and confidence.",
            lambda: mistakes(network, unseen.images, unseen.labels, subject.count, probabilities=known),
        )
    if image_shape(network):
        chosen = telling(subject)
        yield Picture(
            "saliency",
            "Where it looked",
            "A few digits, misread ones among them: where more ink would change the answer, how much less probable "
            "the right digit becomes when a patch of paper covers a place, and the one patch that tells most.",
            "For each of a few digits a map of gradients, a map of what covering does, and the digit partly covered.",
            lambda: saliency(network, unseen.images[chosen], unseen.labels[chosen]),
        )


def of_the_network(subject: Subject) -> Iterator[Picture]:
    """What it is, and what it has learned."""
    network, unseen = subject.network, subject.unseen
    total = f"{len(network.parameters):,} parameters"
    yield Picture(
        "architecture",
        "Architecture",
        "The layers from the pixels on the left to the ten answers on the right, their shapes and parameters; "
        "wide layers are shortened.",
        f"The network drawn as columns of neurons: {', '.join(layer.name for layer in network.layers)}; {total}.",
        lambda: architecture(network),
    )
    learners = [layer for layer in network.layers if layer.parameter_shapes()]
    if learners and isinstance(learners[0], Dense) and image_shape(network):
        yield Picture(
            "first_layer_weights",
            "First-layer weights",
            "The weights from all pixels to one neuron, as an image: ink on orange excites the neuron, ink on blue "
            "holds it back, and on white it makes no difference.",
            "Tiles of 28 × 28 weights, one for each neuron of the first layer.",
            lambda: first_layer_weights(network),
        )
    if layers := convolutions(network):
        yield Picture(
            "kernels",
            "Kernels",
            "What each convolution has learned to look for: a kernel is laid on every place of the image, and its "
            "channel lights up where ink lies under orange and paper under blue. In later layers each row belongs to "
            "a channel that comes in, each column to one that goes out.",
            f"The kernels of {', '.join(layer.name for layer in layers)} as small images.",
            lambda: kernels(network),
        )
    if unseen is not None and any(is_activation(each) for each in network.layers):
        some = unseen.images[: FEW if layers else SOME]
        yield Picture(
            "activation_functions",
            "Activation functions",
            "Each activation with its derivative; shaded is where this network's values really fall. Where "
            "the derivative is near 0 there, the layer hardly learns.",
            "Curves of the activation functions and their derivatives, with the range of values marked.",
            lambda: activation_functions(network, some),
        )


def of_one_digit(subject: Subject) -> Iterator[Picture]:
    """One image on its way through the network and back."""
    network, unseen = subject.network, subject.unseen
    if unseen is None:
        return
    index = hesitant(subject)
    image, label = unseen.images[index], int(unseen.labels[index])
    yield Picture(
        "forward_pass",
        f"Forward: from the pixels of one {label} to ten probabilities",
        f"Image {index} on its way through the layers; every number is the network's own, and the sum behind one "
        "neuron of each layer is written out.",
        f"An image of the digit {label}, each layer's values for it, and the ten probabilities.",
        lambda: forward_pass(network, image, label),
    )
    if convolutions(network):
        yield Picture(
            "feature_maps",
            "Feature maps: what each channel sees",
            "The same image as every channel of every convolution sees it. The first layers still find strokes and "
            "edges at their places; the later ones see less of where, and more of what.",
            f"An image of the digit {label} and, for each layer, one small picture a channel.",
            lambda: feature_maps(network, image, label),
        )
    yield Picture(
        "backward_pass",
        f"Backward: what the loss of this {label} says to every weight",
        "The same image on the way back: from the difference between answer and truth to the gradients of each "
        "layer, and to the ink that mattered.",
        "The gradient of the loss at each layer, from the outputs back to the pixels.",
        lambda: backward_pass(network, image, label),
    )


def of_the_change(subject: Subject) -> Iterator[Picture]:
    """What learning did to the first layer that learns."""
    network, train = subject.network, subject.train
    layer = next((each.name for each in network.layers if "W" in each.parameter_shapes()), "")
    if layer:
        yield Picture(
            "weights_since_start",
            "First-layer weights, before and after",
            "The first layer's weights before the first step, the change since then, and what they are now, as tiles "
            "and as histograms.",
            "Tiles and histograms of the first layer's weights: before, change, after.",
            lambda: weight_update(*since_start(network), layer),
        )
    if layer and train is not None and subject.optimizer is not None:
        optimizer, batch = subject.optimizer, slice(min(128, len(train)))
        yield Picture(
            "weight_update",
            "One step",
            "What a single further step of the optimizer would do to the first layer's weights.",
            "Tiles and histograms of the first layer's weights: before, change, after one step.",
            lambda: weight_update(
                *one_step(network, optimizer, train.images[batch], train.labels[batch]),
                layer,
                title=f"What one more step does to the weights of {layer}",
            ),
        )


def hesitant(subject: Subject) -> int:
    """Which of the unseen images to follow there and back: the first that is read rightly, but not with certainty.

    Of one that the network is sure of, the loss and with it all gradients are next to nothing, and say little.
    """
    if subject.evaluation is None:
        return 0
    evaluation = subject.evaluation
    sure = evaluation.probabilities.max(axis=1)
    telling = (evaluation.predictions == evaluation.labels) & (sure < HESITANT)
    return int(np.argmax(telling))


def telling(subject: Subject) -> Array:
    """Which of the unseen images show where the network looked: some that are read rightly, then the worst mistakes."""
    evaluation, unseen = subject.evaluation, subject.unseen
    count = 0 if unseen is None else min(LOOKED_AT, len(unseen))
    if evaluation is None:
        return np.arange(count)
    wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
    surest = wrong[np.argsort(-evaluation.probabilities[wrong].max(axis=1), kind="stable")][: LOOKED_AT // 2]
    right = np.flatnonzero(evaluation.predictions == evaluation.labels)
    # The one that is followed there and back comes first; then of each digit the first.
    order = np.concatenate([right[right == hesitant(subject)], right])
    _, first = np.unique(evaluation.labels[order], return_index=True)
    return np.concatenate([order[np.sort(first)][: LOOKED_AT - len(surest)], surest])
