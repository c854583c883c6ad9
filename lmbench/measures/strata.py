"""A test set in parts, by what a model knows of each token's context."""

from __future__ import annotations

import numpy as np

from lmbench.measures.perplexity import Floats, perplexity
from lmbench.model import Strata


def agreement(log_probs: Floats) -> float:
    """The share of predictions given more than 1/2: such a token was the likeliest, so no fewer were foretold.

    It is how Liu et al. 2024, section 4, measure next-token accuracy; it needs no table over the V events.
    """
    return float((log_probs > np.log(0.5)).mean()) if len(log_probs) else float("nan")


def by_stratum(log_probs: Floats, strata: Strata) -> dict[str, float]:
    """share_<stratum>, ppl_<stratum> and agreement_<stratum> of each stratum that has a token; log_probs in nats."""
    numbers: dict[str, float] = {}
    for bucket, name in enumerate(strata.names):
        mask = strata.of == bucket
        if mask.any():
            of = name.replace(" ", "_")
            numbers[f"share_{of}"] = float(mask.mean())
            numbers[f"ppl_{of}"] = perplexity(log_probs[mask])
            numbers[f"agreement_{of}"] = agreement(log_probs[mask])
    return numbers
