"""The table against counts made one n-gram at a time."""

import errno
import os
import tempfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import LMBenchError
from lmbench.ngrams import runs
from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.table import SORTING, NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

VOCAB = Vocabulary.of_words(["a", "b", "c"])
V = len(VOCAB)

rows = st.lists(st.lists(st.integers(0, V - 1), max_size=7), max_size=8)
orders = st.integers(1, 5)


def batch_of(some_rows):
    return Sentences.of_rows(some_rows, VOCAB)


def ending_at(row, i, n):
    """The n-gram of row that ends at token i, or None where <s> comes too late for it."""
    padded = (V, *row)
    return padded[i + 2 - n : i + 2] if n <= i + 2 else None


def ngrams(some_rows, n):
    return Counter(g for row in some_rows for i in range(len(row)) if (g := ending_at(row, i, n)) and g != (V,))


def spelled(index: NGramIndex, n, gram):
    """The words of n-gram number gram, read back from the keys."""
    words = []
    while n:
        gram, word = divmod(int(index.keys[n - 1][gram]), V + 1)
        words.insert(0, word)
        n -= 1
    return tuple(words)


@given(rows, orders)
def test_counts_are_those_of_a_counter(some_rows, order):
    table = NGramTable.count(batch_of(some_rows), order)
    for n in range(1, order + 1):
        counted = {spelled(table.index, n, g): c for g, c in enumerate(table.orders[n - 1].counts.tolist())}
        if n == 1:
            assert set(counted) == {(w,) for w in range(V + 1)}
            assert counted.pop((V,)) == 0
        assert {g: c for g, c in counted.items() if c} == ngrams(some_rows, n)
        assert np.all(np.diff(table.index.keys[n - 1]) > 0)


@given(rows, orders)
def test_adjusted_counts_are_numbers_of_left_extensions_except_after_bos(some_rows, order):
    table = NGramTable.count(batch_of(some_rows), order)
    for n in range(1, order + 1):
        counts, longer = ngrams(some_rows, n), ngrams(some_rows, n + 1)
        for g, adjusted in enumerate(table.adjusted(n).tolist()):
            words = spelled(table.index, n, g)
            if n == order or words[0] == V:
                assert adjusted == counts[words]
            else:
                assert adjusted == sum(1 for long in longer if long[1:] == words)


@given(rows, orders)
def test_context_suffix_word_and_bos_describe_the_ngram(some_rows, order):
    table = NGramTable.count(batch_of(some_rows), order)
    for n, one in enumerate(table.orders, start=1):
        for g in range(len(one.counts)):
            words = spelled(table.index, n, g)
            assert table.index.word(n)[g] == words[-1]
            assert (g >= one.bos) == (words[0] == V)
            if n > 1:
                assert spelled(table.index, n - 1, table.index.context(n)[g]) == words[:-1]
                assert spelled(table.index, n - 1, one.suffix[g]) == words[1:]


@given(rows, rows, orders)
def test_lookup_finds_what_was_counted_and_nothing_else(train, test, order):
    table, batch = NGramTable.count(batch_of(train), order), batch_of(test)
    for n, (gram, context) in enumerate(table.lookup(batch), start=1):
        counted, at = ngrams(train, n), 0
        for row in test:
            for i in range(len(row)):
                words = ending_at(row, i, n)
                if n == 1:
                    assert (gram[at], context[at]) == (row[i], 0)
                else:
                    assert (gram[at] >= 0) == (words in counted)
                    assert gram[at] < 0 or spelled(table.index, n, gram[at]) == words
                    known = words is not None and (n == 2 or words[:-1] in ngrams(train, n - 1))
                    assert (context[at] >= 0) == known
                    assert not known or spelled(table.index, n - 1, context[at]) == words[:-1]
                at += 1


@given(rows, rows, orders)
def test_contexts_of_prefixes_are_those_of_a_next_token(train, prefixes, order):
    index = NGramTable.count(batch_of(train), order).index
    longer = batch_of([[*row, EOS] for row in prefixes])
    for found, (_, context) in zip(index.contexts(batch_of(prefixes)), index.lookup(longer), strict=True):
        np.testing.assert_array_equal(found, context[longer.offsets[1:] - 1])


