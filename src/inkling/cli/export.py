"""`inkling export`: a network as a file that other programs can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.models import Model, load_reader
from inkling.cli.terminal import plain, print_json, report, results
from inkling.errors import InklingError, ModelFileError

if TYPE_CHECKING:
    import onnx
    from rich.console import Console

    from inkling.nn import Network

CLOSE = 1e-4
"""How far onnxruntime's probabilities may be from Inkling's: rounding makes a thousandth of that."""


def export(
    model: Model = "latest",
    to: Annotated[str, typer.Option("--to", metavar="onnx", help="The form of the file.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="beside the model, as .onnx")
    ] = None,
    input: Annotated[  # noqa: A002
        str,
        typer.Option(
            "--input", metavar="uint8|float32", help="How the file takes pixels: 0 … 255, or floats from 0 to 1."
        ),
    ] = "uint8",
    json: options.Json = False,
) -> None:
    """Write a network as an ONNX file, which runs in browsers, on phones, in C#, C++, Java …

    Everything between pixels and answer is in the file: it takes images and
    gives probabilities and digits. If onnxruntime is installed, both read a
    few digits first, and must agree.

    Examples:
      inkling export latest --to onnx

      inkling export pretrained --to onnx --out digits.onnx

    """
    from inkling.interop import to_onnx
    from inkling.interop.onnx_export import need_onnx
    from inkling.storage import find_model, write_atomically

    if to != "onnx":
        raise InklingError(f"--to {to}: it can be onnx")
    if input not in ("uint8", "float32"):
        raise InklingError(f"--input {input}: it can be uint8 or float32")
    need_onnx()
    found = find_model(model)
    try:
        network = load_reader(model)
    except ModelFileError:
        if found.suffix == ".safetensors":
            raise
        raise ModelFileError(f"{found} is no Inkling model: name a run folder or a .safetensors file") from None
    if out is None:
        out = Path(f"{model}.{to}") if model == "pretrained" else found.with_suffix(f".{to}")
    elif out.is_dir():
        raise InklingError(f"--out {out} is a folder: name the file to write")
    if out.exists():
        raise InklingError(f"{out} exists already: name another file with --out")
    written = to_onnx(network, input=input, about=known_of(found))
    content = written.SerializeToString(deterministic=True)
    checked = check(network, content, input)
    write_atomically(out, lambda beside: beside.write_bytes(content))
    if json:
        ends = {"inputs": describe(written.graph.input), "outputs": describe(written.graph.output)}
        versions = {"opset": written.opset_import[0].version, "ir_version": written.ir_version}
        about = {"model": model, "format": to, "file": str(out), "bytes": len(content)}
        print_json({**about, **versions, **ends, "checked": checked})
    else:
        show(results(), out, written, len(content), checked)


def known_of(model: Path) -> dict[str, Any]:
    """What is known of a network: what its file says, and of a run what was measured."""
    from inkling.storage import RunFolder, read_arrays
    from inkling.training.runs import read_metrics

    _, metadata = read_arrays(model)
    about = dict(metadata.get("about") or {})
    run = RunFolder(model.parent)
    if model == run.model:
        try:
            metrics = read_metrics(run.metrics)
            about["dataset"] = metrics["dataset"].get("source")
            about |= {name: metrics.get(name) for name in ("validation_accuracy", "test_accuracy")}
        except InklingError:
            pass  # the run was interrupted before it was measured, or somebody tidied up
    return {name: value for name, value in about.items() if value is not None}


def check(network: Network, content: bytes, pixels: str) -> dict[str, Any] | None:
    """Let onnxruntime read some digits; None if it is not installed, or cannot.

    Raises InklingError if it does not agree with the network: such a file would be worse than none.
    """
    import numpy as np

    try:
        import onnxruntime
    except ImportError:
        return None
    from inkling.data import load_data

    name = f"onnxruntime {onnxruntime.__version__}"
    images = load_data("digits").train.images[:20]
    given = images if pixels == "uint8" else images.astype(np.float32) / np.float32(255)
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        probabilities, digits = session.run(None, {"images": given})
    except Exception as error:  # it has many kinds, and none of them is the file's fault for certain
        report(f"{name} cannot run the file, so it is not checked: {error}")
        return None
    expected = network.predict_proba(images)
    difference = float(np.max(np.abs(probabilities - expected)))
    # Where two classes are as good as equal, either is right.
    short = float(np.max(expected.max(axis=1) - expected[np.arange(len(digits)), digits]))
    if not max(difference, short) <= CLOSE:
        raise InklingError(
            f"nothing written: {name} gives other probabilities than Inkling (by up to {difference:.1e})"
        )
    return {"runtime": name, "images": len(images), "largest_difference": difference}


def describe(ends: Any) -> list[dict[str, Any]]:
    """Name, type and shape of a model's inputs or outputs."""
    from onnx import TensorProto

    found = []
    for end in ends:
        kind = end.type.tensor_type
        shape = [axis.dim_param or axis.dim_value for axis in kind.shape.dim]
        element = {TensorProto.UINT8: "uint8", TensorProto.INT64: "int64"}.get(kind.elem_type, "float32")
        found.append({"name": end.name, "type": element, "shape": shape, "description": end.doc_string})
    return found


def show(out: Console, file: Path, model: onnx.ModelProto, size: int, checked: dict[str, Any] | None) -> None:
    """The file, what goes in and comes out, and how to run it."""
    ends = [("in", end) for end in describe(model.graph.input)] + [("out", end) for end in describe(model.graph.output)]
    out.print(f"[bold]{plain(file)}[/]  {size / 1000:,.0f} kB", highlight=False, soft_wrap=True)
    for way, end in ends:
        shape = ", ".join(map(str, end["shape"])) + ("," if len(end["shape"]) == 1 else "")
        line = f"{way:<4} {end['name']:<14} {end['type']:<8} ({shape})"
        out.print(f"{line:<48} [dim]{plain(end['description'])}[/]", highlight=False, soft_wrap=True)
    if checked:
        agreed = f"{checked['runtime']} gives the same probabilities to {checked['largest_difference']:.0e}"
        out.print(f"checked: {agreed} ({checked['images']} digits)", highlight=False)
    given = "images" if describe(model.graph.input)[0]["type"] == "uint8" else '(images / 255).astype("float32")'
    out.print("\nTo run it in Python (pip install onnxruntime), where images are uint8 (n, 28, 28):", highlight=False)
    for line in (
        "import onnxruntime",
        f"session = onnxruntime.InferenceSession({str(file)!r})",
        f'probabilities, digits = session.run(None, {{"images": {given}}})',
    ):
        out.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
