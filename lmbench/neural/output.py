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

LOGITS = 8_000_000
"""Logits of a slice, 32 MB. At V = 10,000 a window of 700 tokens takes 149 ms in one slice, 169 in two and 185 in
seven, since the gradient of the kernel is read and written once a slice; 2,000 tokens take less in three than one."""
ALIGNED = 16
"""Rows of the buffer begin at multiples of so many numbers: with V = 10,001 the product that fills it runs so at
70 GFLOP/s on a core, and at 42 where rows are packed."""


class Output(nn.Module):
    """p(. | features) over V events. Every method takes features (n, F)."""

    @abstractmethod
    def backward(self, features: Tensor, targets: Tensor, scale: float) -> float:
        """Add the gradients of nats / scale to .grad of all weights that features come from; returns nats, the sum
        of -ln p(target) over targets (n,)."""

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

    def train_on(self, occurs: Tensor) -> None:
        """Tell a mapped output which of the V events occur in train, bool (V,)."""
        self.absent.zero_().masked_fill_(~occurs.to(self.absent.device), -math.inf)

    def kernel(self) -> Tensor:
        """float32 (V, F), or (V, D) where there is a projection."""
        if self.weight is not None:
            return self.weight
        assert self.embedding is not None
        return self.embedding.weight[: self.n_events]

    def projected(self, features: Tensor) -> Tensor:
        """What the kernel is multiplied with."""
        return features if self.projection is None else self.projection(features)

    def backward(self, features: Tensor, targets: Tensor, scale: float) -> float:
        """By hand, slice by slice: with p the probabilities and y the targets one-hot, d nats / d logits = p - y."""
        hidden, kernel = self.projected(features), self.kernel()
        x, w = hidden.detach(), kernel.detach()
        dx, dw, db = torch.empty_like(x), torch.zeros_like(w), torch.zeros_like(self.absent)
        x, w = x.to(self.precision), w.to(self.precision)
        costs = []
        own_bias = self.absent if self.bias is None else self.bias
        for part, p, own in self._slices(x, w, own_bias, targets):
            costs.append(own)
            p.scatter_add_(1, targets[part, None], p.new_full((len(p), 1), -1.0))
            db.addmv_(p.t(), p.new_ones(len(p)), alpha=1 / scale)
            p = p.to(self.precision)
            if p.dtype is torch.float32:
                torch.mm(p, w, out=dx[part])
                dw.addmm_(p.t(), x[part], alpha=1 / scale)
            else:
                dx[part].copy_(p @ w)
                dw.add_(p.t() @ x[part], alpha=1 / scale)
        found = [(hidden, dx.mul_(1 / scale)), (kernel, dw), (own_bias, db)]
        # not frozen vectors, nor features made of nothing else
        learnt = [(values, gradient) for values, gradient in found if values.requires_grad]
        torch.autograd.backward([values for values, _ in learnt], [gradient for _, gradient in learnt])
        return float(torch.cat(costs).cpu().sum(dtype=torch.float64)) if costs else 0.0  # no float64 on some devices

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        x, w = (values.detach().to(self.precision) for values in (self.projected(features), self.kernel()))
        return torch.cat([own for _, _, own in self._slices(x, w, self._bias(), targets)] or [features.new_empty(0)])

    def log_probs(self, features: Tensor) -> Tensor:
        x, w = (values.to(self.precision) for values in (self.projected(features), self.kernel()))
        return torch.log_softmax((x @ w.t()).float() + self._bias(), -1)

    def _bias(self) -> Tensor:
        return torch.zeros_like(self.absent) if self.bias is None else self.bias

    def _slices(self, x: Tensor, w: Tensor, bias: Tensor, targets: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """(which rows, their probabilities (r, V), -ln p(target) (r,)), all in a buffer that the next slice reuses."""
        parts = list(slices(len(targets), self.n_events))
        width = -(-self.n_events // ALIGNED) * ALIGNED
        buffer = torch.empty(parts[0].stop if parts else 0, width, device=x.device)
        for part in parts:
            whole = buffer[: part.stop - part.start]
            whole[:, self.n_events :] = -math.inf
            p = whole[:, : self.n_events]
            if x.dtype is torch.float32:
                torch.addmm(bias.detach(), x[part], w.t(), out=p)
            else:
                p.copy_(x[part] @ w.t()).add_(bias.detach())
            target, top = p.gather(1, targets[part, None]), p.amax(1, keepdim=True)
            torch.softmax(whole, 1, out=whole)
            # the greatest probability is 1 / sum of exp(logit - top), and is never too small to take its logarithm
            yield part, p, (top - p.amax(1, keepdim=True).log() - target).squeeze(1)


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

    def backward(self, features: Tensor, targets: Tensor, scale: float) -> float:
        nats = -self.tree(features, targets).output.sum()
        (nats / scale).backward()
        return float(nats.detach())

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        return -self.tree(features, targets).output if len(targets) else features.new_empty(0)

    def log_probs(self, features: Tensor) -> Tensor:
        return self.tree.log_prob(features)


def slices(n: int, n_events: int) -> Iterator[slice]:
    """range(n) in slices of about LOGITS logits, the first being the largest."""
    size = max(1, LOGITS // n_events)
    return (slice(first, min(first + size, n)) for first in range(0, n, size))


SOFTMAXES = {"full": Softmax, "adaptive": AdaptiveSoftmax}


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
    if tied:
        raise BadConfig(
            "an adaptive softmax has kernels of its own and cannot be tied to the embedding: set tied = false"
        )
    return AdaptiveSoftmax(embedding.num_embeddings - 1, features, cutoffs)
