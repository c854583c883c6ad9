"""Word vectors to start from, trained on the train split by gensim: its only home here, imported when first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from lmbench.errors import choose
from lmbench.neural.network import EMBEDDING_NORM
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Vectors = npt.NDArray[np.float32]

LONGEST = 10_000
"""Words of a sentence that gensim reads; it drops the rest of a longer one without saying so."""
SUBWORDS = (1, 3)
"""Lengths in characters of fastText's subwords. One Hangul syllable can be a morpheme, so they are shorter than the 3
to 6 letters usual for English; jamo are not split off."""
BUCKETS = 2**17
"""Rows of fastText's hash table of subwords, enough for small corpora (gensim's 2 million are 0.5 GB at D = 64)."""


def embed(train: Sentences, method: str, *, dim: int, window: int, epochs: int, seed: int) -> Vectors:
    """float32 (V + 1, D): a vector for each event and, in row V, for <s>; NaN where train gives it none.

    method: a key of METHODS. Each row is read as <s> w1 .. </s>, so the boundaries have vectors too.
    The same seed gives the same bits, whatever PYTHONHASHSEED is.
    """
    learn = choose(METHODS, method, "embeddings")
    names = [*train.vocab.events, "<s>"]
    vectors = np.full((len(names), dim), np.nan, np.float32)
    if train.n_tokens:
        known = learn(
            sentences=list(_sentences(train, names)),
            vector_size=dim,
            window=window,
            epochs=epochs,
            seed=seed,
            min_count=1,
            sg=0,
            negative=10,
            sample=0,  # thinning frequent words is for billions of tokens: of a small text little would be left
            workers=1,  # with two, the order of the updates is the scheduler's
            hashfxn=_hash,
        )
        for i, name in enumerate(names):
            # fastText spells a vector for words it has not read too, but <unk> has no spelling
            if name in known.key_to_index or (i > EOS and name in known):
                vectors[i] = known[name]
    return _as_random_rows(vectors)


def _as_random_rows(vectors: Vectors) -> Vectors:
    """The vectors about their mean, each as long as a network's random rows are: the two starts differ in direction.

    What all vectors share says nothing about a word (Mu & Viswanath 2018), and a length is mostly a word's count.
    """
    centred = vectors - np.nanmean(vectors, axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled: Vectors = (centred * (EMBEDDING_NORM / np.maximum(lengths, 1e-12))).astype(np.float32)
    return scaled


def _sentences(train: Sentences, names: list[str]) -> Iterator[list[str]]:
    for row in train:
        words = ["<s>", *(names[i] for i in row)]
        yield from (words[start : start + LONGEST] for start in range(0, len(words), LONGEST))


def _hash(text: str) -> int:
    """Python's own differs from process to process."""
    return crc32(text.encode())


def _word2vec(**options: Any) -> Any:
    """Mikolov et al. 2013: the mean of the words on both sides predicts the one between them (two-sided CBoW)."""
    from gensim.models import Word2Vec  # type: ignore[import-untyped]

    return Word2Vec(**options).wv


def _fasttext(**options: Any) -> Any:
    """Bojanowski et al. 2017: Word2Vec whose words are the sums of their own vector and their subwords'."""
    from gensim.models import FastText

    return FastText(min_n=SUBWORDS[0], max_n=SUBWORDS[1], bucket=BUCKETS, **options).wv


METHODS: dict[str, Callable[..., Any]] = {"word2vec": _word2vec, "fasttext": _fasttext}
