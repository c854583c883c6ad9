"""A test set cut up by what is known of contexts."""

import numpy as np
import pytest

from lmbench.measures.strata import agreement, by_stratum
from lmbench.model import Strata


def test_buckets_begin_where_they_say():
    strata = Strata.cut(np.array([0, 1, 2, 4, 5, 8, 9, 70]), (1, 2, 5, 9), "suffix")
    assert strata.names == ("suffix 0", "suffix 1", "suffix 2-4", "suffix 5-8", "suffix 9+")
    assert strata.of.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    one = Strata.cut(np.array([3, 0]), (), "context")
    assert (one.of.tolist(), one.names) == ([0, 0], ("context 0+",))


def test_agreement_counts_what_is_likelier_than_all_else_together():
    assert agreement(np.log([0.51, 0.5, 0.9, 0.1])) == 0.5
    assert np.isnan(agreement(np.array([])))


def test_numbers_of_each_stratum_by_hand():
    strata = Strata(np.array([0, 2, 2, 2]), ("long 0", "long 1", "long 2+"))
    p = np.array([0.25, 0.75, 0.5, 1 / 3])
    # (3/4 * 1/2 * 1/3) = 1/8, so the perplexity of the last is 8 ** (1/3) = 2
    expected = {
        "share_long_0": 0.25, "ppl_long_0": 4, "agreement_long_0": 0,
        "share_long_2+": 0.75, "ppl_long_2+": 2, "agreement_long_2+": 1 / 3,
    }  # fmt: skip
    assert by_stratum(np.log(p), strata) == pytest.approx(expected)


def test_an_impossible_token_makes_its_stratum_impossible():
    found = by_stratum(np.array([-np.inf, 0.0]), Strata(np.array([0, 1]), ("a", "b")))
    assert (found["ppl_a"], found["ppl_b"]) == (np.inf, 1)
