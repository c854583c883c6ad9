"""Arrays in few bytes, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmbench.ngrams.packing import pack, unpack


@given(arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 2**40)))
def test_whole_numbers_come_back(values):
    np.testing.assert_array_equal(unpack(pack(values)), values)


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(width=32)), st.sampled_from([np.float64, np.float32]))
def test_floats_come_back_with_every_bit(values, dtype):
    values = values.astype(dtype)
    again = unpack(pack(values))
    assert again.dtype == dtype
    np.testing.assert_array_equal(again.view(np.uint8), values.view(np.uint8))


def test_small_numbers_take_few_bytes():
    rng = np.random.default_rng(0)
    assert len(pack(rng.integers(256, size=10_000))) < 10_100
    assert len(pack(rng.integers(256, size=10_000) + 2**24 - 256)) < 10_300  # the two bytes above are constant
    assert len(pack(np.zeros(10_000))) < 500
