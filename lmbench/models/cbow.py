"""A left-context continuous-bag-of-words language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from lmbench.fields import Between
from lmbench.neural.network import Network, State
from lmbench.neural.training import Neural
from lmbench.text.vocabulary import Vocabulary


class Bag(Network):
    """The mean of the embeddings of the last `window` inputs, or of as many as there are."""

    def __init__(self, n_events: int, dim: int, window: int, *, dropout: float, **output: Any) -> None:
        super().__init__(n_events, dim, dim, **output)
        self.window = window
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T); the window - 1 inputs before them (1, B, window - 1), -1 where a row had not begun
        -> float32 (B, T, D), the last window - 1 inputs."""
        before = state[0][0] if state else inputs.new_full((len(inputs), self.window - 1), -1)
        ids = torch.cat([before, inputs], 1)
        there = (ids >= 0).unsqueeze(2)
        vectors = self.dropout(self.embedding(ids.clamp(min=0))) * there
        means = vectors.unfold(1, self.window, 1).sum(3) / there.unfold(1, self.window, 1).sum(3)
        return means, (ids[None, :, ids.shape[1] - self.window + 1 :],)


@dataclass(kw_only=True)
class CBoW(Neural):
    """p(w | h) = softmax(W m + b), m the mean of the embeddings of the last `window` tokens of <s> h, in any order.

    Mikolov et al. 2013's CBoW predicts a word from the words on *both* sides and keeps only its vectors; it is not a
    language model, since it has read what follows. This one has the same bag of words but of the left context alone,
    and a full softmax, so it is a distribution over the next token like every other row.

    window: words of left context; what stands where among them makes no difference
    tied: not by default. With nothing between the two a tied kernel scores a word by its likeness to its context,
        which is not what follows it (perplexity 25 against 11 on the built-in corpus)
    """

    family: ClassVar[str] = "word-vector"

    window: Annotated[int, Between(1, 10**4)] = 4
    tied: bool = False

    def net(self, vocab: Vocabulary) -> Network:
        return Bag(len(vocab), self.dim, self.window, dropout=self.dropout, **self.output())


Model = CBoW
