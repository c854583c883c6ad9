"""The laws catch what they are for: models with one fault each, and the sound ones they are made from."""

import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import torch
from laws import LAWS, Case
from torch import nn
from toy import toy

from lmbench import models
from lmbench.model import LanguageModel, Strata
from lmbench.models.mixture import Mixture
from lmbench.models.ngram import NGram
from lmbench.models.recurrent import Reader, Recurrent
from lmbench.neural.layers import recurrent_stack
from lmbench.neural.network import Network
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

TINY = {"dim": 6, "hidden": 6, "epochs": 2, "lr": 0.05, "dropout": 0.0, "bptt": 4, "batch_tokens": 16, "seed": 3}


def recurrent(cls, **fields):
    return lambda: cls(cell="gru", **TINY, **fields)


def ngram(cls):
    return lambda: cls(order=3, smoothing="witten_bell")


def mixture(cls):
    parts = {"two": (2, "witten_bell"), "one": (1, "mle")}
    return lambda: cls(components={name: NGram(order=n, smoothing=method) for name, (n, method) in parts.items()})


@dataclass(kw_only=True)
class RowCache(LanguageModel):
    """(1 - share) * unigram + share * the relative frequencies of the row so far, share chosen on valid."""

    shares: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    share_ = 0.5

    @property
    def track(self):
        return "adaptive"

    def fit(self, train, valid):
        self.vocab_ = train.vocab
        self.unigram_ = np.bincount(train.tokens, minlength=len(train.vocab)) + 1.0
        self.unigram_ /= self.unigram_.sum()
        self.share_ = max(self.shares, key=lambda share: self.with_share(share).log_probs(valid).sum())
        return self

    def with_share(self, share):
        self.share_ = share
        return self

    def log_probs(self, batch):
        scores = np.empty(batch.n_tokens)
        for i, (token, position) in enumerate(zip(batch.tokens, batch.positions, strict=True)):
            counts = self.recall(batch.tokens[i - position : i], position)
            cached = counts[token] / counts.sum() if counts.sum() else self.unigram_[token]
            scores[i] = np.log((1 - self.share_) * self.unigram_[token] + self.share_ * cached)
        return scores

    def recall(self, history, position):  # noqa: ARG002 (faulty ones use the position)
        return np.bincount(history, minlength=len(self.vocab_))

    def n_params(self):
        return len(self.unigram_) + 1

    def state(self):
        return {"unigram": self.unigram_, "share": np.array([self.share_])}

    def restore(self, vocab, state):
        self.vocab_, self.unigram_ = vocab, state["unigram"]
        if "share" in state:
            self.share_ = float(state["share"][0])
        return self


# Neural faults


class BothWays(Network):
    def __init__(self, n_events):
        super().__init__(n_events, 6, 12, tied=False)
        self.stack = nn.GRU(6, 6, batch_first=True, bidirectional=True)

    def forward(self, inputs, state=()):
        features, after = self.stack(self.embedding(inputs), state[0] if state else None)
        return features, (after,)


class Bidirectional(Recurrent):
    """Each feature has read the whole window, both ways."""

    def net(self, vocab):
        return BothWays(len(vocab))


class ReaderAhead(Reader):
    def forward(self, inputs, state=()):
        features, after = super().forward(inputs, state)
        if state:
            features = features + self.embedding(inputs).flip(1).cumsum(1).flip(1)
        return features, after


class BidirectionalLater(Recurrent):
    """The future leaks from a row's second window on: rows shorter than a window show nothing."""

    reader = ReaderAhead

    def net(self, vocab):
        stack = recurrent_stack(self.cell, self.dim, self.hidden, self.layers, self.dropout)
        return self.reader(len(vocab), self.dim, stack, dropout=self.dropout, tied=self.tied)


class ForgetfulReader(Reader):
    def forward(self, inputs, state=()):  # noqa: ARG002 (the fault)
        return super().forward(inputs)


class StateDropped(BidirectionalLater):
    """Every window starts from a fresh state."""

    reader = ForgetfulReader


