"""What every piece of a network has in common: it can describe itself.

Layers, losses, initializers, schedules and optimizers are all `Part`s. A part is known by its type and
the arguments it was made with, which is all that a saved network has to remember beside its numbers.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Config: TypeAlias = dict[str, Any]


class ShapeError(ValueError):
    """Two neighbours don't fit. The message names the layer, what it got and what it wanted."""


class Part:
    """Something a network is made of.

    A subclass keeps the arguments of its `__init__` in attributes of the same names; `config` and `repr`
    read them there. Subclasses register themselves, so a layer that you write is saved and loaded like
    the built-in ones as long as its module has been imported.
    """

    types: ClassVar[dict[str, type[Part]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known = Part.types.get(cls.__name__)
        if known is not None and known.__module__ != cls.__module__ and known.__module__.startswith("inkling."):
            raise TypeError(
                f"Inkling has a {cls.__name__} already: give your class another name, or files get mixed up"
            )
        Part.types[cls.__name__] = cls

    def arguments(self) -> Config:
        """The arguments this part was made with, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def config(self) -> Config:
        """Type and arguments as plain values (numbers, strings, lists, dictionaries), ready for JSON."""
        described = {
            name: value.config() if isinstance(value, Part) else value for name, value in self.arguments().items()
        }
        return {"type": type(self).__name__, **described}

    def __repr__(self) -> str:
        defaults = {name: known.default for name, known in inspect.signature(type(self)).parameters.items()}
        shown = [
            repr(value) if defaults[name] is inspect.Parameter.empty else f"{name}={value!r}"
            for name, value in self.arguments().items()
            if value != defaults[name]
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def clone(self) -> Self:
        """A new part of the very same type, made with the same arguments."""
        arguments = {
            name: value.clone() if isinstance(value, Part) else value for name, value in self.arguments().items()
        }
        return type(self)(**arguments)


def from_config(config: Config) -> Any:
    """The part that `Part.config` described.

    Raises ValueError when no such part is known or the arguments don't fit it.
    """
    arguments = {name: from_config(value) if isinstance(value, dict) else value for name, value in config.items()}
    type_name = arguments.pop("type", None)
    if type_name not in Part.types:
        raise ValueError(f"there is no part called {type_name!r}; known are {', '.join(sorted(Part.types))}")
    try:
        return Part.types[type_name](**arguments)
    except TypeError as error:
        raise ValueError(f"{type_name} cannot be made from {arguments}: {error}") from None


def check_between(owner: str, name: str, value: float, low: float, high: float, *, open_end: bool = False) -> float:
    """The value as a plain number: one of NumPy's, of type float64, would make all that it meets float64, too.

    Raises ValueError unless low ≤ value ≤ high (value < high with `open_end` or where high is infinite).
    """
    open_end = open_end or high == float("inf")
    inside = isinstance(value, (int, float, np.number)) and low <= value and (value < high or not open_end)
    if not (inside and value <= high):
        shown = f"[{low:g}, {high:g}{')' if open_end else ']'}"
        raise ValueError(f"{owner}: {name} is {value!r}, but must lie in {shown}")
    return value.item() if isinstance(value, np.number) else value


def check_whole(owner: str, name: str, value: int) -> int:
    """The value as a plain integer. Raises ValueError unless it is a whole number of at least 1."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{owner}: {name} is {value!r}, but must be a whole number of at least 1")
    return int(value)
