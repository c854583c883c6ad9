"""Which words are events, in which order, and that reserved words of a text stay words."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadText
from lmbench.text.vocabulary import EOS, UNK, Vocabulary, escape, unescape

RESERVED = ["<unk>", "<s>", "</s>", "\\<unk>", "\\\\</s>", "\\", "<unk", "\\a", "\\<s>\n", "<unk>x"]
word = st.one_of(st.sampled_from(RESERVED), st.sampled_from("abcd"), st.text(min_size=1, max_size=3))
sentences = st.lists(st.lists(word, max_size=5), min_size=1, max_size=8)
fixed = settings(deadline=None, max_examples=60)


@fixed
@given(word)
def test_escaping_is_undone(one):
    assert unescape(escape(one)) == one
    assert escape(one) not in ("<unk>", "<s>", "</s>")


@fixed
@given(word, word)
def test_different_words_are_different_events(one, other):
    assert (escape(one) == escape(other)) == (one == other)


def test_only_reserved_words_are_escaped():
    assert [escape(one) for one in ("<unk>", "\\<s>", "unk", "\\", "<unk>x")] == [
        "\\<unk>",
        "\\\\<s>",
        "unk",
        "\\",
        "<unk>x",
    ]


@fixed
@given(sentences, st.integers(1, 3), st.none() | st.integers(3, 8))
def test_build_against_counts(rows, min_count, max_size):
    counts = Counter(one for row in rows for one in row)
    kept = sorted((one for one in counts if counts[one] >= min_count), key=lambda one: (-counts[one], one))
    kept = kept if max_size is None else kept[: max_size - 2]
    if not kept:
        with pytest.raises(BadText, match="lower min_count or raise the size"):
            Vocabulary.build(rows, min_count=min_count, max_size=max_size)
        return
    vocab = Vocabulary.build(rows, min_count=min_count, max_size=max_size)
    assert vocab.events == ("<unk>", "</s>", *map(escape, kept))
    assert len(vocab) == vocab.bos == len(kept) + 2
    for row in rows:
        assert vocab.encode(row) == [kept.index(one) + 2 if one in kept else UNK for one in row]


@fixed
@given(sentences)
def test_decode_gives_events(rows):
    vocab = Vocabulary.build([*rows, ["a"]])
    for row in rows:
        assert [unescape(event) for event in vocab.decode(vocab.encode(row))] == row
    assert vocab.decode([UNK, EOS, vocab.bos]) == ["<unk>", "</s>", "<s>"]


def test_the_order_of_sentences_does_not_matter():
    rows = [["b", "a"], ["c", "b"], ["a", "d"]]
    assert Vocabulary.build(rows) == Vocabulary.build(rows[::-1])
    assert Vocabulary.build(rows).events == ("<unk>", "</s>", "a", "b", "c", "d")


def test_extra_words_come_last_and_once():
    vocab = Vocabulary.build([["a", "a", "b"]], min_count=2, extra_words=["z", "a", "b", "z", "<s>"])
    assert vocab.events == ("<unk>", "</s>", "a", "z", "b", "\\<s>")


def test_of_words():
    assert Vocabulary.of_words(["b", "</s>", "a"]).encode(["a", "</s>", "<unk>", "b"]) == [4, 3, UNK, 2]


@pytest.mark.parametrize("events", [("a", "b"), ("</s>", "<unk>"), ("<unk>", "</s>", "a", "a")])
def test_what_is_not_a_vocabulary(events):
    with pytest.raises(ValueError, match="a vocabulary"):
        Vocabulary(events)
