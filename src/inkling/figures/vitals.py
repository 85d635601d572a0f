"""The health of every layer while the network learns: how large its activations and gradients are, what is dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.figures.curves import label_decades, scale_epochs
from inkling.figures.style import MUTED, new_figure, notice, styled, tidy
from inkling.nn.part import Array
from inkling.training import Sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRANGE = 3.0
"""Gradients that differ by less than this factor between the first and the last layer are of similar size."""
UNCHANGING = ("dropout", "flatten", "identity")
"""Layers that, looked at with dropout off, let everything pass as it is: they show what the one before shows."""
BETWEEN = ("batchnorm", "maxpool2d", "averagepool2d", "globalaveragepool2d")
"""Layers that neither learn weights nor silence anything."""


def vital_signs(signs: Sequence[Sign]) -> Figure:
    """Spread of activations, spread of gradients and share of zeros, layer by layer, over the epochs.

    `signs`: what the `Vitals` callback has collected. Epoch 0 is the network before it learned anything. The first
    panel shows what each layer hands on (its activation's output), the second ∂loss/∂z of the layers that learn.
    """
    layers: dict[str, list[Sign]] = {}
    for sign in signs:
        if kind(sign.layer) not in UNCHANGING:
            layers.setdefault(sign.layer, []).append(sign)
    if not layers:
        return notice("No vital signs", "Nobody looked at the layers while this network was trained.")
    learning = {name: seen for name, seen in layers.items() if seen[0].weight_std is not None}
    outputs, activations = handed_on(layers, learning), without(layers, learning)
    activations = {name: seen for name, seen in activations.items() if kind(name) not in BETWEEN}
    with styled():
        figure = new_figure(12.5, 4.9)
        figure.suptitle(headline(learning, activations), fontsize=14)
        left, middle, right = figure.subplots(1, 3)
        draw(left, outputs, lambda sign: sign.output_std, scale_spread)
        left.set_title("spread of what a layer hands on\n(standard deviation)")
        draw(middle, learning, lambda sign: sign.gradient_std, scale_gradients)
        middle.set_title("spread of the gradients ∂loss/∂z\n(standard deviation)")
        zeros = activations or outputs
        draw(right, zeros, lambda sign: sign.zero_fraction, scale_shares, dead_note)
        right.set_title("outputs that are exactly 0\n(share of all)")
        if not any(sign.zero_fraction for seen in zeros.values() for sign in seen):
            # All the lines lie on the axis, and their names would only crowd around it.
            for named in list(right.texts):
                named.remove()
            right.text(0.5, 0.6, "none in any layer", transform=right.transAxes, ha="center", color=MUTED)
    return figure


def kind(layer: str) -> str:
    """The kind of a layer: "relu_1" → "relu"."""
    return layer.rpartition("_")[0]


def without(layers: Mapping[str, list[Sign]], left_out: Mapping[str, list[Sign]]) -> dict[str, list[Sign]]:
    """The layers that are not among those left out."""
    return {name: seen for name, seen in layers.items() if name not in left_out}


def handed_on(layers: Mapping[str, list[Sign]], learning: Mapping[str, list[Sign]]) -> dict[str, list[Sign]]:
    """The layers whose output goes into the next layer that learns, or out of the network: a, not z."""
    names = list(layers)
    last = [name for name, after in zip(names, [*names[1:], None], strict=True) if after is None or after in learning]
    return {name: layers[name] for name in last}


def headline(learning: Mapping[str, list[Sign]], activations: Mapping[str, list[Sign]]) -> str:
    """What the signs say: of the gradients, and of dead neurons."""
    said = [gradients_say(list(learning.values()))]
    dead = {name: seen[-1] for name, seen in activations.items() if seen[-1].dead_units}
    if dead:
        named = ", ".join(f"{sign.dead_units:,} of {sign.units:,} in {name}" for name, sign in dead.items())
        total = sum(sign.dead_units for sign in dead.values())
        said.append(f"dead neurons: {named}" if len(dead) <= 3 else f"{total:,} dead neurons")
    elif any(seen[-1].zero_fraction for seen in activations.values()):
        said.append("no dead neurons")
    sentence = "; ".join(filter(None, said))
    return sentence[:1].upper() + sentence[1:]


def gradients_say(learning: Sequence[Sequence[Sign]]) -> str:
    """How the gradients change on their way from the last layer to the first, after the last epoch."""
    if len(learning) < 2:
        return "one layer learns, so gradients have no way to vanish on" if learning else "no layer learns"
    first, last = learning[0][-1].gradient_std, learning[-1][-1].gradient_std
    if last > 0 and first == 0:
        return "gradients vanish before they reach the first layer"
    if first <= 0 or last <= 0 or not np.isfinite(first / last):
        return ""
    if last / first > STRANGE:
        return f"gradients shrink {rounded(last / first)}-fold from the last to the first layer"
    if first / last > STRANGE:
        return f"gradients grow {rounded(first / last)}-fold from the last to the first layer"
    return "gradients are of similar size in the first and the last layer"


def rounded(factor: float) -> str:
    """Two figures of a factor are as many as anybody remembers."""
    return f"{float(f'{factor:.2g}'):,.0f}"


def dead_note(sign: Sign) -> str:
    """How many neurons of the layer are silent for every image."""
    return f" ({sign.dead_units:,} dead)" if sign.dead_units else ""


def draw(
    axes: Axes,
    layers: Mapping[str, list[Sign]],
    value: Callable[[Sign], float],
    scale: Callable[[Axes, Array], None],
    note: Callable[[Sign], str] | None = None,
) -> None:
    """A line a layer, dark for the first and light for the last, its name (and note) at its end."""
    from matplotlib import colormaps

    # The light end of the map would not be seen on paper.
    shades = colormaps["viridis"](np.linspace(0, 0.72, len(layers)))
    lines = []
    for shade, (name, seen) in zip(shades, layers.items(), strict=True):
        epochs = [sign.epoch for sign in seen]
        values = [value(sign) for sign in seen]
        dots: dict[str, Any] = {"marker": "o", "markersize": 4} if len(epochs) <= 20 else {}
        axes.plot(epochs, values, color=shade, linewidth=1.8, label=name, **dots)
        lines.append((name + (note(seen[-1]) if note else ""), values[-1], shade))
    numbers = np.array([value(sign) for seen in layers.values() for sign in seen], dtype=float)
    scale(axes, numbers[np.isfinite(numbers) & (numbers > 0)])
    axes.set_xlabel("epoch")
    scale_epochs(axes, max(seen[-1].epoch for seen in layers.values()), first=0, ticks=5)
    tidy(axes)
    axes.grid(axis="y", color=MUTED, alpha=0.2, linewidth=0.8)
    name_ends(axes, lines)


def scale_gradients(axes: Axes, positive: Array) -> None:
    """Always in decades: it is the factor from layer to layer that counts."""
    if len(positive):
        label_decades(axes, positive, most=7)


def scale_spread(axes: Axes, positive: Array) -> None:
    """From zero, or in decades if there are several."""
    if len(positive) and positive.max() / positive.min() > 20:
        label_decades(axes, positive, most=7)
    else:
        axes.set_ylim(0, 1.08 * positive.max(initial=0) or 1)


def scale_shares(axes: Axes, _positive: Array) -> None:
    """Percent, from 0 to 100."""
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])


def name_ends(axes: Axes, lines: Sequence[tuple[str, float, Array]], apart: float = 0.062) -> None:
    """Each line's name beside its right end, moved up or down (by at least `apart` of the height) to be read."""
    ends = np.array([value for _, value, _ in lines], dtype=float)
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        low, high = np.log(low), np.log(high)
        ends = np.log(np.maximum(ends, np.finfo(float).tiny))
    heights = np.clip(np.nan_to_num((ends - low) / (high - low)), 0, 1)
    places = spread(heights, apart)
    for (name, _, shade), height, place in zip(lines, heights, places, strict=True):
        axes.annotate(
            name,
            (1, height),
            (1.07, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=shade,
            fontsize=10,
            arrowprops={"arrowstyle": "-", "color": shade, "linewidth": 0.8, "relpos": (0, 0.5), "shrinkB": 0},
        )


def spread(heights: Array, apart: float) -> Array:
    """Heights (0 … 1) moved as little as needed to lie at least `apart`, in the same order."""
    order = np.argsort(heights, kind="stable")
    apart = min(apart, 1 / max(len(heights) - 1, 1))
    steps = np.arange(len(heights)) * apart
    # Without the gaps between them, names that push each other share one height, the mean of those they want.
    groups: list[list[float]] = []
    for wanted in heights[order] - steps:
        groups.append([float(wanted)])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            upper = groups.pop()
            groups[-1] += upper
    shared = np.array([np.mean(group) for group in groups for _ in group])
    settled = np.clip(shared, 0, 1 - steps[-1]) + steps
    places = np.empty_like(heights)
    places[order] = settled
    return places
