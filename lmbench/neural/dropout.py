"""Dropout (Srivastava et al. 2014): in training a share is set to 0, the rest scaled up so that means stay."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig


def require_share(name: str, share: float) -> float:
    """share, or BadConfig where so much cannot be dropped."""
    if not 0 <= share < 1:
        raise BadConfig(f"{name} = {share:g} is no share that can be dropped: set it to 0 or more, below 1")
    return share


def keep(shape: tuple[int, ...], share: float, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A mask of this shape to multiply by: 0 with probability share, otherwise 1 / (1 - share); like's dtype."""
    if generator is None:
        drawn = torch.rand(shape, device=like.device)
    else:
        drawn = torch.rand(shape, generator=generator).to(like.device)
    return (drawn >= share).to(like.dtype) / (1 - share)


class Dropout(nn.Module):
    """Of float (B, T, F). variational: one mask for all T steps of a window (Gal & Ghahramani 2016).

    name: what errors call the share
    """

    def __init__(self, share: float, *, variational: bool = False, name: str = "dropout") -> None:
        super().__init__()
        self.share, self.variational = require_share(name, share), variational

    def forward(self, x: Tensor) -> Tensor:
        if not self.variational or not self.training or not self.share:
            return nn.functional.dropout(x, self.share, self.training)
        return x * keep((len(x), 1, x.shape[2]), self.share, x)


class WordDropout(nn.Module):
    """Of the embeddings float (B, T, D) of ids int64 (B, T): a word is dropped everywhere in a window or nowhere, as if
    its row of the embedding were 0 (Gal & Ghahramani 2016, section 4.2; Merity et al. 2018, section 4.3)."""

    def __init__(self, share: float, n_ids: int) -> None:
        super().__init__()
        self.share, self.n_ids = require_share("dropout_embedding", share), n_ids

    def forward(self, vectors: Tensor, ids: Tensor) -> Tensor:
        if not self.training or not self.share:
            return vectors
        return vectors * keep((self.n_ids, 1), self.share, vectors)[ids]
