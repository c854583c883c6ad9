"""Exchange against the likelihood worked out from scratch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.ngrams import classes
from lmbench.ngrams.classes import exchange
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

VOCAB = Vocabulary.of_words(list("abcdef"))
V = len(VOCAB)
rows = st.lists(st.lists(st.integers(0, V - 1), max_size=9), max_size=9)


def log_likelihood(text, class_of):
    """ln of the maximum likelihood class bigram, less the words' part, which no class changes."""
    pairs = Counter((class_of[v], class_of[w]) for v, w in zip(text.previous, text.tokens, strict=True))
    left, right = Counter(), Counter()
    for (c, d), n in pairs.items():
        left[c] += n
        right[d] += n
    both = sum(n * np.log(n) for n in pairs.values())
    return both - sum(n * np.log(n) for side in (left, right) for n in side.values())


@settings(deadline=None)
@given(rows, st.integers(1, 4), st.integers(1, 8))
def test_no_word_would_be_better_off_in_another_class(some_rows, n_classes, words):
    text = Sentences.of_rows(some_rows, VOCAB)
    found = exchange(text, classes=n_classes, words=words, sweeps=50)
    counts = np.bincount(text.tokens, minlength=V)
    exchanged = np.argsort(-counts, kind="stable")[: min(words, np.count_nonzero(counts))]
    taken = np.unique(found[exchanged])
    now = log_likelihood(text, found)
    for word in exchanged:
        for other in taken:
            moved = found.copy()
            moved[word] = other
            assert log_likelihood(text, moved) <= now + 1e-5


@settings(deadline=None)
@given(rows, st.integers(1, 4), st.integers(1, 8))
def test_classes_are_numbered_and_those_not_exchanged_share_one(some_rows, n_classes, words):
    text = Sentences.of_rows(some_rows, VOCAB)
    found = exchange(text, classes=n_classes, words=words, sweeps=5)
    assert sorted(set(found)) == list(range(found.max() + 1))
    assert (found == found[V]).sum() == 1
    assert found[V] == found.max()
    counts = np.bincount(text.tokens, minlength=V)
    rest = np.argsort(-counts, kind="stable")[min(words, np.count_nonzero(counts)) :]
    assert len(set(found[rest])) <= 1
    assert not set(found[rest]) & set(np.delete(found[:V], rest))


@settings(deadline=None)
@given(rows, st.integers(1, 4))
def test_each_round_gains(some_rows, n_classes):
    text = Sentences.of_rows(some_rows, VOCAB)
    start = np.append(np.full(V, n_classes), n_classes + 1)
    counts = np.bincount(text.tokens, minlength=V)
    ranked = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    start[ranked] = np.minimum(np.arange(len(ranked)), n_classes - 1)
    gains = [log_likelihood(text, exchange(text, classes=n_classes, words=V, sweeps=s)) for s in range(4)]
    assert gains[0] == pytest.approx(log_likelihood(text, start))
    assert (np.diff(gains) >= -1e-9).all()


def test_words_with_the_same_neighbours_meet():
    # a and b stand before c and d, and e stands apart. By their counts </s>, e and a begin alone, the others together.
    lines = ["a c", "a d", "b c", "b d", "a c", "b d", "e e", "e e"] * 3
    text = Sentences.encode([line.split() for line in lines], VOCAB)
    a, b, c, d, e = VOCAB.encode("abcde")
    found = exchange(text, classes=4, words=V, sweeps=10)
    assert found[a] == found[b]
    assert found[c] == found[d]
    assert len({found[a], found[c], found[e], found[EOS]}) == 4
    assert found[UNK] not in {found[a], found[c], found[e], found[EOS]}


def test_a_repeated_word_is_counted_on_both_sides():
    # The word stands beside itself 7 times and beside both classes on both sides, so some pairs change twice.
    tables = [classes._ClassPairs(np.array([0, 1]), np.array([1, 0]), np.array([5, 4]), 2, 3) for _ in range(2)]
    before, after, itself = np.array([3.0, 1, 6]), np.array([2.0, 1, 0]), 7.0
    gains = tables[0].gains(before, after, itself)
    for c, table in enumerate(tables):
        table.add(c, before, after, itself, sign=1)
    # with the word in class 0: N(0, 0) = 0 + 3 + 2 + 7, N(0, 1) = 5 + 1, N(1, 0) = 4 + 1, N(<s>, 0) = 6
    assert tables[0].n.tolist() == [[12, 6, 0], [5, 0, 0], [6, 0, 0]]
    # in class 1: N(1, 1) = 0 + 1 + 1 + 7, N(0, 1) = 5 + 3, N(1, 0) = 4 + 2, N(<s>, 1) = 6
    assert tables[1].n.tolist() == [[0, 8, 0], [6, 9, 0], [0, 6, 0]]

    def n_log_n(*counts):
        return sum(n * np.log(n) for n in counts)

    # pairs, less contexts, less predicted
    zero = n_log_n(12, 6, 5, 6) - n_log_n(18, 5, 6) - n_log_n(23, 6)
    one = n_log_n(8, 6, 9, 6) - n_log_n(8, 15, 6) - n_log_n(6, 23)
    assert gains[0] - gains[1] == pytest.approx(zero - one)
