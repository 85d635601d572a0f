"""Random numbers that belong to a purpose, a step and a sample, and not to whoever happens to draw them.

`random_stream` is an ordinary generator with a name, for what is drawn once and in order: the first weights, the
order of the samples. `random_bits` is for what is drawn anew at every step, such as which neurons drop out: it works
out the bits of any place in the sequence without those before it, so a batch can be divided between several workers,
and every sample still gets its own numbers.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

GOLDEN = 0x9E3779B97F4A7C15
"""2⁶⁴ divided by the golden ratio, odd: multiples of it are spread evenly over all 64-bit numbers."""
MASK = 2**64 - 1


def random_stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers for one purpose, such as "weights" or "shuffle".

    Every name has a stream of its own, so that drawing more numbers for one purpose changes nothing for the others.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))


def random_key(seed: int, name: str) -> int:
    """A 64-bit number for one purpose, where `random_bits` may begin."""
    return int(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())).generate_state(1, np.uint64)[0])


def step_key(key: int, step: int) -> int:
    """The key of one step of the training: that of the purpose, and the number of the step, mixed."""
    z = (key + (step + 1) * GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def random_bits(key: int, count: int, first: int = 0) -> npt.NDArray[np.uint64]:
    """`count` random numbers of 64 bits, those at the places first, first + 1, … of the key's sequence.

    Each is a counter, mixed: nothing is remembered from one to the next.
    Source: Steele, Lea, Flood, 2014, "Fast splittable pseudorandom number generators" (SplitMix64).
    """
    z = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
    z = z * np.uint64(GOLDEN) + np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def dropout_mask(key: int, step: int, shape: tuple[int, ...], rate: float, first: int = 0) -> npt.NDArray[np.float64]:
    """Zeros, with probability `rate`, and 1 / (1 − rate)s; the first row is for the sample `first` of the batch.

    Sixteen random bits decide on each number, four numbers from one draw of 64 bits; so the rate is rounded to 1/65536.
    """
    rows, numbers = shape[0], math.prod(shape[1:])
    draws, (limit, scale) = (numbers + 3) // 4, dropout_constants(rate)
    bits = random_bits(step_key(key, step), rows * draws, first * draws).view(np.uint16)
    kept = bits.reshape(rows, 4 * draws)[:, :numbers] >= limit
    return np.where(kept.reshape(shape), scale, 0.0)


def dropout_constants(rate: float) -> tuple[int, float]:
    """(limit, scale): sixteen random bits below the limit drop a number; one that is kept is multiplied by the scale.

    At most all but one of the 65,536 values of sixteen bits drop it.
    """
    limit = min(round(rate * 65536), 65535)
    return limit, 65536 / (65536 - limit)
