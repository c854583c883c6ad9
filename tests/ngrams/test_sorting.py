"""Distinct values against numpy's own, in one sort and in runs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
