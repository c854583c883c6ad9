"""The same scores as other tools report them: which tokens are summed, and by what the sum is divided.

Every tool takes exp(-sum of ln p / number of tokens), and no two agree on the tokens. A number of another tool
can be compared with a row only if the model scored the same text over the same vocabulary; what is settled
here is the arithmetic. docs/conventions.md works it through on four sentences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lmbench.measures.perplexity import BITS, Floats, Mask

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the conventions are computed from; NaN is what is not known. Sums of ln p are nats.

    words, oov, sentences: words of test, those that are <unk> included and alone; ends of sentences
    total:       the sum over all words, <unk> included, and </s>
    without_oov: over known words and </s>
    without_end: over words, <unk> included
    possible:    over those known words and </s> that are not impossible; zeros: how many are
    text_words, text_bytes: of the text before it was cut: words between white space; UTF-8 bytes, one a line end
    text:        total, and the spelling of each <unk>
    """

    words: float
    oov: float
    sentences: float
    total: float
    without_oov: float
    without_end: float
    possible: float = NAN
    zeros: float = NAN
    text_words: float = NAN
    text_bytes: float = NAN
    text: float = NAN

    @classmethod
    def of(cls, metrics: Mapping[str, float], test: Mapping[str, float]) -> Totals:
        """From the metrics of a row and the line of test in a benchmark's table of splits."""
        known = test["tokens"] - test["oov_tokens"]
        words = test["tokens"] - test["sentences"]
        without_oov = _times(-known, math.log(metrics["ppl_no_unk"]))
        finite = math.isfinite(without_oov)
        return cls(
            words=words,
            oov=test["oov_tokens"],
            sentences=test["sentences"],
            total=_times(-test["tokens"], math.log(metrics["ppl"])),
            without_oov=without_oov,
            without_end=_times(-words, math.log(metrics["ppl_no_eos"])),
            possible=without_oov if finite else -metrics.get("possible_bits", NAN) / BITS,
            zeros=0 if finite else metrics.get("impossible_known", NAN),
            text_words=test.get("words", NAN),
            text_bytes=test.get("bytes", NAN),
            text=-metrics.get("bits_per_char", NAN) * test["characters"] / BITS,
        )


def possible(log_probs: Floats, known: Mask) -> dict[str, float]:
    """What SRILM needs of a row with zeros: bits of the known tokens that are possible, and how many are not.

    log_probs: float64 (N,) nats; known: bool (N,), False at <unk>
    """
    scored = known & np.isfinite(log_probs)
    return {
        "possible_bits": float(-log_probs[scored].sum() * BITS),
        "impossible_known": float(known.sum() - scored.sum()),
    }


def srilm_ppl(of: Totals) -> float:
    """`ppl` of SRILM's `ngram -ppl`: OOV words and zeroprobs in neither sum nor count, </s> in both.

    Source: lm/src/TextStats.cc, LogPtoPPL(prob / (words - OOVs - zeroprobs + sentences)). With -unk SRILM counts
    <unk> as any word, and ppl is KenLM's including OOVs.
    """
    return _perplexity(of.possible, of.words - of.oov - of.zeros + of.sentences)


def srilm_ppl1(of: Totals) -> float:
    """`ppl1` of SRILM's `ngram -ppl`: the same sum, ln p(</s>) in it, over the words alone.

    Source: lm/src/TextStats.cc, where `sentences` is taken off the count and nothing off the sum. It is not the
    perplexity of the words without </s>.
    """
    return _perplexity(of.possible, of.words - of.oov - of.zeros)


def kenlm_including(of: Totals) -> float:
    """ "Perplexity including OOVs" of KenLM's `query`: everything that is predicted, which is our own convention.

    Source: lm/ngram_query.hh, where </s> is counted as a token. Model.perplexity of its Python module is the same
    for one sentence.
    """
    return _perplexity(of.total, of.words + of.sentences)


def kenlm_excluding(of: Totals) -> float:
    """ "Perplexity excluding OOVs" of KenLM's `query`: sum and count without <unk>.

    Source: lm/ngram_query.hh. SRILM's ppl is the same number where nothing is impossible.
    """
    return _perplexity(of.without_oov, of.words - of.oov + of.sentences)


def nltk_idiom(of: Totals, order: int) -> float:
    """model.perplexity(ngrams(pad_both_ends(words, n), n)) of nltk.lm, over all sentences, for n = order.

    The usual idiom (the documentation of nltk.lm) pads n - 1 symbols at either end, so that n - 1 times </s> are
    scored a sentence, none of them for n = 1. The first is ours. Those that follow, </s> after </s>, are none of
    our events, and each is given probability 1 here, which is what maximum likelihood learns from text that is
    padded so. Smoothed models of nltk give it a little less, and so this is the lowest that nltk can print.
    """
    if order == 1:
        return _perplexity(of.without_end, of.words)
    return _perplexity(of.total, of.words + (order - 1) * of.sentences)


def lm_eval_word_perplexity(of: Totals) -> float:
    """`word_perplexity` of lm-evaluation-harness: all of the text, per word between white space.

    Source: lm_eval/api/metrics.py, weighted_perplexity: exp(-sum of log-likelihoods / sum of words), the words
    counted by the task (wikitext: re.split at white space, in the original page). Its models can spell anything,
    so the spelling of <unk> is in our sum; line ends, which it scores as characters, are our </s>.
    """
    return _perplexity(of.text, of.text_words)


def lm_eval_byte_perplexity(of: Totals) -> float:
    """`byte_perplexity` of lm-evaluation-harness: the same per UTF-8 byte, line ends included."""
    return _perplexity(of.text, of.text_bytes)


def lm_eval_bits_per_byte(of: Totals) -> float:
    """`bits_per_byte` of lm-evaluation-harness: log2 of its byte_perplexity (metrics.py, bits_per_byte)."""
    return -of.text * BITS / of.text_bytes


def _perplexity(nats: float, tokens: float) -> float:
    """exp(-nats / tokens); infinite where that is too much for a float, NaN for no tokens."""
    if not tokens > 0:
        return NAN
    with np.errstate(over="ignore"):
        return float(np.exp(-nats / tokens))


def _times(tokens: float, nats: float) -> float:
    """Their product, 0 for no tokens (whose perplexity is NaN)."""
    return tokens * nats if tokens else 0.0
