"""Every token is in exactly one window, next to what it is conditioned on, and little of a window is padding."""

import numpy as np
import pytest

from lmbench.neural.windows import Lanes
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words("abcdefgh")


def random_rows(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Sentences.of_rows([rng.integers(0, len(VOCAB), n) for n in lengths], VOCAB)


def windows(batch, lanes, budget, width, rng=None):
    inputs = batch.previous.astype(np.int64)
    for group in lanes.groups(budget, width, rng):
        yield from lanes.windows(group, width, inputs)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("lengths", [[3, 0, 5, 1, 0, 5], [100], [40, 7, 80, 33], [0], []])
def test_every_token_is_in_one_window_after_its_own_context(lengths, shuffled):
    batch = random_rows(lengths)
    seen = []
    rng = np.random.default_rng(0) if shuffled else None
    for window in windows(batch, Lanes.of_rows(batch), 24, 8, rng):
        assert window.inputs.shape == window.real.shape
        assert np.array_equal(window.inputs[window.real].numpy(), batch.previous[window.cells])
        seen.extend(window.cells)
    assert sorted(seen) == list(range(batch.n_tokens))


def test_a_lane_goes_on_in_the_same_place_of_the_next_window():
    batch = random_rows([5, 21, 13])
    lanes = Lanes.of_rows(batch)
    (group,) = lanes.groups(24, 8)
    row_of = batch.rows
    for window, lasting in zip(lanes.windows(group, 8, batch.previous.astype(np.int64)), [3, 2, 1], strict=True):
        first_of_each = np.cumsum(window.real.sum(1).numpy()) - window.real.sum(1).numpy()
        assert row_of[window.cells[first_of_each]].tolist() == [1, 2, 0][:lasting]


def test_padding_wastes_less_than_a_twentieth():
    rng = np.random.default_rng(1)
    batch = random_rows(np.maximum(1, rng.gamma(4, 5, 3000)).astype(int))
    real = cells = 0
    for window in windows(batch, Lanes.of_rows(batch), 700, 35, rng):
        real += int(window.real.sum())
        cells += window.real.numel()
        assert window.real.numel() <= 700
    assert real == batch.n_tokens
    assert real / cells > 0.95


def test_a_cut_stream_is_lanes_of_one_length_that_lose_no_token():
    batch = random_rows([1009])  # a prime
    lanes = Lanes.of_rows(batch).cut(-(-1009 // 20))
    assert len(lanes.lengths) == 20
    assert set(lanes.lengths.tolist()) == {50, 51}
    assert np.array_equal(lanes.starts + lanes.lengths, [*lanes.starts[1:], 1009])
    uncut = Lanes.of_rows(random_rows([3, 4])).cut(4)
    assert uncut.lengths.tolist() == [3, 4]


def test_shuffling_changes_company_and_order():
    lanes = Lanes.of_rows(random_rows([5] * 40 + [6] * 40))
    rng = np.random.default_rng(0)
    first, second = ([group.tolist() for group in lanes.groups(30, 35, rng)] for _ in range(2))
    assert first != second
    assert {frozenset(group) for group in first} != {frozenset(group) for group in second}
