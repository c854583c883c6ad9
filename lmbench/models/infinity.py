"""Kind `infinity`: the n-gram of any length, the longest of whose contexts train has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lmbench.fields import Whole
from lmbench.model import Floats, LanguageModel, State, Strata
from lmbench.ngrams.suffix_array import SUFFIX_LENGTHS, SuffixArray
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True)
class Infinity(LanguageModel):
    """The infinity-gram of Liu, Min, Zettlemoyer, Choi & Hajishirzi 2024 (arXiv 2401.17377), section 2:

        p(w | h) = count(s w) / count(s),  s the longest suffix of h that train has and goes on after

    h is the whole row so far with its <s>, and so is s at most: rows of train are not read across. The empty
    suffix gives relative frequencies. Nothing is smoothed, so what never followed s is impossible: the row is
    there to be seen with its zeros, and to be mixed with one that has none, best by strata of the suffix length.

    longest: words of s at most, <s> counted as one; left out, there is no limit. In long streams that repeat
             very long passages of train a limit saves time, which grows with the square of such a repeat

    Text of N tokens is N tokens and N places in a suffix array, however long the contexts are.
    """

    longest: Whole | None = None

    family: ClassVar[str] = "ngram"

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Sort the histories of train; there is nothing to choose on valid."""
        del valid
        self.vocab_ = train.vocab
        self.suffixes_ = SuffixArray.build(train)
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats; -inf where the token never followed the suffix."""
        match = self.suffixes_.match(batch, self.longest)
        with np.errstate(divide="ignore"):
            logs: Floats = np.log(self.suffixes_.count(match, batch.tokens) / (match.end - match.begin))
        return logs

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats."""
        asked = prefixes.ended()
        match = self.suffixes_.match(asked, self.longest)
        last = asked.offsets[1:] - 1
        ranges, row = np.unique([match.begin[last], match.end[last]], axis=1, return_inverse=True)
        counts = [np.bincount(self.suffixes_.followers[a:b], minlength=len(self.vocab_)) for a, b in ranges.T]
        p = np.array(counts, np.float64).reshape(-1, len(self.vocab_)) / (ranges[1] - ranges[0])[:, None]
        with np.errstate(divide="ignore"):
            table: Floats = np.log(p)[row.ravel()]  # numpy 2.0 gives the inverse another shape
        return table

    def strata(self, batch: Sentences) -> Strata:
        """By the words of the suffix: 0, 1, 2, 3, 4, 5-8, 9 or more."""
        return Strata.cut(self.suffixes_.match(batch, self.longest).length, SUFFIX_LENGTHS, "suffix")

    def n_params(self) -> int:
        """Stored numbers: the tokens of train, where its rows begin, and its suffix array."""
        text = self.suffixes_.text
        return 2 * text.n_tokens + len(text.offsets)

    def state(self) -> State:
        """Train and the order of its histories."""
        text, order = self.suffixes_.text, self.suffixes_.order
        small = np.int32 if text.n_tokens <= np.iinfo(np.int32).max else np.int64
        return {"tokens": text.tokens, "offsets": text.offsets, "order": order.astype(small)}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        tokens, offsets, order = (np.asarray(state[name]) for name in ("tokens", "offsets", "order"))
        text = Sentences(vocab, tokens.astype(np.int32), offsets.astype(np.int64))
        self.suffixes_ = SuffixArray(text, order.astype(np.int64))
        return self


Model = Infinity
