"""Texts so small that every model is fitted on them in a blink."""

from functools import cache
from itertools import product

import numpy as np

from lmbench.models.ngram import NGram
from lmbench.text import hungry
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

Splits = tuple[Sentences, Sentences, Sentences]

STATES = [
    f"{who} {how} {what}".split()
    for who, how, what in product(
        ("나는", "너는", "우리는"), ("", "매우", "엄청", "무지"), ("배가 고프다", "목이 마르다", "춥다")
    )
]
LONGER = [[*first, "그리고", *then] for first, then in zip(STATES[::3], STATES[7::3], strict=False)]
RARE = [["춥다"], ["배가", "정말", "고프다"], []]
TEXT = STATES + LONGER + RARE


@cache
def toy() -> Splits:
    """train, valid, test of a regular language of 12 words; words seen once are <unk>, in train too.

    굉장히 is an event that train and valid lack and test has.
    """
    parts = [
        [words for i, words in enumerate(TEXT) if i % 7 not in (3, 5)],
        TEXT[3::7],
        [*TEXT[5::7], ["나는", "아직", "무지", "배가", "고프다"], ["나는", "굉장히", "춥다"]],
    ]
    vocab = Vocabulary.build(parts[0], min_count=2, extra_words=["굉장히"])
    train, valid, test = (Sentences.encode(part, vocab) for part in parts)
    return train, valid, test


@cache
def hungry_toy() -> Splits:
    """train, valid, test drawn from the built-in grammar, the vocabulary from train: some words are <unk>.

    피자 is an event that the grammar does not know.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    parts = [hungry.grammar(True).sample(size, rng) for size in (12, 3, 5)]
    vocab = Vocabulary.build(parts[0], extra_words=["피자"])
    train, valid, test = (Sentences.encode(part, vocab) for part in parts)
    return train, valid, test


def fitted(lines, valid=None, **fields):
    """An n-gram model of these sentences, whose valid is train unless others are given."""
    words = [line.split() for line in lines]
    vocab = Vocabulary.build(words)
    train = Sentences.encode(words, vocab)
    chosen_on = train if valid is None else Sentences.encode([line.split() for line in valid], vocab)
    return NGram(**fields).fit(train, chosen_on)


def prob(model, word, after):
    """p(word | after), both as written."""
    event = model.vocab_.events.index(word)
    return float(np.exp(model.next_log_probs(Sentences.encode_prefixes([after.split()], model.vocab_))[0, event]))
