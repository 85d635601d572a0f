"""The gallery: which pictures there are of a run, what each of them tells, and how to draw them all.

Each picture has a file of its own in this room; here they hang side by side, with a title, a sentence on how to
read them and a description for those who cannot see them. The report takes its pictures from here, and so does
`inkling figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inkling.data import Split
from inkling.figures.activations import activation_functions
from inkling.figures.architecture import architecture
from inkling.figures.backward import backward_pass
from inkling.figures.confusion import confusion
from inkling.figures.curves import learning_curves
from inkling.figures.forward import forward_pass
from inkling.figures.mistakes import mistakes
from inkling.figures.predictions import predictions
from inkling.figures.samples import samples
from inkling.figures.stages import is_activation
from inkling.figures.style import styled
from inkling.figures.updates import one_step, since_start, weight_update
from inkling.figures.vitals import vital_signs
from inkling.figures.weights import first_layer_weights
from inkling.nn import Network, Optimizer
from inkling.storage import write_atomically
from inkling.training import Evaluation, History, Sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
HESITANT = 0.9
"""An answer with less confidence than this is not certain."""
SOME = 256
"""How many images are enough to see where a layer's values lie."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What the pictures of a run are made of; what is None or empty, they do without.

    `unseen` are the images the network is judged on, `evaluation` what it made of them. `optimizer` is as the run's
    was when it began.
    """

    network: Network
    history: History
    signs: Sequence[Sign] = ()
    train: Split | None = None
    unseen: Split | None = None
    evaluation: Evaluation | None = None
    optimizer: Optimizer | None = None
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
    return [*of_the_data(subject), *of_the_training(subject), *of_the_answers(subject), *of_the_network(subject)]


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
    if unseen is None or not subject.count:
        return
    some = slice(min(subject.count, len(unseen)))
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
        "The wrong answers that the network was surest of, the surest first: some are ill-written, some a surprise.",
        "Images read wrongly with great confidence, each with predicted digit, true digit and confidence.",
        lambda: mistakes(network, unseen.images, unseen.labels, subject.count),
    )


def of_the_network(subject: Subject) -> Iterator[Picture]:
    """What it is, and what happens inside it."""
    network, unseen, train = subject.network, subject.unseen, subject.train
    total = f"{len(network.parameters):,} parameters"
    yield Picture(
        "architecture",
        "Architecture",
        "The layers from the pixels on the left to the ten answers on the right, their shapes and parameters; "
        "wide layers are shortened.",
        f"The network drawn as columns of neurons: {', '.join(layer.name for layer in network.layers)}; {total}.",
        lambda: architecture(network),
    )
    yield Picture(
        "first_layer_weights",
        "First-layer weights",
        "The weights from all pixels to one neuron, as an image: ink on orange excites the neuron, ink on blue holds "
        "it back, and on white it makes no difference.",
        "Tiles of 28 × 28 weights, one for each neuron of the first layer.",
        lambda: first_layer_weights(network),
    )
    layer = next((each.name for each in network.layers if each.parameter_shapes()), "")
    if unseen is not None:
        index = hesitant(subject)
        image, label = unseen.images[index], int(unseen.labels[index])
        some = unseen.images[:SOME]
        if any(is_activation(each) for each in network.layers):
            yield Picture(
                "activation_functions",
                "Activation functions",
                "Each activation with its derivative; shaded is where this network's values really fall. Where "
                "the derivative is near 0 there, the layer hardly learns.",
                "Curves of the activation functions and their derivatives, with the range of values marked.",
                lambda: activation_functions(network, some),
            )
        yield Picture(
            "forward_pass",
            f"Forward: from the pixels of a {label} to ten probabilities",
            f"Image {index} on its way through the layers; every number is the network's own, and the sum behind one "
            "neuron of each layer is written out.",
            f"An image of a {label}, each layer's values for it, and the ten probabilities.",
            lambda: forward_pass(network, image, label),
        )
        yield Picture(
            "backward_pass",
            f"Backward: what the loss of this {label} says to every weight",
            "The same image on the way back: from the difference between answer and truth to the gradients of each "
            "layer, and to the ink that mattered.",
            "The gradient of the loss at each layer, from the outputs back to the pixels.",
            lambda: backward_pass(network, image, label),
        )
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


def redraw(
    subject: Subject,
    folder: Path | str,
    *,
    formats: Sequence[str] = FORMATS,
    progress: Callable[[str, int, int | None], object] | None = None,
    show: Callable[[str, Figure], object] | None = None,
) -> list[Path]:
    """Draw all pictures into the folder and return the files.

    `progress(what, done, total)` is called before each picture. `show(title, figure)` gets each
    figure once it is saved. Raises InklingError if the folder cannot be written to.
    """
    pictures, files = gallery(subject), []
    for done, picture in enumerate(pictures):
        if progress is not None:
            progress("drawing", done, len(pictures))
        figure = picture.draw()
        files += save(figure, Path(folder) / picture.name, formats)
        if show is not None:
            show(picture.title, figure)
    return files


def save(figure: Figure, path: Path, formats: Sequence[str]) -> list[Path]:
    """Write the figure as `path` with each format's ending; the same figure gives the same bytes."""
    files = []
    for kind in formats:
        file = path.with_name(f"{path.name}.{kind}")
        metadata = {"Date": None} if kind == "svg" else {}
        with styled():
            write_atomically(file, partial(figure.savefig, format=kind, metadata=metadata))
        files.append(file)
    return files