@given(rows, orders)
def test_children_are_the_ngrams_with_that_context(some_rows, order):
    table = NGramTable.count(batch_of(some_rows), order)
    for n in range(1, order + 1):
        asked = np.array([*range(table.index.n_contexts(n)), -1])[::-1]
        place, gram = table.index.children(n, asked)
        expected = [(p, g) for p, c in enumerate(asked) for g in np.flatnonzero(table.index.context(n) == c)]
        assert list(zip(place.tolist(), gram.tolist(), strict=True)) == expected


@given(rows, orders)
def test_last_is_the_greatest_read_backwards_with_words_numbered_as_they_occur(some_rows, order):
    table = NGramTable.count(batch_of(some_rows), order)
    number = {w: i for i, w in reversed(list(enumerate(t for row in some_rows for t in row)))}
    number |= {EOS: -1, V: -2}
    if not number.keys() - {V, EOS} and not any(some_rows):
        assert table.last == (-1,) * (order - 1)
        return
    ends = [[V] * order + row[: i + 1] for row in some_rows for i in range(len(row))]
    greatest = max(ends, key=lambda words: [number[w] for w in reversed(words[-order:])])
    for n, gram in enumerate(table.last, start=1):
        words = tuple(greatest[-n:])
        if V in words[1:]:
            assert gram == -1
        else:
            assert spelled(table.index, n, gram) == words


def test_a_stream_counts_across_the_end_of_a_sentence():
    a, b = 2, 3
    table = NGramTable.count(batch_of([[a, EOS, b, EOS, a, EOS, b]]), 3)
    trigrams = {spelled(table.index, 3, g): c for g, c in enumerate(table.orders[2].counts.tolist())}
    assert trigrams == {(V, a, EOS): 1, (a, EOS, b): 2, (EOS, b, EOS): 1, (b, EOS, a): 1, (EOS, a, EOS): 1}


@given(rows, orders)
def test_find_finds_every_key_and_no_other(train, order):
    index = NGramTable.count(batch_of(train), order).index
    for n in range(2, order + 1):
        context = np.repeat(np.arange(-1, index.n_contexts(n)), V + 1)
        word = np.tile(np.arange(V + 1), index.n_contexts(n) + 1)
        by_key = {key: place for place, key in enumerate(index.keys[n - 1].tolist())}
        expected = [by_key.get(c * (V + 1) + w, -1) if c >= 0 else -1 for c, w in zip(context, word, strict=True)]
        assert index.find(n, context, word).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(rows, orders, st.integers(1, 40))
def test_counting_on_disk_gives_the_same_table(some_rows, order, tokens_at_once):
    batch = batch_of(some_rows)
    whole, parts = NGramTable.count(batch, order), NGramTable.count(batch, order, memory=tokens_at_once * SORTING)
    assert whole.last == parts.last
    for n, (one, other) in enumerate(zip(whole.orders, parts.orders, strict=True)):
        np.testing.assert_array_equal(whole.index.keys[n], parts.index.keys[n])
        assert one.bos == other.bos
        for name in "counts", "suffix":
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
            assert getattr(one, name).dtype == getattr(other, name).dtype


def test_counting_on_disk_leaves_nothing_there(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    NGramTable.count(batch_of([[2, 3, 4, EOS]] * 9), 4, memory=5 * SORTING)
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_said_before_it_is_written_to(monkeypatch):
    """Writing to a mapped file of which the disk has no room would end the process in a bus error."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(runs, "_reserve", full)
    with pytest.raises(LMBenchError, match="no room for temporary files: No space left") as error:
        NGramTable.count(batch_of([[2, 3, 4, EOS]] * 9), 4, memory=5 * SORTING)
    assert "\n" not in str(error.value)


def test_room_is_reserved_whatever_the_system_offers(tmp_path, monkeypatch):
    for name in ("posix", "other"):
        with (tmp_path / name).open("wb") as file:
            runs._reserve(file.fileno(), (1 << 20) + 5)
        found = (tmp_path / name).stat()
        assert found.st_size == (1 << 20) + 5
        assert 512 * getattr(found, "st_blocks", 1 << 20) >= found.st_size  # no hole
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
