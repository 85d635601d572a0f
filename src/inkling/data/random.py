"""Random bits that belong to an image: they follow from its key alone, whoever draws them and in whatever company."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inkling.data.work import work

Bits = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio, odd: multiples of it are spread evenly over all 64-bit numbers."""


def random_bits(keys: Bits, count: int) -> Bits:
    """`count` random numbers of 64 bits for each key: (n, count), in a work array, which the next call overwrites.

    Each is a counter, mixed: nothing is remembered from one to the next.
    Source: Steele, Lea, Flood, 2014, "Fast splittable pseudorandom number generators" (SplitMix64).
    """
    z, shifted = (work(name, (len(keys), count), np.uint64) for name in ("bits", "shifted"))
    np.add(keys[:, None], counters(count), out=z)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= np.right_shift(z, np.uint64(shift), out=shifted)
        z *= np.uint64(factor)
    z ^= np.right_shift(z, np.uint64(31), out=shifted)
    return z


@lru_cache(maxsize=8)
def counters(count: int) -> Bits:
    """How far the numbers of a sequence are from its key: (count,)."""
    return np.arange(1, count + 1, dtype=np.uint64) * GOLDEN


def image_keys(random: np.random.Generator, count: int) -> Bits:
    """A key for each of `count` images, (count,), from one number that is drawn and the image's place."""
    keys: Bits = random_bits(random.integers(2**64, size=1, dtype=np.uint64), count)[0].copy()
    return keys
