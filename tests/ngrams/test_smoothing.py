"""What is not smoothed, worked by hand, and the law that every distribution sums to one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import fitted, prob

from lmbench.models.ngram import NGram
from lmbench.ngrams.smoothing import METHODS, SCORES
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

DISTRIBUTIONS = sorted(METHODS.keys() - SCORES)
TWO = ["the cat sat", "the dog sat on the cat"]


def test_mle_uses_the_longest_suffix_that_was_seen():
    model = fitted(["the cat sat", "the cat ran", "the dog sat"], order=3, smoothing="mle")
    # after "the cat": sat 1, ran 1;  after "<s> the": cat 2, dog 1
    assert prob(model, "sat", "the cat") == pytest.approx(1 / 2)
    assert prob(model, "cat", "the") == pytest.approx(2 / 3)
    # "sat the" was never a context, "the" was: cat 2, dog 1
    assert prob(model, "dog", "cat sat the") == pytest.approx(1 / 3)
    # "<unk>" was never seen: words alone, 12 tokens with </s>
    assert prob(model, "cat", "zebra") == pytest.approx(2 / 12)
    # the context was seen, so what never followed it is impossible
    assert prob(model, "ran", "the dog") == 0


def test_stupid_backoff_scores():
    model = fitted(["the cat sat", "the cat ran", "the dog sat"], order=3, smoothing="stupid_backoff")
    # after "the cat": sat 1, ran 1;  "the cat dog" and "cat dog" never, dog 1 of 12 words
    assert prob(model, "sat", "the cat") == pytest.approx(1 / 2)
    assert prob(model, "dog", "the cat") == pytest.approx(0.4 * 0.4 * 1 / 12)
    # after "the dog": sat 1;  "dog ran" never, ran 1
    assert prob(model, "ran", "the dog") == pytest.approx(0.4 * 0.4 * 1 / 12)
    # "sat the" was never seen, so there is no 0.4:  after "the": cat 2, dog 1
    assert prob(model, "cat", "cat sat the") == pytest.approx(2 / 3)
    assert prob(model, "sat", "cat sat the") == pytest.approx(0.4 * 2 / 12)
    assert prob(model, "<unk>", "the") == 0


@pytest.mark.parametrize("smoothing", DISTRIBUTIONS)
@pytest.mark.parametrize("order", range(1, 6))
def test_two_sentences_are_enough_for_a_distribution(smoothing, order):
    model = fitted(TWO, order=order, smoothing=smoothing)
    prefixes = [[], ["the"], ["the", "cat"], ["the", "dog", "sat", "on", "the"], ["on", "on", "on"], ["zebra"]]
    p = np.exp(model.next_log_probs(Sentences.encode_prefixes(prefixes, model.vocab_)))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert smoothing == "mle" or p.min() > 0


VOCAB = Vocabulary.of_words(["a", "b", "c"])
rows = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=8)
cutoffs = st.sampled_from([(0,), (0, 1), (0, 0, 1)])


@settings(deadline=None)
@given(rows, rows, st.sampled_from(DISTRIBUTIONS), st.integers(1, 5), cutoffs)
def test_every_distribution_sums_to_one_on_any_text(train_rows, prefix_rows, smoothing, order, cutoffs):
    train, prefixes = Sentences.of_rows(train_rows, VOCAB), Sentences.of_rows(prefix_rows, VOCAB)
    model = NGram(order=order, smoothing=smoothing, cutoffs=cutoffs).fit(train, prefixes)
    p = np.exp(model.next_log_probs(prefixes))
    assert not np.isnan(p).any()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
