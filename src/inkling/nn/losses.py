"""Losses: one number for how wrong the network is, and in which direction each output should move.

A loss stands where the forward pass ends and the backward pass begins: `forward` compares the network's outputs with
the labels, `gradient` returns ∂objective/∂outputs. Both are functions of what they are given and nothing else.

Labels are integers (batch,), made one-hot here. `forward` reports the mean *data loss* of the batch;
what the gradient descends is the *objective*, which may be a sum instead of a mean (`reduction`) and
may aim at smoothed labels (`label_smoothing`). With `weights` (batch,) each sample's loss is multiplied by its weight;
a mean still divides by the number of samples. An L2 term is the network's affair.

Here z are scores, a activations, p probabilities, and y what they should be: the label, one-hot.
"""

import numpy as np
import numpy.typing as npt

from inkling.nn.activations import Sigmoid, Softmax, sigmoid, softmax
from inkling.nn.layers import Layer, describe_shape
from inkling.nn.part import Array, Part, ShapeError, check_between


class Loss(Part):
    """Compares outputs (batch, classes) with integer labels (batch,).

    Every loss here has the same simple gradient for a sample: what the network says, minus what it should say
    (`answers` − targets); times the sample's weight, and divided by the batch if the objective is a mean.
    """

    def __init__(self, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        owner = type(self).__name__
        if reduction not in ("mean", "sum"):
            raise ValueError(f'{owner}: reduction is {reduction!r}, but must be "mean" or "sum"')
        self.reduction = reduction
        self.label_smoothing = check_between(owner, "label_smoothing", label_smoothing, 0, 1, open_end=True)

    def connect(self, last: Layer) -> None:
        """Check that the network's last layer delivers what this loss compares; raises ShapeError."""
        if len(last.output_shape) != 1:
            raise ShapeError(
                f"{type(self).__name__} wants one row of outputs a sample, but {last.name} delivers "
                f"{describe_shape(last.output_shape)}: end with a Dense layer"
            )

    def answers(self, outputs: Array) -> Array:
        """What the outputs say of each class, (batch, classes): what is compared with the targets."""
        raise NotImplementedError

    def probabilities(self, outputs: Array) -> Array:
        """The outputs as probabilities (batch, classes); each row adds up to 1."""
        answers = self.answers(outputs)
        # No answer counts less than a tiny number: a row of zeros, which says nothing, becomes equal chances.
        answers = np.maximum(answers, np.finfo(answers.dtype).tiny)
        return answers / answers.sum(axis=1, keepdims=True)

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        """The loss of each sample (batch,) against targets (batch, classes)."""
        raise NotImplementedError

    def forward(self, outputs: Array, labels: Array, weights: Array | None = None) -> float:
        """The mean data loss over the batch."""
        losses = self.sample_losses(outputs, one_hot(labels, outputs.shape[1], outputs.dtype))
        return float(np.sum(losses if weights is None else losses * weights) / len(labels))

    def gradient(self, outputs: Array, labels: Array, weights: Array | None = None) -> Array:
        """∂objective/∂outputs, (batch, classes)."""
        gradient = self.answers(outputs) - self.targets(labels, outputs)
        if weights is not None:
            gradient = gradient * weights[:, np.newaxis].astype(gradient.dtype)
        return gradient / len(labels) if self.reduction == "mean" else gradient

    def objective(self, outputs: Array, labels: Array, weights: Array | None = None) -> float:
        """The number whose gradient is descended: the loss against smoothed labels, mean or sum."""
        losses = self.sample_losses(outputs, self.targets(labels, outputs))
        total = float(np.sum(losses if weights is None else losses * weights))
        return total / len(labels) if self.reduction == "mean" else total

    def targets(self, labels: Array, outputs: Array) -> Array:
        """The labels as rows to aim at: one-hot, with `label_smoothing` spread over all classes."""
        classes = outputs.shape[1]
        return one_hot(labels, classes, outputs.dtype) * (1 - self.label_smoothing) + self.label_smoothing / classes

    def judge(self, outputs: Array, labels: Array, weights: Array | None = None) -> tuple[float, float]:
        """(Mean data loss, number right) of the batch; with weights, each right answer counts as often as its loss."""
        right = outputs.argmax(axis=1) == labels
        return self.forward(outputs, labels, weights), float(np.sum(right if weights is None else right * weights))


class SoftmaxCrossEntropy(Loss):
    """Softmax and cross-entropy in one: loss = −log pᵧ with p = softmax(z), for scores z and label y.

    Shapes: z (batch, classes), labels (batch,).
    Together they are simpler than either: −log pᵧ = log Σ e^z − zᵧ, and ∂loss/∂z = p − y. The largest score is taken
    off all of them first, which changes nothing, so that no e^z overflows. Where y names more than one class, the loss
    is Σₖ yₖ (log Σ e^z − zₖ): so do smoothed labels, y·(1 − ε) + ε / classes.
    Source: Bishop, 2006, "Pattern recognition and machine learning", 4.3.4; smoothing: Szegedy et al., 2016.
    """

    def connect(self, last: Layer) -> None:
        super().connect(last)
        if isinstance(last, Softmax):
            raise ShapeError(f"SoftmaxCrossEntropy applies softmax itself: leave out the last layer, {last.name}")

    def answers(self, outputs: Array) -> Array:
        return softmax(outputs)

    def probabilities(self, outputs: Array) -> Array:
        return softmax(outputs)

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return np.asarray(np.sum(targets * (log_total - shifted), axis=1))


class MeanSquaredError(Loss):
    """½ Σₖ (aₖ − yₖ)² a sample (a sum over classes), for activations a (usually of a Sigmoid layer) and y one-hot.

    Shapes: a (batch, classes), labels (batch,).  ∂loss/∂a = a − y.
    As probabilities the activations are divided by their sum.
    """

    def answers(self, outputs: Array) -> Array:
        return outputs

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        return np.asarray(0.5 * np.sum((outputs - targets) ** 2, axis=1))


class SigmoidBinaryCrossEntropy(Loss):
    """Sigmoid and binary cross-entropy in one: each class is its own yes-or-no question.

    Shapes: z (batch, classes), labels (batch,).  With a = sigmoid(z) and y one-hot,
    loss = −Σₖ [yₖ log aₖ + (1 − yₖ) log(1 − aₖ)] = Σₖ [max(zₖ, 0) − zₖ·yₖ + log(1 + e^−|zₖ|)],
    where the second form cannot overflow, and ∂loss/∂z = a − y.
    As probabilities the activations are divided by their sum.
    """

    def connect(self, last: Layer) -> None:
        super().connect(last)
        if isinstance(last, (Sigmoid, Softmax)):
            raise ShapeError(f"SigmoidBinaryCrossEntropy applies sigmoid itself: leave out the last layer, {last.name}")

    def answers(self, outputs: Array) -> Array:
        return sigmoid(outputs)

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        questions = np.maximum(outputs, 0) - outputs * targets + np.log1p(np.exp(-np.abs(outputs)))
        return np.asarray(np.sum(questions, axis=1))


def check_labels(labels: Array, samples: int) -> None:
    """Raise ShapeError unless there is one label a sample, and at least one sample."""
    if not samples:
        raise ShapeError("the network got an empty batch, but wants at least one sample to learn from")
    if np.shape(labels) != (samples,):
        raise ShapeError(f"the network wants {samples} labels, one a sample, but got shape {np.shape(labels)}")


def one_hot(labels: Array, classes: int = 10, dtype: npt.DTypeLike = np.float32) -> Array:
    """Labels (n,) as rows (n, classes), with a 1 in the column of the label and 0 elsewhere."""
    return np.eye(classes, dtype=dtype)[labels]


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": SoftmaxCrossEntropy, "mean_squared_error": MeanSquaredError,
    "binary_cross_entropy": SigmoidBinaryCrossEntropy,
}  # fmt: skip
