"""How well blanks are filled: a blank is a word of test, and what stands on both sides of it is known."""

from __future__ import annotations

import numpy as np

from lmbench.measures.perplexity import Floats, bits_per_token, perplexity


def filled(log_probs: Floats, ranks: Floats) -> dict[str, float]:
    """Of float64 (n,) each, the true words' ln p and their rank among all: accuracy at 1 and at 10, bits, perplexity.

    The perplexity is of blanks, and no language model's: it has read what follows.
    """
    return {
        "accuracy_at_1": float(np.mean(ranks <= 1)),
        "accuracy_at_10": float(np.mean(ranks <= 10)),
        "bits_per_blank": bits_per_token(log_probs),
        "ppl_of_blanks": perplexity(log_probs),
    }
