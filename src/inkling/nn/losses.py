"""Losses: one number for how wrong the network is, and in which direction each output should move.

A loss is the end of the forward way and the start of the way back: `forward` compares the network's
outputs with the labels, `backward` returns ∂objective/∂outputs.

Labels are integers (batch,), made one-hot here. `forward` reports the mean *data loss* of the batch;
what the gradient descends is the *objective*, which may be a sum instead of a mean (`reduction`) and
may aim at smoothed labels (`label_smoothing`).
"""

import numpy as np

from inkling.nn.activations import Sigmoid, Softmax, sigmoid, softmax
from inkling.nn.layers import Layer, describe_shape
from inkling.nn.part import Array, Part, Shape, ShapeError, check_between


class Loss(Part):
    """Compares outputs (batch, classes) with integer labels (batch,)."""

    labels: Array
    a: Array

    def __init__(self, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        owner = type(self).__name__
        if reduction not in ("mean", "sum"):
            raise ValueError(f'{owner}: reduction is {reduction!r}, but must be "mean" or "sum"')
        check_between(owner, "label_smoothing", label_smoothing, 0, 1, open_end=True)
        self.reduction, self.label_smoothing = reduction, label_smoothing

    def connect(self, last: Layer) -> None:
        """Check that the network's last layer delivers what this loss compares; raises ShapeError."""
        if len(last.output_shape) != 1:
            raise ShapeError(
                f"{type(self).__name__} wants one row of outputs a sample, but {last.name} delivers "
                f"{describe_shape(last.output_shape)}: end with a Dense layer"
            )

    def probabilities(self, outputs: Array, out: Array | None = None) -> Array:
        """The outputs as probabilities (batch, classes); each row adds up to 1."""
        raise NotImplementedError

    def forward(self, outputs: Array, labels: Array) -> float:
        """The mean data loss over the batch. Keeps what `backward` needs."""
        raise NotImplementedError

    def backward(self, batch: int | None = None) -> Array:
        """∂objective/∂outputs, (batch, classes), for the outputs of the last `forward`; to be called once for each.

        `batch` is the size of the whole batch when these samples are only a block of it. For all losses here it is
        the difference between what the network says, a, and what it should say.
        """
        targets = self.targets(self.labels, self.a.shape)
        return self.scale(np.subtract(self.a, targets, out=targets), batch)

    def judge(self, outputs: Array, labels: Array, weights: Array | None = None) -> tuple[float, float]:
        """(Mean data loss, number right) of the batch. Keeps what `backward` needs.

        With `weights` (batch,) a sample's loss counts that many times, Σ weight · loss / batch, and likewise whether it
        is right. ∂objective/∂outputs is then what `backward` says, each row times its weight.
        """
        loss, hits = self.forward(outputs, labels), np.equal(outputs.argmax(axis=1), labels)
        if weights is None:
            return loss, int(np.count_nonzero(hits))
        losses = self.sample_losses(outputs, one_hot(labels, outputs.shape[1]))
        return float(np.dot(weights, losses) / len(labels)), float(np.dot(weights, hits))

    def objective(self, outputs: Array, labels: Array, weights: Array | None = None) -> float:
        """The number whose gradient is descended: the loss against smoothed labels, mean or sum, weighted or not."""
        losses = self.sample_losses(outputs, self.targets(labels, outputs.shape))
        total = float(np.sum(losses if weights is None else losses * weights))
        return total if self.reduction == "sum" else total / len(labels)

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        """The loss of each sample (batch,) against targets (batch, classes), straight from the formula."""
        raise NotImplementedError

    def targets(self, labels: Array, shape: Shape) -> Array:
        """The labels as rows to aim at: one-hot, with `label_smoothing` spread over all classes."""
        targets = self.work("targets", shape)
        targets.fill(self.label_smoothing / shape[1])
        targets[self.rows(len(labels)), labels] += 1 - self.label_smoothing
        return targets

    def rows(self, count: int) -> Array:
        """0, 1, … count − 1: with the labels beside it, the index of each sample's right class."""
        rows = self.work("rows", (count,), np.intp, fill=-1)
        if rows[-1] != count - 1:
            rows[...] = np.arange(count)
        return rows

    def scale(self, gradient: Array, batch: int | None) -> Array:
        """Divide by the size of the batch if the objective is a mean."""
        if self.reduction == "mean":
            np.multiply(gradient, self.dtype.type(1 / (batch or len(gradient))), out=gradient)
        return gradient


class SoftmaxCrossEntropy(Loss):
    """Softmax and cross-entropy in one: loss = −log pᵧ with p = softmax(z), for scores z and label y.

    Shapes: z (batch, classes), labels (batch,).
    Together they are simpler than either: −log pᵧ = log Σ e^z − zᵧ (log-sum-exp, which cannot overflow), and
    ∂loss/∂z = p − y, with y one-hot. Label smoothing ε aims at y·(1 − ε) + ε / classes instead.
    Source: Bishop, 2006, "Pattern recognition and machine learning", 4.3.4; smoothing: Szegedy et al., 2016.
    """

    def connect(self, last: Layer) -> None:
        super().connect(last)
        if isinstance(last, Softmax):
            raise ShapeError(f"SoftmaxCrossEntropy applies softmax itself: leave out the last layer, {last.name}")

    def probabilities(self, outputs: Array, out: Array | None = None) -> Array:
        return softmax(outputs, out=out)

    def forward(self, outputs: Array, labels: Array) -> float:
        z, self.labels = outputs, labels
        count = len(z)
        rows = self.rows(count)
        # NumPy finds where the largest score of each row stands several times faster than what it is.
        largest = z[rows, z.argmax(axis=1)][:, np.newaxis]
        shifted = np.subtract(z, largest, out=self.work("shifted", z.shape))
        self.a = np.exp(shifted, out=self.work("a", z.shape))
        total = np.matmul(self.a, self.work("ones", (z.shape[1], 1), fill=1), out=largest)
        np.divide(self.a, total, out=self.a)
        log_total = np.log(total, out=total)
        return float(np.add.reduce(log_total[:, 0] - shifted[rows, labels]) / count)

    def backward(self, batch: int | None = None) -> Array:
        if self.label_smoothing:
            return super().backward(batch)
        self.a[self.rows(len(self.a)), self.labels] -= 1
        return self.scale(self.a, batch)

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        largest = np.max(outputs, axis=1, keepdims=True)
        log_total = largest + np.log(np.sum(np.exp(outputs - largest), axis=1, keepdims=True))
        return np.asarray(np.sum(targets * (log_total - outputs), axis=1))


class MeanSquaredError(Loss):
    """½ Σₖ (aₖ − yₖ)² a sample, for activations a (usually of a Sigmoid layer) and y one-hot.

    Shapes: a (batch, classes), labels (batch,).  ∂loss/∂a = a − y.
    As probabilities the activations are divided by their sum.
    """

    def probabilities(self, outputs: Array, out: Array | None = None) -> Array:
        # The small number is for a row of zeros, which says nothing: it becomes equal chances.
        positive = np.maximum(outputs, np.finfo(outputs.dtype).tiny, out=out)
        return np.divide(positive, np.sum(positive, axis=1, keepdims=True), out=positive)

    def forward(self, outputs: Array, labels: Array) -> float:
        self.a, self.labels = outputs, labels
        error = np.positive(outputs, out=self.work("error", outputs.shape))
        error[self.rows(len(labels)), labels] -= 1
        flat = error.reshape(-1)
        return float(0.5 * np.dot(flat, flat) / len(labels))

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

    def probabilities(self, outputs: Array, out: Array | None = None) -> Array:
        a = sigmoid(outputs, out=out)
        np.maximum(a, np.finfo(a.dtype).tiny, out=a)
        return np.divide(a, np.sum(a, axis=1, keepdims=True), out=a)

    def forward(self, outputs: Array, labels: Array) -> float:
        z, self.labels = outputs, labels
        self.a = sigmoid(z, out=self.work("a", z.shape))
        losses = np.abs(z, out=self.work("losses", z.shape))
        np.log1p(np.exp(np.negative(losses, out=losses), out=losses), out=losses)
        # Taken off before summing: max(z, 0) − z is exactly 0 where the network is right and sure.
        positive = np.maximum(z, 0, out=self.work("positive", z.shape))
        rows = self.rows(len(labels))
        positive[rows, labels] -= z[rows, labels]
        losses += positive
        return float(np.sum(losses) / len(labels))

    def sample_losses(self, outputs: Array, targets: Array) -> Array:
        questions = np.maximum(outputs, 0) - outputs * targets + np.log1p(np.exp(-np.abs(outputs)))
        return np.asarray(np.sum(questions, axis=1))


def check_labels(labels: Array, samples: int) -> None:
    """Raise ShapeError unless there is one label a sample, and at least one sample."""
    if not samples:
        raise ShapeError("the network got an empty batch, but wants at least one sample to learn from")
    if np.shape(labels) != (samples,):
        raise ShapeError(f"the network wants {samples} labels, one a sample, but got shape {np.shape(labels)}")


def one_hot(labels: Array, classes: int = 10) -> Array:
    """Labels (n,) as rows (n, classes), float32, with a 1 in the column of the label and 0 elsewhere."""
    return np.eye(classes, dtype=np.float32)[labels]


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": SoftmaxCrossEntropy, "mean_squared_error": MeanSquaredError,
    "binary_cross_entropy": SigmoidBinaryCrossEntropy,
}  # fmt: skip
