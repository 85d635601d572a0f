"""`inkling explain`: one digit's way through a trained network and back, in numbers that one can check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.evaluate import find_digits
from inkling.cli.models import Model, load_reader
from inkling.cli.terminal import a_digit, percent, plain, print_json, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.console import Console

    from inkling.figures.windows import Place
    from inkling.nn import Layer, Network
    from inkling.nn.part import Array
    from inkling.training.trace import LayerTrace, Trace

TERMS = 4
"""How many of a neuron's products are written out."""


def explain(
    run: Model = "latest",
    sample: Annotated[
        int, typer.Option(help="Which test image, counted from 0 (without a test set: validation).", min=0)
    ] = 0,
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Walk one digit through the network in numbers, forward and backward.

    Each layer is shown with the sum that makes one of its neurons (of a
    convolution, one pixel: the window it sees and the kernel); then the
    loss, and how it flows back; and at the end the gradient is proved: moving a
    weight a little changes the loss by as much as the gradient says.

    Example:
      inkling explain latest --sample 7

    """
    import numpy as np

    from inkling.cli.pixels import numbers_to_follow
    from inkling.training import trace

    network = load_reader(run)
    digits = find_digits(run, data)
    kind, split = "Test", digits.test
    if split is None:
        kind, split = ("Validation", digits.validation) if digits.validation else ("Training", digits.train)
    if sample >= len(split):
        raise InklingError(f"--sample {sample}: there are only {len(split):,} images, 0 … {len(split) - 1:,}")
    image, label = split.images[sample : sample + 1], split.labels[sample : sample + 1]
    # In float64, so that what is written out adds up, and the numerical gradient has digits to agree in.
    exact = type(network).from_config({**network.config(), "dtype": "float64"})
    exact.parameters[...], exact.state[...] = network.parameters, network.state
    steps = trace(exact, image, label)
    proofs = prove(exact, steps, image, label)
    if json:
        print_json(as_values(steps, proofs, sample, int(label[0])))
        return
    out = results()
    say_digit(out, image[0], int(label[0]), f"{kind} image {sample}")
    watched = numbers_to_follow(exact, steps)
    for step in steps.layers:
        say_forward(out, step, watched)
    say_outcome(out, exact, steps, int(label[0]))
    out.print("\n[bold]And back[/]: how the loss changes with every number on the way.", highlight=False)
    for step in reversed(steps.layers):
        say_backward(out, step, watched.get(step.layer.name))
    dx = np.abs(steps.layers[0].dx[0])
    y, x = np.unravel_index(int(dx.argmax()), dx.shape)[:2]
    out.print(f"[bold]pixels[/]  the loss depends most on the one in row {y}, column {x}", highlight=False)
    say_proofs(out, proofs)


def say_digit(out: Console, image: Array, label: int, name: str) -> None:
    """The digit as characters."""
    from inkling.data import ascii_digit

    out.print(f"[bold]{name}, a {label}[/]: 28 × 28 pixels, each a number from 0 (paper) to 1 (ink)")
    out.print(ascii_digit(image, blocks=not out.options.ascii_only), highlight=False, markup=False)


def say_forward(out: Console, step: LayerTrace, watched: dict[str, Place]) -> None:
    """What a layer made of its input, and the sum behind one neuron or pixel."""
    import numpy as np

    from inkling.cli.pixels import forward_lines

    layer, values = step.layer, step.out[0].ravel()
    shapes = f"{times(layer.input_shape)} → {times(layer.output_shape)}"
    if not layer.parameter_shapes() and np.array_equal(step.x.ravel(), step.out.ravel()) and not values.all():
        out.print(f"\n[bold]{layer.name}[/]  lets everything through   [dim]{shapes}[/]", highlight=False)
        return
    out.print(f"\n[bold]{layer.name}[/]  {plain(formula(layer))}   [dim]{shapes}[/]", highlight=False, soft_wrap=True)
    if "W" in step.parameters and len(layer.output_shape) == 1:
        (neuron,) = watched[layer.name]
        out.print(f"  z ranges from {values.min():.3f} to {values.max():.3f}", highlight=False)
        out.print(f"  neuron {neuron}: {written_sum(step, neuron)}", highlight=False, soft_wrap=True)
        return
    lines = forward_lines(step, watched[layer.name]) if layer.name in watched else []
    for line in lines:
        out.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if lines:
        return
    active = int((values != 0).sum())
    out.print(f"  {active} of {values.size} outputs are not 0, the largest is {values.max():.4f}", highlight=False)


def written_sum(step: LayerTrace, neuron: int) -> str:
    """The z of one neuron of a Dense layer: its largest products, the sum of the others, and the bias."""
    x, weights = step.x[0].ravel(), step.parameters["W"][:, neuron]
    products = x * weights
    largest = abs(products).argsort()[::-1][:TERMS]
    terms = [f"{weights[i]:.3f}·{x[i]:.3f}" for i in largest]
    rest = float(products.sum() - products[largest].sum())
    others = int((products != 0).sum()) - len(largest)
    if others > 0:
        terms.append(f"({rest:.3f} from {others} other{'s' if others > 1 else ''})")
    return f"z = {' + '.join(terms)} + b ({step.parameters['b'][neuron]:.3f}) = {step.out[0, neuron]:.4f}"


def say_outcome(out: Console, network: Network, steps: Trace, label: int) -> None:
    """Probabilities and loss."""
    p = steps.probabilities[0]
    digit = int(p.argmax())
    verdict = "right" if digit == label else f"wrong, it is {a_digit(label)}"
    out.print(f"\n[bold]It reads {a_digit(digit)}[/] ({percent(float(p[digit]))} sure): {verdict}", highlight=False)
    for k, chance in enumerate(p):
        mark = "  ← true" if k == label else ""
        out.print(f"  {k} {'█' * round(float(chance) * 40):<40} {chance:.6f}{mark}", highlight=False)
    name = type(network.loss).__name__
    if name == "SoftmaxCrossEntropy":
        text = f"−log p({label}) = −log {p[label]:.6f} = {steps.loss:.6f}"
    elif name == "MeanSquaredError":
        text = f"½ Σ (a − y)² = {steps.loss:.6f}"
    else:
        text = f"−Σ [y·log a + (1 − y)·log(1 − a)] = {steps.loss:.6f}"
    out.print(f"[bold]loss[/] = {text}", highlight=False)


def say_backward(out: Console, step: LayerTrace, place: Place | None) -> None:
    """How the loss changes with a layer's outputs and parameters, and one of these derivatives as a product."""
    import numpy as np

    from inkling.cli.pixels import backward_lines

    size = float(np.linalg.norm(step.dout))
    line = f"[bold]{step.layer.name}[/]  ‖∂loss/∂output‖ = {size:.3e}"
    for name, gradient in step.gradients.items():
        line += f"   ‖d{name}‖ = {float(np.linalg.norm(gradient)):.3e} [dim]{times(gradient.shape)}[/]"
    out.print(line, highlight=False, soft_wrap=True)
    if place is None:
        return
    for words in backward_lines(step, place):
        out.print(f"  {words}", highlight=False, markup=False, soft_wrap=True)
    if "W" in step.gradients and len(place) == 1:
        (neuron,) = place
        x = step.x[0].ravel()
        i = int(abs(x).argmax())
        gradient = step.gradients["W"][i, neuron]
        out.print(
            f"  dW[{i},{neuron}] = x[{i}] · dz[{neuron}] = {x[i]:.4f} · {step.dout[0, neuron]:.6f} = {gradient:.6f}",
            highlight=False,
        )


def prove(network: Network, steps: Trace, image: Array, label: Array) -> list[dict[str, Any]]:
    """For the largest gradient of every parameter array: the analytic and the numerical value."""
    import numpy as np

    from inkling.nn import numerical_gradient

    proofs = []
    for name, values in network.named_parameters():
        layer, _, short = name.partition(".")
        gradient = steps[layer].gradients[short]
        index = int(np.abs(gradient).argmax())

        def objective() -> float:
            return network.loss.objective(network.forward(image), label)

        numerical = numerical_gradient(objective, values, np.array([index]), h=1e-5).flat[index]
        place = ", ".join(str(int(i)) for i in np.unravel_index(index, values.shape))
        analytic = float(gradient.flat[index])
        scale = max(abs(analytic), abs(float(numerical)))
        error = abs(analytic - float(numerical)) / scale if scale else 0.0
        proofs.append(
            {"parameter": f"{name}[{place}]", "analytic": analytic, "numerical": float(numerical), "error": error}
        )
    return proofs


def say_proofs(out: Console, proofs: list[dict[str, Any]]) -> None:
    """Backpropagation beside the difference quotient."""
    from rich.table import Table

    table = Table(title="Is it true? Move one weight by ±0.00001 and see what the loss does", title_justify="left")
    table.add_column("parameter")
    for column in ("by backpropagation", "by moving it", "relative error"):
        table.add_column(column, justify="right")
    for proof in proofs:
        error = proof["error"]
        table.add_row(
            proof["parameter"].replace("[", r"\["),
            f"{proof['analytic']:+.9e}",
            f"{proof['numerical']:+.9e}",
            f"{error:.0e}" if error else "0",
        )
    out.print()
    out.print(table)


def as_values(steps: Trace, proofs: list[dict[str, Any]], sample: int, label: int) -> dict[str, Any]:
    """The walk as JSON: sizes of everything, the probabilities, the loss, the proofs."""
    import numpy as np

    return {
        "sample": sample,
        "label": label,
        "digit": int(steps.probabilities[0].argmax()),
        "probabilities": steps.probabilities[0].tolist(),
        "loss": steps.loss,
        "layers": [
            {
                "name": step.layer.name,
                "input_shape": list(step.layer.input_shape),
                "output_shape": list(step.layer.output_shape),
                "output_norm": float(np.linalg.norm(step.out)),
                "output_gradient_norm": float(np.linalg.norm(step.dout)),
                "parameter_gradient_norms": {
                    name: float(np.linalg.norm(gradient)) for name, gradient in step.gradients.items()
                },
            }
            for step in steps.layers
        ],
        "gradient_check": proofs,
    }


def formula(layer: Layer) -> str:
    """What a layer computes, as its docstring says it first."""
    first = (type(layer).__doc__ or "").strip().splitlines()[0]
    return first.split(".  ")[0].rstrip(".")


def times(shape: tuple[int, ...]) -> str:
    """(28, 28) → "28×28"."""
    return "×".join(map(str, shape))
