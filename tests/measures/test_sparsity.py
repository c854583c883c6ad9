"""The sparsity table against n-grams looked up one at a time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.measures.sparsity import ORDERS, Sparsity, sparsity, unseen_masks
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words(["a", "b", "c"])
words = st.lists(st.sampled_from(["a", "b", "c", "z"]), max_size=7)


def ngrams(row, n):
    """What ends at each token: its last n words, or the whole history from <s> on where that is shorter."""
    history = ["<s>", *row]
    return [tuple(history[max(0, end - n) : end]) for end in range(2, len(history) + 1)]


@settings(deadline=None, max_examples=60)
@given(st.lists(words, min_size=1, max_size=8), st.lists(words, min_size=1, max_size=8))
def test_against_brute_force(train_rows, test_rows):
    def spelled(rows):
        return [[word if word in "abc" else "<unk>" for word in row] + ["</s>"] for row in rows]

    train, text = Sentences.encode(train_rows, VOCAB), Sentences.encode(test_rows, VOCAB)
    masks = unseen_masks(text, NGramTable.count(train, max(ORDERS)))
    assert tuple(masks) == ORDERS
    for line in sparsity(text, masks):
        seen = {gram for row in spelled(train_rows) for gram in ngrams(row, line.order)}
        misses = [[gram not in seen for gram in ngrams(row, line.order)] for row in spelled(test_rows)]
        flat = [miss for row in misses for miss in row]
        assert masks[line.order].tolist() == flat
        assert (line.tokens, line.unseen) == (len(flat), sum(flat))
        assert line.share == pytest.approx(sum(flat) / len(flat))
        assert line.zero_sentences == pytest.approx(sum(map(any, misses)) / len(misses))


@settings(deadline=None, max_examples=40)
@given(st.lists(words, min_size=1, max_size=8), st.lists(words, min_size=1, max_size=8))
def test_longer_ngrams_are_seen_less_and_train_is_all_seen(train_rows, test_rows):
    train, text = Sentences.encode(train_rows, VOCAB), Sentences.encode(test_rows, VOCAB)
    table = NGramTable.count(train, max(ORDERS))
    masks = unseen_masks(text, table)
    for shorter, longer in pairwise(ORDERS):
        assert not np.any(masks[shorter] & ~masks[longer])
    assert not any(mask.any() for mask in unseen_masks(train, table).values())


def test_by_hand():
    # Train: a b </s>. Text: b a </s> and a b </s>, 6 predictions.
    # Unigrams: all occur. Bigrams: <s> b, b a, a </s> do not occur; <s> a, a b, b </s> do: 3 of 6, in 1 row of 2.
    train = Sentences.encode([["a", "b"]], VOCAB)
    text = Sentences.encode([["b", "a"], ["a", "b"]], VOCAB)
    masks = unseen_masks(text, NGramTable.count(train, 2), (1, 2))
    assert sparsity(text, masks) == [Sparsity(1, 6, 0, 0.0, 0.0), Sparsity(2, 6, 3, 0.5, 0.5)]
