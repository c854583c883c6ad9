"""What a model says by itself: how much of it is new, allowed, copied, repeated, and whether it says the unseen.

Every measure is of a text, so the test text itself has them too: that is the yardstick.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.measures.coverage import would_say
from lmbench.measures.perplexity import Floats
from lmbench.measures.sparsity import longest_seen, unseen_masks
from lmbench.ngrams.suffix_array import SuffixArray
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ORDERS = (1, 2, 3, 4, 5)
REPEATED = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class Train:
    """What generated text is held against: n-grams of train, and where in it any run of words stands."""

    table: NGramTable
    suffixes: SuffixArray
    rows: frozenset[bytes]

    @classmethod
    def of(cls, train: Sentences) -> Train:
        """Count and sort train once."""
        rows = frozenset(row.tobytes() for row in train)
        return cls(NGramTable.count(train, max(ORDERS)), SuffixArray.build(train), rows)


def novelty(text: Sentences, train: Train) -> tuple[dict[str, float], dict[int, Bools]]:
    """Shares of tokens that end an n-gram train does not have, by order, and these tokens, bool (N,)."""
    masks = unseen_masks(text, longest_seen(text, train.table), ORDERS)
    return {f"novel_{n}": float(mask.mean()) for n, mask in masks.items()}, masks


def copies(text: Sentences, train: Train) -> dict[str, float]:
    """Runs of words that stand in train word for word.

    whole:        share of the sentences that are a sentence of train
    copy_mean:    words of the longest such run of a sentence, its mean; copy_most: the longest of all
    copy_share:   the longest run over the sentence's words, its mean
    """
    whole = np.fromiter((row.tobytes() in train.rows for row in text), bool, len(text))
    words = text.row_sums((text.tokens != EOS).astype(np.float64))
    longest = longest_copies(text, train.suffixes)
    spoken = words > 0
    share = longest[spoken] / words[spoken]
    return {
        "whole": float(whole.mean()),
        "copy_mean": float(longest.mean()),
        "copy_most": float(longest.max(initial=0)),
        "copy_share": float(share.mean()) if len(share) else 0.0,
    }


def longest_copies(text: Sentences, train: SuffixArray) -> Ints:
    """int64 (S,): words of the longest run of words of each row that train has word for word in one sentence.

    A run that ends at a word is the history of what comes next: the longest history that train goes on from.
    """
    asked = text.ended()  # so that the last word is a history too, in a row that was cut off as well
    length = train.match(asked).length
    words = length - (length == asked.positions + 1)  # <s> is no word
    longest = np.zeros(len(text), np.int64)
    np.maximum.at(longest, asked.rows, words)
    return longest


def repetition(text: Sentences, sentences: int) -> dict[str, float]:
    """Distinct sentences and n-grams among the first so many sentences, and n-grams said again in the same sentence.

    different:  sentences, as distinct_n is of n-grams
    distinct_n: Li et al. 2016. It falls as text grows, so texts are compared by equally many sentences.
    again_n:    the share of a sentence's n-grams that are one of its earlier ones, over all (Welleck et al. 2020)
    """
    part = text.take(np.arange(min(sentences, len(text))))
    found = {"different": len({row.tobytes() for row in part}) / max(1, len(part))}
    for n in REPEATED:
        grams, rows = words_of(part, n)
        if not len(grams):
            continue
        ids = np.unique(grams, return_inverse=True)[1]
        found[f"distinct_{n}"] = float((ids.max() + 1) / len(ids))
        found[f"again_{n}"] = float(1 - len(np.unique(rows * (ids.max() + 1) + ids)) / len(ids))
    return found


def words_of(text: Sentences, n: int) -> tuple[Ints, Ints]:
    """int64: the n-grams of words (</s> and <s> are none) as one number each, and the rows they are in."""
    ends = np.flatnonzero((text.positions >= n - 1) & (text.tokens != EOS))
    grams = np.zeros(len(ends), np.int64)
    for back in range(n - 1, -1, -1):
        grams = grams * len(text.vocab) + text.tokens[ends - back]
    return grams, text.rows[ends]


def said(text: Sentences, pairs: Ints) -> Ints:
    """int64 (P,): how often each pair of events, int64 (P, 2), stands side by side in text."""
    grams, counts = np.unique(words_of(text, 2)[0], return_counts=True)
    wanted = pairs[:, 0] * len(text.vocab) + pairs[:, 1]
    if not len(grams):
        return np.zeros(len(pairs), np.int64)
    place = np.minimum(np.searchsorted(grams, wanted), len(grams) - 1)
    return np.where(grams[place] == wanted, counts[place], 0).astype(np.int64)


def apart(shares: Floats, log_probs: Floats, rounds: int) -> float:
    """By how many standard errors the mean of drawn shares, (P,), is from C4 as computed, the mean of 1 - (1 - p)^100.

    shares: of `rounds` rounds each, in which 100 continuations were drawn
    """
    expected = would_say(log_probs)
    error = np.sqrt((expected * (1 - expected)).sum() / rounds)
    difference = float((shares - expected).sum())
    return difference / float(error) if error > 0 else 0.0
