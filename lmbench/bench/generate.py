"""Draw sentences from any model: all it needs is next_log_probs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig, BadModel
from lmbench.fields import Between, Checked, Seed, Whole
from lmbench.model import Floats, LanguageModel
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK

Ints = npt.NDArray[np.int64]

CELLS = 2_000_000
"""Probabilities held at a time: what bounds the memory."""
HISTORY = 200
"""Tokens of a stream, at most, that a sentence is drawn after: time grows with their square."""


@dataclass(frozen=True, kw_only=True)
class GeneratedSpec(Checked):
    """The [generated] table: what rows are to say by themselves, once they are fitted.

    sentences:  drawn freely from each row; 0: none, and nothing else of this
    rows:       names of those that speak
    rounds:     of 100 continuations each, drawn after the context of every probe
    max_tokens: at which a sentence is cut off
    seed:       of the draws
    """

    sentences: Whole = 0
    rows: tuple[str, ...] = ()
    rounds: Annotated[int, Between(0, 10**6)] = 1000
    max_tokens: Annotated[int, Between(1, 10**6)] = 100
    seed: Seed = 0


def sentences(
    model: LanguageModel,
    n: int,
    *,
    prefix: Sequence[int] = (),
    temperature: float = 1.0,
    max_tokens: int = 50,
    unknown: bool = True,
    rng: np.random.Generator,
) -> list[list[int]]:
    """n rows of event ids without </s>, each beginning with prefix and at most max_tokens longer."""
    rows = sample(model, n, prefix=prefix, temperature=temperature, max_tokens=max_tokens, unknown=unknown, rng=rng)
    return [row[row != EOS].tolist() for row in rows]


def stream(
    model: LanguageModel,
    n: int,
    *,
    prefix: Sequence[int] = (),
    temperature: float = 1.0,
    max_tokens: int = 50,
    unknown: bool = True,
    rng: np.random.Generator,
) -> list[list[int]]:
    """sentences() of a model that reads a stream: the first is drawn after </s>, each other one after those before it.

    A sentence is over after max_tokens. History are the last HISTORY tokens.
    """
    _check(n, max_tokens, temperature)
    history, rows = [EOS], []
    for _ in range(n):
        before = [*history[-HISTORY:], *prefix]
        row = sample(model, 1, prefix=before, temperature=temperature, max_tokens=max_tokens, unknown=unknown, rng=rng)
        drawn = row.tokens[len(before) :]
        rows.append([*prefix, *drawn[drawn != EOS].tolist()])
        history += [*rows[-1], EOS]
    return rows


def _check(n: int, max_tokens: int, temperature: float) -> None:
    if n < 1 or max_tokens < 1:
        raise BadConfig(f"{n} sentences of at most {max_tokens} tokens are nothing to draw; give 1 or more of both")
    if not 0 <= temperature < np.inf:
        raise BadConfig(f"temperature = {temperature}: give 0 (always the likeliest), 1 (as the model says) or more")


def sample(
    model: LanguageModel,
    n: int,
    *,
    prefix: Sequence[int] = (),
    temperature: float = 1.0,
    max_tokens: int = 50,
    unknown: bool = True,
    rng: np.random.Generator,
) -> Sentences:
    """n rows, each prefix and what was drawn after it, </s> last; a row cut off after max_tokens has none.

    temperature: ln p is divided by it before the draw; 0 takes the likeliest event each time.
    unknown:     whether <unk> may be drawn; otherwise the other events are drawn by p / (1 - p(<unk>))

    Rows that are alike so far are asked about once: all of them at the beginning, many after a word.
    """
    _check(n, max_tokens, temperature)
    n_events = len(model.vocab_)
    at_once = max(1, CELLS // n_events)
    beginnings = np.array([prefix], np.int32).reshape(1, -1)  # the different rows so far, all of one length
    which = np.zeros(n, np.int64)  # of them each growing row is
    growing = np.arange(n)
    drawn = np.full((n, max_tokens), -1, np.int64)
    for step in range(max_tokens):
        uniform, events = rng.random(len(growing)), np.empty(len(growing), np.int64)
        for first in range(0, len(beginnings), at_once):
            asked = beginnings[first : first + at_once]
            offsets = np.arange(len(asked) + 1, dtype=np.int64) * asked.shape[1]
            table = model.next_log_probs(Sentences(model.vocab_, asked.ravel(), offsets))
            (rows,) = np.nonzero((which >= first) & (which < first + at_once))
            table = table if unknown else _without_unknown(table)
            events[rows] = draw(table, which[rows] - first, uniform[rows], temperature)
        drawn[growing, step] = events
        on = events != EOS
        growing = growing[on]
        if not len(growing):
            break
        longer, which = np.unique(which[on] * n_events + events[on], return_inverse=True)
        beginnings = np.column_stack([beginnings[longer // n_events], (longer % n_events).astype(np.int32)])
    whole = np.concatenate([np.tile(np.array(prefix, np.int64), (n, 1)), drawn], axis=1)
    ends = np.concatenate([[0], np.cumsum((whole >= 0).sum(axis=1))]).astype(np.int64)
    return Sentences(model.vocab_, whole[whole >= 0].astype(np.int32), ends)


def _without_unknown(table: Floats) -> Floats:
    """ln p in which <unk> is impossible; draw() divides by the sum of what is left."""
    left: Floats = table.copy()
    left[:, UNK] = -np.inf
    if np.isneginf(left.max(axis=1)).any():
        raise BadModel(
            "the model gives all probability to <unk> at some point, so nothing is left to draw without it; leave out "
            "--no-unk, or draw from a smoothed model"
        )
    return left


def draw(table: Floats, rows: Ints, uniform: Floats, temperature: float = 1.0) -> Ints:
    """int64 (M,): an event for each draw, by ln p in the row of the table that the draw names.

    It is the first event whose cumulative probability passes the draw's uniform number times their sum, found by
    halving: an event of probability 0 never is.
    """
    if temperature == 0:
        return np.asarray(table.argmax(axis=1)[rows], np.int64)
    scores = table if temperature == 1 else (table - table.max(axis=1, keepdims=True)) / temperature
    cumulative = np.exp(scores).cumsum(axis=1)
    total = cumulative[rows, -1]
    passed = np.minimum(uniform * total, np.nextafter(total, 0))
    low, high = np.zeros(len(rows), np.int64), np.full(len(rows), table.shape[1] - 1)
    for _ in range((table.shape[1] - 1).bit_length()):
        middle = (low + high) // 2
        above = cumulative[rows, middle] > passed
        low, high = np.where(above, low, middle + 1), np.where(above, middle, high)
    return high
