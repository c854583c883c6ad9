"""The longest suffix of a history that a text has somewhere, for many histories at once.

Every token of the text is sorted by its history read backwards, nearest word first and <s> last: a suffix array of
the text reversed, row by row. The tokens whose history ends in given words are then one range of it, and a range
narrows as the words become more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmbench.text.sentences import Sentences

Ints = npt.NDArray[np.int64]

SUFFIX_LENGTHS = (1, 2, 3, 4, 5, 9)
"""Where the buckets of suffix lengths begin, after that of length 0."""


@dataclass(frozen=True, eq=False)
class Match:
    """For each of M histories the range of the text's tokens that stand after its longest suffix; int64 (M,) each.

    begin, end: the range in SuffixArray.order, never empty unless the text is
    length:     the words of the suffix, <s> counted as one; 0 where the text never continues the last word
    """

    begin: Ints
    end: Ints
    length: Ints


@dataclass(frozen=True, eq=False)
class SuffixArray:
    """A text of N tokens and the order of their histories.

    order: int64 (N,), the tokens' places in text.tokens, sorted by history; equal histories as they come in the text
    """

    text: Sentences
    order: Ints

    @classmethod
    def build(cls, text: Sentences) -> SuffixArray:
        """Sort by prefix doubling (Manber & Myers 1993): by the last word, the last 2, 4, 8, ... words.

        Histories known to be the same or not by their last n words are so by 2 n, if the n before those are compared
        by their rank. It ends when a round tells no more of them apart.
        """
        # Ranks begin at 1: nothing stands before <s>, and that is rank 0.
        rank = np.unique(text.previous, return_inverse=True)[1] + 1
        told_apart, width = 0, 1
        while text.n_tokens and rank.max() > told_apart:
            told_apart = int(rank.max())
            pair = rank * (told_apart + 1) + _earlier(text, rank, width)
            rank = np.unique(pair, return_inverse=True)[1] + 1
            width *= 2
        return cls(text, np.argsort(rank, kind="stable"))

    @cached_property
    def followers(self) -> npt.NDArray[np.int32]:
        """int32 (N,): the tokens in this order."""
        return self.text.tokens[self.order]

    def match(self, batch: Sentences, longest: int | None = None) -> Match:
        """For the history of each token of batch; of at most longest words if that is given.

        A word more a round, for the histories that still have more in common with the text than that.
        """
        begin, end = np.zeros(batch.n_tokens, np.int64), np.full(batch.n_tokens, len(self.order))
        length = np.zeros(batch.n_tokens, np.int64)
        going, depth = np.arange(batch.n_tokens), 0
        while len(going) and depth != longest:
            word = batch.previous[going - depth].astype(np.int64)
            low = self._place(begin[going], end[going], depth, word)
            high = self._place(low, end[going], depth, word + 1)
            found = low < high
            going = going[found]
            begin[going], end[going] = low[found], high[found]
            depth += 1
            length[going] = depth
            going = going[batch.positions[going] >= depth]
        return Match(begin, end, length)

    def _place(self, begin: Ints, end: Ints, depth: int, word: Ints) -> Ints:
        """The first place of each range whose history has at least this word before its last depth words."""
        low, high = begin, end
        for _ in range(int((end - begin).max(initial=0)).bit_length()):
            open_ = low < high
            middle = np.where(open_, (low + high) // 2, 0)
            token = self.order[middle]
            there = np.where(self.text.positions[token] >= depth, self.text.previous[token - depth], -1)
            less = open_ & (there < word)
            low, high = np.where(less, middle + 1, low), np.where(open_ & ~less, middle, high)
        return low

    def count(self, match: Match, tokens: npt.NDArray[np.integer]) -> Ints:
        """int64 (M,): how many tokens of each range are tokens[m]."""
        n = len(self.order) + 1
        wanted = tokens.astype(np.int64) * n
        low = np.searchsorted(self._by_token, wanted + match.begin)
        high = np.searchsorted(self._by_token, wanted + match.end)
        counts: Ints = high - low
        return counts

    @cached_property
    def _by_token(self) -> Ints:
        """int64 (N,), sorted: token * (N + 1) + its place in this order."""
        by_token = np.argsort(self.followers, kind="stable")
        return self.followers[by_token].astype(np.int64) * (len(self.order) + 1) + by_token


def _earlier(text: Sentences, values: Ints, back: int) -> Ints:
    """int64 (N,): the value of the token so far back in the row; 0 where the row does not go so far."""
    before = np.zeros_like(values)
    inside = np.flatnonzero(text.positions >= back)
    before[inside] = values[inside - back]
    return before
