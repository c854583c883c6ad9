"""Laws of what is chosen on valid: no point of a coarse grid, around what was chosen and beyond, is better."""

import os
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from toy import toy

from lmbench.models.cache import Cache
from lmbench.models.mixture import Mixture
from lmbench.models.ngram import NGram
from lmbench.models.similarity import NEIGHBOURS, Similarity
from lmbench.ngrams.heldout import GAIN, evidence, likeliest, tally
from lmbench.ngrams.interpolation import PRIOR, RESTAURANT
from lmbench.ngrams.table import NGramTable
from lmbench.text import hungry
from lmbench.text.files import read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

NEAR = 1e-6
"""Nats per token by which a search may miss the best."""


@cache
def text(name):
    """train, valid: a toy, the built-in corpus (the second with a small valid), the Penn Treebank."""
    if name == "toy":
        return toy()[:2]
    if name == "penn":
        folder = os.environ.get("LMBENCH_DATA")
        if folder is None:
            pytest.skip("LMBENCH_DATA does not say where the Penn Treebank is")
        parts = [
            [line.split() for line in read_lines(Path(folder) / f"ptb/ptb.{part}.txt.gz").lines]
            for part in ("train", "valid")
        ]
    else:
        rng = np.random.Generator(np.random.PCG64(2))
        parts = [hungry.grammar(True).sample(size, rng) for size in ((3000, 400) if name == "hungry" else (300, 25))]
    vocab = Vocabulary.build(parts[0], min_count=1 if name == "penn" else 2)
    return [Sentences.encode(part, vocab) for part in parts]


TEXTS = ("toy", "few", "hungry")
LOGS = np.log(np.geomspace(1e-4, 1e8, 9))
DISCOUNTS = (0.02, 0.3, 0.6, 0.8, 0.97)
STRENGTHS = np.log([1e-3, 0.1, 1.0, 10.0, 1e3, 1e5])


def loss(model, batch):
    return -model.log_probs(batch).mean()


def counts(table, smoothing, n):
    """Of the n-grams of order n, as the method counts them."""
    if smoothing == "pitman_yor":
        return table.adjusted(n)
    if smoothing == "add_k" and n < table.order:  # contexts that begin with <s> are whole, others say nothing
        begins = np.arange(table.index.n_contexts(n)) >= (1 if n == 1 else table.orders[n - 2].bos)
        return np.where(begins[table.index.context(n)], table.orders[n - 1].counts, 0)
    return table.orders[n - 1].counts


def on_grid(train, valid, smoothing, order, grid):
    """The least nats per token of valid at the points of a grid, each (order, P), by the recursion as it is written."""
    table = NGramTable.count(train, order)
    told = evidence(table, [tally(table, n, counts(table, smoothing, n)) for n in range(1, order + 1)], valid)
    weigh = (RESTAURANT if smoothing == "pitman_yor" else PRIOR).alpha_gamma
    best = np.inf
    for point in grid:
        p = 1 / len(train.vocab)
        for numbers, one in zip(point, told, strict=True):
            alpha, gamma = weigh(np.array(numbers), one)
            p = alpha + gamma * p
        best = min(best, -np.log(p).mean())
    return best


def grid_of(smoothing, order, n_events):
    if smoothing == "add_k":
        return [[(np.log(k * n_events),)] * order for k in np.geomspace(1e-7, 1e2, 40)]
    if smoothing == "dirichlet":
        return product(product(LOGS), repeat=order)
    return product(product(DISCOUNTS, STRENGTHS), repeat=order)


CASES = [("add_k", 1), ("add_k", 3), ("dirichlet", 1), ("dirichlet", 2), ("dirichlet", 3), ("pitman_yor", 2)]


@pytest.mark.parametrize(
    ("name", "smoothing", "order"),
    [
        *((name, *case) for name, case in product(TEXTS, CASES)),
        ("penn", "add_k", 3),
        ("penn", "dirichlet", 2),
        ("penn", "pitman_yor", 1),
    ],
)
def test_no_point_of_a_grid_is_better_on_valid(name, smoothing, order):
    train, valid = text(name)
    model = NGram(order=order, smoothing=smoothing).fit(train, valid)
    assert (
        loss(model, valid)
        <= on_grid(train, valid, smoothing, order, grid_of(smoothing, order, len(train.vocab))) + NEAR
    )


def test_dirichlet_of_order_3_on_the_penn_treebank():
    # One start left it at 212.87; a descent from ten others found nothing below this.
    train, valid = text("penn")
    assert np.exp(loss(NGram(order=3, smoothing="dirichlet").fit(train, valid), valid)) <= 206.7325


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("smoothing", ["dirichlet", "pitman_yor"])
def test_a_longer_order_is_no_worse_on_valid(name, smoothing):
    """The order above can always be passed over: a prior of 1e8 words, or of 1e6, says what the order below says."""
    train, valid = text(name)
    losses = [loss(NGram(order=order, smoothing=smoothing).fit(train, valid), valid) for order in (1, 2, 3)]
    assert all(longer <= shorter + 1e-4 for shorter, longer in pairwise(losses))
    assert losses[1] < losses[0] - 0.1


