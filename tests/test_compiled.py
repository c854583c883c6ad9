"""Compiled loops and numpy give the same arrays, to the last bit."""

import sys
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench import compiled
from lmbench.models.ngram import NGram
from lmbench.ngrams.table import NGramTable
from lmbench.text import bulk
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary
from lmbench.text.words import WordTable, learner, words_of

VOCAB = Vocabulary.of_words(["a", "b", "c"])
rows = st.lists(st.lists(st.integers(0, len(VOCAB) - 1), max_size=9), max_size=9)


@contextmanager
def loops(use):
    with mock.patch.object(compiled, "use", use):
        assert (compiled.loops(1) is not None) == use, "numba is part of the test environments"
        yield


def both(function):
    with loops(False):
        by_numpy = function()
    with loops(True):
        return by_numpy, function()


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def arrays(table):
    return [*table.index.keys, *(o.counts for o in table.orders), *(o.suffix for o in table.orders), table.last]


@settings(deadline=None)
@given(rows, rows, st.integers(1, 5))
def test_counting_and_scoring(train, test, order):
    train, test = Sentences.of_rows(train, VOCAB), Sentences.of_rows(test, VOCAB)
    assert_same(*map(arrays, both(lambda: NGramTable.count(train, order))))
    model = NGram(order=order, cutoffs=(0, 0, 1)).fit(train, test)
    assert_same(*both(lambda: [model.log_probs(test)]))


@pytest.fixture(scope="module")
def large():
    """Enough distinct words and n-grams, seen once and often, that hash tables grow and parts have to be merged."""
    rng = np.random.default_rng(1)
    vocab = Vocabulary.of_words([f"단어{i}" for i in range(30_000)])
    ids = np.minimum(rng.zipf(1.2, 600_000), len(vocab) - 2).astype(np.int32) + EOS
    return Sentences.of_rows(np.split(ids, np.flatnonzero(ids == EOS) + 1), vocab)


def test_a_text_of_many_parts(large):
    one, other = both(lambda: NGramTable.count(large, 4))
    assert len(one.index.keys[2]) > 1 << 18
    assert_same(arrays(one), arrays(other))


def test_scores_of_a_text_of_many_parts(large):
    model = NGram(order=4).fit(large.take(np.arange(0, len(large), 2)), large)
    assert_same(*both(lambda: [model.log_probs(large)]))


def test_ngrams_are_found_at_the_same_places(large):
    index = NGramTable.count(large.take(np.arange(0, len(large), 2)), 3).index
    assert_same(
        *both(lambda: [index.find(3, index.find(2, large.previous.astype(np.int64), large.tokens), large.tokens)])
    )


def test_a_file_and_lines_become_the_same_ids(large, tmp_path):
    lines = [" ".join(large.vocab.decode(row[:-1])) for row in large]
    (tmp_path / "text").write_text("\n".join(lines), "utf-8")
    some = Vocabulary(large.vocab.events[:9000])
    read = both(lambda: bulk.read(tmp_path / "text"))
    assert read[0].vocab == read[1].vocab
    for one, other in (
        read,
        both(lambda: bulk.read(tmp_path / "text", some)),
        both(lambda: bulk.encode(lines, some)),
    ):
        assert_same([one.tokens, one.offsets], [other.tokens, other.offsets])


@given(st.lists(st.text("ab가 \n", max_size=20), max_size=4))
@settings(deadline=None)
def test_words_and_what_a_table_learns(texts):
    def learned():
        table, told = learner(1), []
        for text in texts:
            words = words_of(np.frombuffer(text.encode(), np.uint8))
            table, ids, new = table.learn(words.keys)
            told += [*words, ids, new]
        known = WordTable.of(["ab", "a b", "가", "b"])
        return [*told, *(known.find(words.keys) for _ in [0])] if texts else told

    assert_same(*both(learned))


def test_numba_is_used_where_it_pays(monkeypatch):
    monkeypatch.setattr(compiled, "use", None)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert compiled.loops(compiled.LARGE - 1) is None
    assert compiled.loops(compiled.LARGE) is not None
    monkeypatch.setitem(sys.modules, "numba", sys)
    assert compiled.loops(1) is not None


def test_without_numba_numpy_does_all(monkeypatch):
    monkeypatch.setattr(compiled, "use", True)
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it is an ImportError
    monkeypatch.delitem(sys.modules, "lmbench.compiled.kernels", raising=False)
    monkeypatch.delattr(compiled, "kernels", raising=False)
    compiled._loops.cache_clear()
    try:
        assert compiled.loops(1) is None
    finally:
        monkeypatch.undo()
        compiled._loops.cache_clear()
