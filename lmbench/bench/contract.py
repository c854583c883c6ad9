"""A model as results see it: what it answers is held to the contract, and whatever breaks it is a BadModel of one line.

Every number of a row comes through here, so that a model cannot say one thing where it is scored and another where it
is asked for a distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lmbench.bench.results import dumps
from lmbench.errors import BadModel
from lmbench.model import Floats, LanguageModel, Neighbours, State, Strata
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

SUM_TOLERANCE = 1e-4
ABOVE = 1e-9
"""Nats by which rounding may lift a log-probability above 0."""
SAMPLED = 256
"""Tokens of each text, and rows of each table, that are asked about in a second way."""
ALONE = 4
"""Of these, tokens whose rows are scored without any other beside them."""
PREFIXES = 20_000
"""Tokens of all histories that may be read for that, or a quarter of the text where that is more: of one long row only
the beginning is cheap to read again."""
CELLS = 2_000_000
"""Probabilities held at a time."""
ROUNDEST = 0.25
"""Nats: no model may claim to round more than this."""
TRACKS, SCOPES = ("static", "adaptive"), frozenset({"test", "probes"})

Ints = npt.NDArray[np.int64]


def scored(model: LanguageModel, batch: Sentences) -> Floats:
    """model.log_probs(batch), held to the contract: float64 (N,), no NaN, nothing above 0."""
    return _log_probabilities(model.log_probs(batch), (batch.n_tokens,), "log_probs")


class Held(LanguageModel):
    """A model, each of its answers checked for type, shape and range, and log_probs against next_log_probs.

    At SAMPLED tokens of every text that is scored, next_log_probs of the token's history is asked for the same number.
    It has not seen what follows, nor the other rows: a model that reads either does not agree with itself. Two answers
    may differ by model.rounding nats (or that share of a tenth of the value), their mean by a tenth of it.

    distribution: whether tables are held to a sum of 1
    """

    def __init__(self, model: LanguageModel, *, distribution: bool = False) -> None:
        self.model, self.distribution = model, distribution

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """The model fitted, if fit() returns it and leaves vocab_."""
        found = self.model.fit(train, valid)
        if found is not self.model:
            raise BadModel(f"fit returned {type(found).__name__}, the contract is the model itself: end it with return")
        if getattr(self.model, "vocab_", None) != train.vocab:
            raise BadModel("fit left no vocab_, or another one than train's: set self.vocab_ = train.vocab")
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """scored() and check()."""
        found = scored(self.model, batch)
        self.check(batch, found)
        return found

    def check(self, batch: Sentences, found: Floats) -> None:
        """BadModel where log_probs of the batch are not what next_log_probs says at the sampled tokens."""
        at = _places(batch)
        histories = _histories(batch, at)
        if self._asks_log_probs:  # a table of V columns would be V questions of which one matters
            said = self._last(_longer(histories, batch.tokens[at]))
        else:
            said = np.empty(len(at))
            for part in _parts(len(at), len(batch.vocab)):
                table = self._table(histories.take(np.arange(part.start, part.stop)))
                said[part] = table[np.arange(len(table)), batch.tokens[at[part]]]
        self._agree(found[at], said, "log_probs of the text", "next_log_probs of the words before")
        alone = at[:: max(1, len(at) // ALONE)][:ALONE]
        said = np.array([self._last(_longer(_histories(batch, [i]), batch.tokens[[i]]))[0] for i in alone])
        self._agree(found[alone], said, "log_probs of the text", "log_probs of its row alone")

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), with sums of 1 if it is a distribution; the likeliest of some as log_probs has it."""
        table = self._table(prefixes)
        if self.distribution and len(table):
            worst = max(float(np.abs(np.exp(table[p]).sum(axis=1) - 1).max()) for p in _parts(*table.shape))
            if worst > SUM_TOLERANCE:
                raise BadModel(
                    f"the sum of next_log_probs is 1 after contexts of the text, but off by {worst:.3g} after another "
                    "context: it must be 1 after each"
                )
        if not self._asks_log_probs and len(table):
            few = np.unique(np.linspace(0, len(table) - 1, min(len(table), SAMPLED)).astype(np.int64))
            few = few[np.cumsum(prefixes.lengths[few]) <= PREFIXES]
            likeliest = table[few].argmax(axis=1)
            said = self._last(_longer(prefixes.take(few), likeliest))
            self._agree(table[few, likeliest], said, "next_log_probs", "log_probs of the same words")
        return table

    def strata(self, batch: Sentences) -> Strata | None:
        """int64 (N,) below the number of names, of the history alone; or None."""
        found = self.model.strata(batch)
        if found is None:
            return None
        if not isinstance(found, Strata) or not isinstance(found.names, tuple):
            raise BadModel(f"strata returned {type(found).__name__}, the contract is Strata(of, names) or None")
        of, n = np.asarray(found.of), len(found.names)
        if of.shape != (batch.n_tokens,) or of.dtype != np.int64 or (len(of) and not 0 <= of.min() <= of.max() < n):
            raise BadModel(
                f"strata returned {of.dtype} {of.shape}, the contract is int64 ({batch.n_tokens},) from 0 to {n - 1}"
            )
        _texts(found.names, "names of strata")
        at = _places(batch)
        ended = _histories(batch, at).ended()
        again = self.model.strata(ended)
        if again is None or not np.array_equal(again.of[ended.offsets[1:] - 1], of[at]):
            raise BadModel("strata depends on the token that is predicted or on later ones: use the history alone")
        return found

    def context_counts(self, batch: Sentences) -> Ints | None:
        """int64 (N,), none below 0; or None."""
        found = self.model.context_counts(batch)
        if found is not None and (found.shape != (batch.n_tokens,) or found.dtype != np.int64 or (found < 0).any()):
            raise BadModel(f"context_counts returned {found.dtype} {found.shape}, the contract is int64 counts or None")
        return found

    def nearest(self, words: Sequence[str], k: int) -> Neighbours:
        """Space -> word -> (word, cosine), nearest first."""
        found = self.model.nearest(words, k)
        try:
            plain = {
                space: {word: [(str(near), float(cosine)) for near, cosine in listed] for word, listed in of.items()}
                for space, of in found.items()
            }
            dumps(plain)
        except (AttributeError, TypeError, ValueError) as error:
            raise BadModel(f"nearest must return space -> word -> [(word, cosine), ...] ({_line(error)})") from error
        return plain

    def n_params(self) -> int:
        """A whole number, 0 or more."""
        found = self.model.n_params()
        if isinstance(found, bool) or not isinstance(found, (int, np.integer)) or found < 0:
            raise BadModel(f"n_params returned {found!r}, the contract is a whole number, 0 or more")
        return int(found)

    def notes(self) -> tuple[str, ...]:
        """Texts of one line."""
        return _texts(self.model.notes(), "notes")

    def sources(self) -> tuple[str, ...]:
        """Texts of one line."""
        return _texts(self.model.sources(), "sources")

    def config(self) -> dict[str, object]:
        """What JSON can hold."""
        found = self.model.config()
        try:
            dumps(found)
        except (AttributeError, TypeError, ValueError) as error:
            raise BadModel(f"config cannot be stored as JSON ({_line(error)}): fields are numbers and texts") from error
        return found

    @property
    def track(self) -> str:
        """'static' or 'adaptive'."""
        if (found := self.model.track) not in TRACKS:
            raise BadModel(f"track is {found!r}, the contract is one of: {', '.join(TRACKS)}")
        return found

    @property
    def scope(self) -> frozenset[str]:
        """Part of SCOPES."""
        found = self.model.scope
        if not isinstance(found, (set, frozenset)) or not found <= SCOPES:
            raise BadModel(f"scope is {found!r}, the contract is a set of: {', '.join(sorted(SCOPES))}")
        return frozenset(found)

    @property
    def normalised(self) -> bool:
        """True or false."""
        if not isinstance(found := self.model.normalised, (bool, np.bool_)):
            raise BadModel(f"normalised is {found!r}, the contract is True or False")
        return bool(found)

    def state(self) -> State:
        """The model's own, which lmbench.bench.store checks as it writes it."""
        return self.model.state()

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The model's own."""
        self.model.restore(vocab, state)
        return self

    @property
    def _asks_log_probs(self) -> bool:
        """Whether next_log_probs is the slow default, which is log_probs itself."""
        return getattr(type(self.model), "next_log_probs", None) is LanguageModel.next_log_probs

    def _table(self, prefixes: Sentences) -> Floats:
        shape = (len(prefixes), len(prefixes.vocab))
        return _log_probabilities(self.model.next_log_probs(prefixes), shape, "next_log_probs")

    def _last(self, rows: Sentences) -> Floats:
        """float64 (S,): ln p of the last token of each row."""
        return scored(self.model, rows)[rows.offsets[1:] - 1]

    def _agree(self, found: Floats, said: Floats, one: str, other: str) -> None:
        """BadModel where two ways of asking for the same probabilities give different ones."""
        if not len(found):
            return
        rounding = min(self.model.rounding, ROUNDEST)
        with np.errstate(invalid="ignore"):
            off = np.where(found == said, 0.0, found - said) / np.maximum(1.0, np.abs(said) / 10)
        if not (np.abs(off).max() <= rounding and abs(off.mean()) <= max(rounding / 10, ABOVE)):
            worst = int(np.argmax(np.abs(off)))
            raise BadModel(
                f"{one} has {found[worst]:.6g} where {other} has {said[worst]:.6g}: the two must be one distribution "
                "that depends on the earlier words of the row alone, not on later ones or on other rows"
            )


