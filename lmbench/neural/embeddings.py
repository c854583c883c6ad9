"""Word vectors to start from, trained by gensim on train or on another text, and put in the order of a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from lmbench.errors import choose
from lmbench.neural.network import EMBEDDING_NORM
from lmbench.text.files import read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary, escape, unescape

Vectors = npt.NDArray[np.float32]

LONGEST = 10_000
"""Words of a sentence that gensim reads; it drops the rest of a longer one without saying so."""
SUBWORDS = (1, 3)
"""Lengths in characters of fastText's subwords. One Hangul syllable can be a morpheme, so they are shorter than the 3
to 6 letters usual for English; jamo are not split off."""
BUCKETS = 2**17
"""Rows of fastText's hash table of subwords, enough for small corpora (gensim's 2 million are 0.5 GB at D = 64)."""
NEGATIVE = 10
"""Words of noise drawn for each word that is predicted (negative sampling)."""


@dataclass(frozen=True, eq=False)
class Space:
    """W words and their vectors, float32 (W, D)."""

    words: Sequence[str]
    vectors: Vectors

    @classmethod
    def of(cls, source: Any) -> Space:
        """What gensim learnt or read, about its mean, as align() has it."""
        return cls(source.index_to_key, source.vectors - source.vectors.mean(axis=0))

    @cached_property
    def _unit(self) -> Vectors:
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        unit: Vectors = self.vectors / np.maximum(lengths, 1e-12)
        return unit

    def neighbours(self, word: str, k: int) -> list[tuple[str, float]]:
        """The k other words of the highest cosine with it, nearest first; none where it has no vector."""
        if word not in self.words:
            return []
        own = list(self.words).index(word)
        cosines = self._unit @ self._unit[own]
        order = [int(i) for i in np.argsort(-cosines, kind="stable")[: k + 1] if i != own]
        return [(self.words[i], float(cosines[i])) for i in order[:k]]


def embed(train: Sentences, method: str, *, dim: int, window: int, epochs: int, seed: int) -> Vectors:
    """align(learn(...)) of train: float32 (V + 1, D)."""
    source = learn(sentences_of(train), method, dim=dim, window=window, epochs=epochs, seed=seed)
    return align(source, train.vocab, dim)


def sentences_of(train: Sentences) -> Iterator[list[str]]:
    """Each row as <s> w1 .. </s>, so that the boundaries have vectors too; words as events are spelled."""
    names = train.vocab.events
    return (["<s>", *(names[i] for i in row)] for row in train)


def sentences_in(path: Path) -> Iterator[list[str]]:
    """Each line of a text whose words stand between spaces in the same way."""
    return (["<s>", *map(escape, line.split()), "</s>"] for line in read_lines(path).lines)


def learn(sentences: Iterable[list[str]], method: str, **asked: int) -> Any:
    """gensim's KeyedVectors after training on sentences. asked: dim, window, epochs, seed.

    method: a key of METHODS. The same seed gives the same bits, whatever PYTHONHASHSEED is. None of no text.
    """
    train = choose(METHODS, method, "embeddings")
    pieces = [piece for words in sentences for piece in _pieces(words)]
    return train(sentences=pieces, **options(**asked)) if pieces else None


def options(*, dim: int, window: int, epochs: int, seed: int) -> dict[str, Any]:
    """What every method is trained with, by gensim's names."""
    return {
        "vector_size": dim,
        "window": window,
        "epochs": epochs,
        "seed": seed,
        "min_count": 1,
        "negative": NEGATIVE,
        "sample": 0,  # thinning frequent words is for billions of tokens: of a small text little would be left
        "workers": 1,  # with two, the order of the updates is the scheduler's
        "hashfxn": _hash,
    }


def align(source: Any, vocab: Vocabulary, dim: int) -> Vectors:
    """float32 (V + 1, D): a vector for each event and, in row V, for <s>; NaN where the source has none.

    source: gensim's KeyedVectors. They are taken about their mean, each as long as a network's random rows are: the
    two starts differ in direction. What all vectors share says nothing about a word (Mu & Viswanath 2018), and a
    length is mostly a word's count.
    """
    vectors = np.full((len(vocab) + 1, dim), np.nan, np.float32)
    if source is None:
        return vectors
    for i, name in enumerate([*vocab.events, "<s>"]):
        # fastText spells a vector for words it has not read too, but <unk> and the boundaries have no spelling
        spelled = EOS < i < len(vocab)
        for key in dict.fromkeys((name, unescape(name) if spelled else name)):  # other programs' files do not escape
            if key in source.key_to_index or (spelled and key in source):
                vectors[i] = source[key]
                break
    centred = vectors - source.vectors.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled: Vectors = (centred * (EMBEDDING_NORM / np.maximum(lengths, 1e-12))).astype(np.float32)
    return scaled


def _pieces(words: list[str]) -> Iterator[list[str]]:
    return (words[start : start + LONGEST] for start in range(0, len(words), LONGEST))


def _hash(text: str) -> int:
    """Python's own differs from process to process."""
    return crc32(text.encode())


def _word2vec(*, sg: int, **options: Any) -> Any:
    """Mikolov et al. 2013: the mean of the words on both sides predicts the one between them (CBoW, sg = 0), or a word
    predicts each word on either side of it (skip-gram, sg = 1)."""
    from gensim.models import Word2Vec  # type: ignore[import-untyped]

    return Word2Vec(sg=sg, **options).wv


def _fasttext(**options: Any) -> Any:
    """Bojanowski et al. 2017: CBoW whose words are the sums of their own vector and their subwords'."""
    from gensim.models import FastText

    return FastText(sg=0, min_n=SUBWORDS[0], max_n=SUBWORDS[1], bucket=BUCKETS, **options).wv


METHODS: dict[str, Callable[..., Any]] = {
    "word2vec": partial(_word2vec, sg=0),
    "skipgram": partial(_word2vec, sg=1),
    "fasttext": _fasttext,
}
