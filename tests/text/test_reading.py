"""What a model says is read as it was said, in the unit it was trained in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.text.reading import Reading
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

RESERVED = ["<unk>", "<s>", "</s>", r"\<unk>", r"\\</s>", "<UNK>", "\ufffd", "\ue000", "나는", "a", "b", "▁", r"\▁"]


@settings(deadline=None)
@given(st.sets(st.sampled_from(RESERVED), min_size=1), st.data())
@pytest.mark.parametrize("unit", ["sentence", "stream"])
def test_what_is_printed_is_read_as_the_same_events(unit, words, data):
    """Of words between spaces, with <unk> and every reserved word as words of the text."""
    reading = Reading(Vocabulary.build([sorted(words)]), TOKENIZERS["whitespace"], unit)
    ids = st.sampled_from([UNK, *range(EOS + 1, len(reading.vocab))])
    rows = data.draw(st.lists(st.lists(ids, min_size=1, max_size=6), min_size=1, max_size=4))
    back = reading.rows(reading.tokenizer.tokenize([reading.text(row) for row in rows]))
    assert back.tokens.tolist() == [i for row in rows for i in (*row, EOS)]
    assert len(back) == (1 if unit == "stream" else len(rows))


@pytest.mark.parametrize("tokenizer", ["words", "syllables", "jamo"])
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_units_that_are_characters_are_read_back_too(tokenizer, data):
    cutter = TOKENIZERS[tokenizer]
    lines = ["나는 배가 고프다.", "<unk> a \ufffd"]
    reading = Reading(Vocabulary.build(cutter.tokenize(lines)), cutter)
    words = data.draw(st.lists(st.sampled_from([*lines, "?"]), min_size=1, max_size=3))
    row = [i for word in words for i in reading.vocab.encode(cutter.tokenize([word])[0])]
    assert reading.vocab.encode(cutter.tokenize([reading.text(row)])[0]) == row


def test_unknown_words_have_a_mark_that_the_text_does_not_have():
    plain = Reading(Vocabulary.build([["a", "b"]]), TOKENIZERS["whitespace"])
    assert plain.text([2, UNK, EOS]) == "a <unk>"
    literal = Reading(Vocabulary.build([["a", "<unk>"]]), TOKENIZERS["whitespace"])
    assert literal.text(literal.vocab.encode(["<unk>", "lacking"])) == "<unk> \ufffd"


def test_a_sentence_of_a_stream_stands_after_the_end_of_another():
    vocab = Vocabulary.build([["a", "b"]])
    for unit, row in (("sentence", [2, 3, EOS]), ("stream", [EOS, 2, 3, EOS])):
        reading = Reading(vocab, TOKENIZERS["whitespace"], unit)
        assert [part.tolist() for part in reading.sentence(["a", "b"])] == [row]
    batch = Reading(vocab, TOKENIZERS["whitespace"], "stream").rows([["a"], ["b", "a"]])
    np.testing.assert_array_equal(batch.offsets, [0, 5])
    np.testing.assert_array_equal(batch.segments, [0, 0, 1, 1, 1])
