"""One step of the training, explained: how one weight of one neuron changed, in numbers that a calculator confirms.

The step is taken on the one training road, by the engine that leaves the gradient where it can be looked at, with a
callback beside it that keeps what came before. Optimizers say in their docstrings what they do; here it is said with
the numbers of one weight, printed with as many digits as hold.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inkling.nn import SGD, Adam, AdamW, Optimizer, RMSprop
from inkling.nn.part import Array
from inkling.playground.inspector import stage_named, sum_of
from inkling.playground.lesson import Lesson
from inkling.playground.messages import ExplainStep, Refused
from inkling.playground.views import View
from inkling.playground.watcher import Meter
from inkling.recipes import build_augment
from inkling.training import Callback, Trainer, trace


@dataclass
class Witness(Callback):
    """Stops the training after one step, and keeps what the step was made of."""

    meter: Meter
    images: list[Array] = field(default_factory=list)
    """The batch, as the network got it: distorted."""
    before: dict[str, Array] = field(default_factory=dict)

    def watch(self, lesson: Lesson) -> Callable[[Array, np.random.Generator], Array]:
        """The set-up's distortions, with an eye on what they return."""
        own = build_augment(lesson.setup.augment)

        def augment(images: Array, random: np.random.Generator) -> Array:
            images = images if own is None else own(images, random)
            self.images.append(images)
            return images

        return augment

    def on_train_begin(self, trainer: Trainer) -> None:
        self.meter.begin(trainer)
        self.before = {name: vector.copy() for name, vector in trainer.optimizer.state.items()}
        self.before["p"], self.before["state"] = trainer.network.parameters.copy(), trainer.network.state.copy()

    def on_batch_end(self, trainer: Trainer) -> None:
        start = (trainer.batch - 1) * trainer.batch_size
        self.first = start if trainer.order is None else int(trainer.order[start])
        self.label = int(trainer.train.labels[self.first])
        self.size = min(trainer.batch_size, len(trainer.train.images) - start)
        self.learning_rate = trainer.learning_rate
        self.gradients = trainer.network.gradients.copy()
        self.meter.read(trainer)
        trainer.stop(now=True)


def explain_step(lesson: Lesson, asked: ExplainStep, meter: Meter) -> dict[str, Any]:
    """Take one step, which `meter` reads as any other, and say what it did to a weight.

    Raises Refused if there is no such neuron or input.
    """
    view = View(lesson.network)
    stage = stage_named(view, asked.layer)
    W = stage.weighted.W
    if asked.unit >= W.shape[-1]:
        raise Refused(f"unit: {asked.layer} has neurons 0 … {W.shape[-1] - 1}", "unit")
    inputs = W.size // W.shape[-1]
    if asked.input is not None and asked.input >= inputs:
        raise Refused(f"input: this neuron has inputs 0 … {inputs - 1}", "input")
    witness = Witness(meter)
    lesson.train([witness], threads=1, engine="reference", augment=witness.watch(lesson))
    place = places_of(lesson, asked.layer)
    gradients = witness.gradients[place["W"]].reshape(inputs, -1)[:, asked.unit]
    index = int(np.abs(gradients).argmax()) if asked.input is None else asked.input
    flat = range(*place["W"].indices(len(witness.gradients)))[index * W.shape[-1] + asked.unit]
    old, new = float(witness.before["p"][flat]), float(lesson.network.parameters[flat])
    gradient, l2 = float(witness.gradients[flat]), lesson.setup.l2
    known = {name: float(vector[flat]) for name, vector in witness.before.items() if name not in ("p", "state")}
    length = float(np.linalg.norm(witness.gradients))
    told = update(lesson.optimizer, old, new, gradient, witness.learning_rate, known, length)
    forward = looked_at(lesson, witness, asked)
    return {
        "step": lesson.step,
        "layer": asked.layer,
        "unit": asked.unit,
        "input": index,
        "input_name": forward.pop("names")[index] if "names" in forward else "",
        "old": old,
        "new": new,
        "gradient": gradient,
        "l2_part": l2 * old,
        "data_gradient": gradient - l2 * old,
        "rate": witness.learning_rate,
        **told,
        "movement": movement(lesson.optimizer, witness.learning_rate, (old, new), (gradient, l2), told["numbers"]),
        "reduction": lesson.setup.reduction,
        "gradient_z": float(witness.gradients[place["b"]][asked.unit]),
        "batch": witness.size,
        **forward,
    }


def places_of(lesson: Lesson, layer: str) -> dict[str, slice]:
    """Where W and b of a layer lie in the flat vector."""
    found, start = {}, 0
    for name, array in lesson.network.named_parameters():
        owner, _, short = name.partition(".")
        if owner == layer:
            found[short] = slice(start, start + array.size)
        start += array.size
    return found


