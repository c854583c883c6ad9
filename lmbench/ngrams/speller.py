"""What it costs to spell a word that is not in the vocabulary: an n-gram model of characters, learnt from train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.discounting import kneser_ney
from lmbench.ngrams.recursion import Settings
from lmbench.ngrams.table import NGramTable
from lmbench.text.corpus import Corpus
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import UNK, Vocabulary

Floats = npt.NDArray[np.float64]

ORDER = 6
"""Chosen once, on unknown words of valid. Bits a word at orders 2 to 6 of reviews in morphemes (100,000 lines, 8,000
events): 22.88, 19.66, 19.34, 19.32, 19.31, where a unigram with one added to each count takes 31.03. Of words of the
Penn Treebank beyond the 3,000 most frequent, when a tenth of them is left out and asked for, at orders 2 to 7: 30.94,
27.89, 26.93, 26.63, 25.97, 26.21. Witten-Bell is as good up to order 3, and worse above on words that are new."""
N_CODE_POINTS = 0x110000 - 0x800
"""Unicode code points that text can hold: all but the surrogates."""
LN2 = float(np.log(2))


@dataclass(frozen=True, eq=False)
class Speller:
    r"""Interpolated Kneser-Ney over the code points of words, each from its beginning to an end symbol.

    A distribution over all strings, the empty one included. Code points that training words lack are one event, as
    likely as any event never seen, and each of them has an equal share of it: M - |A| of them, where A are those that
    occur and M = 1,112,064 are those that text can hold.

    vocab: A as words, with <unk> for the rest and </s> for the end of a word
    """

    vocab: Vocabulary
    model: BackOff

    @classmethod
    def train(cls, words: Iterable[str]) -> Speller:
        """From words, at least one of them not empty; one given twice counts twice."""
        words = list(words)
        vocab = Vocabulary.build(words)
        rows = Sentences.encode(words, vocab)
        return cls(vocab, kneser_ney(NGramTable.count(rows, ORDER), Settings(valid=rows, counts=False)))

    def bits(self, words: Sequence[str]) -> Floats:
        """float64 (W,): -log2 p(word) of each."""
        rows = Sentences.encode(words, self.vocab)
        share = log2(N_CODE_POINTS - (len(self.vocab) - 2))
        cost = rows.row_sums(-self.model.log_probs(rows) / LN2 + share * (rows.tokens == UNK))
        return np.asarray(cost, np.float64)


def spelling_bits(corpus: Corpus) -> Floats:
    """float64 (N,): bits that spell the word behind each <unk> of test, 0 elsewhere.

    The speller learns from the words that are <unk> in train, each as often as it is there, so that it says how a word
    is spelled that is none of the vocabulary's. Where train has none, it learns from each word of train once. What it
    gives to words that the vocabulary has is lost: bits are a slight overestimate.
    """
    bits = np.zeros(corpus.test.n_tokens)
    if corpus.unknown:
        ids = corpus.vocab.ids
        alike = [word for row in corpus.train_tokens for word in row if word not in ids]
        words = alike or sorted({word for row in corpus.train_tokens for word in row})
        bits[corpus.test.tokens == UNK] = Speller.train(words).bits(corpus.unknown)
    return bits
