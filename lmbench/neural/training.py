"""What all networks have in common: one training loop and one way of scoring."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig, BadModel, BadText, Diverged, choose
from lmbench.model import Floats, LanguageModel
from lmbench.model import State as Arrays
from lmbench.neural.network import Network, State
from lmbench.neural.starts import WordVectors
from lmbench.neural.windows import Int64s, Lanes, Window
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

LOGITS = 2_000_000
"""Logits made at once, 8 MB; a window with more is done in slices. Training at V = 10,000 and 700 tokens a step is a
fifth faster so than with all 28 MB at once, and slower again below 1 million."""
CELLS, WIDTH = 4096, 256
"""Cells and steps of a window when scoring: nothing is kept for gradients, so both are larger than in training."""

SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "linear": lambda done, _: 1 - done,
    "plateau": lambda _, decayed: decayed,
}
"""The part of lr left when a share `done` of all planned steps is done, and decay to the power of the epochs that did
not improve valid is `decayed`. On the built-in corpus linear ends 0.4 lower in perplexity than plateau does at the
same number of epochs; plateau is for training until nothing more is learnt."""


class Watched(LanguageModel):
    """What training leaves behind and how to watch it. Not a dataclass: none of it is a hyperparameter."""

    net_: Network
    history_: list[float]
    """Perplexity of valid after each epoch."""
    best_epoch_: int
    """The epoch whose weights were kept, from 1."""
    on_epoch: Callable[[int, int, float], None] | None = None
    """Called after each epoch with its number from 1, the most there will be, and nats per token of valid."""
    late_imports: ClassVar[tuple[str, ...]] = ("torch._dynamo", "gensim.models")
    """Modules that fit() comes to import, seconds of work that a fork server does once for all rows."""


@dataclass(kw_only=True)
class Neural(WordVectors, Watched):
    """A network trained by back-propagation through time. A subclass is its own fields and net().

    dim, embeddings, embedding_text, vector_file, vector_window, vector_epochs, frozen, output: see WordVectors
    dropout: share of inputs and features dropped in training
    epochs: passes over train at most         lr: step size of Adam (Kingma & Ba 2015); schedule, decay: see SCHEDULES
    clip: longest gradient (Pascanu et al. 2013)
    weight_decay: decoupled, per unit of lr (Loshchilov & Hutter 2019)
    bptt: tokens of a row per window          batch_tokens: tokens per step, all rows of the batch together
    patience: epochs without a better valid after which training ends; the best epoch's weights are kept in any case

    Rows of one length are batched. A row longer than bptt is walked window by window, and its state goes from one to
    the next without gradient (Williams & Peng 1990). A text of fewer, longer rows than fit side by side
    (batch_tokens / bptt), such as one stream, is cut into that many lanes, for training only.
    """

    dropout: float = 0.2
    epochs: int = 5
    lr: float = 0.01
    schedule: str = "linear"
    decay: float = 0.5
    clip: float = 1.0
    weight_decay: float = 0.0
    bptt: int = 35
    batch_tokens: int = 256
    patience: int = 3

    @abstractmethod
    def net(self, vocab: Vocabulary) -> Network:
        """A fresh network, its weights drawn from torch's global generator."""

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Minimise nats per token of train; valid chooses when to stop and which epoch to keep.

        Torch's global random state is left as it was. The same seed gives the same bits on one machine with one
        number of threads.
        """
        for name, split in ("train", train), ("valid", valid):
            if not split.n_tokens:
                raise BadText(f"{name} has no tokens, and a network cannot be trained without: check the corpus' files")
        require_positive(self, "dim", "bptt", "batch_tokens", "patience")
        if not 0 <= self.dropout < 1:
            raise BadConfig(f"dropout = {self.dropout:g} is no share that can be dropped: set it to 0 or more, below 1")
        schedule = choose(SCHEDULES, self.schedule, "schedule")
        self.vocab_ = train.vocab
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.net_ = self.net(train.vocab)
            self.start(self.net_, train)
            self._descend(train, valid, schedule)
        return self

    def _descend(self, train: Sentences, valid: Sentences, schedule: Callable[[float, float], float]) -> None:
        rng = np.random.default_rng(self.seed)
        targets = torch.from_numpy(train.tokens.astype(np.int64))
        adam = torch.optim.AdamW(self.net_.parameters(), self.lr, weight_decay=self.weight_decay, fused=True)
        kept: dict[str, Tensor] = {}
        self.history_, self.best_epoch_ = [], 0
        decayed = 1.0
        for epoch in range(1, self.epochs + 1):
            self.net_.train()
            read = 0
            for window, features in self._windows(train, rng):
                done = (epoch - 1 + read / train.n_tokens) / self.epochs
                for settings in adam.param_groups:
                    settings["lr"] = self.lr * schedule(done, decayed)
                adam.zero_grad()
                nats = _backward(self.net_, features[window.real], targets[window.cells], self.batch_tokens)
                self._check(nats, epoch)
                nn.utils.clip_grad_norm_(self.net_.parameters(), self.clip)
                adam.step()
                read += len(window.cells)
            nats = -float(self.log_probs(valid).mean())
            self._check(nats, epoch)
            self.history_.append(math.exp(nats))
            if self.history_[-1] < min(self.history_[:-1], default=math.inf):
                self.best_epoch_ = epoch
                kept = {name: weights.detach().clone() for name, weights in self.net_.named_parameters()}
            else:
                decayed *= self.decay
            if self.on_epoch is not None:
                self.on_epoch(epoch, self.epochs, nats)
            if epoch - self.best_epoch_ >= self.patience:
                break
        self._load(kept or dict(self.net_.named_parameters()))

    def _windows(self, train: Sentences, rng: np.random.Generator) -> Iterator[tuple[Window, Tensor]]:
        """The windows of one epoch, each with the features the network, as it is by then, makes of it."""
        inputs = train.previous.astype(np.int64)
        side_by_side = max(1, self.batch_tokens // self.bptt)
        lanes = Lanes.of_rows(train).cut(max(self.bptt, -(-train.n_tokens // side_by_side)))
        for group in lanes.groups(self.batch_tokens, self.bptt, rng):
            state: State = ()
            for window in lanes.windows(group, self.bptt, inputs):
                features, state = self.net_(window.inputs, _first(state, len(window.inputs)))
                yield window, features

    def _check(self, nats: float, epoch: int) -> None:
        if not math.isfinite(nats):
            raise Diverged(
                f"the loss left the finite numbers in epoch {epoch}: lr = {self.lr:g} is too long a step for this "
                f"network; lower lr, or clip (now {self.clip:g})"
            )

    @torch.no_grad()
    def _walk(self, batch: Sentences) -> Iterator[tuple[Tensor, Int64s]]:
        """Features (n, F) from which n tokens of batch are predicted, and where these stand in it; each token once."""
        self.net_.eval()
        inputs, lanes = batch.previous.astype(np.int64), Lanes.of_rows(batch)
        for group in lanes.groups(CELLS, WIDTH):
            state: State = ()
            for window in lanes.windows(group, WIDTH, inputs):
                features, state = self.net_(window.inputs, _first(state, len(window.inputs)))
                yield features[window.real], window.cells

    @torch.no_grad()
    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln p(token | <s>, earlier tokens of its row); the arithmetic is float32."""
        scores = np.empty(batch.n_tokens)
        for features, cells in self._walk(batch):
            for part in _slices(self.net_, len(cells)):
                targets = torch.from_numpy(batch.tokens[cells[part]].astype(np.int64))
                nats = nn.functional.cross_entropy(self.net_.logits(features[part]), targets, reduction="none")
                scores[cells[part]] = -nats.numpy()
        return scores

    @torch.no_grad()
    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V): ln p(. | <s>, row) for each row, which may be empty; the network reads each row once."""
        table = np.empty((len(prefixes), len(prefixes.vocab)))
        # what a row one token longer is scored from: the features before its last token have read all of the prefix
        longer = Sentences.of_rows([np.append(row, EOS) for row in prefixes], prefixes.vocab)
        asked = np.full(longer.n_tokens, -1)
        asked[longer.offsets[1:] - 1] = np.arange(len(prefixes))
        for features, cells in self._walk(longer):
            rows = asked[cells]
            features, rows = features[torch.from_numpy(rows >= 0)], rows[rows >= 0]
            for part in _slices(self.net_, len(rows)):
                table[rows[part]] = torch.log_softmax(self.net_.logits(features[part]), -1).numpy()
        return table

    def n_params(self) -> int:
        """Weights of the network; a kernel used twice counts once."""
        return sum(weights.numel() for weights in self.net_.parameters())

    def state(self) -> Arrays:
        """The weights by torch's names, and under names ending in "_" what else training left."""
        return {
            **{name: weights.detach().numpy().copy() for name, weights in self.net_.named_parameters()},
            "history_": np.array(self.history_, np.float64),
            "best_epoch_": np.array([self.best_epoch_]),
            "vectorless_": np.array([self.vectorless_]),
        }

    def restore(self, vocab: Vocabulary, state: Arrays) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        with torch.random.fork_rng(devices=[]):
            self.net_ = self.net(vocab)
        expected = {name: tuple(weights.shape) for name, weights in self.net_.named_parameters()}
        found = {name: values.shape for name, values in state.items() if not name.endswith("_")}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise BadModel(
                    f"the saved array {name!r} has shape {found.get(name)} where the model's has {expected.get(name)}: "
                    "it was saved from other fields or another vocabulary; restore it with those, or fit again"
                )
        self._load({name: torch.from_numpy(np.array(state[name])) for name in expected})
        self.history_ = [float(perplexity) for perplexity in state["history_"]]
        self.best_epoch_, self.vectorless_ = int(state["best_epoch_"][0]), int(state["vectorless_"][0])
        return self

    def _load(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.net_.named_parameters():
                parameter.copy_(weights[name])

    def notes(self) -> tuple[str, ...]:
        """Words that had to start without a vector; which epoch was kept, unless it was the last one planned."""
        notes = [*self.start_notes()]
        if self.best_epoch_ < self.epochs:
            notes.append(f"weights of epoch {self.best_epoch_}; trained for {len(self.history_)} of {self.epochs}")
        return tuple(notes)


def require_positive(model: LanguageModel, *names: str) -> None:
    """BadConfig for the first of these fields that is below 1."""
    for name in names:
        if getattr(model, name) < 1:
            raise BadConfig(f"{name} = {getattr(model, name)}, but a network needs at least one: set 1 or more")


def _first(state: State, lanes: int) -> State:
    """The state of the lanes that go on, cut from the graph that made it."""
    return tuple(part[:, :lanes].detach().contiguous() for part in state)


def _slices(net: Network, n: int) -> Iterator[slice]:
    """range(n) in slices of at most LOGITS logits."""
    size = max(1, LOGITS // net.n_events)
    return (slice(first, first + size) for first in range(0, n, size))


def _backward(net: Network, features: Tensor, targets: Tensor, scale: int) -> float:
    """Add the gradients of nats / scale to the weights' own; returns nats, the sum over targets.

    A constant scale gives every token one weight, in short windows too. The softmax is done slice by slice against
    a leaf, so the body is walked back once.
    """
    leaf = features.detach().requires_grad_()
    nats = 0.0
    for part in _slices(net, len(targets)):
        loss = nn.functional.cross_entropy(net.logits(leaf[part]), targets[part], reduction="sum")
        (loss / scale).backward()  # type: ignore[no-untyped-call]
        nats += loss.item()
    if features.requires_grad:  # a bag of frozen vectors is a constant
        features.backward(leaf.grad)  # type: ignore[no-untyped-call]
    return nats
