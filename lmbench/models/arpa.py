"""An n-gram model of another program, or of another text, from its ARPA file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lmbench.fields import File
from lmbench.model import Floats, LanguageModel, State
from lmbench.ngrams import arpa
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.events import JOINED, renumber, split
from lmbench.ngrams.explain import Explanation, explain
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

Ids = npt.NDArray[np.int64]


@dataclass(kw_only=True)
class Arpa(LanguageModel):
    """p(w | h) of an ARPA file (lmplz, ngram-count, lmbench export), over the V events of the benchmark.

    path: the file, plain, .gz or .xz; found where corpora are, in the data folder or beside the benchmark file

    Words are the same if they are spelled as events are, with which a literal <unk> of the text is \\<unk>. With p_f
    that of the file, M the number of events it lacks, and its words that are not events called the outside ones:

        p(w | h)     = p_f(w | h)                                                  events in the file
        p(w | h)     = p_f(<unk> | h) / (M + 1)                                    events it lacks
        p(<unk> | h) = p_f(<unk> | h) / (M + 1) + sum over outside u of p_f(u | h)

    whether or not n-grams with these words are listed, so over all V it sums to what the file sums to. In a history,
    <unk> and events the file lacks are the file's <unk>. A file without <unk> gives it no probability of its own.
    """

    path: File

    family: ClassVar[str] = "ngram"
    files: ClassVar[tuple[str, ...]] = ("path",)

    def fit(self, train: Sentences, valid: Sentences) -> Self:  # noqa: ARG002
        """Read the file; of train only the vocabulary matters."""
        theirs, backoff = arpa.read(self.find(self.path))
        place = {event: i for i, event in enumerate(theirs.events)}  # <unk> and </s> are always there
        found = np.array([place.get(event, -1) for event in train.vocab.events])
        known = found >= 0
        n_known, n_missing = int(known.sum()), int((~known).sum())
        ids = np.full(len(theirs), JOINED)
        ids[found[known]] = np.arange(n_known)
        if n_missing:  # part of the file's <unk> is theirs, the rest the benchmark's <unk> with what is joined
            backoff = split(backoff, UNK, [1 / (n_missing + 1), n_missing / (n_missing + 1)])
            ids = np.append(ids, n_known)
        notes = _notes(backoff, n_known, n_missing, int((ids == JOINED).sum()))
        groups = np.where(known, np.cumsum(known) - 1, n_known)
        return self._set(train.vocab, replace(renumber(backoff, ids), notes=notes), groups)

    def _set(self, vocab: Vocabulary, grouped: BackOff, group: Ids) -> Self:
        """What is learnt: a back-off model of groups of events, all missing ones one group, and the group of each."""
        self.vocab_, self.grouped_, self.group_ = vocab, grouped, group
        self.groups_ = Vocabulary(("<unk>", "</s>", *map(str, range(2, grouped.index.n_events))))
        self.log_share_ = -np.log(np.bincount(group))[group]
        return self

    @property
    def backoff_(self) -> BackOff:
        """The back-off form over the events of vocab_, to be written as ARPA again: each missing event by itself."""
        n_groups, n_missing = self.grouped_.index.n_events, int((self.group_ == self.group_.max()).sum())
        single = split(self.grouped_, n_groups - 1, [1 / n_missing] * n_missing)
        return renumber(single, np.argsort(self.group_, kind="stable"))

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats: of the group of each token, and of the token in it."""
        return self.grouped_.log_probs(self._grouped(batch)) + self.log_share_[batch.tokens]

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats: as log_probs."""
        table = self.grouped_.next_log_probs(self._grouped(prefixes))
        return np.asarray(table[:, self.group_] + self.log_share_, np.float64)

    def explain(self, batch: Sentences) -> list[Explanation]:
        """Per token, N of them: the n-gram that was found and what was paid to get to it; the file has no counts."""
        return explain(self.backoff_, batch)

    def _grouped(self, batch: Sentences) -> Sentences:
        """The same rows, of groups."""
        return Sentences(self.groups_, self.group_[batch.tokens].astype(np.int32), batch.offsets)

    def n_params(self) -> int:
        """A probability for each n-gram and a back-off weight for each but the longest."""
        return self.grouped_.n_params

    def state(self) -> State:
        """What BackOff.state() stores, and the group of each event."""
        return {**self.grouped_.state(), "group": self.group_}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state(); the file is not read again."""
        groups = np.asarray(state["group"], np.int64)
        return self._set(vocab, BackOff.restore(int(groups.max()) + 1, state), groups)

    def notes(self) -> tuple[str, ...]:
        """How the file's words and the events meet, and what that makes impossible."""
        return self.grouped_.notes


def _notes(backoff: BackOff, n_known: int, n_missing: int, n_outside: int) -> tuple[str, ...]:
    """What a reader must know."""
    met = f"{n_known} of {n_known + n_missing} events are in the file, <unk> and </s> counted"
    notes = [f"{met}; the other {n_missing} share its p(<unk>); {n_outside} words of it are no events and are <unk>"]
    notes += backoff.notes
    if n_known <= EOS + 1:
        notes.append("no word of the text is in the file: it may be of another language or of other units")
    if backoff.log_p[0][UNK] == -np.inf:
        notes.append("the file has no <unk>: the events it lacks are impossible")
    if backoff.log_p[0][EOS] == -np.inf:
        notes.append("the file has no </s>: no sentence can end")
    return tuple(notes)


Model = Arpa
