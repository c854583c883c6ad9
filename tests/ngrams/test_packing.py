"""Arrays in few bytes, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmbench.ngrams.packing import deflate, inflate, narrowed, pack_orders, unpack_orders


@given(arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 2**40)))
def test_whole_numbers_come_back(values):
    np.testing.assert_array_equal(inflate(deflate(values)), values)


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(width=32)), st.sampled_from([np.float64, np.float32]))
def test_floats_come_back_with_every_bit(values, dtype):
    values = values.astype(dtype)
    again = inflate(deflate(values))
    assert again.dtype == dtype
    np.testing.assert_array_equal(again.view(np.uint8), values.view(np.uint8))


def test_small_numbers_take_few_bytes():
    rng = np.random.default_rng(0)
    assert len(deflate(rng.integers(256, size=10_000))) < 10_100
    assert len(deflate(rng.integers(256, size=10_000) + 2**24 - 256)) < 10_300  # the two bytes above are constant
    assert len(deflate(np.zeros(10_000))) < 500


@given(st.lists(arrays(np.int64, st.integers(0, 9), elements=st.integers(0, 2**34)), max_size=3), st.booleans())
def test_orders_come_back_however_they_are_stored(orders, deflated):
    state = pack_orders("x", orders, first=2, deflated=deflated)
    again = list(unpack_orders("x", state, first=2))
    assert len(again) == len(orders)
    for values, found in zip(orders, again, strict=True):
        np.testing.assert_array_equal(found, values)
        assert found.dtype == narrowed(values).dtype
