"""Draw sentences from any model: all it needs is next_log_probs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig
from lmbench.model import Floats, LanguageModel
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

CELLS = 2_000_000
"""Probabilities held at a time: what bounds the memory."""


def sentences(
    model: LanguageModel,
    n: int,
    *,
    prefix: Sequence[int] = (),
    temperature: float = 1.0,
    max_tokens: int = 50,
    rng: np.random.Generator,
) -> list[list[int]]:
    """n rows of event ids without </s>, each beginning with prefix and at most max_tokens longer.

    temperature: ln p is divided by it before the draw; 0 takes the likeliest event each time.
    """
    if n < 1 or max_tokens < 1:
        raise BadConfig(f"{n} sentences of at most {max_tokens} tokens are nothing to draw; give 1 or more of both")
    if not 0 <= temperature < np.inf:
        raise BadConfig(f"temperature = {temperature}: give 0 (always the likeliest), 1 (as the model says) or more")
    rows = [list(prefix) for _ in range(n)]
    growing, at_once = list(range(n)), max(1, CELLS // len(model.vocab_))
    for _ in range(max_tokens):
        prefixes = Sentences.of_rows([rows[i] for i in growing], model.vocab_)
        drawn = []
        for start in range(0, len(prefixes), at_once):
            some = prefixes.take(np.arange(start, min(start + at_once, len(prefixes))))
            drawn += _draw(model.next_log_probs(some), temperature, rng).tolist()
        for i, event in zip(growing, drawn, strict=True):
            if event != EOS:
                rows[i].append(event)
        growing = [i for i, event in zip(growing, drawn, strict=True) if event != EOS]
        if not growing:
            break
    return rows


def _draw(table: Floats, temperature: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """int64 (S,): one event a row of ln p: where its cumulative probability passes a number drawn below the sum."""
    if temperature == 0:
        return np.asarray(table.argmax(axis=1), np.int64)
    scores = table if temperature == 1 else (table - table.max(axis=1, keepdims=True)) / temperature
    cumulative = np.exp(scores).cumsum(axis=1)
    total = cumulative[:, -1]
    drawn = np.minimum(rng.random(len(table)) * total, np.nextafter(total, 0))
    return np.asarray((cumulative > drawn[:, None]).argmax(axis=1), np.int64)