def looked_at(lesson: Lesson, witness: Witness, asked: ExplainStep) -> dict[str, Any]:
    """The forward numbers of the batch's first image before the step (dropout off), its loss, and ∂loss/∂z there.

    Of a convolution (`map`), z and a are the largest of the feature map, and ∂loss/∂z is the sum over all its places.
    """
    twin = lesson.network.replica()
    twin.adopt(witness.before["p"], state=witness.before["state"])
    image = witness.images[0][:1]
    steps = trace(twin, image, np.array([witness.label]))
    view = View(twin)
    stage = view.by_name[asked.layer]
    seen = steps[asked.layer]
    a = steps[(stage.outcome or stage.head).name].out[0]
    outs = {"input": steps.x[0]} | {step.layer.name: step.out[0] for step in steps.layers}
    z, dz = seen.out[0], seen.dout[0]
    probabilities = steps.probabilities[0]
    numbers: dict[str, Any] = {
        "label": witness.label,
        "index": witness.first,
        "digit": int(probabilities.argmax()),
        "probabilities": [float(p) for p in probabilities],
        "loss": steps.loss,
    }
    if z.ndim == 1:
        terms = sum_of(view, stage, outs, asked.unit, None)
        numbers |= {"z": float(z[asked.unit]), "a": float(a[asked.unit]), "gradient_z": float(dz[asked.unit])}
        return {"forward": numbers, "loss": steps.loss, "names": terms.names}
    rows, columns, channels = stage.weighted.W.shape[:3]
    numbers |= {"map": True, "z": float(z[..., asked.unit].max()), "a": float(a[..., asked.unit].max())}
    numbers["gradient_z"] = float(dz[..., asked.unit].sum())
    names = [
        f"kernel row {i}, column {j}" + (f", map {c}" if channels > 1 else "")
        for i in range(rows)
        for j in range(columns)
        for c in range(channels)
    ]
    return {"forward": numbers, "loss": steps.loss, "names": names}


def update(
    optimizer: Optimizer,
    old: float,
    new: float,
    gradient: float,
    rate: float,
    known: dict[str, float],
    length: float,
) -> dict[str, Any]:
    """The update of one weight in the optimizer's own formula: {formula, lines, numbers, expression, sentence}.

    `known` is what the optimizer remembered of this weight before the step, `length` that of the gradient of all
    weights together. Each line is "name = expression = value"; all may be put into a calculator, the last gives the new
    weight.
    """
    t, lines, numbers = optimizer.steps, Lines(), {}
    clipping = {}
    if optimizer.clip_norm is not None and length > optimizer.clip_norm:
        gradient = lines.add("clipped", "{} × {} / {}", scaled, gradient, optimizer.clip_norm, length)
        clipping = {"clipped": gradient, "length": length}
    if isinstance(optimizer, AdamW) and optimizer.weight_decay:
        old = lines.add("decayed", "{} × (1 − {} × {})", decayed, old, rate, optimizer.weight_decay)
    if isinstance(optimizer, Adam):
        b1, b2 = optimizer.beta1, optimizer.beta2
        m = lines.add("m", "{} × {} + {} × {}", mixed, b1, known["m"], 1 - b1, gradient)
        v = lines.add("v", "{} × {} + {} × {}²", mixed_squares, b2, known["v"], 1 - b2, gradient)
        m_hat = lines.add("m̂", "{} / {}", operator.truediv, m, 1 - b1**t)
        v_hat = lines.add("v̂", "{} / {}", operator.truediv, v, 1 - b2**t)
        lines.last(new, "{} − {} × {} / (√{} + {})", scaled_step, old, rate, m_hat, v_hat, optimizer.epsilon)
        formula = f"{type(optimizer).__name__}: w ← w − rate × m̂ / (√v̂ + ε)"
        numbers = {"m": m, "v": v, "m_hat": m_hat, "v_hat": v_hat, "t": t}
    elif isinstance(optimizer, RMSprop):
        rho = optimizer.rho
        s = lines.add("s", "{} × {} + {} × {}²", mixed_squares, rho, known["square"], 1 - rho, gradient)
        lines.last(new, "{} − {} × {} / (√{} + {})", scaled_step, old, rate, gradient, s, optimizer.epsilon)
        formula, numbers = "RMSprop: w ← w − rate × gradient / (√s + ε)", {"s": s}
    elif isinstance(optimizer, SGD) and optimizer.momentum:
        v = lines.add("v", "{} × {} + {}", gathered, optimizer.momentum, known["velocity"], gradient)
        formula, way = "SGD with momentum: v ← momentum × v + gradient, w ← w − rate × v", v
        if optimizer.nesterov:
            way = lines.add("ahead", "{} × {} + {}", gathered, optimizer.momentum, v, gradient)
            formula = "SGD with Nesterov's momentum: w ← w − rate × (momentum × v + gradient)"
        lines.last(new, "{} − {} × {}", straight, old, rate, way)
        numbers = {"velocity": v}
    else:
        lines.last(new, "{} − {} × {}", straight, old, rate, gradient)
        formula = "SGD: w ← w − rate × gradient"
    if clipping:
        formula += f", with the gradient of all weights together shortened to a length of {optimizer.clip_norm:g}"
    numbers |= clipping
    return {"formula": formula, "lines": lines.said, "sentence": "; ".join(lines.said), "numbers": numbers}


