"""A neuron, opened: its weights, the sum that makes its z, with numbers that add up as they are printed, and the
digits that excite it most.

In a convolution the neuron is a channel, looked at in one place of its feature map: there its sum is over one window.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from inkling.data import Split
from inkling.engine import work_of
from inkling.figures.stages import Stage
from inkling.figures.windows import window
from inkling.nn import BatchNorm, Conv2D, Layer, SoftmaxCrossEntropy
from inkling.nn.part import Array
from inkling.nn.pooling import Pool2D
from inkling.playground.messages import Neuron, Refused
from inkling.playground.views import View

EXCITING = 12
"""How many images are shown of those that excite the neuron most."""
WORK = 1e10
"""Operations that the search for them may cost."""
DIGITS = 4
"""Behind the point, of every number in a sum."""


@dataclass(frozen=True, eq=False)
class Sum:
    """The terms of z = Σ x·w + b for one image: each input's name, its x and its w, in one order."""

    names: list[str]
    x: Array
    w: Array
    bias: float
    weights: Array
    """The weights in the shape in which they are drawn."""


def open_neuron(view: View, asked: Neuron, image: Array, split: Split) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays of the answer: the neuron's sum for `image` (28, 28), and what of `split` excites it.

    Raises Refused if there is no such neuron.
    """
    stage = stage_named(view, asked.layer)
    shape = (stage.outcome or stage.head).output_shape
    check_unit(stage, asked, shape)
    outs = run(view, image)
    a = outs[(stage.outcome or stage.head).name]
    place, won = (None, None) if len(shape) == 1 else places(stage, outs, asked)
    at = (asked.unit,) if won is None else (*won, asked.unit)
    z = float(outs[stage.head.name][at])
    terms = sum_of(view, stage, outs, asked.unit, won)
    header = {
        "type": "neuron",
        "id": asked.id,
        "ok": True,
        "layer": asked.layer,
        "unit": asked.unit,
        "kind": "conv" if isinstance(stage.head, Conv2D) else "dense",
        "at": place,
        "where": won,
        "activation": type(stage.activation).__name__ if stage.activation else "Identity",
        **written_out(terms, z, asked.terms),
        "z": z,
        "a": float(a[asked.unit] if place is None else a[(*place, asked.unit)]),
        **normalised(stage, asked.unit, z),
        **among_the_answers(view, stage, asked.unit, outs),
    }
    excite, about = exciting(view, stage, asked.unit, split)
    return {**header, **about}, {"weights": np.ascontiguousarray(terms.weights, np.float32), "excite": excite}


def stage_named(view: View, name: str) -> Stage:
    """The stage whose layer with weights has this name. Raises Refused."""
    if name not in view.by_name:
        raise Refused(f"layer: there is no layer {name!r}; there are {', '.join(view.by_name)}", "layer")
    return view.by_name[name]


def check_unit(stage: Stage, asked: Neuron, shape: tuple[int, ...]) -> None:
    """Raise Refused for a neuron or a place that does not exist."""
    if asked.unit >= shape[-1]:
        raise Refused(f"unit: {stage.head.name} has neurons 0 … {shape[-1] - 1}", "unit")
    for name, value, size in (("row", asked.row, shape[0]), ("column", asked.column, shape[1] if shape[1:] else 0)):
        if value is not None and (len(shape) == 1 or value >= size):
            known = f"runs from 0 to {size - 1}" if len(shape) > 1 else "is for feature maps alone"
            raise Refused(f"{name}: {name} of {stage.head.name} {known}", name)


def run(view: View, image: Array) -> dict[str, Array]:
    """What every layer hands on for this image, by name; "input" is what the first one gets."""
    pixels = view.network.enter(image[np.newaxis])[0]
    return {"input": pixels} | {layer.name: out[0] for layer, out in view.network.activations(image[np.newaxis])}


def places(stage: Stage, outs: dict[str, Array], asked: Neuron) -> tuple[Any, Any]:
    """Where on the feature map (by default its brightest pixel), and where before pooling that number came from."""
    a = outs[(stage.outcome or stage.head).name][:, :, asked.unit]
    brightest = np.unravel_index(int(a.argmax()), a.shape)
    row = int(brightest[0]) if asked.row is None else asked.row
    column = int(brightest[1]) if asked.column is None else asked.column
    pool = next((layer for layer in stage.followers if isinstance(layer, Pool2D)), None)
    if pool is None:
        return (row, column), (row, column)
    before = outs[layer_before(stage, pool).name]
    seen = window(pool, before, (row, column))
    y, x = np.unravel_index(int(seen.values[:, :, asked.unit].argmax()), seen.values.shape[:2])
    return (row, column), (seen.top + int(y), seen.left + int(x))


def layer_before(stage: Stage, layer: Layer) -> Layer:
    """The layer of the stage that hands its numbers to this one."""
    chain = [stage.head, *stage.followers]
    return chain[chain.index(layer) - 1]


def sum_of(view: View, stage: Stage, outs: dict[str, Array], unit: int, won: tuple[int, int] | None) -> Sum:
    """The sum behind z of this neuron."""
    index = view.stages.index(stage)
    before = view.stages[index - 1] if index else None
    x = outs["input"] if before is None else outs[(before.outcome or before.head).name]
    whose = "pixel" if before is None else before.head.name
    W, bias = stage.weighted.W, float(stage.weighted.b[unit])
    if won is not None and isinstance(stage.head, Conv2D):
        seen = window(stage.head, x, won)
        names = [
            f"{whose} (row {seen.top + i}, column {seen.left + j})"
            + (f" of map {c}" if seen.values.shape[2] > 1 else "")
            for i in range(seen.values.shape[0])
            for j in range(seen.values.shape[1])
            for c in range(seen.values.shape[2])
        ]
        return Sum(names, seen.values.ravel(), W[..., unit].ravel(), bias, W[..., unit])
    if x.ndim == 1:
        return Sum([f"{whose} neuron {i}" for i in range(len(x))], x, W[:, unit], bias, W[:, unit])
    rows, columns, maps = x.shape
    names = [
        f"{whose} (row {i}, column {j})" + (f" of map {c}" if maps > 1 else "")
        for i in range(rows)
        for j in range(columns)
        for c in range(maps)
    ]
    weights = W[:, unit].reshape(x.shape)
    return Sum(names, x.ravel(), W[:, unit], bias, weights[:, :, 0] if before is None else weights)


def written_out(terms: Sum, z: float, count: int) -> dict[str, Any]:
    """The sum in print: the largest products one by one, the rest and the bias, so that they add up to z as printed.

    Each product is that of x and w as they are printed, and the rest takes what rounding leaves over.
    """
    products = terms.x * terms.w
    largest = np.argsort(-np.abs(products), kind="stable")[:count]
    listed, total = [], Decimal(0)
    for index in largest[np.abs(products[largest]) > 0]:
        x, w = printed(float(terms.x[index])), printed(float(terms.w[index]))
        product = (x * w).quantize(Decimal(1).scaleb(-DIGITS), ROUND_HALF_EVEN)
        total += product
        listed.append({"input": terms.names[index], "index": int(index), "x": x, "w": w, "product": product})
    bias, whole = printed(terms.bias), printed(z)
    rest = whole - bias - total
    others = int(np.count_nonzero(products)) - len(listed)
    words = [f"{term['w']} × {term['x']}" for term in listed]
    if others > 0 or rest:
        words.append(f"{rest} (from {others} others)")
    words.append(f"{bias} (bias)")
    sentence = f"{' + '.join(words).replace('+ -', '− ')} = {whole}"
    plain = [{**term, **{name: float(term[name]) for name in ("x", "w", "product")}} for term in listed]
    numbers = {"rest": float(rest), "bias": float(bias), "z_printed": float(whole), "others": others}
    return {"inputs": len(products), "terms": plain, **numbers, "sentence": sentence}


def printed(value: float) -> Decimal:
    """The number as it is printed."""
    return Decimal(value).quantize(Decimal(1).scaleb(-DIGITS), ROUND_HALF_EVEN)


def normalised(stage: Stage, unit: int, z: float) -> dict[str, Any]:
    """What batch normalisation makes of z, if the stage has it."""
    layer = next((each for each in stage.followers if isinstance(each, BatchNorm)), None)
    if layer is None:
        return {}
    names = {"mean": "running_mean", "variance": "running_variance", "gamma": "gamma", "beta": "beta"}
    numbers = {short: float(getattr(layer, name)[unit]) for short, name in names.items()}
    scaled = (z - numbers["mean"]) / (numbers["variance"] + layer.epsilon) ** 0.5
    return {"batch_norm": {**numbers, "epsilon": layer.epsilon, "y": numbers["gamma"] * scaled + numbers["beta"]}}


def among_the_answers(view: View, stage: Stage, unit: int, outs: dict[str, Array]) -> dict[str, Any]:
    """What becomes of an output neuron's number: its digit's probability, and `through` what."""
    if stage is not view.stages[-1]:
        return {}
    loss = view.network.loss
    probabilities = loss.probabilities(outs[view.network.layers[-1].name][np.newaxis])[0]
    through = "softmax" if isinstance(loss, SoftmaxCrossEntropy) else "sigmoid"
    return {"probability": float(probabilities[unit]), "through": through}


def exciting(view: View, stage: Stage, unit: int, split: Split) -> tuple[Array, dict[str, Any]]:
    """Those of the split's images that excite the neuron most (12, 28, 28), and how it feels about all of them.

    A channel is as excited as its brightest pixel. Of the output layer it is the probability that counts.
    """
    count = int(np.clip(WORK / max(work_of(view.network) / 3, 1), 200, 1000))
    images, labels = split.images[:count], split.labels[:count]
    outs = view.until(stage.outcome or stage.head, images)
    if stage is view.stages[-1]:
        outs = view.network.loss.probabilities(outs)
    a = outs[..., unit].reshape(len(images), -1).max(axis=1)
    order = np.argsort(-a, kind="stable")[:EXCITING]
    return np.ascontiguousarray(images[order]), {
        "images": len(images),
        "excite_labels": labels[order].tolist(),
        "excite_activations": [float(value) for value in a[order]],
        "mean_activation": float(a.mean()),
        "dead_fraction": float(np.mean(a == 0)),
    }
