"""Random numbers by purpose, step and place: the same for whoever draws them, and random all the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.nn.random import random_key, step_key

keys = st.integers(0, 2**64 - 1)


class TestStreams:
    def test_a_stream_is_the_same_for_the_same_seed_and_name_only(self) -> None:
        def draw(seed: int, name: str) -> list[int]:
            return nn.random_stream(seed, name).integers(0, 2**62, 8).tolist()

        assert draw(1, "weights") == draw(1, "weights")
        streams = [draw(seed, name) for seed in (0, 1, 2) for name in ("weights", "shuffle", "dropout_1", "dropout_2")]
        flat = [number for stream in streams for number in stream]
        assert len(set(flat)) == len(flat)

    def test_streams_are_uncorrelated(self) -> None:
        count = 100_000
        a, b = (nn.random_stream(0, name).normal(size=count) for name in ("dropout_1", "dropout_2"))
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(count)


class TestKeys:
    def test_each_seed_purpose_and_step_has_a_key_of_its_own(self) -> None:
        found = {
            step_key(random_key(seed, name), step)
            for seed in range(5)
            for name in ("dropout_1", "dropout_2", "distortions")
            for step in range(200)
        }
        assert len(found) == 5 * 3 * 200
        assert all(0 <= key < 2**64 for key in found)

    def test_a_key_is_the_same_every_time(self) -> None:
        assert random_key(3, "dropout_1") == random_key(3, "dropout_1")
        assert step_key(7, 100) == step_key(7, 100)

    @settings(deadline=None, max_examples=30)
    @given(key=keys, step=st.integers(0, 2**40))
    def test_the_numbers_of_one_step_are_not_those_of_the_next_moved_along(self, key, step) -> None:
        here, there = (nn.random_bits(step_key(key, which), 1000) for which in (step, step + 1))
        assert not np.intersect1d(here, there).size


class TestBits:
    def test_they_are_those_of_the_paper(self) -> None:
        """The first numbers of SplitMix64 for two seeds, as other implementations give them."""
        np.testing.assert_array_equal(
            nn.random_bits(0, 3), np.array([0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F], np.uint64)
        )
        wanted = [
            6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821
        ]  # fmt: skip
        np.testing.assert_array_equal(nn.random_bits(1234567, 5), np.array(wanted, np.uint64))

    @settings(deadline=None, max_examples=50)
    @given(key=keys, sizes=st.lists(st.integers(0, 40), min_size=1, max_size=5))
    def test_any_share_has_the_numbers_that_it_has_in_the_whole(self, key, sizes) -> None:
        whole = nn.random_bits(key, sum(sizes))
        starts = np.cumsum([0, *sizes[:-1]])
        shares = [nn.random_bits(key, size, int(first)) for size, first in zip(sizes, starts, strict=True)]
        np.testing.assert_array_equal(np.concatenate(shares), whole)

    @pytest.mark.parametrize("key", [0, 1, 2**63, 2**64 - 1, random_key(0, "dropout_1")])
    def test_every_bit_is_set_half_of_the_time_and_knows_nothing_of_the_others(self, key) -> None:
        count = 20_000
        bits = (nn.random_bits(key, count)[:, np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
        bits = bits.astype(float)
        bound = 5 / np.sqrt(count)  # five standard deviations
        assert np.abs(2 * bits.mean(axis=0) - 1).max() < bound
        among = np.corrcoef(bits, rowvar=False)
        assert np.abs(among - np.eye(64)).max() < bound
        following = np.corrcoef(bits[:-1].T, bits[1:].T)[:64, 64:]
        assert np.abs(following).max() < bound

    def test_neighbouring_keys_are_uncorrelated(self) -> None:
        count = 20_000
        draws = np.array([nn.random_bits(step_key(5, step), count) / 2.0**64 for step in range(10)])
        assert np.abs(np.corrcoef(draws) - np.eye(10)).max() < 5 / np.sqrt(count)

    def test_sixteen_bits_at_a_time_they_are_even(self) -> None:
        """As dropout uses them: χ² over 256 equal ranges, which has mean 255 and deviation √510."""
        sixteen = nn.random_bits(random_key(0, "dropout_1"), 50_000).view(np.uint16)
        counts = np.bincount(sixteen >> 8, minlength=256)
        expected = len(sixteen) / 256
        assert ((counts - expected) ** 2 / expected).sum() == pytest.approx(255, abs=5 * np.sqrt(510))

    def test_none_at_all_is_no_trouble(self) -> None:
        assert nn.random_bits(3, 0).shape == (0,)