def described(model: LanguageModel) -> dict[str, Any]:
    """What a result says of a fitted model, by the names of its fields."""
    held = Held(model)
    (family,) = _texts((type(model).family,), "family")
    return {
        "family": family,
        "config": held.config(),
        "track": held.track,
        "n_params": held.n_params(),
        "notes": held.notes(),
        "sources": held.sources(),
    }


def _log_probabilities(values: Any, shape: tuple[int, ...], name: str) -> Floats:
    """The values, if they are float64 of this shape, no NaN, nothing above 0."""
    kind, found = getattr(values, "dtype", type(values).__name__), getattr(values, "shape", ())
    if not isinstance(values, np.ndarray) or found != shape or kind != np.float64:
        raise BadModel(
            f"{name} returned {kind} {found}, the contract is float64 {shape}: return natural-log probabilities, one "
            f"{'for each token' if len(shape) == 1 else 'row for each prefix and one column for each event'}"
        )
    if np.isnan(values).any() or (values > ABOVE).any():
        raise BadModel(
            f"{name} returned NaN or a value above 0, which is no log-probability: "
            "the model is not fitted, diverged or does not take logarithms of probabilities"
        )
    return values


def _texts(values: Any, name: str) -> tuple[str, ...]:
    """A tuple or list of texts, each on one line."""
    if not isinstance(values, (tuple, list)) or not all(isinstance(value, str) for value in values):
        raise BadModel(f"{name} must be a tuple of texts, and is {_line(repr(values))[:80]}")
    return tuple(map(_line, values))


