"""What a loss says of a block of a batch: the mean loss, how many are right, and ∂objective/∂outputs, all at once.

Softmax with cross-entropy, the usual one, is worked out here with one softmax for all three; the others are asked.
"""

from __future__ import annotations

import numpy as np

from inkling.nn import Loss, SoftmaxCrossEntropy
from inkling.nn.part import Array


def judge(loss: Loss, outputs: Array, labels: Array, weights: Array | None, count: int) -> tuple[float, float, Array]:
    """(Its part of the mean data loss, number right, ∂objective/∂outputs) of a block of a batch of `count` samples."""
    if type(loss) is SoftmaxCrossEntropy:
        return judge_scores(loss, outputs, labels, weights, count)
    share = len(labels) / count
    mean, right = loss.judge(outputs, labels, weights)
    gradient = loss.gradient(outputs, labels, weights)
    return mean * share, right, gradient * share if share < 1 and loss.reduction == "mean" else gradient


def judge_scores(
    loss: SoftmaxCrossEntropy, outputs: Array, labels: Array, weights: Array | None, count: int
) -> tuple[float, float, Array]:
    """The same for softmax and cross-entropy: −log pᵧ = log Σ e^z − zᵧ, and ∂loss/∂z = p − y."""
    rows, classes = np.arange(len(labels)), outputs.shape[1]
    # NumPy finds where the largest score of each row stands several times faster than what it is.
    answers = outputs.argmax(axis=1)
    shifted = outputs - outputs[rows, answers][:, np.newaxis]
    p = np.exp(shifted)
    total = p @ np.ones(classes, p.dtype)
    losses, right = np.log(total) - shifted[rows, labels], answers == labels
    p /= total[:, np.newaxis]
    if loss.label_smoothing:
        p -= loss.label_smoothing / classes
    p[rows, labels] -= 1 - loss.label_smoothing
    if loss.reduction == "mean":
        p *= 1 / count
    if weights is None:
        return float(losses.sum()) / count, float(np.count_nonzero(right)), p
    p *= weights[:, np.newaxis]
    return float(np.sum(losses * weights)) / count, float(np.sum(right * weights)), p
