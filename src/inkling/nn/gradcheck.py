"""Is the gradient right? Move one parameter a little, see what the loss does, and compare.

The derivative is the limit of (f(p + h) − f(p − h)) / 2h, so this quotient, with a small h, must agree with
what backpropagation computed. It needs two passes for every parameter, far too slow for learning, but
it cannot be wrong in the same way, which makes it the test of every layer here and of yours.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from inkling.nn.network import Network
from inkling.nn.part import Array


@dataclass(frozen=True)
class GradientCheck:
    """The outcome for one network and batch."""

    errors: dict[str, float]
    """The relative error of each parameter array, by name ("dense_1.W"): ‖analytic − numerical‖ over the
    larger of the two norms; about 1e-9 where all is well, above 1e-5 where something is wrong."""
    analytic: dict[str, Array] = field(repr=False)
    numerical: dict[str, Array] = field(repr=False)
    """Where an array has more entries than were checked, the others are NaN."""

    @property
    def worst(self) -> float:
        """The largest of the errors."""
        return float(np.max(list(self.errors.values()), initial=0.0))  # unlike max(), NaN wins

    def __str__(self) -> str:
        return "\n".join(f"{name:<16} relative error {error:.1e}" for name, error in self.errors.items())


def gradcheck(
    network: Network,
    x: Array,
    labels: Array,
    *,
    weights: Array | None = None,
    h: float = 1e-5,
    at_most: int = 200,
    seed: int = 0,
) -> GradientCheck:
    """Compare backpropagation with numerical gradients on this batch, parameter by parameter.

    `weights` (batch,) say how much each sample counts; by default they all do the same.
    At most `at_most` entries of each parameter array are checked, picked by `seed`. The network must be of
    dtype float64: float32 rounds away what is compared. Parameters and state are left as they were; dropout drops
    the same neurons each time.
    ∂loss/∂x of layers before the first one that learns takes no part; put a Dense before a layer of yours to check it.
    Where a ReLU's z lies within h of 0, the quotient straddles the kink and the error is larger.
    """
    if network.dtype != np.float64:
        raise ValueError("gradcheck needs a network of dtype float64; make it with dtype=np.float64")
    step, state = network.step, network.state.copy()
    network.compute_gradients(x, labels, weights)
    network.step = step
    analytic = {name: gradient.copy() for name, gradient in network.named_gradients()}
    choice = np.random.default_rng(seed)
    numerical, errors = {}, {}
    for name, values in network.named_parameters():
        picked = np.sort(choice.permutation(values.size)[:at_most])
        numerical[name] = numerical_gradient(lambda: network.objective(x, labels, weights), values, picked, h)
        errors[name] = relative_error(analytic[name].flat[picked], numerical[name].flat[picked])
    network.state[...] = state
    return GradientCheck(errors, analytic, numerical)


def numerical_gradient(
    function: Callable[[], float], values: Array, picked: Array | None = None, h: float = 1e-5
) -> Array:
    """∂function/∂values by central differences, an array like `values`.

    `function` reads `values` (float64), which is changed in place and put back. Only the flat indices in
    `picked` are worked out, the others are NaN; by default all.
    """
    gradient = np.full_like(values, np.nan)
    for index in range(values.size) if picked is None else picked:
        before = values.flat[index]
        values.flat[index] = before + h
        above = function()
        values.flat[index] = before - h
        below = function()
        values.flat[index] = before
        gradient.flat[index] = (above - below) / (2 * h)
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """‖a − b‖ / max(‖a‖, ‖b‖), and 0 where both are zero."""
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    return float(np.linalg.norm(a - b)) / size if size else 0.0
