"""What all networks have in common: one training loop and one way of scoring."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmbench.errors import BadModel, BadText, choose
from lmbench.fields import Among, Between, Count, NotNegative, Positive, Share
from lmbench.model import Floats, LanguageModel
from lmbench.model import State as Arrays
from lmbench.neural.descent import OPTIMISERS, SCHEDULES, Descent, load
from lmbench.neural.device import DEVICES, PRECISIONS, moved, name_of, random_state, set_random_state
from lmbench.neural.network import Network, State
from lmbench.neural.output import SOFTMAXES, Softmax, require_untied, slices
from lmbench.neural.starts import WordVectors
from lmbench.neural.windows import Int64s, Lanes, Window
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

Epochs = Annotated[int, Between(1, 10**6)]
CELLS, WIDTH = 4096, 256
"""Cells and steps of a window when scoring: nothing is kept for gradients, so both are larger than in training."""


class Watched(LanguageModel):
    """What training leaves behind and how to watch it. Not a dataclass: none of it is a hyperparameter."""

    net_: Network
    history_: list[float]
    """Perplexity of valid after each epoch."""
    best_epoch_: int
    """The epoch whose weights were kept, from 1."""
    on_epoch: Callable[[int, int, float], None] | None = None
    """Called after each epoch with its number from 1, the most there will be, and nats per token of valid."""
    checkpoint: tuple[Path, str] | None = None
    """A file that training is written to after each epoch and taken up again from, and the key of the job it is for."""
    device: str = "auto"
    """Where the arithmetic is done: see DEVICES."""
    device_name_: str
    """Where it was done, for readers of timings."""
    earlier_: tuple[tuple[float, float, float], ...] = ()
    """Epochs that an earlier process did: seconds and seconds of the processor until then, and perplexity of valid."""
    late_imports: ClassVar[tuple[str, ...]] = ("torch._dynamo", "gensim.models")
    """Modules that fit() comes to import, seconds of work that a fork server does once for all rows."""


@dataclass(kw_only=True)
class Neural(WordVectors, Watched):
    """A network trained by back-propagation through time. A subclass is its own fields and net().

    dim, tied, mapped, embeddings, embedding_text, vector_file, vector_window, vector_epochs, frozen: see WordVectors
    dropout: share of inputs and features dropped in training
    epochs: passes over train at most
    optimiser, lr, schedule, decay, hold: see descent.OPTIMISERS and SCHEDULES; lr is the step size at the start, for
        gradients of the loss per token of a full window
    averaging: 0, or n: from when valid has been for n epochs no better than before, what is measured and kept is the
        mean of the weights over all steps since (Polyak & Juditsky 1992, triggered as by Merity et al. 2018)
    clip: longest gradient (Pascanu et al. 2013)
    weight_decay: per unit of lr
    bptt: tokens of a row per window          batch_tokens: tokens per step, all rows of the batch together
    patience: epochs without a better valid after which training ends; the best epoch's weights are kept in any case
    softmax, cutoffs: of the output layer, 'full' or 'adaptive': see output.AdaptiveSoftmax
    precision: of the large products in training and scoring, see PRECISIONS

    Rows of one length are batched. A row longer than bptt is walked window by window, and its state goes from one to
    the next without gradient (Williams & Peng 1990). A text of fewer, longer rows than fit side by side
    (batch_tokens / bptt), such as one stream, is cut into that many lanes, for training only.
    """

    dropout: Share = 0.2
    softmax: Annotated[str, Among(SOFTMAXES)] = "full"
    cutoffs: tuple[Count, ...] = ()
    epochs: Epochs = 5
    optimiser: Annotated[str, Among(OPTIMISERS)] = "adam"
    lr: Annotated[float, Between(0, 10**4, above=True)] = 0.01
    schedule: Annotated[str, Among(SCHEDULES)] = "linear"
    decay: Annotated[float, Between(0, 1)] = 0.5
    hold: Epochs = 1
    averaging: Annotated[int, Between(0, 10**6)] = 0
    clip: Positive = 1.0
    weight_decay: NotNegative = 0.0
    bptt: Count = 35
    batch_tokens: Count = 256
    patience: Epochs = 3
    precision: Annotated[str, Among(PRECISIONS)] = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_untied(self.softmax, self.tied)

    @property
    def rounding(self) -> float:
        """Of float32, or where products are less precise, of 8 bits."""
        return super().rounding if self.precision == "float32" else 0.25

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
        self.vocab_ = train.vocab
        device = choose(DEVICES, self.device, "device")()
        before = random_state(device)
        try:
            torch.manual_seed(self.seed)
            self._build(train.vocab)
            self.start(self.net_, train)
            descent = Descent(self.net_, self)
            self.device_name_ = name_of(descent.device)
            if self.checkpoint is not None:
                descent.restore(*self.checkpoint)
            self.earlier_ = tuple((*spent, ppl) for spent, ppl in zip(descent.clock, descent.history, strict=True))
            self._descend(descent, train, valid)
        finally:
            set_random_state(before)
        return self

    def output(self) -> dict[str, Any]:
        """The fields that are the options of the output layer: see output.output_layer."""
        return {"tied": self.tied, "mapped": self.mapped, "softmax": self.softmax, "cutoffs": self.cutoffs}

    def _build(self, vocab: Vocabulary) -> None:
        """A network with fresh weights, where the arithmetic is to be done."""
        device = choose(DEVICES, self.device, "device")()
        self.net_ = self.net(vocab).to(device)
        if isinstance(self.net_.output, Softmax):
            self.net_.output.precision = choose(PRECISIONS, self.precision, "precision")(device)

    def _descend(self, descent: Descent, train: Sentences, valid: Sentences) -> None:
        targets = torch.from_numpy(train.tokens.astype(np.int64))
        while not descent.over():
            self.net_.train()
            read = 0
            for window, features in self._windows(train, descent.rng):
                at = moved(targets[window.cells], features.device)
                if (penalty := self.net_.penalty()) is not None:
                    penalty.backward(retain_graph=True)  # type: ignore[no-untyped-call] # features go back after it
                nats = self.net_.output.backward(_real(features, window), at, self.batch_tokens)
                descent.step(read / train.n_tokens, nats)
                read += len(window.cells)
            per_token = descent.end_epoch(lambda: -float(self.log_probs(valid).mean()))
            if self.checkpoint is not None:
                descent.save(*self.checkpoint)
            if self.on_epoch is not None:
                self.on_epoch(descent.epoch, self.epochs, per_token)
        descent.finish()
        self.history_, self.best_epoch_ = descent.history, descent.best

    def _windows(self, train: Sentences, rng: np.random.Generator) -> Iterator[tuple[Window, Tensor]]:
        """The windows of one epoch, each with the features the network, as it is by then, makes of it."""
        inputs = train.previous.astype(np.int64)
        side_by_side = max(1, self.batch_tokens // self.bptt)
        lanes = Lanes.of_rows(train).cut(max(self.bptt, -(-train.n_tokens // side_by_side)))
        for group in lanes.groups(self.batch_tokens, self.bptt, rng):
            state: State = ()
            for window in lanes.windows(group, self.bptt, inputs):
                features, state = self._read(window, state)
                yield window, features

    def _read(self, window: Window, state: State) -> tuple[Tensor, State]:
        """The features of a window and the state after it, from the state before it."""
        device = self.net_.embedding.weight.device
        on_gpu = device.type != "cpu"
        with torch.autocast(device.type, torch.bfloat16, enabled=on_gpu and self.precision == "bfloat16"):
            features, state = self.net_(moved(window.inputs, device), _first(state, len(window.inputs)))
        return features.float(), state

    @torch.no_grad()
    def _walk(self, batch: Sentences) -> Iterator[tuple[Tensor, Int64s]]:
        """Features (n, F) from which n tokens of batch are predicted, and where these stand in it; each token once."""
        self.net_.eval()
        inputs, lanes = batch.previous.astype(np.int64), Lanes.of_rows(batch)
        for group in lanes.groups(CELLS, WIDTH):
            state: State = ()
            for window in lanes.windows(group, WIDTH, inputs):
                features, state = self._read(window, state)
                yield _real(features, window), window.cells

    @torch.no_grad()
    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln p(token | <s>, earlier tokens of its row); the arithmetic is as precise as `precision`."""
        scores = np.empty(batch.n_tokens)
        for features, cells in self._walk(batch):
            targets = moved(torch.from_numpy(batch.tokens[cells].astype(np.int64)), features.device)
            scores[cells] = -self.net_.output.nats(features, targets).cpu().numpy()
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
            features, rows = features[torch.from_numpy(rows >= 0).to(features.device)], rows[rows >= 0]
            for part in slices(len(rows), len(prefixes.vocab)):
                table[rows[part]] = self.net_.output.log_probs(features[part]).cpu().numpy()
        return table

    def n_params(self) -> int:
        """Weights of the network; a kernel used twice counts once."""
        return sum(weights.numel() for weights in self.net_.parameters())

    def state(self) -> Arrays:
        """The weights by torch's names, and under names ending in "_" what else training left."""
        return {
            **{name: weights.detach().cpu().numpy().copy() for name, weights in self.net_.named_parameters()},
            "history_": np.array(self.history_, np.float64),
            "best_epoch_": np.array([self.best_epoch_]),
            "vectorless_": np.array([self.vectorless_]),
            **({"vector_notes_": _bytes("\n".join(self.vector_notes_))} if self.vector_notes_ else {}),
        }

    def restore(self, vocab: Vocabulary, state: Arrays) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        with torch.random.fork_rng(devices=[]):
            self._build(vocab)
        expected = {name: tuple(weights.shape) for name, weights in self.net_.named_parameters()}
        found = {name: values.shape for name, values in state.items() if not name.endswith("_")}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise BadModel(
                    f"the saved array {name!r} has shape {found.get(name)} where the model's has {expected.get(name)}: "
                    "it was saved from other fields or another vocabulary; restore it with those, or fit again"
                )
        load(self.net_, {name: torch.from_numpy(np.array(state[name])) for name in expected})
        self.history_ = [float(perplexity) for perplexity in state["history_"]]
        self.best_epoch_, self.vectorless_ = int(state["best_epoch_"][0]), int(state["vectorless_"][0])
        self.vector_notes_ = (
            tuple(state["vector_notes_"].tobytes().decode().split("\n")) if "vector_notes_" in state else ()
        )
        return self

    def notes(self) -> tuple[str, ...]:
        """Words that had to start without a vector; which epoch was kept, unless it was the last one planned."""
        notes = [*self.start_notes()]
        if self.best_epoch_ < self.epochs:
            notes.append(f"weights of epoch {self.best_epoch_}; trained for {len(self.history_)} of {self.epochs}")
        return tuple(notes)


def _bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _real(features: Tensor, window: Window) -> Tensor:
    """(B, T, F) -> (n, F) of the steps that predict a token."""
    rows = features.flatten(0, 1)
    if len(window.cells) == len(rows):
        return rows
    return rows.index_select(0, moved(window.real.flatten().nonzero().squeeze(1), features.device))


def _first(state: State, lanes: int) -> State:
    """The state of the lanes that go on, cut from the graph that made it."""
    return tuple(part[:, :lanes].detach().contiguous() for part in state)
