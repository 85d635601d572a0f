"""Binary frames: a header that says what follows, and the bytes of arrays, which JSON would make five times as long.

A frame is four bytes (how long the header is, little-endian), the header as JSON, and the arrays one after the other.
Header and arrays are padded, so that each array begins at a multiple of 8 and a page can look at it where it lies.
Arrays of whole numbers of one byte carry a `scale`: a value is scale times the whole number.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from inkling.nn.part import Array
from inkling.playground.messages import Drawing, Refused, read_drawing_header
from inkling.storage import finite

KINDS = {"float32": "f4", "uint8": "u1", "int8": "i1", "int32": "i4"}


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array | tuple[Array, float]]) -> bytes:
    """The frame of this header and these arrays (or pairs of a quantised array and its scale)."""
    listed, parts = [], []
    for name, value in arrays.items():
        array, scale = value if isinstance(value, tuple) else (value, None)
        described: dict[str, Any] = {"name": name, "dtype": KINDS[array.dtype.name], "shape": array.shape}
        if scale is not None:
            described["scale"] = scale
        listed.append(described)
        data = array.tobytes()
        parts += [data, bytes(-len(data) % 8)]
    text = as_json({**header, "arrays": listed})
    text += b" " * (-(4 + len(text)) % 8)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def as_json(values: Mapping[str, Any]) -> bytes:
    """The values as JSON. What is no finite number becomes null; looking for such first would take longer than all."""
    try:
        return json.dumps(values, allow_nan=False).encode()
    except (ValueError, TypeError):
        return json.dumps(finite(values)).encode()


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and arrays of a frame; those with a scale become floats."""
    (length,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + length])
    kinds = {short: np.dtype(name) for name, short in KINDS.items()}
    arrays, start = {}, 4 + length
    for described in header["arrays"]:
        kind, shape = kinds[described["dtype"]], described["shape"]
        count = math.prod(shape)
        array = np.frombuffer(frame, kind, count, start).reshape(shape)
        arrays[described["name"]] = array * np.float32(described["scale"]) if "scale" in described else array
        start += count * kind.itemsize
        start += -start % 8
    return header, arrays


def quantised(values: Array) -> tuple[Array, float]:
    """Floats as whole numbers of one byte and a scale: 0…255 where nothing is negative, else −127…127."""
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    largest = max(high, -low)
    if not math.isfinite(largest):
        values, largest = np.nan_to_num(values, posinf=0, neginf=0), 0.0
    signed = low < 0
    steps = 127 if signed else 255
    scale = largest / steps
    if not scale > 1e-30:
        return np.zeros(values.shape, np.int8 if signed else np.uint8), 1.0
    whole = np.rint(values * np.float32(1 / scale))
    return whole.astype(np.int8 if signed else np.uint8), scale


def quantised_weights(values: Array) -> tuple[Array, float]:
    """As `quantised`, always −127…127."""
    whole, scale = quantised(values)
    return (whole, scale) if whole.dtype == np.int8 else ((whole >> 1).astype(np.int8), 2 * scale)


def read_drawing(frame: bytes) -> tuple[Drawing, Array]:
    """What a page sends while somebody draws: the header, and the ink (height, width) uint8. Raises Refused."""
    if len(frame) < 4:
        raise Refused("a binary message begins with the length of its header")
    (length,) = struct.unpack_from("<I", frame)
    if not 2 <= length <= min(4096, len(frame) - 4):
        raise Refused("the header of a binary message is as long as its first four bytes say, at most 4,096 bytes")
    try:
        values = json.loads(frame[4 : 4 + length])
    except (ValueError, RecursionError):
        raise Refused("the header of a binary message is JSON") from None
    header = read_drawing_header(values)
    ink = frame[4 + length :]
    if len(ink) != header.width * header.height:
        raise Refused(
            f"a drawing of {header.width} × {header.height} has {header.width * header.height:,} bytes of ink, "
            f"not {len(ink):,}",
            "width",
            header.id,
        )
    return header, np.frombuffer(ink, np.uint8).reshape(header.height, header.width)
