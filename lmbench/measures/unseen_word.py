"""What a row says of a word that it was trained without, at the places where a held text has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.measures.coverage import ranks
from lmbench.measures.perplexity import BITS, Floats
from lmbench.model import LanguageModel
from lmbench.text.sentences import Sentences

Ints = npt.NDArray[np.int64]
CELLS = 4_000_000
"""Numbers of a table of contexts and events that are made at once."""


@dataclass(frozen=True, eq=False)
class Places:
    """Tokens of a text of whole sentences.

    words:     int64 (K,), the events in question
    group:     int64 (K,), the group of each, from 0: the words of a group are never read together
    at:        int64 (P,), tokens that are one of them, word by word
    word:      int64 (P,), which of the words each is: 0 to K-1
    elsewhere: int64 (E,), tokens that are none of them
    """

    words: Ints
    group: Ints
    at: Ints
    word: Ints
    elsewhere: Ints

    @classmethod
    def find(cls, text: Sentences, groups: Sequence[Ints], most: int, elsewhere: int, seed: int) -> Places:
        """The places of each word, and so many of others, drawn without replacement; `most` of a word at most."""
        words, sizes = np.concatenate(groups), [len(group) for group in groups]
        rng = np.random.default_rng(seed)

        def drawn(places: Ints, n: int) -> Ints:
            return places if len(places) <= n else np.sort(rng.choice(places, n, replace=False))

        at = [drawn(np.flatnonzero(text.tokens == word), most) for word in words]
        others = drawn(np.flatnonzero(~np.isin(text.tokens, words)), elsewhere)
        word = np.repeat(np.arange(len(words)), [len(places) for places in at])
        return cls(words, np.repeat(np.arange(len(groups)), sizes), np.concatenate(at), word, others)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a row says there, in nats.

    log_probs: float64 (P,), ln p(word | what is before it)
    ranks:     float64 (P,), its rank among the V events, 1 the likeliest; ties share their mean rank
    after:     float64 (P,), ln p(the token that follows it | what is before that)
    choice:    float64 (P,), the share of the other words of its group that are less likely there than it is, a tie 1/2;
               NaN where it has no other. Over the pairs of a group the mean is exactly 1/2 for whatever has no more
               than a liking for words and a liking for places: what one word wins by it another loses
    elsewhere: float64 (K,), ln of the mean of p(word) over the places elsewhere
    """

    log_probs: Floats
    ranks: Floats
    after: Floats
    choice: Floats
    elsewhere: Floats


def ask(model: LanguageModel, text: Sentences, places: Places, log_probs: Floats) -> Answers:
    """Answers at these places; log_probs: float64 (N,), the model's of the whole text."""
    own, choice = np.empty(len(places.at)), np.full(len(places.at), np.nan)
    for part in _parts(len(own), len(text.vocab)):
        table = _table(model, text, places.at[part])
        rows = np.arange(len(table))
        word = places.word[part]
        values = table[rows, places.words[word]]
        own[part] = ranks(table, rows, values)
        choice[part] = _choice(table[:, places.words], values, places.group[word][:, None] == places.group)
    total = np.full(len(places.words), -np.inf)
    for part in _parts(len(places.elsewhere), len(text.vocab)):
        columns = _table(model, text, places.elsewhere[part])[:, places.words]
        total = np.logaddexp(total, np.logaddexp.reduce(columns, axis=0))
    elsewhere = total - np.log(len(places.elsewhere))
    return Answers(log_probs[places.at], own, log_probs[places.at + 1], choice, elsewhere)


def _choice(table: Floats, values: Floats, mates: npt.NDArray[np.bool_]) -> Floats:
    """float64 (n,): of the words that are in its group, bool (n, K), those whose ln p is below the value, ties 1/2."""
    below = (table < values[:, None]) + 0.5 * (table == values[:, None])
    others = mates.sum(axis=1) - 1
    with np.errstate(invalid="ignore"):
        share: Floats = ((below * mates).sum(axis=1) - 0.5) / np.where(others > 0, others, np.nan)
    return share


def _table(model: LanguageModel, text: Sentences, at: Ints) -> Floats:
    """float64 (n, V): the distributions that predict these tokens."""
    starts = text.offsets[text.rows[at]]
    return model.next_log_probs(
        Sentences.of_rows([text.tokens[a:b] for a, b in zip(starts, at, strict=True)], text.vocab)
    )


def _parts(n: int, n_events: int) -> list[slice]:
    size = max(1, CELLS // n_events)
    return [slice(first, first + size) for first in range(0, n, size)]


def per_word(values: Floats, word: Ints) -> Floats:
    """float64 (K,): the mean over the places of each word of float64 (P,)."""
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(word, values) / np.bincount(word)
    return means


def placement(answers: Answers, word: Ints) -> Floats:
    """float64 (P,), bits: how much likelier the row finds a word at its place than, on average, where others stand.

    0 for whatever ignores the context, however much or little it gives the word; what a row thinks of the word's
    frequency cancels. NaN where it finds it impossible both there and elsewhere.
    """
    with np.errstate(invalid="ignore"):
        gain: Floats = (answers.log_probs - answers.elsewhere[word]) * BITS
    return gain
