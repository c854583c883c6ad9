"""The sparsity table: how much of a text is n-grams that never occurred in train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.table import NGramTable, unseen
from lmbench.text.sentences import Sentences

ORDERS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Sparsity:
    """One line of the table.

    order:          n
    tokens:         predictions in the text
    unseen:         of these, how many end an n-gram that never occurs in train; nearer than n to the start of
                    a row the n-gram is the history since <s>
    share:          unseen / tokens
    zero_sentences: share of rows with at least one: a maximum-likelihood model of that order gives them
                    probability zero
    """

    order: int
    tokens: int
    unseen: int
    share: float
    zero_sentences: float


def unseen_masks(
    text: Sentences, table: NGramTable, orders: tuple[int, ...] = ORDERS
) -> dict[int, npt.NDArray[np.bool_]]:
    """Order -> bool (N,): tokens of text whose n-gram never occurs in the text the table was counted on."""
    return {order: unseen(text, table, order) for order in orders}


def sparsity(text: Sentences, masks: dict[int, npt.NDArray[np.bool_]]) -> list[Sparsity]:
    """The table of one text, a line an order."""
    return [
        Sparsity(
            order=order,
            tokens=text.n_tokens,
            unseen=int(mask.sum()),
            share=float(mask.mean()),
            zero_sentences=float((text.row_sums(mask.astype(np.float64)) > 0).mean()),
        )
        for order, mask in masks.items()
    ]
