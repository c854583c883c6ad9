"""Sign flips: hand-worked cases, scipy's test, exact against drawn; and the steps of Holm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test

from lmbench.measures import permutation
from lmbench.measures.permutation import against_the_best, flipped_sums, sign_flip_p

COLUMN = arrays(np.float64, st.integers(2, 9), elements=st.floats(-5, 5, width=16))


def p_of(values, clusters=None, **settings):
    """p of one column."""
    return float(sign_flip_p(flipped_sums(np.asarray(values, float)[:, None], clusters, **settings))[0])


def test_three_sentences_by_hand():
    # |+-1 +-2 +-3| is 6, 4, 2, 0 with the first sign +: only the observed 6 is as far from 0
    assert sorted(np.abs(flipped_sums(np.array([[1.0], [2], [3]]))[:, 0])) == [0, 2, 4, 6]
    assert p_of([1, 2, 3]) == 1 / 4
    # 1 + 2 - 3 = 0, and everything is as far from 0
    assert p_of([1, 2, -3]) == 1
    # 3 + 1 - 1 = 3; the others are 5, 3 and 1
    assert p_of([3, 1, -1]) == 3 / 4


def test_sentences_of_a_document_turn_together():
    # documents 5: 1 + 2, 8: 4; |3 + 4| against |3 - 4|
    assert p_of([1, 4, 2], np.array([5, 8, 5])) == 1 / 2
    assert p_of([1, 4, 2]) == 1 / 4


def test_one_document_tells_nothing():
    assert p_of([1, 2, 3], np.zeros(3, int)) == 1
    assert p_of(np.zeros(0)) == 1


@given(COLUMN)
def test_scipy_has_the_same_p(values):
    theirs = permutation_test(
        (values,), np.sum, permutation_type="samples", alternative="two-sided", n_resamples=np.inf, vectorized=False
    )
    assert p_of(values) == pytest.approx(theirs.pvalue)


def test_drawn_patterns_come_near_all_of_them():
    values = np.random.default_rng(1).normal(0.5, 1, 14)
    exact = p_of(values)
    assert flipped_sums(values[:, None]).shape == (2**13, 1)
    drawn = flipped_sums(values[:, None], flips=4000)
    assert drawn.shape == (4001, 1)
    assert drawn[0, 0] == pytest.approx(values.sum())
    assert abs(float(sign_flip_p(drawn)[0]) - exact) < 3 * np.sqrt(exact * (1 - exact) / 4000)


def test_p_is_never_0():
    assert p_of(np.ones(500), flips=99) == 1 / 100


def test_columns_share_their_signs_however_much_memory_there_is(monkeypatch):
    values = np.random.default_rng(2).normal(size=(40, 2))
    sums = flipped_sums(values, flips=500)
    np.testing.assert_allclose(
        flipped_sums(values[:, :1] - values[:, 1:], flips=500), sums[:, :1] - sums[:, 1:], atol=1e-12
    )
    monkeypatch.setattr(permutation, "CHUNK", 170)
    np.testing.assert_allclose(flipped_sums(values, flips=500), sums, atol=1e-12)
    assert not np.allclose(flipped_sums(values, flips=500, seed=1)[1:], sums[1:])


def test_steps_by_hand():
    # three rows and the best. Smallest p: 6 pairs of 4 rows, .004 * 6 = .024; then 3 pairs of 3, .02 * 3 = .06; then 1
    # pair, .03, which stays at the .06 of the step before
    assert against_the_best(np.array([0.02, 0.004, 0.03])) == pytest.approx([0.06, 0.024, 0.06])
    assert against_the_best(np.array([0.01])) == pytest.approx([0.01])
    assert against_the_best(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert against_the_best(np.zeros(0)).tolist() == []


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0.0001, 1)))
def test_adjusting_raises_p_and_keeps_its_order(p_values):
    adjusted = against_the_best(p_values)
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()
