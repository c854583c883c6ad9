"""What the gates of a fitted recurrent row do, how far its gradients reach, how much history it uses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmbench.neural.diagnostics.cells import Layer, Unrolled, layers_of, unroll
from lmbench.neural.diagnostics.gradients import Reach, reach
from lmbench.neural.layers import Stack
from lmbench.neural.network import Network
from lmbench.neural.training import Neural
from lmbench.neural.windows import Int64s, Lanes
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]

LONGEST = 100
"""Steps of history at most; a stream is read in stretches of one more, each from a fresh state."""
ENOUGH = 200
"""Stretches of test over which gradients are averaged, at least where the text has as many."""
LOW, HIGH = 0.1, 0.9
"""A gate below or above is as good as closed or open, and has hardly a gradient of its own."""


def stack_of(net: Network) -> list[Layer]:
    """The layers of a recurrent network, lowest first."""
    return layers_of(cast(Stack, net.stack))


def at_hand(model: Neural) -> Network:
    """A copy of the network on the CPU, wherever the model's own is, that drops nothing."""
    return deepcopy(model.net_).cpu().eval()


def first_weights(model: Neural) -> Network:
    """The network as it was before training; word vectors, if it began with some, are random ones here."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(model.seed)
        return model.net(model.vocab_).eval()


def stretches(batch: Sentences, tokens: int | None = None) -> Lanes:
    """The rows of batch, long ones in parts of LONGEST + 1 at most; the first that hold so many tokens together."""
    lanes = Lanes.of_rows(batch).cut(LONGEST + 1)
    if tokens is None:
        return lanes
    n = 1 + int(np.searchsorted(np.cumsum(lanes.lengths), tokens))
    return Lanes(lanes.starts[:n], lanes.lengths[:n])


def reach_on_text(net: Network, batch: Sentences, most: int = 512) -> tuple[Reach, int]:
    """How far the loss at a token reaches back in the last layer, and over how many stretches that is the mean.

    All stretches are read to the same token, the last that ENOUGH of them have, or a quarter where there are few.
    """
    lanes = stretches(batch)
    lengths = np.sort(lanes.lengths)[::-1]
    length = int(lengths[min(ENOUGH, max(len(lengths) // 4, 1)) - 1])
    starts = lanes.starts[lanes.lengths >= length][:most]
    cells = starts[:, None] + np.arange(length)
    inputs = torch.from_numpy(batch.previous[cells].astype(np.int64))
    targets = torch.from_numpy(batch.tokens[cells[:, -1]].astype(np.int64))
    *lower, last = [layer.double() for layer in stack_of(net)]
    with torch.no_grad():
        read = net.embedding(inputs).double()
        for layer in lower:
            read = unroll(layer, read).output

    def loss(h: Tensor) -> Tensor:
        return -net.output.log_probs(h.float()).gather(1, targets[:, None]).squeeze(1).double()

    return reach(last, read, loss), len(starts)


@torch.no_grad()
def _unroll(net: Network, inputs: Tensor) -> list[Unrolled]:
    """int64 (B, T) -> every layer, lowest first."""
    read, found = net.embedding(inputs), []
    for layer in stack_of(net):
        found.append(unroll(layer, read))
        read = found[-1].output
    return found


def trace(net: Network, sentence: Sentences) -> dict[str, npt.NDArray[np.float32]]:
    """Gate -> float32 (T, H) of the last layer as it reads <s> and the words of the one row, T of them with <s>."""
    inputs = torch.from_numpy(sentence.previous.astype(np.int64))[None]
    return {name: values[0].numpy() for name, values in _unroll(net, inputs)[-1].gates.items()}


@dataclass(frozen=True)
class Saturation:
    """A gate of a layer over a text: mean, and the shares of its values below LOW and above HIGH."""

    layer: int
    gate: str
    mean: float
    low: float
    high: float


def saturation(net: Network, batch: Sentences, tokens: int) -> list[Saturation]:
    """Every gate of every layer while the network reads about so many tokens."""
    lanes, inputs = stretches(batch, tokens), batch.previous.astype(np.int64)
    values: dict[tuple[int, str], list[Tensor]] = {}
    for group in lanes.groups(4096, LONGEST + 1):
        for window in lanes.windows(group, LONGEST + 1, inputs):
            for at, layer in enumerate(_unroll(net, window.inputs), start=1):
                for name, opened in layer.gates.items():
                    values.setdefault((at, name), []).append(opened[window.real])
    found = []
    for (at, name), parts in values.items():
        every = torch.cat(parts).double()
        shares = [float(part.double().mean()) for part in (every, every < LOW, every > HIGH)]
        found.append(Saturation(at, name, *shares))
    return found


@torch.no_grad()
def log_probs_after(net: Network, batch: Sentences, at: Int64s, history: int) -> Floats:
    """float64 (n,): ln p of the tokens that stand at `at`, each read from a fresh state and the last `history` inputs.

    Every one of them has as many before it, <s> counted. As in Khandelwal et al. 2018, but that a network which has
    only ever begun at <s> begins in the middle here: what it loses by that is in the numbers too.
    """
    scores = np.empty(len(at))
    for part in np.array_split(np.arange(len(at)), max(1, len(at) // 256)):
        cells = at[part][:, None] + np.arange(1 - history, 1)
        features, _ = net(torch.from_numpy(batch.previous[cells].astype(np.int64)))
        targets = torch.from_numpy(batch.tokens[at[part]].astype(np.int64))
        scores[part] = -net.output.nats(features[:, -1], targets).numpy()
    return scores
