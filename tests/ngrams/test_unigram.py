"""Word frequencies without zeros."""

import pytest

from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words(["a", "b"])


def test_frequencies_by_hand():
    # a a b </s>: N = 4 tokens, T = 3 of the V = 4 events; (count + 3/4) / (4 + 3)
    p = unigram(Sentences.encode([["a", "a", "b"]], VOCAB))
    assert p == pytest.approx([0.75 / 7, 1.75 / 7, 2.75 / 7, 1.75 / 7])
    assert p.sum() == pytest.approx(1)


def test_no_text_is_uniform():
    assert unigram(Sentences.of_rows([], VOCAB)).tolist() == [0.25] * 4
