"""Distinct values against numpy's own, in one sort and in runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmbench.ngrams.packing import pack, unpack
from lmbench.ngrams.sorting import distinct


@given(st.lists(st.integers(0, 2**50), max_size=60) | st.lists(st.integers(0, 9), max_size=60), st.integers(1, 63))
def test_distinct_is_what_numpy_says(values, bits):
    values = np.array(values, np.int64)
    found = distinct(values, bits)
    expected = np.unique(values, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(found.values, expected[0])
    np.testing.assert_array_equal(found.place, expected[1])
    np.testing.assert_array_equal(found.counts, expected[2])


def test_keys_too_wide_for_one_sort_are_sorted_in_runs():
    rng = np.random.default_rng(0)
    values = rng.choice(2**57 + np.arange(50), 1000)  # 58 bits leave room for 32 places
    np.testing.assert_array_equal(distinct(values).values[distinct(values).place], values)


@pytest.mark.parametrize(
    ("largest", "width"), [(0, 1), (255, 1), (256, 2), (65536, 3), (2**24 - 1, 3), (2**24, 4), (2**40, 8)]
)
def test_whole_numbers_take_as_few_bytes_as_the_largest_needs(largest, width):
    values = np.array([0, largest // 3, largest])
    assert pack(values).nbytes == 3 * width
    np.testing.assert_array_equal(unpack(pack(values)), values)
