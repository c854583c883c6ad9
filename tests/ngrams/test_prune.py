"""Entropy pruning: a decision worked by hand, and what pruning must leave as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import toy

from lmbench.models.ngram import NGram
from lmbench.ngrams.prune import prune
from lmbench.ngrams.smoothing import METHODS, SCORES
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [line.split() for line in ("the cat", "the cat", "the dog")]
VOCAB = Vocabulary.build(LINES)
TRAIN = Sentences.encode(LINES, VOCAB)


def bigrams(model):
    names = [*VOCAB.events, "<s>"]
    return {(names[h], names[w]) for h, w in zip(model.index.context(2), model.index.word(2), strict=True)}


@pytest.fixture
def model():
    return NGram(order=2, smoothing="witten_bell").fit(TRAIN, TRAIN).backoff_


def test_a_bigram_goes_where_its_loss_costs_less(model):
    # V = 5, T = 4, c = 9: p1(the) = p1(</s>) = 3/13 + 4/65, p1(cat) = 2/13 + 4/65, p1(dog) = 1/13 + 4/65
    the, cat, dog = 19 / 65, 14 / 65, 9 / 65
    # the -> cat 2, dog 1, T = 2, gamma = 2/5:  p(cat | the) = 2/5 + 2/5 p1(cat), p(dog | the) = 1/5 + 2/5 p1(dog)
    p_cat, p_dog, gamma = 2 / 5 + 2 / 5 * cat, 1 / 5 + 2 / 5 * dog, 2 / 5
    left = gamma * (1 - cat - dog)
    # without (the, dog): gamma' = (left + p(dog | the)) / (1 - p1(cat)), and the is 3 of 9 tokens
    then = (left + p_dog) / (1 - cat)
    cost_dog = 3 / 9 * (p_dog * np.log(p_dog / (then * dog)) - left * np.log(then / gamma))
    then_cat = (left + p_cat) / (1 - dog)
    cost_cat = 3 / 9 * (p_cat * np.log(p_cat / (then_cat * cat)) - left * np.log(then_cat / gamma))
    assert cost_dog < cost_cat
    # <s> -> the 3, T = 1, gamma = 1/4; cat and dog are followed by </s> alone and are 2 and 1 of 9 tokens
    costs = {("the", "dog"): cost_dog, ("the", "cat"): cost_cat}
    for word, c, p1 in ("<s>", 3, the), ("cat", 2, the), ("dog", 1, the):
        g = 1 / (c + 1)
        p, rest = c * g + g * p1, g * (1 - p1)
        costs[word, "the" if word == "<s>" else "</s>"] = c / 9 * (p * np.log(p / p1) - rest * np.log(1 / g))
    for gone, cost in costs.items():
        assert gone in bigrams(prune(model, np.expm1(cost) * (1 - 1e-9)))
        assert gone not in bigrams(prune(model, np.expm1(cost) * (1 + 1e-9)))
    # after "the" only cat is listed now
    pruned = prune(model, np.expm1(cost_dog) * (1 + 1e-9))
    p = np.exp(pruned.next_log_probs(Sentences.encode_prefixes([["the"]], VOCAB))[0])
    assert p[VOCAB.ids["cat"]] == pytest.approx(p_cat)
    assert p[VOCAB.ids["dog"]] == pytest.approx(then * dog)


def test_without_counts_histories_are_weighed_by_the_model(model):
    # p1(the) = 19/65 where the counts say 3/9, so that the same loss costs less
    costs = []
    for asked in model, replace(model, counts=()):
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if ("the", "dog") in bigrams(prune(asked, middle)) else (low, middle)
        costs.append(np.log1p(high))
    assert costs[1] / costs[0] == pytest.approx(19 / 65 * 9 / 3)


def test_contexts_of_what_stays_stay():
    train, _, _ = toy()
    model = NGram(order=4).fit(train, train).backoff_
    sizes = []
    for threshold in (0.0, 0.0003, 0.001, 0.003, 0.01, 1.0, 1e9):
        pruned = prune(model, threshold)
        for n in range(2, pruned.index.order + 1):
            assert pruned.index.context(n).max(initial=-1) < len(pruned.index.keys[n - 2])
            assert np.all(np.diff(pruned.index.keys[n - 1]) > 0)
            assert len(pruned.counts[n - 1]) == len(pruned.log_p[n - 1]) == len(pruned.index.keys[n - 1])
        sizes.append(sum(map(len, pruned.index.keys)))
    assert sizes[0] == sum(map(len, model.index.keys))
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 4
    assert sizes[-1] == len(train.vocab) + 1


def test_what_is_kept_keeps_its_probability():
    train, _, _ = toy()
    model = NGram(order=3, smoothing="witten_bell").fit(train, train).backoff_
    pruned = prune(model, 0.001)
    explained = list(zip(pruned.index.lookup(train), model.index.lookup(train), strict=True))
    for n, ((few, _), (all_, _)) in enumerate(explained):
        both = few >= 0
        np.testing.assert_array_equal(pruned.log_p[n][few[both]], model.log_p[n][all_[both]])
        np.testing.assert_array_equal(pruned.counts[n][few[both]], model.counts[n][all_[both]])


def test_impossible_stays_impossible():
    model = NGram(order=2, smoothing="mle").fit(TRAIN, TRAIN).backoff_
    pruned = prune(model, 1e-9)
    prefixes = Sentences.encode_prefixes([["the"], []], VOCAB)
    np.testing.assert_array_equal(
        np.isneginf(pruned.next_log_probs(prefixes)), np.isneginf(model.next_log_probs(prefixes))
    )


TOY = Vocabulary.of_words(["a", "b", "c"])
rows = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=8)


@settings(deadline=None)
@given(
    rows,
    rows,
    st.sampled_from(sorted(METHODS.keys() - SCORES)),
    st.floats(1e-6, 0.3),
    st.sampled_from([64, 32, 8]),
    st.booleans(),
)
def test_every_distribution_still_sums_to_one(train_rows, prefix_rows, smoothing, threshold, bits, counts):
    train, prefixes = Sentences.of_rows(train_rows, TOY), Sentences.of_rows(prefix_rows, TOY)
    model = NGram(order=4, smoothing=smoothing, entropy=threshold, bits=bits, counts=counts).fit(train, train)
    p = np.exp(model.next_log_probs(prefixes))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5 if bits == 32 else 1e-9)
