"""The sparsity laboratory: how much of a text never occurs in train, and what that depends on.

Everything about a text comes from one array, longest_seen(): how much of the history of each token is in train.
An n-gram that ends nearer than n words to the start of its row is the history since <s>.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.model import Strata
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

ORDERS = (1, 2, 3, 4, 5)
HALVINGS = 6
"""How often train is cut in half: the smallest part that is measured is 1/64 of it."""

Ints = npt.NDArray[np.int64]
Masks = dict[int, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Sparsity:
    """One line of the table of unseen n-grams.

    order:          n
    tokens:         predictions in the text
    unseen:         of these, how many end an n-gram that never occurs in train
    share:          unseen / tokens
    zero_sentences: share of rows with at least one: a maximum-likelihood model of that order gives them
                    probability zero
    """

    order: int
    tokens: int
    unseen: int
    share: float
    zero_sentences: float


@dataclass(frozen=True)
class Growth:
    """Share of a text's n-grams that a first part of train does not have.

    train_sentences, train_tokens: of that part
    """

    train_sentences: int
    train_tokens: int
    order: int
    unseen: int
    share: float


@dataclass(frozen=True)
class Length:
    """How many tokens of a text end an n-gram of so many words that train has, and none that is longer.

    length:     0 where train does not have the word itself; the highest order stands for itself and all above
    from_start: of these tokens, how many have no longer n-gram since it begins with <s> already
    share:      tokens / tokens of the text
    """

    length: int
    tokens: int
    share: float
    from_start: int


@dataclass(frozen=True)
class Counts:
    """How often n-grams of one order occur in train.

    tokens:      n-grams, every occurrence counted
    types:       G, the different ones among them
    n1 .. n4:    types that occur so often (the counts of counts); n5_plus: more often
    once:        n1 / types
    good_turing: n1 / tokens, the share of n-grams that further text like train is expected to have and train has not
                 (Good 1953)
    unseen:      that share in the text at hand, n-grams nearer than n words to the start of a row left out
    """

    order: int
    tokens: int
    types: int
    n1: int
    n2: int
    n3: int
    n4: int
    n5_plus: int
    once: float
    good_turing: float
    unseen: float


@dataclass(frozen=True)
class Unit:
    """Unseen n-grams of one order where the text is cut into one kind of token.

    types:    different tokens of train
    tokens:   predictions in the text
    oov_rate: share of the text's tokens, </s> left out, that never occur in train
    unseen:   predictions that end an n-gram that never occurs in train
    share:    unseen / tokens
    """

    order: int
    types: int
    tokens: int
    oov_rate: float
    unseen: int
    share: float


def longest_seen(text: Sentences, train: NGramTable) -> Ints:
    """int64 (N,): words in the longest n-gram that ends at each token and occurs in train, <s> counted.

    Where an n-gram occurs, so do its endings: the longest one tells of all.
    """
    longest = (train.orders[0].counts[text.tokens] > 0).astype(np.int64)
    for gram, _ in train.lookup(text)[1:]:
        longest += gram >= 0
    return longest


def familiar(text: Sentences, train: NGramTable) -> Strata:
    """Tokens by how often the two words before them occur together in train: never, 1-4, 5-49, 50 times or more.

    <s> is a word. At the start of a row there is nothing before it, and it alone is the context, once a row of train.
    """
    pairs = train.orders[1]
    return Strata.by_count(train.index.context_counts(text, pairs.counts, int(pairs.counts[pairs.bos :].sum())))


def unseen_masks(text: Sentences, longest: Ints, orders: Sequence[int] = ORDERS) -> Masks:
    """Order -> bool (N,): tokens whose n-gram never occurs in train, longest being longest_seen()."""
    available = text.positions + 2  # words from <s> to the token
    return {order: longest < np.minimum(order, available) for order in orders}


def sparsity(text: Sentences, masks: Masks) -> list[Sparsity]:
    """The table of unseen n-grams of one text, a line an order."""
    return [
        Sparsity(
            order=order,
            tokens=text.n_tokens,
            unseen=int(mask.sum()),
            share=float(mask.mean()),
            zero_sentences=float((text.row_sums(mask.astype(np.float64)) > 0).mean()),
        )
        for order, mask in masks.items()
    ]


def growth(train: Sentences, text: Sentences, whole: Masks) -> list[Growth]:
    """Unseen n-grams of text under 1/64, 1/32, ... of train's sentences and all of them, each part inside the next.

    whole: the masks of text under all of train, which has been counted already. Words are those of the whole
    vocabulary, so that at order 1 a word is unseen where the part of train does not have it.
    """
    n_sentences = int((train.tokens == EOS).sum())  # which inside a stream are no rows
    sizes = sorted({max(1, n_sentences >> halvings) for halvings in range(HALVINGS + 1)})
    lines = []
    for size in sizes:
        part = train.beginning(size)
        masks = whole
        if size < n_sentences:
            masks = unseen_masks(text, longest_seen(text, NGramTable.count(part, max(whole))), tuple(whole))
        for n, mask in masks.items():
            lines.append(Growth(size, part.n_tokens, n, int(mask.sum()), float(mask.mean())))
    return lines


def lengths(text: Sentences, longest: Ints, order: int) -> list[Length]:
    """Tokens of text by how much of their history train has, 0 to order words."""
    whole_history = longest == text.positions + 2
    tokens = np.bincount(longest, minlength=order + 1)
    from_start = np.bincount(longest[whole_history], minlength=order + 1)
    return [
        Length(length, int(n), float(n / max(text.n_tokens, 1)), int(whole))
        for length, (n, whole) in enumerate(zip(tokens, from_start, strict=True))
    ]


def counts_of_counts(train: NGramTable, text: Sentences, masks: Masks) -> list[Counts]:
    """A line an order: how many n-grams train has, how many of them once, twice, ..., and what that says of text."""
    lines = []
    for n, order in enumerate(train.orders, start=1):
        seen = order.counts[order.counts > 0]
        n1, n2, n3, n4, more = np.bincount(np.minimum(seen, 5), minlength=6)[1:].tolist()
        tokens, types = int(seen.sum()), len(seen)
        once, new = n1 / max(types, 1), n1 / max(tokens, 1)
        asked = masks[n][text.positions + 2 >= n]
        unseen = float(asked.mean()) if len(asked) else 0.0
        lines.append(Counts(n, tokens, types, n1, n2, n3, n4, more, once, new, unseen))
    return lines


def unit(train: Sequence[Sequence[str]], text: Sequence[Sequence[str]], orders: Sequence[int] = ORDERS) -> list[Unit]:
    """A line an order for one way of cutting train and text into tokens; every token of train is an event."""
    vocab = Vocabulary.build(train)
    encoded = Sentences.encode(text, vocab)
    table = NGramTable.count(Sentences.encode(train, vocab), max(orders))
    masks = unseen_masks(encoded, longest_seen(encoded, table), orders)
    words = encoded.tokens[encoded.tokens != EOS]
    oov_rate = float((words == UNK).mean()) if len(words) else 0.0
    return [
        Unit(n, len(vocab) - 2, encoded.n_tokens, oov_rate, int(mask.sum()), float(mask.mean()))
        for n, mask in masks.items()
    ]
