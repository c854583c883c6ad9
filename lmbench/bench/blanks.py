"""Fill-in-the-blank: Word2Vec's two-sided CBoW on the words of test, beside the rows and never among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from lmbench import sources
from lmbench.bench.results import remembered
from lmbench.errors import BadConfig
from lmbench.fields import Between, Checked, File, Seed, Width
from lmbench.measures.blanks import filled
from lmbench.measures.coverage import ranks
from lmbench.model import Floats
from lmbench.storage import sha256
from lmbench.text.corpus import Corpus, unigram_log_probs
from lmbench.text.files import normalise
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

BLANK = "__"
ANSWERS = 5
CELLS = 4_000_000
"""Numbers of a table of blanks and events that are made at once."""


@dataclass(frozen=True, kw_only=True)
class BlanksSpec(Checked):
    """The [blanks] table.

    sentences:      with one __ each, of which the likeliest words are shown
    embedding_text: learnt from instead of train
    dim, window, epochs, seed: of gensim's CBoW
    """

    sentences: tuple[str, ...] = ()
    embedding_text: File | None = None
    dim: Width = 64
    window: Annotated[int, Between(1, 1000)] = 2
    epochs: Annotated[int, Between(1, 10**4)] = 5
    seed: Seed = 0


def blanks(spec: BlanksSpec, corpus: Corpus, find: Callable[[str], Path], cache: Path) -> dict[str, Any]:
    """facts["blanks"]: measures over every word of test, and the answers to the sentences asked about.

    What was found is kept in the folder `cache`, under the SHA-256 of all that decides it: nobody trains it twice.
    """
    deciding = {
        "spec": asdict(spec),
        "corpus": corpus.fingerprint,
        "text": None if spec.embedding_text is None else sha256(find(spec.embedding_text)),
        "code": sources.code(__name__),
        "libraries": sources.libraries(__name__),
    }
    return remembered(cache, "blanks", deciding, lambda: _blanks(spec, corpus, find))


def _blanks(spec: BlanksSpec, corpus: Corpus, find: Callable[[str], Path]) -> dict[str, Any]:
    from lmbench.neural.embeddings import sentences_in, sentences_of
    from lmbench.neural.two_sided import TwoSided, surroundings

    text = sentences_of(corpus.train) if spec.embedding_text is None else sentences_in(find(spec.embedding_text))
    model = TwoSided.learn(text, corpus.vocab, dim=spec.dim, window=spec.window, epochs=spec.epochs, seed=spec.seed)
    unigram = unigram_log_probs(corpus.train)
    unigram[EOS] = -np.inf
    unigram -= np.logaddexp.reduce(unigram)
    ways: dict[str, Callable[[Any], Floats]] = {
        "scores": lambda contexts: model.log_probs(contexts, noise=False),
        "scores and noise": lambda contexts: model.log_probs(contexts, noise=True),
        "unigram": lambda contexts: np.tile(unigram, (len(contexts), 1)),
    }
    places = np.flatnonzero(corpus.test.tokens != EOS)
    contexts, targets = surroundings(corpus.test, places, spec.window), corpus.test.tokens[places]
    asked = [_asked(sentence, corpus) for sentence in spec.sentences]
    facts: dict[str, Any] = {
        **{name: getattr(spec, name) for name in ("dim", "window", "epochs", "seed", "embedding_text")},
        "positions": len(places),
        "ways": [],
        "answers": [],
    }
    for name, table_of in ways.items():
        log_probs, places_of = np.empty(len(places)), np.empty(len(places))
        for part in _parts(len(places), len(corpus.vocab)):
            table = table_of(contexts[part])
            rows = np.arange(len(table))
            log_probs[part] = table[rows, targets[part]]
            places_of[part] = ranks(table, rows, log_probs[part])
        facts["ways"].append({"way": name, **filled(log_probs, places_of)})
        for sentence, (row, place) in zip(spec.sentences, asked, strict=True):
            answers = table_of(surroundings(row, place, spec.window))[0]
            best = np.argsort(-answers, kind="stable")[:ANSWERS]
            words = [[corpus.vocab.events[i], float(np.exp(answers[i]))] for i in best]
            facts["answers"].append({"way": name, "sentence": normalise(sentence), "words": words})
    return facts


def _asked(sentence: str, corpus: Corpus) -> tuple[Sentences, Any]:
    """The sentence as a row, in which the blank has any id, and where the blank is."""
    (words,) = corpus.cutter.tokenize([sentence])
    if words.count(BLANK) != 1:
        raise BadConfig(f"[blanks]: {sentence!r} has not one {BLANK} that the tokenizer leaves whole; write one")
    return Sentences.encode([words], corpus.vocab), np.array([words.index(BLANK)])


def _parts(n: int, n_events: int) -> Iterator[slice]:
    size = max(1, CELLS // n_events)
    return (slice(first, first + size) for first in range(0, n, size))
