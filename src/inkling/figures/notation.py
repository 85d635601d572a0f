"""Formulas with the numbers of a real network in them, as lines of text.

A number is shown with about three digits. Where numbers are added up, the last of them (the terms that are not
shown one by one) takes in the rounding of the others, so that who adds up what is shown gets what is shown.
"""

from __future__ import annotations

import math

import numpy as np

from inkling.nn import BatchNorm, Identity, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from inkling.nn.part import Array


def subscript(index: int) -> str:
    """17 → "₁₇"."""
    return str(index).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def decimals_for(value: float, least: int = 2) -> int:
    """As many decimals as show three digits of the number, between `least` and 6."""
    size = abs(float(value))
    return min(max(2 - math.floor(math.log10(size)), least), 6) if size else least


def fixed(value: float, decimals: int) -> str:
    """The number with a real minus sign, and never −0.00."""
    return f"{round(float(value), decimals) + 0.0:.{decimals}f}".replace("-", "−")


def brief(value: float, digits: int = 3) -> str:
    """About that many digits, however large or small the number is: 0.0431, 12.3, 3.12·10⁻⁵."""
    size = abs(float(value))
    if size == 0:
        return "0"
    if 1e-3 <= size < 1e4:
        return fixed(value, max(digits - 1 - math.floor(math.log10(size)), 0))
    mantissa, exponent = f"{float(value):.{digits - 1}e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{raised}".replace("-", "−")


def weighted_sum(x: Array, w: Array, b: float, z: float, neuron: int, terms: int = 3) -> list[str]:
    """One neuron's z = Σ w·x + b in two lines: the largest terms one by one; then the others, the bias, the sum.

    Shapes: x (inputs,), w (inputs,).
    """
    x, w = x.astype(np.float64), w.astype(np.float64)
    products = w * x
    largest = np.argsort(-np.abs(products), kind="stable")[:terms]
    shown = [int(index) for index in largest if products[index] != 0]
    w_decimals = decimals_for(max((abs(w[index]) for index in shown), default=0))
    x_decimals = decimals_for(max((abs(x[index]) for index in shown), default=0))
    decimals = decimals_for(z, 3)
    first, total, added = "", 0.0, round(float(b), decimals)
    for index in shown:
        weight, value = round(float(w[index]), w_decimals), round(float(x[index]), x_decimals)
        total += weight * value
        factor = fixed(value, x_decimals) if value >= 0 else f"({fixed(value, x_decimals)})"
        first += joined(weight, w_decimals, first) + "·" + factor
    rest = round(z, decimals) - total - added
    others = len(products) - len(shown)
    more = "more " * bool(shown)
    second = f"{joined(rest, decimals, first)} ({others:,} {more}term{'s' * (others > 1)})" if others else ""
    second += joined(added, decimals, first + second) + f" (b) = {fixed(z, decimals)}"
    name = f"z{subscript(neuron)} = "
    return [name + first, "    " + second.lstrip()] if first else [name + second]


def joined(value: float, decimals: int, before: str) -> str:
    """The number as the next term of a sum: " + 0.31", " − 0.31", or alone if nothing stands before it."""
    number = fixed(value, decimals)
    if not before:
        return number
    return f" − {number[1:]}" if number.startswith("−") else f" + {number}"


def activation_formula(layer: Layer, z: float, a: float, neuron: int) -> str | None:
    """What the activation makes of one z; None where one z alone doesn't decide (Softmax), or it is unknown."""
    name = f"a{subscript(neuron)} = "
    z_shown, a_shown = fixed(z, decimals_for(z, 3)), fixed(a, decimals_for(a, 3))
    if isinstance(layer, ReLU):
        return f"{name}max(0, {z_shown}) = {a_shown}"
    if isinstance(layer, LeakyReLU):
        return f"{name}z = {z_shown}" if z > 0 else f"{name}{layer.slope:g} · ({z_shown}) = {a_shown}"
    if isinstance(layer, Sigmoid):
        return sigmoid_formula(z, a, neuron)
    if isinstance(layer, Tanh):
        return f"{name}tanh({z_shown}) = {a_shown}"
    if isinstance(layer, Identity):
        return f"{name}z = {z_shown}"
    return None


def sigmoid_formula(z: float, a: float, neuron: int) -> str:
    """Sigmoid: a = 1 / (1 + e^−z)."""
    return f"a{subscript(neuron)} = 1 / (1 + $e^{{{fixed(-z, decimals_for(z, 3))}}}$) = {fixed(a, decimals_for(a, 3))}"


def softmax_formula(z: Array, neuron: int, name: str = "p") -> str:
    """pₖ = e^zₖ / Σ e^z for one of the scores z (classes,)."""
    z = z.astype(np.float64)
    powers = np.exp(z - z.max())
    p = powers[neuron] / powers.sum()
    shown = fixed(p, 4)
    start = f"{name}{subscript(neuron)} = $e^{{z_{{{neuron}}}}}$ / Σ $e^{{z_k}}$ = "
    if np.abs(z).max() > 300:  # too large to raise e to: take the largest score off all of them
        return f"{start}{brief(powers[neuron], 4)} / {brief(powers.sum(), 4)} = {shown}"
    return f"{start}$e^{{{fixed(z[neuron], decimals_for(z[neuron], 3))}}}$ / {brief(np.exp(z).sum(), 4)} = {shown}"


def norm_formula(layer: BatchNorm, z: float, normed: float, channel: int) -> str:
    """Batch normalization in a prediction: γ·(z − mean) / σ + β."""
    sigma = math.sqrt(float(layer.running_variance[channel]) + layer.epsilon)
    gamma, mean, beta = (float(values[channel]) for values in (layer.gamma, layer.running_mean, layer.beta))
    inside = fixed(z, 3)
    inside += joined(-mean, 3, inside)
    line = f"norm{subscript(channel)} = {fixed(gamma, 3)}·({inside})/{brief(sigma, 4)}"
    return f"{line}{joined(beta, 3, line)} = {brief(normed)}"


def max_formula(values: Array, channel: int) -> str:
    """The largest number of a window (n,), which is written out if it is small enough."""
    values = values.astype(np.float64)
    decimals = decimals_for(values.max(), 3)
    shown = [fixed(value, decimals) for value in values] if len(values) <= 4 else [f"{len(values)} numbers"]
    return f"max{subscript(channel)} = max({', '.join(shown)}) = {fixed(values.max(), decimals)}"


def mean_formula(values: Array, channel: int) -> str:
    """The mean of a window (n,)."""
    values = values.astype(np.float64)
    total, mean = values.sum(), values.mean()
    return (
        f"mean{subscript(channel)} = {fixed(total, decimals_for(total, 3))} / {len(values)} = "
        f"{fixed(mean, decimals_for(mean, 3))}"
    )


def share_formula(a: Array, p: Array, neuron: int) -> str:
    """The probability p of a network whose outputs (classes,) are no probabilities yet: each divided by their sum."""
    total = np.maximum(a, 0).sum()
    return (
        f"p{subscript(neuron)} = a{subscript(neuron)} / Σ aₖ = "
        f"{fixed(a[neuron], 3)} / {fixed(total, 3)} = {fixed(p[neuron], 3)}"
    )
