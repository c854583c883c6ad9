"""A test set in parts: by what train has of each token and of what is before it, and by where the token stands."""

from __future__ import annotations

import numpy as np

from lmbench.measures.perplexity import Floats, perplexity
from lmbench.measures.sparsity import Ints, familiar, unseen_masks
from lmbench.model import Strata
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences


def ways(text: Sentences, train: NGramTable, longest: Ints) -> dict[str, Strata]:
    """Ways to sort the tokens of text, each by a whole number; every token is in one stratum of each.

    count:     how often train has the two words before the token: see familiar()
    frequency: how often train has the token itself
    bigram, trigram: 0 where train lacks the token after the one or two words before it, else 1
    position:  words before the token in its sentence
    length:    words of its sentence

    longest: longest_seen(text, train). In a stream a sentence ends with each </s>, as history does not.
    """
    unseen = unseen_masks(text, longest, (2, 3))
    words = np.bincount(text.segments) - 1
    begins = np.flatnonzero(np.diff(text.segments, prepend=-1))
    return {
        "count": familiar(text, train),
        "frequency": Strata.cut(train.orders[0].counts[text.tokens], (1, 10, 100, 1000, 10000), "frequency"),
        "bigram": Strata.cut((~unseen[2]).astype(np.int64), (1,), "bigram"),
        "trigram": Strata.cut((~unseen[3]).astype(np.int64), (1,), "trigram"),
        "position": Strata.cut(np.arange(text.n_tokens) - begins[text.segments], (1, 2, 5, 10, 20), "position"),
        "length": Strata.cut(words[text.segments], (5, 10, 20, 40), "length"),
    }


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