def movement(
    optimizer: Optimizer, rate: float, weight: tuple[float, float], slope: tuple[float, float], known: dict[str, float]
) -> str:
    """Which way the `weight` went, (old, new), and why: after its gradient or, where it didn't, what was stronger.

    `slope` is the gradient, and the λ of the L2 that is in it; `known` are the `numbers` of `update`.
    """
    (old, new), (gradient, l2) = weight, slope
    parts = f" ({short(gradient - l2 * old)} from the images and {short(l2 * old)} from L2, {l2} × w)" if l2 else ""
    loss = "loss, with L2's price for large weights," if l2 else "loss"
    effect = "fall" if gradient < 0 else "grow" if gradient > 0 else "stay as it is"
    told = f"Its gradient is {short(gradient)}{parts}: were the weight larger, the {loss} would {effect}"
    went, asked = (new > old) - (new < old), (gradient < 0) - (gradient > 0)
    way = {1: f"goes up to {short(new)}", 0: "stays", -1: f"goes down to {short(new)}"}[went]
    if went == asked:
        return f"{told}, so it {way}."
    if not went:
        why = "this step is too small for its digits" if rate else "the learning rate is 0"
    elif known.get("m_hat", 0.0) * went < 0:
        why = f"Adam follows the mean of this gradient and earlier ones, m̂ = {short(known['m_hat'])}"
    elif known.get("velocity", 0.0) * went < 0:
        why = f"momentum follows earlier gradients too: their sum, the velocity, is {short(known['velocity'])}"
    else:
        why = f"weight decay, {getattr(optimizer, 'weight_decay', 0.0)} × rate × w, is stronger"
    return f"{told}; yet it {way}, because {why}."


def short(value: float) -> str:
    """Six digits of a number that nobody calculates with."""
    return plain(f"{value:.6g}")


def scaled(gradient: float, limit: float, length: float) -> float:
    """A gradient whose length is limited."""
    return gradient * limit / length


def straight(old: float, rate: float, way: float) -> float:
    """SGD's step."""
    return old - rate * way


def scaled_step(old: float, rate: float, way: float, square: float, epsilon: float) -> float:
    """The step of Adam and RMSprop."""
    return old - rate * way / (math.sqrt(square) + epsilon)


def gathered(momentum: float, velocity: float, gradient: float) -> float:
    """SGD's velocity."""
    return momentum * velocity + gradient


def mixed(keep: float, mean: float, take: float, gradient: float) -> float:
    """A running mean."""
    return keep * mean + take * gradient


def mixed_squares(keep: float, mean: float, take: float, gradient: float) -> float:
    """A running mean of squares."""
    return keep * mean + take * gradient**2


def decayed(old: float, rate: float, decay: float) -> float:
    """What weight decay leaves."""
    return old * (1 - rate * decay)


class Lines:
    """Lines of arithmetic. Each result is that of the numbers as they are printed, so every line holds by itself."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, name: str, form: str, work_out: Callable[..., float], *values: float) -> float:
        """Say "name = 1.2 × 3.4 = 4.08", and return the result as it was printed."""
        printed = [as_printed(value) for value in values]
        result = as_printed(work_out(*map(float, printed)))
        self.said.append(f"{name} = {written(form, printed)} = {result}")
        return float(result)

    def last(self, new: float, form: str, work_out: Callable[..., float], *values: float) -> None:
        """Say how the new weight comes about, with as many digits of it as hold."""
        printed = [as_printed(value) for value in values]
        result = work_out(*map(float, printed))
        digits = next((d for d in range(8, 1, -1) if f"{result:.{d}g}" == f"{new:.{d}g}"), 1)
        self.said.append(f"new weight = {written(form, printed)} = {plain(f'{new:.{digits}g}')}")


def written(form: str, printed: list[str]) -> str:
    """The line with its numbers; negative ones in brackets, or a calculator would square them without their sign."""
    return form.format(*(f"({number})" if number.startswith("-") else number for number in printed))


def as_printed(value: float) -> str:
    """Nine significant digits: all that a float32 has."""
    return plain(f"{value:.9g}")


def plain(number: str) -> str:
    """A number as one types it: "1.2e-05" as "0.000012", if that is not too long."""
    if "e" not in number or abs(int(number.partition("e")[2])) > 9:
        return number
    mantissa = number.partition("e")[0]
    places = max(len(mantissa.partition(".")[2]) - int(number.partition("e")[2]), 0)
    return f"{float(number):.{places}f}"
