"""Ways between Inkling and the outside: one outside world a file, each with the package that it needs.

Nothing is loaded until a name is first used, so that whoever wants one of these worlds needs no package of the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkling.interop.estimator import DigitsClassifier
    from inkling.interop.onnx_export import to_onnx
    from inkling.interop.tensorboard import TensorBoard

WHERE = {
    "inkling.interop.estimator": ["DigitsClassifier"],
    "inkling.interop.onnx_export": ["to_onnx"],
    "inkling.interop.tensorboard": ["TensorBoard"],
}
"""Which file each name lives in: it is opened when the name is first used."""

__all__ = [
    "DigitsClassifier",
    "TensorBoard",
    "to_onnx",
]


def __getattr__(name: str) -> Any:
    for file, names in WHERE.items():
        if name in names:
            return getattr(import_module(file), name)
    raise AttributeError(f"module 'inkling.interop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
