"""Unseen-phrase coverage, levels C0 to C5: can a model say what it never saw?

A probe asks for a first token b after a context. All levels come from one table of next-token
log-probabilities over the distinct contexts. "p > 0" alone is not coverage: every smoothed model and every
softmax passes it, so C4 is never shown without C3 and perplexity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.measures.perplexity import BITS, Floats
from lmbench.model import LanguageModel
from lmbench.text.probes import Crossed, Probe
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
RANKS = (1, 5, 10, 50)
ROUNDS = 100
TIE = 1e-6


@dataclass(frozen=True)
class Answers:
    """What a model says to the probes; every array in their order, log-probabilities in nats.

    log_probs:        float64 (P,)    ln p(target | context)
    ranks:            float64 (P,)    rank of target among the V events, 1 the likeliest; ties share their mean rank
    distractors:      float64 (P,)    ln p(distractor | context), NaN where a probe has none
    phrase_log_probs: float64 (P,)    ln p(phrase | context), by the chain rule
    crossed:          float64 (C, 4)  ln p of b1, b2 after a1, then of b1, b2 after a2
    """

    log_probs: Floats
    ranks: Floats
    distractors: Floats
    phrase_log_probs: Floats
    crossed: Floats


def ask(
    model: LanguageModel,
    probes: Sequence[Probe],
    crossed: Sequence[Crossed],
    vocab: Vocabulary,
    start: Sequence[int] = (),
) -> Answers:
    """Put the probes to the model. start: ids that stand in a row before a sentence, </s> in a stream."""
    contexts = [probe.context for probe in probes]
    contexts += [(*item.left, a, *item.between) for item in crossed for a in (item.a1, item.a2)]
    distinct = {context: row for row, context in enumerate(dict.fromkeys(contexts))}
    table = model.next_log_probs(Sentences.encode_prefixes(distinct, vocab, start))
    rows = np.array([distinct[context] for context in contexts], np.int64)
    own, pairs = rows[: len(probes)], rows[len(probes) :].reshape(-1, 2)

    targets = np.array(vocab.encode(probe.target for probe in probes), np.int64)
    log_probs = table[own, targets]
    others = np.array(vocab.encode(probe.distractor or probe.target for probe in probes), np.int64)
    has_other = np.array([probe.distractor is not None for probe in probes], bool)
    b = np.array([vocab.encode((item.b1, item.b2)) for item in crossed], np.int64).reshape(-1, 2)
    return Answers(
        log_probs=log_probs,
        ranks=ranks(table, own, log_probs),
        distractors=np.where(has_other, table[own, others], np.nan),
        phrase_log_probs=_phrases(model, probes, vocab, start),
        crossed=np.concatenate([table[pairs[:, [0]], b], table[pairs[:, [1]], b]], axis=1),
    )


def ranks(table: Floats, rows: Ints, log_probs: Floats) -> Floats:
    """float64: the mean rank of each value in its row of the table: 1 + events above + half the others equal to it."""
    found = np.empty(len(rows))
    for i, (row, value) in enumerate(zip(rows, log_probs, strict=True)):
        found[i] = 1 + np.sum(table[row] > value) + (np.sum(table[row] == value) - 1) / 2
    return found


def _phrases(model: LanguageModel, probes: Sequence[Probe], vocab: Vocabulary, start: Sequence[int]) -> Floats:
    """float64 (P,): ln p(phrase | context), the sum over the tokens of each phrase."""
    wholes = Sentences.encode_prefixes([probe.context + probe.phrase for probe in probes], vocab, start)
    before = np.array([len(start) + len(probe.context) for probe in probes], np.int64)
    in_phrase = wholes.positions >= before[wholes.rows]
    return wholes.row_sums(np.where(in_phrase, model.log_probs(wholes), 0.0))


def lift(log_probs: Floats, unigram_log_probs: Floats) -> Floats:
    """C1, float64 (P,), bits: log2 p(b | context) - log2 p_unigram(b), one unigram for all models."""
    return (log_probs - unigram_log_probs) * BITS


def would_say(log_probs: Floats, rounds: int = ROUNDS) -> Floats:
    """C4, float64 (P,): 1 - (1 - p)^rounds, the chance to say b at least once in so many draws; not sampled."""
    p = np.minimum(np.exp(log_probs), 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(rounds * np.log1p(-p)), np.float64)


def preference(log_probs: Floats, other_log_probs: Floats) -> Floats:
    """C3 (i), float64 (P,): 1 where b is likelier than its distractor, 1/2 where they tie (|difference| <= 1e-6)."""
    return _decided(_difference(log_probs, other_log_probs))


def crossed_preference(crossed: Floats) -> Floats:
    """C3 (ii), float64 (C,): [lp(b1|a1) - lp(b2|a1)] - [lp(b1|a2) - lp(b2|a2)] > 0; two zeros in one bracket tie.

    A model that backs off from both contexts to the same distribution gives exactly 1/2.
    """
    return _decided(_difference(_difference(crossed[:, 0], crossed[:, 1]), _difference(crossed[:, 2], crossed[:, 3])))


def _difference(left: Floats, right: Floats) -> Floats:
    """left - right, where two equal infinities differ by nothing."""
    with np.errstate(invalid="ignore"):
        return np.where(left == right, 0.0, left - right)


def _decided(difference: Floats) -> Floats:
    """1 above the tie, 0 below it, 1/2 in it."""
    return np.where(np.abs(difference) <= TIE, 0.5, (difference > 0).astype(np.float64))


def summary(
    answers: Answers,
    probes: Sequence[Probe],
    crossed: Sequence[Crossed],
    unigram_log_probs: Floats,
    headline: tuple[str, str] | None,
) -> dict[str, float]:
    """C0 to C5 as named numbers, means over the held-out probes; names that have no probe are left out.

    unigram_log_probs: float64 (P,) ln of train's relative frequency of each target, </s> counted.
    """
    held = np.array([probe.held for probe in probes], bool)
    strata = np.array([probe.stratum for probe in probes])
    numbers: dict[str, float] = {}

    def mean(name: str, values: Floats, mask: npt.NDArray[np.bool_]) -> None:
        if mask.any():
            numbers[name] = float(values[mask].mean())

    said = would_say(answers.log_probs)
    gain = lift(answers.log_probs, unigram_log_probs)
    mean("c0", np.isfinite(answers.phrase_log_probs).astype(np.float64), held)
    mean("c1_share", (gain > 0).astype(np.float64), held)
    mean("c1_bits", gain, held)
    for k in RANKS:
        mean(f"c2_at_{k}", (answers.ranks <= k).astype(np.float64), held)
    mean("c2_mrr", 1 / answers.ranks, held)
    mean("c3_matched", preference(answers.log_probs, answers.distractors), held & ~np.isnan(answers.distractors))
    mean("c4", said, held)
    for stratum in sorted(set(strata[held])):
        mean(f"c4_{stratum}", said, held & (strata == stratum))
    mean("c4_headline", said, held & np.array([probe.cell == headline for probe in probes], bool))

    true = np.array([np.nan if probe.true_log_prob is None else probe.true_log_prob for probe in probes], np.float64)
    known = ~np.isnan(true)
    to_truth = _difference(answers.log_probs, true) * BITS
    mean("c5_held", to_truth, held & known)
    mean("c5_seen", to_truth, ~held & known)
    if "c5_held" in numbers and "c5_seen" in numbers and np.isfinite(numbers["c5_seen"]):
        numbers["c5_gap"] = numbers["c5_held"] - numbers["c5_seen"]

    kinds = np.array([item.stratum for item in crossed])
    wins = crossed_preference(answers.crossed)
    mean("c3_crossed", wins, np.ones(len(crossed), bool))
    for stratum in sorted(set(kinds)):
        mean(f"c3_crossed_{stratum}", wins, kinds == stratum)
    return numbers
