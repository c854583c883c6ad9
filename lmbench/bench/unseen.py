"""Words that rows are trained without: which sentences go, what is left, and where test has the words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig
from lmbench.fields import Checked, Count, Readable, Seed, Word
from lmbench.measures.perplexity import BITS
from lmbench.measures.unseen_word import Places
from lmbench.storage import sha256
from lmbench.text import corpus as corpora
from lmbench.text.corpus import Corpus
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

WHOLE = "whole train"
"""The name of the text that word vectors are learnt from: train before anything was taken out of it."""
ELSEWHERE = 500
"""Places of test at which other words stand, drawn to see how likely a row finds a word anywhere."""

Mask = npt.NDArray[np.bool_]


def _pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise BadConfig(f"it cannot be read: {error}") from error


Pattern = Annotated[str, Readable(_pattern, "a regular expression")]


@dataclass(frozen=True, kw_only=True)
class UnseenSpec(Checked):
    """The [unseen] table: every row is trained once without each group of words, and once as a control.

    words:   the groups, a list of lists; or they are chosen by their rank in train:
    groups:  how many        size: words in each
    ranks:   [first, last] among the words that may be chosen, 1 the most frequent; those chosen are evenly spaced
    pattern: a regular expression that a word must match as a whole to be chosen
    least:   how often test must have it
    places:  at most so many places of each word in test are asked about
    seed:    deals the chosen words to groups, and draws the sentences of the control
    shown:   whether facts and reports name the words, or give their ranks alone
    """

    words: tuple[tuple[Word, ...], ...] = ()
    groups: Count = 5
    size: Count = 10
    ranks: tuple[Count, ...] = (20, 300)
    pattern: Pattern = ".+"
    least: Count = 5
    places: Count = 40
    seed: Seed = 0
    shown: bool = True


class Part(NamedTuple):
    """What is left of train and valid without the sentences that have a word of a group."""

    train: Sentences
    valid: Sentences

    @property
    def fingerprint(self) -> str:
        """sha256 of both token streams."""
        return sha256(self.train.content + self.valid.content)


@dataclass(frozen=True)
class Unseen:
    """What rows are trained on.

    control: the corpus whose train lacks sentences drawn at random, as many as the largest group takes out
    parts:   one a group
    places:  where test has the words of all groups
    facts:   facts["unseen"]
    """

    control: Corpus
    parts: tuple[Part, ...]
    places: Places
    facts: dict[str, Any]


def unseen(spec: UnseenSpec, corpus: Corpus) -> Unseen:
    """Take the groups' sentences out of a corpus whose train has them; the vocabulary is that of the whole train."""
    if corpus.unit != "sentence":
        raise BadConfig("[unseen] takes sentences out of train, and a stream has none apart: set unit = 'sentence'")
    groups = _named(spec, corpus) if spec.words else _by_rank(spec, corpus)
    places = Places.find(corpus.test, groups, spec.places, ELSEWHERE, spec.seed)
    gone = [containing(corpus.train, group) for group in groups]
    parts = tuple(
        Part(_rest(corpus.train, mask), _rest(corpus.valid, containing(corpus.valid, group)))
        for mask, group in zip(gone, groups, strict=True)
    )
    most = max(int(mask.sum()) for mask in gone)
    if most == len(corpus.train) or any(not len(part.valid) for part in parts):
        raise BadConfig("[unseen] leaves nothing of train or of valid: name rarer words, or give a larger text")
    drawn = np.zeros(len(corpus.train), bool)
    drawn[np.random.default_rng(spec.seed).choice(len(drawn), most, replace=False)] = True
    return Unseen(
        corpora.without(corpus, drawn), parts, places, _facts(spec, corpus, groups, gone, int(drawn.sum()), places)
    )


def containing(text: Sentences, words: npt.NDArray[np.int64]) -> Mask:
    """bool (S,): the rows that have one of these words."""
    has = np.zeros(len(text), bool)
    has[text.rows[np.isin(text.tokens, words)]] = True
    return has


def _rest(text: Sentences, mask: Mask) -> Sentences:
    return text.take(np.flatnonzero(~mask))


def _named(spec: UnseenSpec, corpus: Corpus) -> list[npt.NDArray[np.int64]]:
    """The ids of the words that the benchmark names, which train and test must have."""
    ids, named = corpus.vocab.ids, [word for group in spec.words for word in group]
    for name, text in (("train", corpus.train), ("test", corpus.test)):
        if lacking := [word for word in named if word not in ids or ids[word] not in text.tokens]:
            raise BadConfig(f"[unseen] {name} has no {', '.join(lacking)}: there is nothing to be asked; leave it out")
    if len(set(named)) < len(named) or not all(spec.words):
        raise BadConfig("[unseen] words has an empty group, or a word twice: name each word once")
    return [np.array(corpus.vocab.encode(group), np.int64) for group in spec.words]


def _by_rank(spec: UnseenSpec, corpus: Corpus) -> list[npt.NDArray[np.int64]]:
    """Words at evenly spaced ranks; of `groups` neighbours each group has one, so that groups are alike in counts."""
    first, last = spec.ranks if len(spec.ranks) == 2 else (0, 0)
    many = spec.groups * spec.size
    in_test = np.bincount(corpus.test.tokens, minlength=len(corpus.vocab))
    may = [
        i
        for i, event in enumerate(corpus.vocab.events)
        if i > EOS and in_test[i] >= spec.least and re.fullmatch(spec.pattern, event)
    ]
    if not 1 <= first <= last or last - first + 1 < many or last > len(may):
        raise BadConfig(
            f"[unseen] cannot choose {many} words at ranks {list(spec.ranks)}: {len(may)} words are of this pattern "
            f"and {spec.least} times or more in test; widen ranks, loosen the pattern, or ask for fewer words"
        )
    chosen = np.array(may)[np.linspace(first - 1, last - 1, many).round().astype(np.int64)]
    rng = np.random.default_rng(spec.seed)
    dealt = np.stack([rng.permutation(neighbours) for neighbours in chosen.reshape(spec.size, spec.groups)])
    return list(dealt.T.astype(np.int64))


def _facts(
    spec: UnseenSpec, corpus: Corpus, groups: list[npt.NDArray[np.int64]], gone: list[Mask], drawn: int, places: Places
) -> dict[str, Any]:
    bits = -corpora.unigram_log_probs(corpus.train)[places.words] * BITS
    asked = np.bincount(places.word, minlength=len(places.words))
    group_of = [number for number, group in enumerate(groups, start=1) for _ in group]
    return {
        "sentences": len(corpus.train),
        "control": drawn,
        "groups": [int(mask.sum()) for mask in gone],
        "elsewhere": len(places.elsewhere),
        "words": [
            {
                "word": corpus.vocab.events[i] if spec.shown else None,
                "rank": int(i) - EOS,
                "group": group,
                "unigram_bits": round(float(b), 4 if spec.shown else 1),
                "places": int(n),
            }
            for i, group, b, n in zip(places.words, group_of, bits, asked, strict=True)
        ],
    }
