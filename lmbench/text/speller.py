"""What it costs to spell a word that is not in the vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import log2

N_CODE_POINTS = 0x110000 - 0x800
"""Unicode code points that text can hold: all but the surrogates."""


@dataclass(frozen=True)
class Speller:
    r"""An add-one character unigram with an end symbol, a distribution over all strings (the empty one included).

    With n(c) how often the code point c occurs in the training words (each distinct word once), A the
    set of code points that occur, n_end the number of words, and T = n_end + sum of n(c):

        total    = T + |A| + 2                    one is added to each c in A, to the end and to the escape
        p(c)     = (n(c) + 1) / total             c in A
        p(end)   = (n_end + 1) / total
        p(c)     = 1 / total / (M - |A|)          c not in A; M = 1,112,064 code points text can hold

        p(word)  = p(end) * product of p(c) over the word

    It knows nothing of which words are in the vocabulary, so the mass it gives those is lost: bits per
    character are a slight overestimate, and the same one for every model of a corpus.

    counts:  n(c)
    n_words: n_end
    """

    counts: dict[str, int]
    n_words: int

    @classmethod
    def train(cls, words: Iterable[str]) -> Speller:
        """From distinct words: a word given twice counts twice."""
        words = list(words)
        return cls(dict(Counter(character for word in words for character in word)), len(words))

    def bits(self, word: str) -> float:
        """-log2 p(word)."""
        total = self.n_words + sum(self.counts.values()) + len(self.counts) + 2
        unseen = N_CODE_POINTS - len(self.counts)
        cost = log2(total) - log2(self.n_words + 1)
        for character in word:
            count = self.counts.get(character)
            cost += log2(total) + log2(unseen) if count is None else log2(total) - log2(count + 1)
        return cost