class CarryingReader(Reader):
    last = ()

    def forward(self, inputs, state=()):
        if not state:
            state = tuple(part[:, :1].expand(-1, len(inputs), -1).contiguous() for part in self.last)
        features, after = super().forward(inputs, state)
        self.last = tuple(part[:, -1:].detach() for part in after)
        return features, after


class StateCarriedOver(BidirectionalLater):
    """A batch begins with the state that the one before it left."""

    reader = CarryingReader


class LogitForBos(Recurrent):
    """The output layer has V + 1 columns, one of them for <s>."""

    def net(self, vocab):
        stack = recurrent_stack(self.cell, self.dim, self.hidden, self.layers, self.dropout)
        return Reader(len(vocab) + 1, self.dim, stack, dropout=self.dropout, tied=self.tied)

    next_log_probs = LanguageModel.next_log_probs


class Unseeded(Recurrent):
    """Weights drawn from the clock."""

    def net(self, vocab):
        torch.seed()
        return super().net(vocab)


class SeedsTheWorld(NGram):
    """Seeds the global generators for itself, and for everybody else."""

    def fit(self, train, valid):
        torch.manual_seed(0)
        return super().fit(train, valid)


# Counting faults


class PeeksFar(NGram):
    """Words are likelier if </s> comes six tokens later: no row of six or fewer shows it."""

    def log_probs(self, batch):
        scores = super().log_probs(batch)
        ahead = np.arange(batch.n_tokens) + 6
        inside = ahead < np.repeat(batch.offsets[1:], batch.lengths)
        peeked = inside & (batch.tokens[np.where(inside, ahead, 0)] == EOS)
        return np.where(peeked, scores / 2, scores)


class MassLost(NGram):
    """A context never seen has weight 0, not 1, for what is shorter."""

    def log_probs(self, batch):
        scores = super().log_probs(batch)
        for n, (gram, context) in enumerate(self.backoff_.index.lookup(batch), start=1):
            scores[(context < 0) & (batch.positions >= n - 2) & (gram < 0)] = -np.inf
        return scores

    next_log_probs = LanguageModel.next_log_probs


class MassLostInScores(MassLost):
    """The same, with the table as it should be."""

    next_log_probs = NGram.next_log_probs


class Log10(NGram):
    def log_probs(self, batch):
        return super().log_probs(batch) / np.log(10)

    def next_log_probs(self, prefixes):
        return super().next_log_probs(prefixes) / np.log(10)


class NeverEnds(NGram):
    """Counts rows without their </s>."""

    def fit(self, train, valid):
        return super().fit(Sentences.of_rows([row[:-1] for row in train], train.vocab), valid)


class HalfPrecision(NGram):
    def log_probs(self, batch):
        return super().log_probs(batch).astype(np.float32)


class OffByOne(NGram):
    """A token has the score of the one after it."""

    def log_probs(self, batch):
        scores = super().log_probs(batch)
        ends = np.repeat(batch.offsets[1:], batch.lengths)
        return scores[np.minimum(np.arange(batch.n_tokens) + 1, ends - 1)]


class LearnsFromTest(NGram):
    """fit() has a way in for test."""

    def fit(self, train, valid, test=None):  # noqa: ARG002 (the fault)
        return super().fit(train, valid)


class DefaultsUntold(NGram):
    """config() leaves out what was not set."""

    def config(self):
        return {"order": self.order, "smoothing": self.smoothing}


# Faults of caches, mixtures and storage


class LeakyCache(RowCache):
    """Remembers the rows before, too."""

    def log_probs(self, batch):
        self.seen = np.zeros(len(self.vocab_))
        return super().log_probs(batch)

    def recall(self, history, position):
        now = super().recall(history, position)
        if not position:
            self.past = self.seen.copy()
        self.seen = self.past + now
        return self.seen


class LastingCache(RowCache):
    """Remembers what it was asked before."""

    asked = 0

    def log_probs(self, batch):
        self.asked = self.asked + 0.1 * np.bincount(batch.tokens, minlength=len(self.vocab_))
        return super().log_probs(batch)

    def recall(self, history, position):
        return super().recall(history, position) + self.asked


