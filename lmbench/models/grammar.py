"""The distribution a built-in corpus was drawn from: what no model of it can beat."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from lmbench.errors import BadModel
from lmbench.fields import Among
from lmbench.model import Floats, LanguageModel, State
from lmbench.text import hungry
from lmbench.text.pcfg import Beliefs, Moves, Pcfg
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

GRAMMARS: dict[str, Callable[[bool], Pcfg]] = {"hungry": hungry.grammar}
LOST = -1
"""In place of a belief: the grammar cannot produce the sentence so far."""


@dataclass(kw_only=True)
class Grammar(LanguageModel):
    """p(w | h) of the grammar itself, exact; train gives only the vocabulary.

    conditioned: whether it is the distribution of train, valid and test, which use no held-out cell ('floor', measured
                 on test), or the full language ('truth', measured on probes and on the held-out sentences)
    corpus:      the built-in corpus whose grammar it is

    Words of the grammar that the vocabulary lacks are <unk>, and what follows <unk> is the mixture of what may follow
    them. After a prefix the grammar cannot produce the distribution is uniform over the V events. A row that goes
    on after </s> goes on with a new sentence, whatever came before.
    """

    conditioned: bool = True
    corpus: Annotated[str, Among(GRAMMARS)] = "hungry"

    family: ClassVar[str] = "reference"

    @property
    def scope(self) -> frozenset[str]:
        """Where the row is exact: the conditioned language on test, the full one on probes."""
        return frozenset({"test"} if self.conditioned else {"probes"})

    def fit(self, train: Sentences, valid: Sentences) -> Self:  # noqa: ARG002 (the grammar has nothing to learn)
        """Take the vocabulary of train."""
        return self._over(train.vocab)

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats. A walk from belief to belief, token by token: each step is one look-up."""
        log_probs = np.empty(batch.n_tokens)
        starts = set(batch.offsets[:-1].tolist())
        belief = 0
        for i, event in enumerate(batch.tokens.tolist()):
            p, belief = self._step(0 if i in starts else belief, event)
            log_probs[i] = math.log(p) if p else -math.inf
        return log_probs

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats: the moves out of the belief each row leads to."""
        table = np.full((len(prefixes), len(self.vocab_)), -np.inf)
        for row, events in enumerate(prefixes):
            belief = 0
            for event in events.tolist():
                _, belief = self._step(belief, event)
            if belief == LOST:
                table[row] = -math.log(len(self.vocab_))
            else:
                for event, (p, _) in self.beliefs_.moves(belief).items():
                    table[row, event] = math.log(p)
        return table

    def n_params(self) -> int:
        """The number of rule probabilities."""
        return self.grammar_.n_rules

    def state(self) -> State:
        """Nothing was learned: only a digest of the rules, lest another version's grammar be taken for this one."""
        return {"rules": np.frombuffer(_digest(self.grammar_), np.uint8)}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The grammar over vocab, if it is the one that was saved."""
        self._over(vocab)
        if state["rules"].tobytes() != _digest(self.grammar_):
            raise BadModel(
                f"the grammar of {self.corpus!r} is not the one this model was saved with: another version of lmbench "
                "made it; run the benchmark again with this version"
            )
        return self

    def notes(self) -> tuple[str, ...]:
        """How many words of the grammar are <unk> here, if any."""
        unknown = sum(token not in self.vocab_.ids for token in self.grammar_.tokens)
        return (f"{unknown} words of the grammar are not in the vocabulary and count as <unk>",) if unknown else ()

    def _over(self, vocab: Vocabulary) -> Self:
        self.grammar_ = GRAMMARS[self.corpus](self.conditioned)
        self.vocab_ = vocab
        self.beliefs_ = Beliefs(self.grammar_, {t: vocab.ids.get(t, UNK) for t in self.grammar_.tokens}, EOS)
        return self

    def _step(self, belief: int, event: int) -> tuple[float, int]:
        """p(event) at a belief or LOST, and the belief after it."""
        moves: Moves = {} if belief == LOST else self.beliefs_.moves(belief)
        if event in moves:
            return moves[event]
        return 1 / len(self.vocab_) if belief == LOST else 0.0, 0 if event == EOS else LOST


def _digest(grammar: Pcfg) -> bytes:
    """SHA-256 of every rule and its probability."""
    rules = [(rule.lhs, rule.rhs, round(p, 12)) for options in grammar.rules.values() for rule, p in options]
    return hashlib.sha256(repr(sorted(rules)).encode()).digest()


Model = Grammar
