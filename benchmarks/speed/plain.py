"""The plain recipe that lmbench's networks are timed against: what most people would write, or copy, with PyTorch.

Embedding, nn.LSTM, nn.Linear, cross_entropy, clipped SGD; one long text cut into lanes side by side. Written for this
comparison, with nothing of lmbench in it.
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class PlainLSTM(nn.Module):
    """int64 (T, B) -> logits (T, B, V)."""

    def __init__(self, n_events: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_events, width)
        self.lstm = nn.LSTM(width, width, layers)
        self.linear = nn.Linear(width, n_events)

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        features, state = self.lstm(self.embedding(inputs), state)
        return self.linear(features), state


def lanes(tokens: Tensor, batch: int) -> Tensor:
    """(N,) -> (N // batch, batch), one lane a column."""
    steps = len(tokens) // batch
    return tokens[: steps * batch].view(batch, steps).t().contiguous()


def train(
    model: PlainLSTM, tokens: Tensor, *, lr: float, clip: float, batch: int, bptt: int, bfloat16: bool = False
) -> float:
    """One epoch; the seconds it took."""
    data = lanes(tokens, batch)
    optimiser = torch.optim.SGD(model.parameters(), lr)
    state = None
    model.train()
    start = time.perf_counter()
    for first in range(0, len(data) - 1, bptt):
        inputs, targets = data[first : first + bptt], data[first + 1 : first + 1 + bptt]
        inputs = inputs[: len(targets)]
        if state is not None:
            state = (state[0].detach(), state[1].detach())
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext():
            logits, state = model(inputs, state)
            loss = nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return time.perf_counter() - start


@torch.no_grad()
def perplexity(model: PlainLSTM, tokens: Tensor, *, batch: int = 1, bptt: int = 200) -> float:
    """Of a text as one stream, but for its first token."""
    model.eval()
    data = lanes(tokens, batch)
    nats, n, state = 0.0, 0, None
    for first in range(0, len(data) - 1, bptt):
        targets = data[first + 1 : first + 1 + bptt]
        logits, state = model(data[first : first + len(targets)], state)
        nats += float(
            nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1), reduction="sum")
        )
        n += targets.numel()
    return math.exp(nats / n)


@torch.no_grad()
def score_rows(model: PlainLSTM, rows: list[Tensor], start: int, batch: int = 32) -> tuple[float, float]:
    """Rows each from a fresh state, a batch of them padded to its longest: (nats of all, seconds)."""
    model.eval()
    nats, begin = 0.0, time.perf_counter()
    for first in range(0, len(rows), batch):
        targets = nn.utils.rnn.pad_sequence(rows[first : first + batch], padding_value=-100)
        inputs = torch.cat([torch.full((1, targets.shape[1]), start), targets[:-1].clamp(min=0)])
        logits, _ = model(inputs, None)
        nats += float(
            nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1), reduction="sum")
        )
    return nats, time.perf_counter() - begin
