"""Intervals: hand-worked cases, then whether 95 % means 95 %."""

from __future__ import annotations

import numpy as np
import pytest

from lmbench.measures import uncertainty
from lmbench.measures.uncertainty import (
    Difference,
    blocks,
    bootstrap_perplexity,
    cluster_bootstrap,
    cluster_sums,
    crossed_bootstrap,
    paired_difference,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def sample(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of 3 to 12 tokens with nats that vary by sentence."""
    tokens = generator.integers(3, 13, n)
    return -tokens * generator.gamma(4, 0.5, n), tokens


def test_equal_sentences_leave_no_doubt():
    # every sentence: 4 tokens of ln 2 nats -> perplexity 2 in every resample
    low, high = bootstrap_perplexity(np.full(30, -4 * np.log(2)), np.full(30, 4), rng=rng())
    assert (low, high) == pytest.approx((2, 2))


def test_two_sentences_by_hand():
    # one token each, p = 1/2 and 1/8: resamples are 2, sqrt(2 * 8) = 4 or 8, with chances 1/4, 1/2, 1/4
    assert bootstrap_perplexity(np.log([0.5, 0.125]), np.array([1, 1]), rng=rng()) == pytest.approx((2, 8))


def test_the_interval_does_not_depend_on_the_memory_it_may_use(monkeypatch):
    values, tokens = sample(rng(), 50)
    whole = bootstrap_perplexity(values, tokens, rng=rng())
    monkeypatch.setattr(uncertainty, "CHUNK", 170)
    assert bootstrap_perplexity(values, tokens, rng=rng()) == pytest.approx(whole, rel=1e-12)


def test_an_impossible_sentence_has_no_interval():
    low, high = bootstrap_perplexity(np.array([-1.0, -np.inf]), np.array([2, 2]), rng=rng())
    assert np.isnan(low)
    assert np.isnan(high)


def test_95_percent_of_the_intervals_hold_the_truth():
    # E[nats per token] = 4 * 0.5 = 2, so the true perplexity is e^2; 300 texts of 80 sentences
    generator, truth, held = rng(), np.exp(2), 0
    for _ in range(300):
        low, high = bootstrap_perplexity(*sample(generator, 80), resamples=400, rng=generator)
        held += low <= truth <= high
    assert 0.91 <= held / 300 <= 0.98


def test_a_model_against_itself_is_a_tie():
    values, tokens = sample(rng(), 40)
    difference = paired_difference(values, values, tokens, rng=rng())
    assert difference.tie
    assert (difference.bits, difference.low, difference.high, difference.clusters) == (0, 0, 0, 40)


def test_pairing_finds_what_separate_intervals_hide():
    values, tokens = sample(rng(), 200)
    better = values + 0.02 * tokens * np.log(2) + rng().normal(0, 0.02, 200)
    difference = paired_difference(values, better, tokens, rng=rng())
    assert difference.bits == pytest.approx(0.02, abs=0.005)
    assert not difference.tie
    mine, theirs = (bootstrap_perplexity(v, tokens, rng=rng()) for v in (values, better))
    assert mine[0] < theirs[1]  # the separate intervals overlap


def test_ties_are_called_ties_95_percent_of_the_time():
    generator, ties = rng(), 0
    for _ in range(300):
        tokens = generator.integers(3, 13, 60)
        noise = generator.normal(0, 1, (2, 60)) * tokens
        ties += paired_difference(noise[0] - 20, noise[1] - 20, tokens, resamples=400, rng=generator).tie
    assert 0.90 <= ties / 300 <= 0.98


@pytest.mark.parametrize(("left", "right", "bits"), [(-np.inf, -1, np.inf), (-1, -np.inf, -np.inf)])
def test_an_impossible_side_is_certainly_worse(left, right, bits):
    difference = paired_difference(np.array([left]), np.array([right]), np.array([3]), rng=rng())
    assert difference.bits == bits
    assert not difference.tie


@pytest.mark.parametrize(
    ("low", "adjusted", "tie"), [(0.1, 0.049, False), (0.1, 0.05, True), (-0.1, 0.01, True), (0.1, np.nan, False)]
)
def test_a_difference_is_real_if_interval_and_test_agree(low, adjusted, tie):
    assert Difference(0.2, low, 0.3, 100, 0.01, adjusted).tie is tie


def test_two_impossible_sides_cannot_be_compared():
    nothing = np.array([-np.inf])
    difference = paired_difference(nothing, nothing, np.array([3]), rng=rng())
    assert np.isnan(difference.bits)
    assert not difference.tie


def test_blocks_of_a_stream_widen_an_interval_of_dependent_segments():
    drift = np.repeat(rng().normal(0, 1, 30), 20)
    tokens = np.full(600, 5)
    alone = bootstrap_perplexity(-5 * (3 + drift), tokens, rng=rng())
    together = bootstrap_perplexity(-5 * (3 + drift), tokens, blocks(600, 20), rng=rng())
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_documents_may_be_anywhere_in_the_text_and_have_any_numbers():
    values, tokens = sample(rng(), 120)
    documents = np.repeat([7, 3, 90, 5], 30)
    order = rng().permutation(120)
    apart = bootstrap_perplexity(values[order], tokens[order], documents[order], rng=rng())
    # the same four documents: 3, 5, 7, 90
    assert apart == pytest.approx(bootstrap_perplexity(values, tokens, documents, rng=rng()), rel=1e-12)
    table = cluster_sums(np.array([[1.0, 10], [2, 20], [4, 40]]), np.array([9, -1, 9]))
    assert table.tolist() == [[2, 20], [5, 50]]


def test_a_cluster_a_sentence_is_no_cluster():
    values, tokens = sample(rng(), 50)
    alone = bootstrap_perplexity(values, tokens, np.arange(50), rng=rng())
    assert alone == bootstrap_perplexity(values, tokens, rng=rng())


def test_intervals_of_few_clusters_are_wider_as_student_has_it():
    # 20 clusters: sqrt(20/19) * t(19 degrees, .025) = 1.02598 * -2.09302 = -2.14739; Phi of it is .01588
    samples = np.linspace(0, 1, 100_001)
    assert uncertainty.interval(samples, 20) == pytest.approx((0.01588, 0.98412), abs=2e-5)
    assert uncertainty.interval(samples, 1_000_000) == pytest.approx((0.025, 0.975), abs=2e-5)
    both = uncertainty.intervals(np.stack([samples, 2 * samples], axis=1), 20)
    assert both == pytest.approx(np.array([[0.01588, 0.98412], [0.03176, 1.96824]]), abs=5e-5)


def test_few_blocks_are_called_approximate():
    values, tokens = sample(rng(), 200)
    assert not paired_difference(values, values, tokens, rng=rng()).approximate
    difference = paired_difference(values, values, tokens, blocks(200, 20), rng=rng())
    assert difference.clusters == 10
    assert difference.approximate


def test_clusters_are_drawn_whole():
    # two words, all probes of one are 0 and of the other 1: means 0, 1/2, 1 with chances 1/4, 1/2, 1/4
    values, words = np.repeat([0.0, 1.0], 50), ["무지"] * 50 + ["아주"] * 50
    assert cluster_bootstrap(values, words, rng=rng()) == (0, 1)
    low, high = cluster_bootstrap(values, range(100), rng=rng())
    assert 0.38 < low < 0.42
    assert 0.58 < high < 0.62


def test_unequal_clusters_weigh_what_they_hold():
    low, high = cluster_bootstrap(np.array([1.0, 1, 1, 0]), ["a", "a", "a", "b"], rng=rng())
    assert (low, high) == (0, 1)
    samples = uncertainty.resample_sums(np.array([[3.0, 3], [0, 1]]), resamples=4000, rng=rng())[0]
    # a twice, a and b, b twice: 1, 3/4, 0
    assert sorted(set(samples[:, 0] / samples[:, 1])) == [0, 0.75, 1]


def test_no_certainty_from_equal_values_or_one_word():
    assert np.isnan(cluster_bootstrap(np.ones(9), list("aabbccdde"), rng=rng())).all()
    assert np.isnan(cluster_bootstrap(np.array([0.0, 1.0]), ["a", "a"], rng=rng())).all()
    assert np.isnan(crossed_bootstrap(np.full(3, 0.5), ["a", "b", "c"], ["b", "c", "a"], rng=rng())).all()


def test_crossed_probes_are_less_certain_than_their_number():
    generator = rng()
    words = [f"w{i}" for i in range(25)]
    pairs = [(a, b) for a in range(25) for b in range(25) if a < b]
    effect = generator.normal(0, 1, 25)
    values = np.array([float(effect[a] + effect[b] > 0) for a, b in pairs])
    first, second = [words[a] for a, _ in pairs], [words[b] for _, b in pairs]
    low, high = crossed_bootstrap(values, first, second, rng=rng())
    naive = cluster_bootstrap(values, range(len(values)), rng=rng())
    assert low < values.mean() < high
    assert high - low > 2 * (naive[1] - naive[0])
