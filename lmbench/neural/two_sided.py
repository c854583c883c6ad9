"""Word2Vec's CBoW as it is trained, from both sides, asked for the word that stands between words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.model import Floats
from lmbench.neural.embeddings import options
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

Ints = npt.NDArray[np.int64]
NOISE = 0.75
"""Noise is drawn from the counts to this power (Mikolov et al. 2013)."""


@dataclass(frozen=True, eq=False)
class TwoSided:
    """Scores of the word between its neighbours; no language model, as it has read what follows.

    inputs:  float64 (V + 1, D), vectors of what is read: events and, in row V, <s>
    outputs: float64 (V, D), vectors of what is asked for
    noise:   float64 (V,), ln of the noise distribution; -inf for an event that the text lacks, which is no outcome,
             nor is </s>, which is never between words
    """

    inputs: Floats
    outputs: Floats
    noise: Floats

    @classmethod
    def learn(
        cls, sentences: Iterable[list[str]], vocab: Vocabulary, *, dim: int, window: int, epochs: int, seed: int
    ) -> TwoSided:
        """gensim's CBoW with negative sampling of these sentences, its rows in the order of the events.

        gensim reads 1 to `window` words on each side, drawn anew for each word; asked, it reads all `window`.
        """
        from gensim.models import Word2Vec  # type: ignore[import-untyped]

        asked = options(dim=dim, window=window, epochs=epochs, seed=seed)
        model = Word2Vec(sentences=list(sentences), sg=0, ns_exponent=NOISE, **asked)
        rows = np.array([model.wv.key_to_index.get(name, -1) for name in [*vocab.events, "<s>"]])
        there = rows >= 0
        counts = np.array([model.wv.get_vecattr(name, "count") for name in model.wv.index_to_key], np.float64)
        with np.errstate(divide="ignore"):
            noise = NOISE * np.log(np.where(there, counts[rows], 0))[:-1]
        noise[EOS] = -np.inf
        return cls(
            np.where(there[:, None], model.wv.vectors[rows], 0).astype(np.float64),
            np.where(there[:, None], model.syn1neg[rows], 0).astype(np.float64)[:-1],
            noise - np.logaddexp.reduce(noise),
        )

    def log_probs(self, contexts: Ints, *, noise: bool) -> Floats:
        """float64 (n, V), nats: softmax over the outcomes of v_w . (mean of the context's vectors).

        contexts: int64 (n, C), ids up to V, -1 where there is none. noise: whether ln of the noise is added. Training
        tells a word from noise q by the logistic function of a score, which is right where the score is
        ln p(w | context) - ln q(w) + constant (Levy & Goldberg 2014): the softmax of the scores alone is
        proportional to p / q, with ln q it is p.
        """
        there = (contexts >= 0)[:, :, None]
        means = (self.inputs[contexts] * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        scores = means @ self.outputs.T + np.where(np.isfinite(self.noise), self.noise if noise else 0.0, -np.inf)
        table: Floats = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return table


def surroundings(text: Sentences, places: Ints, window: int) -> Ints:
    """int64 (n, 2 * window): what stands before and after these places in their rows; <s> is V, -1 is nothing."""
    steps = np.array([*range(-window, 0), *range(1, window + 1)])
    starts, ends = text.offsets[text.rows[places]][:, None], text.offsets[text.rows[places] + 1][:, None]
    at = places[:, None] + steps
    inside = (at >= starts) & (at < ends)
    found = np.where(inside, text.tokens[np.where(inside, at, 0)], -1)
    return np.where(at == starts - 1, text.vocab.bos, found).astype(np.int64)
