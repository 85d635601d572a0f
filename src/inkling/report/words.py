"""A run in words: how it went, what its recipe says, how to repeat it. Every sentence follows from the numbers."""

from __future__ import annotations

import math
import shlex
from typing import Any

from inkling.data import Augment
from inkling.figures.distortions import RANGES
from inkling.report.record import Record

Z95 = 1.959963984540054
"""Of a normal distribution, 95 % lie within so many standard deviations."""
GUESSING = 0.1
"""The accuracy of guessing among ten digits."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a fraction of which `right` in `count` were seen.

    Unlike the textbook's p ± 1.96·√(p(1−p)/n) it holds near 0 and 1, where accuracies lie.
    Source: E. B. Wilson, 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if count == 0:
        return 0.0, 1.0
    p, square = right / count, Z95 * Z95
    middle = p + square / (2 * count)
    spread = Z95 * math.sqrt(p * (1 - p) / count + square / (4 * count * count))
    scale = 1 + square / count
    return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)


def percent(fraction: float | None, digits: int = 2) -> str:
    """0.9812 → "98.12 %", with a space that does not break."""
    return "–" if fraction is None else f"{100 * fraction:.{digits}f}\u00a0%"


def number(value: float | None) -> str:
    """A loss or a rate with four telling digits."""
    return "–" if value is None else f"{value:.4g}" if abs(value) < 0.001 and value else f"{value:.4f}"


def duration(seconds: float) -> str:
    """57.6 → "57.6 s", 252 → "4 min 12 s", 3780 → "1 h 3 min"."""
    if seconds < 99.95:
        return f"{seconds:.1f}\u00a0s" if seconds >= 1 else f"{seconds:.2f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}\u00a0h {minutes}\u00a0min" if hours else f"{minutes}\u00a0min {rest}\u00a0s"


def counted(count: int, one: str, many: str = "") -> str:
    """1 → "1 epoch", 1000 → "1,000 epochs"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def verdict(record: Record) -> str:
    """How the training went, in one sentence."""
    metrics, history = record.metrics, record.history
    epochs = counted(len(history), "epoch")
    train, unseen = metrics.get("train_accuracy"), record.accuracy
    if metrics.get("outcome") == "interrupted":
        when = f"after {epochs}" if len(history) else "before its first epoch was over"
        return f"The training was interrupted {when}, and this is what it had come to by then."
    if not len(history):
        return "The network is untrained: these are the answers of its random first weights."
    if train is None or unseen is None:
        return f"The training ran for {epochs}; how well it did was not measured."
    both = f"{percent(train, 1)} of the training images and {percent(unseen, 1)} of the {record.judged_on} images"
    if unseen < 2 * GUESSING:
        return (
            f"The network has hardly learned anything: guessing alone gets about {percent(GUESSING, 0)} right, so the "
            "learning rate, the first weights or the data deserve a look."
        )
    last, best = history.last, history.best
    if metrics.get("outcome") == "stopped":
        return (
            f"The training stopped by itself after {epochs}, because validation no longer improved; the weights of "
            f"epoch {best.epoch} were kept, and they read {both} rightly."
        )
    if overfits(train, unseen, last.validation_loss, best.validation_loss):
        lowest = f" (its validation loss was lowest after epoch {best.epoch})"
        when = lowest if (last.validation_loss or 0) > 1.02 * (best.validation_loss or 0) else ""
        return (
            f"The network reads {both} rightly, a gap that means it has learned some of its training images by heart"
            f"{when}: {cures(record)} would help it to generalise."
        )
    if still_improving(record):
        return f"After {epochs} the network was still improving: a longer training will most likely do better."
    if train < 0.95:
        return (
            f"The network reads {both} rightly, equally far from perfect, and has stopped improving: it is too small, "
            "or its steps are, to learn more."
        )
    return f"The network reads {both} rightly and has levelled off: a healthy training that generalises well."


def cures(record: Record) -> str:
    """What the recipe does not do against overfitting yet."""
    settings = (
        ("dropout", "network", "dropout"),
        ("L2", "loss", "l2"),
        ("early stopping", "training", "early_stopping"),
    )
    unused = [name for name, section, key in settings if not record.recipe.get(section, {}).get(key)]
    return " or ".join(filter(None, (", ".join(unused[:-1]), *unused[-1:]))) or "more images"


def overfits(train: float, unseen: float, last_loss: float | None, best_loss: float | None) -> bool:
    """Whether training images are read so much better than others that the network must know them by heart."""
    by_gap = train - unseen > 0.01 and (1 - unseen) > 2.5 * (1 - train)
    worsened = last_loss is not None and best_loss is not None and last_loss > 1.2 * best_loss
    return by_gap or (worsened and train > unseen)


def still_improving(record: Record) -> bool:
    """Whether the loss (validation's, if there is one) fell by more than 2 % an epoch over the last epochs."""
    column = "train_loss" if record.history.last.validation_loss is None else "validation_loss"
    losses = record.history[column]
    span = min(3, len(losses) - 1)
    if span < 1:
        return True
    before, after = losses[-1 - span], losses[-1]
    # The mean of the last few epochs: a single lucky one is no trend.
    return bool(after <= min(losses) and before > 0 and (after / before) ** (1 / span) < 0.98)


