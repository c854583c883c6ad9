"""Entropy pruning: without the n-grams that the distribution hardly misses.

A. Stolcke, "Entropy-based pruning of backoff language models", DARPA Broadcast News Transcription and Understanding
Workshop, 1998; ngram -prune of SRILM.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff, Floats, backed_off, log, unlisted
from lmbench.text.vocabulary import EOS

Bools = npt.NDArray[np.bool_]


def prune(model: BackOff, threshold: float) -> BackOff:
    """Without each n-gram whose loss, alone, raises the perplexity by less than this share; Stolcke 1998, section 3.

    Without h w, p(w | h) becomes gamma'(h) p(w | h'), and gamma' is what makes the sum one. In nats that costs

        D = -p(h) { p(w|h) [ln p(w|h') + ln gamma'(h) - ln p(w|h)] + left(h) [ln gamma'(h) - ln gamma(h)] }

    where left(h) is the sum of p(. | h) over what is not listed; h w goes if e^D - 1 < threshold. All are judged in
    the whole model, and one that is the context of another that stays stays too. model must be a distribution, and
    stays one: its weights are computed again.

    p(h) is h's share of the training text where counts are known, else the chain rule of the model itself, as in the
    paper. Of a Kneser-Ney model the latter is a poor guess, for its lower orders are made for what follows unseen
    contexts: more is lost at the same size (Chelba, Brants, Neveitt & Xu 2010, Interspeech).
    """
    index, share = model.index, _marginals(model)
    left, cheap = [], []
    for n, pairs in enumerate(index.suffixes(), start=1):
        if n == 1:
            continue
        context, p, gamma = pairs[-1][1], np.exp(model.log_p[n - 1]), model.log_gamma[n - 2]
        lower = backed_off(pairs[:-1], model.log_p, model.log_gamma)
        others = unlisted(index, n, lower)
        left.append(np.exp(gamma) * others)
        rest = left[-1][context]
        gamma_then = log(rest + p) - log(others[context] + np.exp(lower))
        with np.errstate(invalid="ignore"):
            of_word = p * (lower + gamma_then - model.log_p[n - 1])
            of_others = np.where(rest > 0, rest * (gamma_then - gamma[context]), 0.0)
            cheap.append(np.expm1(-share[n - 2][context] * (of_word + of_others)) < threshold)
    kept = [np.ones(len(index.keys[0]), bool)]
    for n in range(index.order, 1, -1):
        needed = np.zeros(len(cheap[n - 2]), bool)
        if n < index.order:
            needed[index.context(n + 1)[kept[1]]] = True
        kept.insert(1, ~cheap[n - 2] | needed)
    return _keeping(model, kept, left)


def _marginals(model: BackOff) -> list[Floats]:
    """p(h) of each n-gram as a context, by order but the highest; <s> is as frequent as </s>, or as rows."""
    if model.counts:
        n_tokens = max(model.counts[0][: model.index.n_events].sum(), 1)
        return [counts / n_tokens for counts in model.counts[:-1]]
    share = [np.exp(model.log_p[0])]
    share[0][-1] = share[0][EOS]
    for n in range(2, model.index.order):
        share.append(share[-1][model.index.context(n)] * np.exp(model.log_p[n - 1]))
    return share


def _keeping(model: BackOff, kept: list[Bools], left: list[Floats]) -> BackOff:
    """The model with these n-grams alone; left: per order from 2, what each context left to words not listed."""
    index = model.index.keeping(kept)
    log_p = [values[keep] for values, keep in zip(model.log_p, kept, strict=True)]
    counts = [values[keep] for values, keep in zip(model.counts, kept, strict=False)]
    log_gamma: list[Floats] = []
    for n, pairs in enumerate(index.suffixes(), start=1):
        if n == 1:
            continue
        context, gone = model.index.context(n), ~kept[n - 1]
        freed = np.bincount(context[gone], np.exp(model.log_p[n - 1][gone]), len(left[n - 2]))
        others = unlisted(index, n, backed_off(pairs[:-1], log_p, log_gamma))
        weight = np.divide((left[n - 2] + freed)[kept[n - 2]], others, out=np.ones(len(others)), where=others > 0)
        log_gamma.append(log(weight))
    return BackOff(index, tuple(log_p), tuple(log_gamma), model.notes, tuple(counts))