def _line(told: object) -> str:
    return " ".join(str(told).split())


def _places(batch: Sentences) -> Ints:
    """int64, rising: up to SAMPLED tokens drawn from the batch whose histories are not too long to read again."""
    left = max(PREFIXES, batch.n_tokens // 4)
    taken: list[int] = []
    drawn = np.random.default_rng(0).permutation(batch.n_tokens)[: 16 * SAMPLED]
    for place, length in zip(drawn.tolist(), batch.positions[drawn].tolist(), strict=True):
        if length <= left and len(taken) < SAMPLED:
            taken.append(place)
            left -= length
    return np.array(sorted(taken), np.int64)


def _histories(batch: Sentences, at: Ints | list[int]) -> Sentences:
    """A row for each of these tokens: what stands before it in its row."""
    at = np.asarray(at, np.int64)
    begins = at - batch.positions[at]
    return Sentences.of_rows([batch.tokens[a:b] for a, b in zip(begins, at, strict=True)], batch.vocab)


def _longer(rows: Sentences, tokens: npt.NDArray[np.integer]) -> Sentences:
    """Each row with one more token."""
    return Sentences.of_rows([np.append(row, token) for row, token in zip(rows, tokens, strict=True)], rows.vocab)


def _parts(n: int, n_events: int) -> list[slice]:
    size = max(1, CELLS // n_events)
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]