class ForgetsItsShare(RowCache):
    """state() lacks an array, and restore() makes do with a default."""

    def state(self):
        return {"unigram": self.unigram_}


class PeeksAtTheToken(NGram):
    """A stratum that tells what is to be predicted."""

    def strata(self, batch):
        return Strata.cut(batch.tokens, (EOS + 1,), "event")


class Unnormalised(Mixture):
    """The weights of the parts do not sum to 1."""

    def fit(self, train, valid):
        super().fit(train, valid)
        self.weights_ = self.weights_ * 0.9
        return self


class SaysItIsADistribution(NGram):
    """Stupid back-off that hopes for a perplexity."""

    normalised = True


class SaysItIsNone(NGram):
    """A distribution that hopes to get away without a perplexity."""

    normalised = False


SOUND = {
    "recurrent": recurrent(Recurrent),
    "ngram": ngram(NGram),
    "mixture": mixture(Mixture),
    "cache": lambda: RowCache(),
}
FAULTS = [
    (recurrent(Bidirectional), "future_does_not_leak"),
    (recurrent(BidirectionalLater), "future_does_not_leak"),
    (ngram(PeeksFar), "future_does_not_leak"),
    (recurrent(LogitForBos), "next_words_sum_to_one_if_it_says_so"),
    (ngram(MassLost), "next_words_sum_to_one_if_it_says_so"),
    (ngram(MassLostInScores), "own_table_is_the_default_one"),
    (recurrent(Unseeded), "refit_gives_the_same_numbers"),
    (ngram(SeedsTheWorld), "global_generators_are_left_alone"),
    (mixture(Unnormalised), "next_words_sum_to_one_if_it_says_so"),
    (recurrent(StateDropped), "windows_change_nothing"),
    (recurrent(StateCarriedOver), "rows_are_independent"),
    (recurrent(StateCarriedOver), "batch_size_changes_nothing"),
    (ngram(Log10), "next_words_sum_to_one_if_it_says_so"),
    (ngram(NeverEnds), "train_was_learnt"),
    (ngram(HalfPrecision), "scores_are_log_probabilities"),
    (lambda: LeakyCache(), "rows_are_independent"),
    (lambda: LastingCache(), "asking_leaves_no_trace"),
    (ngram(OffByOne), "log_probs_are_entries_of_next_log_probs"),
    (lambda: ForgetsItsShare(), "save_and_load_give_the_same_numbers"),
    (ngram(LearnsFromTest), "fit_takes_train_and_valid_only"),
    (ngram(PeeksFar), "a_long_row_scores_like_any_other"),
    (ngram(OffByOne), "nothing_is_asked_and_nothing_known"),
    (ngram(PeeksAtTheToken), "strata_are_of_contexts"),
    (ngram(DefaultsUntold), "it_describes_itself"),
    (lambda: SaysItIsADistribution(smoothing="stupid_backoff"), "next_words_sum_to_one_if_it_says_so"),
    (ngram(SaysItIsNone), "next_words_sum_to_one_if_it_says_so"),
]
BY_NAME = {law.__name__: law for law in LAWS}


@pytest.fixture(autouse=True)
def as_kinds(monkeypatch):
    """The classes of this file are kinds for once, so that their models can be saved."""
    here = sys.modules[__name__]
    ours = {name: EntryPoint(name, f"{__name__}:{name}", models.GROUP) for name in vars(here)}
    points = models.kinds() | {name: point for name, point in ours.items() if isinstance(vars(here)[name], type)}
    monkeypatch.setattr(models, "kinds", lambda: points)


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
def test_what_is_sound_passes(make):
    case = Case(make, *toy())
    for law in LAWS:
        law(case)


@pytest.mark.parametrize(("make", "law"), FAULTS, ids=lambda of: of if isinstance(of, str) else type(of()).__name__)
def test_what_is_faulty_is_caught(make, law):
    with pytest.raises(AssertionError):
        BY_NAME[law](Case(make, *toy()))


def test_every_law_is_broken_by_a_fault():
    assert {law for _, law in FAULTS} == set(BY_NAME)
