"""Word frequencies that leave no event at zero: what other estimates are smoothed towards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmbench.text.sentences import Sentences


def unigram(text: Sentences) -> npt.NDArray[np.float64]:
    """float64 (V,): (count(w) + T / V) / (N + T), Witten & Bell 1991 over 1 / V, for T different events in N tokens.

    The words of a vocabulary are those of train, so what is left for the unseen goes to <unk>, which train need not
    have and every other text may, and to words that a benchmark declares beside train's: none of them is impossible.
    """
    counts = np.bincount(text.tokens, minlength=len(text.vocab))
    types = max(int(np.count_nonzero(counts)), 1)
    p: npt.NDArray[np.float64] = (counts + types / len(text.vocab)) / (text.n_tokens + types)
    return p