@pytest.mark.parametrize("weights", [PRIOR, RESTAURANT])
def test_slopes_are_those_of_the_weights(weights):
    train, valid = text("few")
    table = NGramTable.count(train, 2)
    one = evidence(table, [tally(table, n, table.orders[n - 1].counts) for n in (1, 2)], valid)[1]
    numbers = np.array([0.4, 0.7][: 1 + (weights is RESTAURANT)])
    for i, step in enumerate(np.eye(len(numbers)) * 1e-6):
        above, below = (weights.alpha_gamma(numbers + way * step, one) for way in (1, -1))
        for up, down, slope in zip(above, below, weights.slopes(numbers, one), strict=True):
            np.testing.assert_allclose(slope[i], (up - down) / 2e-6, atol=1e-8)


def test_a_flat_start_does_not_end_the_search():
    def nats(x):  # flat but for two hollows, the deeper one farther
        return float(-np.exp(-((x[0] - 3) ** 2) * 50) - 2 * np.exp(-((x[0] + 4) ** 2)))

    def slopes(x):
        return np.array(
            [100 * (x[0] - 3) * np.exp(-((x[0] - 3) ** 2) * 50) + 4 * (x[0] + 4) * np.exp(-((x[0] + 4) ** 2))]
        )

    assert likeliest(nats, slopes, np.array([10.0]), [(-15.0, 15.0)])[0] == pytest.approx(-4, abs=1e-4)


def test_what_says_nothing_stays_where_it_starts():
    start = np.array([0.3, -2.0])
    found = likeliest(lambda x: 1 + GAIN / 2 * np.sin(x).sum(), np.zeros_like, start, [(-9.0, 9.0)] * 2)
    np.testing.assert_array_equal(found, start)


@pytest.mark.parametrize("name", TEXTS)
def test_jelinek_mercer_on_a_grid(name):
    """What it makes likeliest is valid and one use and one passing-over of each weight."""
    train, valid = text(name)
    order = 3
    model = NGram(order=order, smoothing="jelinek_mercer").fit(train, valid)
    table = NGramTable.count(train, order)
    tallies = [tally(table, n, one.counts) for n, one in enumerate(table.orders, start=1)]
    told = evidence(table, tallies, valid)
    used = [np.unique(np.frexp(one.total[one.total > 0])[1]) for one in tallies]
    shares = []
    for note, buckets in zip(model.notes(), used, strict=True):
        share = np.zeros(64)
        share[buckets] = [float(part.split(": ")[1]) for part in note.split("valid: ")[1].split(", ")]
        shares.append(share)

    def nats(shares):
        p = 1 / len(train.vocab)
        prior = 0.0
        for share, one, buckets in zip(shares, told, used, strict=True):
            own = share[np.frexp(one.total)[1]]
            p = own * one.count / np.maximum(one.total, 1) + (1 - own) * p
            prior += np.log(share[buckets] * (1 - share[buckets])).sum()
        return -(np.log(p).sum() + prior) / valid.n_tokens

    best = nats(shares)
    assert np.isfinite(best)
    for n, buckets in enumerate(used):
        for bucket, value in product(buckets, (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)):
            moved = [share.copy() for share in shares]
            moved[n][bucket] = value
            assert nats(moved) >= best - 1e-4  # notes have three digits


@pytest.mark.parametrize("name", TEXTS)
def test_similarity_on_a_grid(name):
    train, valid = text(name)
    chosen = loss(Similarity().fit(train, valid), valid)
    for k, beta, gamma in product(NEIGHBOURS, (1.0, 4.0, 64.0), (0.01, 0.4, 1.0)):
        assert chosen <= loss(Similarity(neighbours=k, beta=beta, gamma=gamma).fit(train, valid), valid) + NEAR


@pytest.mark.parametrize("name", [*TEXTS, "penn"])
@pytest.mark.parametrize("stream", [False, True])
def test_cache_on_a_grid(name, stream):
    train, valid = text(name)
    if stream:
        valid = Sentences(valid.vocab, valid.tokens, np.array([0, valid.n_tokens]))
    chosen = loss(Cache().fit(train, valid), valid)
    for mu in np.geomspace(2**-10, 2**20, 61):
        assert chosen <= loss(Cache(mu=float(mu)).fit(train, valid), valid) + NEAR


@pytest.mark.parametrize("name", TEXTS)
def test_mixture_on_a_grid(name):
    train, valid = text(name)
    parts = {f"{order}": NGram(order=order, smoothing="witten_bell").fit(train, valid) for order in (1, 2, 3)}
    mixture = Mixture(components=parts).fit(train, valid)
    chosen = loss(mixture, valid)
    for a, b in product(np.linspace(0, 1, 11), repeat=2):
        if a + b < 1 + 1e-9:
            mixture.weights_ = np.array([[a, b, max(1 - a - b, 0.0)]])
            assert chosen <= loss(mixture, valid) + NEAR
