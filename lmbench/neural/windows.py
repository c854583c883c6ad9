"""How Sentences are cut for torch: lanes, groups of lanes of one length, windows of a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lmbench.text.sentences import Sentences

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Window:
    """T steps of B lanes side by side, longest lane first.

    inputs: int64 (B, T)  what each step reads: the token before the one it predicts, <s> at the start of a row
    real:   bool (B, T)   False where a lane has ended (padding, always on the right)
    cells:  int64 (n,)    where the tokens predicted at the real steps stand in Sentences.tokens
    """

    inputs: Tensor
    real: Tensor
    cells: Int64s


@dataclass(frozen=True, eq=False)
class Lanes:
    """Stretches of tokens that are read from a fresh state: starts, lengths int64 (L,), none empty."""

    starts: Int64s
    lengths: Int64s

    @classmethod
    def of_rows(cls, batch: Sentences) -> Lanes:
        """Every row that is not empty."""
        filled = batch.lengths > 0
        return cls(batch.offsets[:-1][filled], batch.lengths[filled])

    def cut(self, longest: int) -> Lanes:
        """Lanes longer than that in equal parts. A part starts from a fresh state, and reads the token before it."""
        parts = -(-self.lengths // longest)
        part = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
        length, parts, start = (np.repeat(values, parts) for values in (self.lengths, parts, self.starts))
        begin, end = length * part // parts, length * (part + 1) // parts
        return Lanes(start + begin, end - begin)

    def groups(self, budget: int, width: int, rng: np.random.Generator | None = None) -> list[Int64s]:
        """Indices of lanes of about one length, longest first, so that a window of a group has at most budget cells
        (one lane, if a window of one is wider). With rng lanes of a length are shuffled, and the groups.
        """
        tie = np.arange(len(self.lengths)) if rng is None else rng.permutation(len(self.lengths))
        order = np.lexsort((tie, -self.lengths))
        widths = np.minimum(self.lengths[order], width)
        groups, first = [], 0
        while first < len(order):
            after = first + max(1, budget // int(widths[first]))
            groups.append(order[first:after])
            first = after
        if rng is not None:
            groups = [groups[i] for i in rng.permutation(len(groups))]
        return groups

    def windows(self, group: Int64s, width: int, inputs: npt.NDArray[np.int64]) -> Iterator[Window]:
        """The group from left to right in steps of width; a lane that has ended leaves the next window.

        inputs: int64 (N,), what is read to predict each token (Sentences.previous).
        """
        starts, lengths = self.starts[group], self.lengths[group]
        for begin in range(0, int(lengths[0]), width):
            left = lengths[lengths > begin] - begin
            steps = np.arange(min(width, int(left[0])))
            real = steps < left[:, None]
            cells = starts[: len(left), None] + begin + np.where(real, steps, 0)
            yield Window(torch.from_numpy(inputs[cells]), torch.from_numpy(real), cells[real])
