"""What is true of every language model, whatever it is made of.

A law is a function of a Case that raises AssertionError. It sees a model through the contract alone, with one
exception: windows_change_nothing() makes the windows smaller in which networks read.
"""

from __future__ import annotations

import inspect
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import torch

from lmbench.bench import store
from lmbench.model import Floats, LanguageModel
from lmbench.neural import output, training
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK

LONG = training.WIDTH + 44
"""Tokens of the long row: longer than any window, in training or in scoring."""


@dataclass(frozen=True, eq=False)
class Case:
    """An unfitted model, as often as it is asked for, and the text it is tried on."""

    make: Callable[[], LanguageModel]
    train: Sentences
    valid: Sentences
    test: Sentences

    def fit(self) -> LanguageModel:
        """A model of its own."""
        return self.make().fit(self.train, self.valid)

    @cached_property
    def model(self) -> LanguageModel:
        """One fitted model for all laws that only ask."""
        return self.fit()

    @cached_property
    def tolerance(self) -> float:
        """Nats that the order of sums can make: float32 where any weight is, float64 otherwise."""
        return 1e-5 if any(array.dtype == np.float32 for array in self.model.state().values()) else 1e-9

    @cached_property
    def long(self) -> Sentences:
        """One row of LONG tokens: sentences one after the other, </s> inside."""
        tokens = chain.from_iterable(cycle(chain(self.test, self.train)))
        return self.of([[int(token) for token, _ in zip(tokens, range(LONG), strict=False)]])

    @cached_property
    def random(self) -> Sentences:
        """Rows of 0 to 9 events drawn blindly: contexts nobody has seen, <unk> and </s> among them."""
        rng = np.random.default_rng(0)
        return self.of([rng.integers(len(self.test.vocab), size=length) for length in [*range(10), 4, 5, 6, 7]])

    @cached_property
    def rows(self) -> Sentences:
        """All of these, attested rows of test first, and empty ones."""
        return self.of([*self.test, *self.random, self.test.tokens[:0], *self.long, *self.test.take([0])])

    @cached_property
    def prefixes(self) -> Sentences:
        """Every prefix of every row of test, random contexts, empty ones, and places in the long row."""
        row = self.long.tokens
        places = [9, 40, training.WIDTH - 1, training.WIDTH, training.WIDTH + 1, LONG - 1]
        attested = [row[:end] for row in self.test for end in range(len(row))]
        return self.of([*attested, *self.random, *(row[:place] for place in places), row[:0]])

    def of(self, rows: list[np.ndarray] | list[list[int]]) -> Sentences:
        return Sentences.of_rows(rows, self.test.vocab)


Law = Callable[[Case], None]
LAWS: list[Law] = []


def law(function: Law) -> Law:
    LAWS.append(function)
    return function


def assert_same(found: Floats, expected: Floats, tolerance: float, what: str) -> None:
    """Equal shapes, and values within tolerance nats; impossible stays impossible."""
    assert found.shape == expected.shape, f"{what}: shapes {found.shape} and {expected.shape}"
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=what)


@law
def scores_are_log_probabilities(case: Case) -> None:
    """One float64 <= 0 a token, -inf allowed, NaN not."""
    for batch in case.train, case.test, case.rows:
        scores = case.model.log_probs(batch)
        assert scores.dtype == np.float64, scores.dtype
        assert scores.shape == (batch.n_tokens,), scores.shape
        assert not np.isnan(scores).any(), "NaN"
        assert (scores <= 0).all(), f"a probability of e ** {scores.max():g}"


@law
def next_words_sum_to_one_if_it_says_so(case: Case) -> None:
    """After attested, random, long and empty contexts, by the model's own table and by the contract's.

    What says that it is not normalised is not: what is a distribution owes the table its perplexity.
    """
    for name, ask in ("own", type(case.model).next_log_probs), ("default", LanguageModel.next_log_probs):
        table = ask(case.model, case.prefixes)
        assert table.dtype == np.float64, table.dtype
        assert table.shape == (len(case.prefixes), len(case.test.vocab)), table.shape
        sums = np.exp(table).sum(axis=1)
        worst = np.abs(sums - 1).argmax()
        told = (
            f"{name}: {sums[worst]} after {case.prefixes.take([worst]).tokens}, normalised is {case.model.normalised}"
        )
        assert bool(abs(sums[worst] - 1) < 1e-4) is case.model.normalised, told


