"""From which size on a curve is ahead."""

import numpy as np
import pytest

from lmbench.measures.crossover import crossover, interval

SIZES = (100, 1000, 10000)


@pytest.mark.parametrize(
    ("lead", "size"),
    [
        ([-1.0, 1.0, 2.0], 10**2.5),  # halfway between the logarithms of 100 and 1,000
        ([-1.0, 3.0, 4.0], 10**2.25),
        ([-2.0, -1.0, 1.0], 10**3.5),
        ([0.0, 1.0, 1.0], 100),  # level is not ahead
        ([1.0, 2.0, 3.0], 0),
        ([-3.0, -2.0, -1.0], np.inf),
        ([1.0, 1.0, 0.0], np.inf),
        ([1.0, -1.0, 1.0], 10**3.5),  # ahead by chance at first: from where on it stays ahead is asked
        ([1.0, 1.0, -1.0], np.inf),
    ],
)
def test_size_from_which_on_it_stays_ahead(lead, size):
    assert crossover(SIZES, np.array([lead]))[0] == pytest.approx(size)


def test_curves_do_not_touch_each_other():
    leads = np.random.default_rng(0).normal(0.5, 1, (200, 3))
    together = crossover(SIZES, leads)
    assert together.tolist() == [crossover(SIZES, lead[None])[0] for lead in leads]
    assert {0.0, np.inf} < set(together.tolist())


def test_ends_of_an_interval_are_samples():
    assert interval(np.array([0.0] * 10 + [500.0] * 80 + [np.inf] * 10)) == (0.0, np.inf)
    assert interval(np.arange(1.0, 1001.0)) == (26.0, 975.0)
