"""Borrowed arrays: of the type asked for, used again where they can be, and each thread's own."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from inkling.data.work import Work


@pytest.mark.parametrize(("first", "then"), [(np.float32, np.float64), (np.uint8, np.float32), (np.int32, np.uint32)])
def test_an_array_has_the_type_asked_for_whatever_the_name_was_used_for_before(first, then):
    work = Work()
    work("places", (4, 3), first)
    again = work("places", (2, 3), then)
    assert again.dtype == then
    assert again.shape == (2, 3)
    assert work("places", (4, 3), first).dtype == first


def test_what_was_lent_before_is_lent_again_if_it_is_large_enough():
    work = Work()
    large = work("canvas", (5, 4), np.uint8)
    assert np.shares_memory(work("canvas", (2, 4), "uint8"), large)
    assert not np.shares_memory(work("canvas", (6, 4), np.uint8), large)
    assert not np.shares_memory(work("noise", (2, 4), np.uint8), large)


def test_every_thread_has_its_own():
    work, found = Work(), []
    mine = work("canvas", (3,), np.uint8)
    thread = threading.Thread(target=lambda: found.append(work("canvas", (3,), np.uint8)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, found[0])
