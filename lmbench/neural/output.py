"""Output layers: from a network's features to the probability of every event, and back to the weights' gradients.

Most of what a language model computes is here, so no N x V array is ever whole: logits are made a slice of rows at a
time, in one buffer, and turned in place into probabilities and into the gradient.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig, choose

LEAST, SMALL = torch.finfo(torch.float32).tiny, 60.0
"""The least number that float32 holds with all its digits, e^-87, and nats of a probability that is well above it."""
LOGITS = 8_000_000
"""Logits of a slice, 32 MB. At V = 10,000 a window of 700 tokens takes 149 ms in one slice, 169 in two and 185 in
seven, since the gradient of the kernel is read and written once a slice; 2,000 tokens take less in three than one."""
ALIGNED = 8
"""Numbers that the beginnings of rows are apart, or multiples of it, where a large product is filled in: on a core with
AVX2 the logits of V = 10,001 are made at 70 GFLOP/s so and at 42 where rows are packed, and the gradient of a kernel
650 wide in 61 ms and in 87."""


class Output(nn.Module):
    """p(. | features) over V events. Every method takes features (n, F)."""

    @abstractmethod
    def backward(self, features: Tensor, targets: Tensor, scale: float) -> Tensor:
        """Add the gradients of nats / scale to .grad of all weights that features come from; returns nats (), the sum
        of -ln p(target) over targets (n,), for the eye: each is no more than 87."""

    @abstractmethod
    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        """float32 (n,): -ln p(target)."""

    @abstractmethod
    def log_probs(self, features: Tensor) -> Tensor:
        """float32 (n, V): ln p."""


class Softmax(Output):
    """softmax(W x + b): there is no row of W for <s>, so it cannot be predicted.

    tied (Press & Wolf 2017; Inan et al. 2017): W is the embedding without its row of <s>; a projection from F to D
    stands before it where the two differ.
    mapped: tied, with the projection in any case and no b. A projection of the features is a linear map of the
    vectors, of rank F at most, v . (P x + c) = (P' v) . x + v . c, so a word has nothing of its own here but its
    vector. Of a word that train lacks training could teach the map only that it never comes, so it is left out of the
    softmax there, and is in it ever after: a classifier by descriptions of classes, some of them unseen (Larochelle
    et al. 2008, Frome et al. 2013).
    precision: of the products; sums, softmax and gradients of weights are float32 in any case
    """

    absent: Tensor

    def __init__(self, embedding: nn.Embedding, features: int, *, tied: bool, mapped: bool = False) -> None:
        super().__init__()
        self.n_events = embedding.num_embeddings - 1
        dim = embedding.embedding_dim
        self.embedding = embedding if tied else None
        self.projection = nn.Linear(features, dim) if mapped or (tied and features != dim) else None
        self.weight = None if tied else nn.Parameter(nn.init.xavier_uniform_(torch.empty(self.n_events, features)))
        self.bias = None if mapped else nn.Parameter(torch.zeros(self.n_events))
        self.register_buffer("absent", torch.zeros(self.n_events), persistent=False)
        self.precision = torch.float32
        self._logits = torch.empty(0)  # kept from call to call: new pages cost more than what is written on them

    def train_on(self, occurs: Tensor) -> None:
        """Tell a mapped output which of the V events occur in train, bool (V,)."""
        self.absent.zero_().masked_fill_(~occurs.to(self.absent.device), -math.inf)

    def rows(self) -> Tensor:
        """The weights that the kernel is the first V rows of."""
        if self.weight is not None:
            return self.weight
        assert self.embedding is not None
        return self.embedding.weight

    def kernel(self) -> Tensor:
        """float32 (V, F), or (V, D) where there is a projection."""
        return self.rows()[: self.n_events]

    def projected(self, features: Tensor) -> Tensor:
        """What the kernel is multiplied with."""
        return features if self.projection is None else self.projection(features)

    def backward(self, features: Tensor, targets: Tensor, scale: float) -> Tensor:
        """By hand, slice by slice: with p the probabilities and y the targets one-hot, d nats / d logits = p - y.

        The gradients of kernel and bias are summed up in .grad itself: automatic differentiation would copy them.
        """
        hidden = self.projected(features)
        x, w = hidden.detach().to(self.precision), self.kernel().detach().to(self.precision)
        bias = self.absent if self.bias is None else self.bias.detach()
        into_kernel, into_bias = _gradient(self.rows()), _gradient(self.bias)
        dw = None if into_kernel is None else _aligned_like(into_kernel[: self.n_events])
        dx, nats = torch.empty_like(hidden), hidden.new_zeros(())
        for part, p, own in self._slices(x, w, bias, targets):
            nats += own.sum()
            p.scatter_add_(1, targets[part, None], p.new_full((len(p), 1), -1.0))
            if into_bias is not None:
                into_bias.addmv_(p.t(), p.new_ones(len(p)), alpha=1 / scale)
            p = p.to(self.precision)
            if p.dtype is torch.float32:
                torch.mm(p, w, out=dx[part])
            else:
                dx[part].copy_(p @ w)
            if dw is None:
                continue
            if p.dtype is torch.float32:
                dw.addmm_(p.t(), x[part], alpha=1 / scale)
            else:
                dw.add_(p.t() @ x[part], alpha=1 / scale)
        if into_kernel is not None and dw is not None and dw.stride() != into_kernel.stride():
            into_kernel[: self.n_events].add_(dw)
        if hidden.requires_grad:
            hidden.backward(dx.mul_(1 / scale))  # type: ignore[no-untyped-call]
        return nats

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        x, w = (values.detach().to(self.precision) for values in (self.projected(features), self.kernel()))
        bias = self._bias().detach()
        costs = [own for _, _, own in self._slices(x, w, bias, targets)]
        nats = torch.cat(costs) if costs else features.new_empty(0)
        # where p was too small a number to take its logarithm, from the logits once more
        small = (nats > SMALL).nonzero().squeeze(1)
        for part in slices(len(small), self.n_events):
            rows = small[part]
            logits = (x[rows] @ w.t()).float() + bias
            nats[rows] = logits.logsumexp(1) - logits.gather(1, targets[rows, None]).squeeze(1)
        return nats

    def log_probs(self, features: Tensor) -> Tensor:
        x, w = (values.to(self.precision) for values in (self.projected(features), self.kernel()))
        return torch.log_softmax((x @ w.t()).float() + self._bias(), -1)

    def _bias(self) -> Tensor:
        return torch.zeros_like(self.absent) if self.bias is None else self.bias

    def _slices(self, x: Tensor, w: Tensor, bias: Tensor, targets: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """(which rows, their probabilities (r, V), in a buffer that the next slice reuses, -ln p(target) (r,), 87 at
        most)."""
        parts = list(slices(len(targets), self.n_events))
        n, width = parts[0].stop if parts else 0, _aligned(self.n_events)
        if len(self._logits) < n or self._logits.device != x.device:
            self._logits = torch.empty(n, width, device=x.device)
        for part in parts:
            whole = self._logits[: part.stop - part.start]
            whole[:, self.n_events :] = -math.inf
            p = whole[:, : self.n_events]
            if x.dtype is torch.float32:
                torch.addmm(bias, x[part], w.t(), out=p)
            else:
                p.copy_(x[part] @ w.t()).add_(bias)
            torch.softmax(whole, 1, out=whole)
            yield part, p, -p.gather(1, targets[part, None]).clamp_min(LEAST).log().squeeze(1)


def _aligned(columns: int) -> int:
    """The width of rows of so many numbers, each of which begins where it should."""
    return -(-columns // ALIGNED) * ALIGNED


def _aligned_like(values: Tensor) -> Tensor:
    """The values themselves if their rows begin where they should, and zeros whose rows do otherwise."""
    rows, columns = values.shape
    width = _aligned(columns)
    return values if width == columns else values.new_zeros(rows, width)[:, :columns]


def _gradient(weights: Tensor | None) -> Tensor | None:
    """.grad of weights that are learnt, made of zeros if need be."""
    if weights is None or not weights.requires_grad:
        return None
    if weights.grad is None:
        weights.grad = torch.zeros_like(weights)
    return weights.grad


class AdaptiveSoftmax(Output):
    """Frequent events in a short softmax of their own, rare ones in clusters of narrower features (Grave et al. 2017).

    Exact: the probabilities are those of the tree, and sum to one. The events of a vocabulary fall in count, as this
    wants. cutoffs: the first event of each cluster
    """

    def __init__(self, n_events: int, features: int, cutoffs: tuple[int, ...] = ()) -> None:
        super().__init__()
        cutoffs = tuple(cutoffs) or tuple(dict.fromkeys((n_events // 10 + 1, n_events // 3 + 1)))
        if any(low >= high for low, high in zip((0, *cutoffs), (*cutoffs, n_events), strict=True)):
            raise BadConfig(
                f"cutoffs = {list(cutoffs)} do not rise between 0 and the {n_events} events of the vocabulary; "
                "choose smaller ones, or leave them out"
            )
        self.tree = nn.AdaptiveLogSoftmaxWithLoss(features, n_events, list(cutoffs), div_value=2.0)

    def backward(self, features: Tensor, targets: Tensor, scale: float) -> Tensor:
        nats: Tensor = -self.tree(features, targets).output.sum()
        (nats / scale).backward()  # type: ignore[no-untyped-call]
        return nats.detach()

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        return -self.tree(features, targets).output if len(targets) else features.new_empty(0)

    def log_probs(self, features: Tensor) -> Tensor:
        return self.tree.log_prob(features)


def slices(n: int, n_events: int) -> Iterator[slice]:
    """range(n) in slices of about LOGITS logits, the first being the largest."""
    size = max(1, LOGITS // n_events)
    return (slice(first, min(first + size, n)) for first in range(0, n, size))


SOFTMAXES = {"full": Softmax, "adaptive": AdaptiveSoftmax}


def require_untied(softmax: str, tied: bool) -> None:
    """BadConfig for an adaptive softmax that is to be tied."""
    if tied and softmax == "adaptive":
        raise BadConfig(
            "an adaptive softmax has kernels of its own and cannot be tied to the embedding: set tied = false"
        )


def output_layer(
    embedding: nn.Embedding,
    features: int,
    *,
    tied: bool,
    mapped: bool = False,
    softmax: str = "full",
    cutoffs: tuple[int, ...] = (),
) -> Output:
    """The output layer of a network whose embedding has a row for each event and one for <s>."""
    if choose(SOFTMAXES, softmax, "softmax") is Softmax:
        return Softmax(embedding, features, tied=tied, mapped=mapped)
    require_untied(softmax, tied)
    return AdaptiveSoftmax(embedding.num_embeddings - 1, features, cutoffs)
