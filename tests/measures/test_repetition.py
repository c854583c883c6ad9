"""What a text repeats of another, against what it repeats of itself."""

import numpy as np
import pytest

from lmbench.measures.repetition import Share, beyond, expected, repeats


def test_repeats_by_hand():
    # a a a b b c: five of six lines are found again among the others
    assert repeats(list("aaabbc")) == Share(5, 6)
    # among one other of five, taken at random: a 1 - (4/5)^2 each, b 1 - 4/5 each -> 3 * 0.36 + 2 * 0.2 = 1.48
    assert repeats(list("aaabbc"), 1) == Share(1, 6)
    assert repeats([]) == Share(0, 0)
    assert Share(0, 0).share == 0


@pytest.mark.parametrize("draws", [500, 2000])
def test_repeats_foretells_what_further_lines_share(draws):
    rng = np.random.default_rng(0)

    def lines(n):
        return [str(x) for x in rng.zipf(1.5, n)]

    train, more, new = lines(5000), lines(draws), lines(4000)
    shared = np.mean([line in set(more) for line in new])
    assert repeats(train, draws).share == pytest.approx(shared, abs=0.03)


def test_chance_is_not_called_a_leak():
    rng = np.random.default_rng(1)
    called = [
        beyond(Share(int(rng.binomial(1000, 0.05)), 1000), Share(int(rng.binomial(9000, 0.05)), 9000))
        for _ in range(2000)
    ]
    assert np.mean(called) < 0.003


@pytest.mark.parametrize(
    ("here", "usual", "leak"),
    [
        (Share(0, 100), Share(0, 1000), False),
        (Share(4, 100), Share(0, 1000), True),  # 0.04 with no such line among 1,000
        (Share(9, 1000), Share(0, 100_000), False),  # sure, but less than a hundredth
        (Share(60, 1000), Share(450, 10_000), False),  # 0.06 instead of 0.045: once in fifty times
        (Share(80, 1000), Share(450, 10_000), True),
        (Share(1, 2), Share(0, 4), False),  # of two lines nothing is sure
    ],
)
def test_what_is_beyond(here, usual, leak):
    assert beyond(here, usual) == leak


def test_the_share_of_lines_of_other_lengths_by_hand():
    found, classes = np.array([True, True, False, False, False, False]), np.array([1, 1, 1, 4, 4, 4])
    # of class 1 two in three are found, of class 4 none, of class 9 there is none: 2 in 6 as of all
    assert expected(found, classes, np.array([1, 1])) == Share(4, 6)
    assert expected(found, classes, np.array([4, 4, 4])) == Share(0, 6)
    assert expected(found, classes, np.array([9])) == Share(2, 6)
    assert expected(found, classes, np.array([1, 4])) == Share(2, 6)
    assert expected(found, classes, np.empty(0, int)) == Share(0, 6)