@law
def log_probs_are_entries_of_next_log_probs(case: Case) -> None:
    """What a token scores is what its place in the table of its prefix says."""
    for row in [*case.test, *case.random, case.long.tokens[: LONG // 4]]:
        table = case.model.next_log_probs(case.of([row[:end] for end in range(len(row))]))
        scores = case.model.log_probs(case.of([row]))
        assert_same(scores, table[np.arange(len(row)), row], case.tolerance, f"row {row}")


@law
def own_table_is_the_default_one(case: Case) -> None:
    """A quick next_log_probs says what the contract's slow one says."""
    own, default = case.model.next_log_probs(case.prefixes), LanguageModel.next_log_probs(case.model, case.prefixes)
    assert_same(own, default, case.tolerance, "own and default next_log_probs")


@law
def rows_are_independent(case: Case) -> None:
    """Rows in another order, removed or repeated score as before."""
    rows, scores = case.rows, case.model.log_probs(case.rows)
    table = case.model.next_log_probs(rows)
    order = np.random.default_rng(1).permutation(len(rows))
    for chosen in order, order[: len(rows) // 2], order[::-1], np.repeat(order[:3], 3):
        taken = rows.take(chosen)
        assert_same(case.model.log_probs(taken), scores[rows.token_index(chosen)], case.tolerance, f"rows {chosen}")
        assert_same(case.model.next_log_probs(taken), table[chosen], case.tolerance, f"tables of rows {chosen}")


@law
def batch_size_changes_nothing(case: Case) -> None:
    """Each row alone scores as all of them together."""
    together = case.model.log_probs(case.rows)
    alone = np.concatenate([case.model.log_probs(case.of([row])) for row in case.rows])
    assert_same(alone, together, case.tolerance, "rows alone and together")
    tables = np.concatenate([case.model.next_log_probs(case.of([row])) for row in case.rows])
    assert_same(tables, case.model.next_log_probs(case.rows), case.tolerance, "tables alone and together")


@law
def future_does_not_leak(case: Case) -> None:
    """At every length of a row, its first values are the same whatever follows, and if nothing does.

    Every length, because a leak may show in long rows alone: of the long one, about the windows' edges.
    """
    rng = np.random.default_rng(2)
    row = case.long.tokens
    ends = [*range(1, 12), *range(training.WIDTH - 2, training.WIDTH + 3), LONG - 7, LONG - 1]
    short = [(row, end) for row in [*case.test, row[:41]] for end in range(1, len(row) + 1)]
    for places in short, [(row, end) for end in ends]:  # asked about at once, since asking is what takes the time
        others = [rng.integers(len(case.test.vocab), size=len(row) - end) for row, end in places]
        variants = case.of(
            [
                tokens
                for (row, end), other in zip(places, others, strict=True)
                for tokens in (row, row[:end], np.append(row[:end], other), np.append(row, other))
            ]
        )
        scores, starts = case.model.log_probs(variants), variants.offsets[:-1].reshape(-1, 4)
        for (row, end), (whole, *alike) in zip(places, starts, strict=True):
            for start in alike:
                now, then = (scores[begin : begin + end] for begin in (start, whole))
                assert_same(now, then, case.tolerance, f"the first {end} of {len(row)}")


@law
def strata_are_of_contexts(case: Case) -> None:
    """A stratum, where a model has them, is the same in any batch, whatever is predicted and whatever follows."""
    strata = case.model.strata(case.rows)
    if strata is None:
        return
    assert strata.of.shape == (case.rows.n_tokens,), strata.of.shape
    assert set(np.unique(strata.of)) <= set(range(len(strata.names))), np.unique(strata.of)
    assert len(set(strata.names)) == len(strata.names), strata.names
    rng = np.random.default_rng(3)
    for row, found in zip(case.rows, np.split(strata.of, case.rows.offsets[1:-1]), strict=True):
        others = [np.append(row[:end], rng.integers(len(case.test.vocab), size=2)) for end in range(len(row))]
        alone = case.model.strata(case.of(others))
        assert alone is not None
        first = case.of(others).offsets[:-1] + np.arange(len(row))
        assert np.array_equal(alone.of[first], found), f"row {row}"


@law
def windows_change_nothing(case: Case) -> None:
    """Networks read a row in one window or in many, few rows or many side by side, few logits or many at once."""
    scores, table = case.model.log_probs(case.rows), case.model.next_log_probs(case.prefixes)
    for width, cells, logits in (1, 8, 1), (3, 1, 50), (10 * LONG, 10**6, 10**7):
        with mock.patch.multiple(training, WIDTH=width, CELLS=cells), mock.patch.object(output, "LOGITS", logits):
            what = f"windows of {width}, {cells} cells"
            assert_same(case.model.log_probs(case.rows), scores, case.tolerance, what)
            assert_same(case.model.next_log_probs(case.prefixes), table, case.tolerance, what)


@law
def a_long_row_scores_like_any_other(case: Case) -> None:
    """Many sentences in a row, </s> between them: each token is possible or not as after its own prefix alone."""
    scores = case.model.log_probs(case.long)
    assert scores.shape == (LONG,), scores.shape
    places = np.array([0, 1, 30, training.WIDTH - 1, training.WIDTH, training.WIDTH + 1, LONG - 1])
    prefixes = case.of([case.long.tokens[:place] for place in places])
    table = case.model.next_log_probs(prefixes)
    if case.model.normalised:
        assert np.abs(np.exp(table).sum(axis=1) - 1).max() < 1e-4, np.exp(table).sum(axis=1)
    found = table[np.arange(len(places)), case.long.tokens[places]]
    assert_same(found, scores[places], case.tolerance, f"places {places}")


@law
def asking_leaves_no_trace(case: Case) -> None:
    """The same question has the same answer, whatever was asked in between."""
    before, table = case.model.log_probs(case.test), case.model.next_log_probs(case.random)
    state = case.model.state()
    case.model.log_probs(case.rows)
    case.model.next_log_probs(case.prefixes)
    assert_same(case.model.log_probs(case.test), before, 0, "asked again")
    assert_same(case.model.next_log_probs(case.random), table, 0, "asked again")
    assert_equal_states(case.model, state)


@law
def nothing_is_asked_and_nothing_known(case: Case) -> None:
    """No rows, and rows without tokens, which are contexts like any other."""
    n_events = len(case.test.vocab)
    assert case.model.log_probs(case.of([])).shape == (0,)
    assert case.model.next_log_probs(case.of([])).shape == (0, n_events)
    assert case.model.log_probs(case.of([[], []])).shape == (0,)
    first = case.model.next_log_probs(case.of([[], []]))
    assert first.shape == (2, n_events), first.shape
    assert_same(first[1], first[0], case.tolerance, "two empty rows")
    between = case.model.log_probs(case.of([[], [EOS, UNK], [], [UNK], []]))
    assert_same(between, case.model.log_probs(case.of([[EOS, UNK], [UNK]])), case.tolerance, "empty rows between")
    assert_same(between[[0, 2]], first[0, [EOS, UNK]], case.tolerance, "first tokens")


@law
def train_was_learnt(case: Case) -> None:
    """What was read is possible, and likelier than the 1 / V of knowing nothing; so is </s> by itself."""
    chance, scores = -np.log(len(case.train.vocab)), case.model.log_probs(case.train)
    ends = case.train.tokens == EOS
    assert np.isfinite(scores).all(), f"impossible: {np.unique(case.train.tokens[~np.isfinite(scores)])}"
    assert scores.mean() > chance, f"{scores.mean():.3f} nats a token, {chance:.3f} by chance"
    assert scores[ends].mean() > chance, f"{scores[ends].mean():.3f} nats a </s>, {chance:.3f} by chance"


@law
def refit_gives_the_same_numbers(case: Case) -> None:
    """To the last bit, whatever the global generators are at."""
    model = case.model
    with generators_restored():
        reseed_globals(12345)
        again = case.fit()
    assert_equal_states(again, model.state())
    assert_same(again.log_probs(case.rows), model.log_probs(case.rows), 0, "fitted again")
    assert_same(again.next_log_probs(case.prefixes), model.next_log_probs(case.prefixes), 0, "fitted again")


@law
def global_generators_are_left_alone(case: Case) -> None:
    """Fitting, asking and restoring neither seed nor draw from Python's, numpy's and torch's global generators."""
    with generators_restored():
        reseed_globals(54321)
        before = global_generators()
        model = case.fit()
        assert global_generators() == before, "fit() disturbed a global generator"
        model.log_probs(case.test)
        model.next_log_probs(case.random)
        assert global_generators() == before, "asking disturbed a global generator"
        case.make().restore(model.vocab_, model.state())
        assert global_generators() == before, "restore() disturbed a global generator"


@law
def save_and_load_give_the_same_numbers(case: Case) -> None:
    """Through files, to the last bit: scores, description, and the arrays if it is saved again."""
    with TemporaryDirectory() as folder:
        assert store.save(case.model, Path(folder) / "model") > 0
        loaded = store.load(Path(folder) / "model")
    assert type(loaded) is type(case.model)
    assert loaded.vocab_ == case.model.vocab_
    assert json.dumps(loaded.config()) == json.dumps(case.model.config())
    assert (loaded.n_params(), loaded.notes()) == (case.model.n_params(), case.model.notes())
    assert_equal_states(loaded, case.model.state())
    assert_same(loaded.log_probs(case.rows), case.model.log_probs(case.rows), 0, "loaded")
    assert_same(loaded.next_log_probs(case.prefixes), case.model.next_log_probs(case.prefixes), 0, "loaded")


@law
def it_describes_itself(case: Case) -> None:
    """Size, fields, notes and flags are of the kinds reports expect."""
    model = case.model
    assert isinstance(model.n_params(), int)
    assert model.n_params() > 0
    assert set(json.loads(json.dumps(model.config()))) == {field.name for field in fields(model)}  # type: ignore[arg-type]
    assert isinstance(model.notes(), tuple)
    assert all(isinstance(note, str) for note in model.notes())
    assert model.track in ("static", "adaptive")
    assert isinstance(model.normalised, bool)
    assert model.scope <= {"test", "probes"}
    assert all(name.endswith("_") or name in model.config() for name in vars(model)), sorted(vars(model))


@law
def fit_takes_train_and_valid_only(case: Case) -> None:
    """There is no way in for test, the text is left as it was, and the events are train's."""
    model = case.make()
    assert list(inspect.signature(model.fit).parameters) == ["train", "valid"]
    assert not hasattr(model, "vocab_"), "fitted before fit()"
    splits = [Sentences(s.vocab, s.tokens.copy(), s.offsets.copy()) for s in (case.train, case.valid)]
    fitted = model.fit(*splits)
    assert fitted is model
    assert fitted.vocab_ is case.train.vocab
    for given, original in zip(splits, (case.train, case.valid), strict=True):
        assert np.array_equal(given.tokens, original.tokens), "fit() changed its text"
        assert np.array_equal(given.offsets, original.offsets), "fit() changed its text"


def assert_equal_states(model: LanguageModel, expected: dict[str, np.ndarray]) -> None:
    """The same arrays under the same names, to the last bit."""
    found = model.state()
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def global_generators() -> tuple[object, ...]:
    """The states of Python's, numpy's and torch's global generators, to be compared."""
    name, key, *rest = np.random.get_state()  # noqa: NPY002 (it is what must not be used)
    return random.getstate(), name, key.tobytes(), tuple(rest), torch.get_rng_state().numpy().tobytes()


def reseed_globals(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


@contextmanager
def generators_restored() -> Iterator[None]:
    """Afterwards the global generators are as they were before, whatever happened."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