def recipe_in_words(record: Record) -> list[tuple[str, str]]:
    """The recipe as (what, sentence), a row for each section."""
    recipe = record.recipe
    network, loss, training = (recipe.get(section, {}) for section in ("network", "loss", "training"))
    return [
        ("Network", network_in_words(network, len(record.network.parameters))),
        ("Loss", loss_in_words(loss)),
        ("Optimizer", optimizer_in_words(recipe.get("optimizer", {}), recipe.get("schedule", {}))),
        ("Training", training_in_words(training)),
        ("Data", data_in_words(record)),
    ]


def network_in_words(network: dict[str, Any], parameters: int) -> str:
    """784 → 256 → 128 → 10, ReLU …"""
    hidden = [each["units"] if isinstance(each, dict) else each for each in network.get("hidden", [])]
    activation = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "identity": "no activation"}.get(
        network.get("activation", ""), network.get("activation", "")
    )
    convolutions = network.get("convolutions", [])
    if convolutions:
        kernels = (f"{each['channels']} channels of {each['kernel']}×{each['kernel']}" for each in convolutions)
        words = [f"Convolutions with {' → '.join(kernels)}", f"then {' → '.join(map(str, (*hidden, 10)))} neurons"]
    else:
        words = [f"{' → '.join(map(str, (784, *hidden, 10)))} neurons"]
    if network.get("batch_norm"):
        words.append("batch normalisation")
    if hidden or convolutions:
        layers = [each for each in (*convolutions, *network.get("hidden", [])) if isinstance(each, dict)]
        own = {each["activation"] for each in layers if each.get("activation")} - {network.get("activation")}
        words.append("an activation of its own for each layer" if own else f"{activation} after each hidden layer")
        if network.get("dropout"):
            words.append(f"dropout of {percent(network['dropout'], 0)}")
    first = str(network.get("initializer", "")).replace("_", " ").replace("he", "He").replace("glorot", "Glorot")
    words.append(f"{first} first weights")
    return f"{', '.join(words)}; {parameters:,} parameters in {network.get('dtype', 'float32')}."


def loss_in_words(loss: dict[str, Any]) -> str:
    """Cross entropy, averaged over the batch …"""
    words = [str(loss.get("name", "cross_entropy")).replace("_", " ").capitalize().replace("Cross e", "Cross-e")]
    words.append("gradients summed over the batch" if loss.get("reduction") == "sum" else "averaged over the batch")
    if loss.get("l2"):
        words.append(f"L2 penalty with λ = {loss['l2']:g}")
    if loss.get("label_smoothing"):
        words.append(f"labels smoothed by {loss['label_smoothing']:g}")
    return ", ".join(words) + "."


def optimizer_in_words(optimizer: dict[str, Any], schedule: dict[str, Any]) -> str:
    """Adam with a learning rate of at most 0.002, one cycle …"""
    names = {"sgd": "Gradient descent", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
    kind, rate = schedule.get("name", "constant"), optimizer.get("learning_rate")
    words = [names.get(optimizer.get("name", "sgd"), str(optimizer.get("name")))]
    if optimizer.get("momentum"):
        words.append(f"{'Nesterov ' if optimizer.get('nesterov') else ''}momentum {optimizer['momentum']:g}")
    if optimizer.get("weight_decay"):
        words.append(f"weight decay {optimizer['weight_decay']:g}")
    if optimizer.get("clip_norm"):
        words.append(f"gradients no longer than {optimizer['clip_norm']:g}")
    how = {
        "constant": "",
        "step": ", lowered step by step",
        "cosine": ", lowered along half a cosine wave",
        "one_cycle": ", reached and left again in one cycle",
    }.get(kind, f" ({kind})")
    warming = schedule.get("warm_epochs") or 0
    warm = f", after {warming:g} {'epoch' if warming == 1 else 'epochs'} of warming up" if warming else ""
    words.append(f"learning rate {rate:g}{how}{warm}" if isinstance(rate, (int, float)) else "")
    return ", ".join(filter(None, words)) + "."


def training_in_words(training: dict[str, Any]) -> str:
    """10 epochs in batches of 128, seed 0."""
    batch = training.get("batch_size", 128)
    words = [
        counted(int(training.get("epochs", 0)), "epoch"),
        "all images in each step" if batch == "full" else f"batches of {batch:,} images",
        f"seed {training.get('seed', 0)}",
    ]
    if training.get("average"):
        words.append(f"the moving average of the weights kept (decay {training['average']:g})")
    if training.get("early_stopping"):
        patience = counted(training["early_stopping"], "epoch")
        words.append(f"stopping early after {patience} without improvement")
    return ", ".join(words) + "."


def data_in_words(record: Record) -> str:
    """55,000 images to learn from …"""
    data = record.metrics["dataset"]
    uses = {"train": "to learn from", "validation": "to watch over the training", "test": "to be judged on"}
    parts = [f"{data[name]:,} images {use}" for name, use in uses.items() if data.get(name)]
    counts = "; ".join(parts).replace(" images to watch", " to watch").replace(" images to be", " to be") + "."
    augment = Augment(**record.recipe.get("augment", {}))
    kinds = ", ".join(f"{kind} {RANGES[kind](augment)}" for kind in augment.kinds)
    return f"{counts} Each image is distorted anew whenever the network learns from it: {kinds}." if kinds else counts


def command(record: Record) -> str:
    """What repeats the run on a shell. Besides the recipe it takes as many threads, for the same bits."""
    words = ["inkling", "train", str(record.folder.recipe)]
    threads = record.metrics.get("threads")
    if threads and "threads" not in record.recipe.get("training", {}):
        words += ["--set", f"training.threads={threads}"]
    return shlex.join(words)
