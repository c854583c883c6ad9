# ruff: noqa: ARG002 (their arguments are the contract's)
"""Models that break the contract, each in one way, as another package might bring them; and one that keeps it."""

from dataclasses import dataclass, field

import numpy as np

from lmbench.model import LanguageModel, Strata


@dataclass(kw_only=True)
class Honest(LanguageModel):
    """Relative frequencies with one added to each count."""

    family = "other"

    def fit(self, train, valid):
        self.vocab_ = train.vocab
        counts = np.bincount(train.tokens, minlength=len(train.vocab)) + 1.0
        self.p_ = np.log(counts / counts.sum())
        return self

    def log_probs(self, batch):
        return self.p_[batch.tokens]

    def next_log_probs(self, prefixes):
        return np.tile(self.p_, (len(prefixes), 1))

    def n_params(self):
        return len(self.p_)

    def state(self):
        return {"p": self.p_}

    def restore(self, vocab, state):
        self.vocab_, self.p_ = vocab, state["p"]
        return self


class Certain(Honest):
    def log_probs(self, batch):
        return np.zeros(batch.n_tokens)


class Boasts(Honest):
    """A hundredth of a nat better than it says it is."""

    def log_probs(self, batch):
        return np.minimum(super().log_probs(batch) + 0.01, 0)


class SeesWhatFollows(Honest):
    def log_probs(self, batch):
        after = np.append(batch.tokens[1:], 0)
        return np.where(after == 1, -0.01, super().log_probs(batch))


class SeesOtherRows(Honest):
    def log_probs(self, batch):
        return super().log_probs(batch) if len(batch) > 2 else np.full(batch.n_tokens, -np.log(len(batch.vocab)))


class SeesOtherRowsByDefault(SeesOtherRows):
    next_log_probs = LanguageModel.next_log_probs


class CheatsInTables(Honest):
    def next_log_probs(self, prefixes):
        return np.full((len(prefixes), len(prefixes.vocab)), -np.log(len(prefixes.vocab)))


class NaN(Honest):
    def log_probs(self, batch):
        return np.where(batch.positions == 1, np.nan, super().log_probs(batch))


class NaNTable(Honest):
    def next_log_probs(self, prefixes):
        return super().next_log_probs(prefixes) * np.nan


class PlusInfinity(Honest):
    def log_probs(self, batch):
        return np.where(batch.positions == 1, np.inf, super().log_probs(batch))


class Positive(Honest):
    def log_probs(self, batch):
        return -super().log_probs(batch)


class PositiveTable(Honest):
    def next_log_probs(self, prefixes):
        return -super().next_log_probs(prefixes)


class Float32(Honest):
    def log_probs(self, batch):
        return super().log_probs(batch).astype(np.float32)


class AList(Honest):
    def log_probs(self, batch):
        return super().log_probs(batch).tolist()


class Nothing(Honest):
    def log_probs(self, batch):
        return None


class Column(Honest):
    def log_probs(self, batch):
        return super().log_probs(batch)[:, None]


class TooShort(Honest):
    def log_probs(self, batch):
        return super().log_probs(batch)[1:]


class TooNarrow(Honest):
    def next_log_probs(self, prefixes):
        return super().next_log_probs(prefixes)[:, 1:]


class FitsNothing(Honest):
    def fit(self, train, valid):
        super().fit(train, valid)


class FitsAnother(Honest):
    def fit(self, train, valid):
        super().fit(train, valid)
        return Honest().fit(train, valid)


class NoVocabulary(Honest):
    def fit(self, train, valid):
        super().fit(train, valid)
        del self.vocab_
        return self


class Raises(Honest):
    def fit(self, train, valid):
        raise ValueError("two\nlines")


class ShareOfParameters(Honest):
    def n_params(self):
        return 0.5


class NegativeParameters(Honest):
    def n_params(self):
        return -3


class NotesAreAText(Honest):
    def notes(self):
        return "one text"


class SourcesAreNumbers(Honest):
    def sources(self):
        return (1, 2)


class OddTrack(Honest):
    track = "quick"


class OddScope(Honest):
    scope = frozenset({"everything"})


class PerhapsNormalised(Honest):
    normalised = "yes"


class ConfigOfArrays(Honest):
    def config(self):
        return {"p": self.vocab_}


class ConfigOfNaN(Honest):
    def config(self):
        return {"p": float("nan")}


class StrataOfTargets(Honest):
    def strata(self, batch):
        return Strata((batch.tokens == 1).astype(np.int64), ("word 0", "word 1"))


class TooManyStrata(Honest):
    def strata(self, batch):
        return Strata(np.full(batch.n_tokens, 7), ("one 0",))


class StrataAreAList(Honest):
    def strata(self, batch):
        return [0] * batch.n_tokens


class StateOfTexts(Honest):
    def state(self):
        return {"p": np.array(["a", "b"])}


class StateOfNothing(Honest):
    def state(self):
        return {"p": None}


class NearestIsAList(Honest):
    def nearest(self, words, k):
        return [1, 2]


class Abstract(LanguageModel):
    family = "other"


@dataclass(kw_only=True)
class LacksMethods(LanguageModel):
    def fit(self, train, valid):
        return self


@dataclass(kw_only=True)
class OddFiles(Honest):
    files = ("nowhere",)


@dataclass(kw_only=True)
class CannotBeMade(Honest):
    made: dict = field(default_factory=dict)

    def __post_init__(self):
        raise RuntimeError("never")


NOT_A_CLASS = 3
