"""One fitted model against one benchmark's yardstick: metrics and the arrays reports resample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lmbench.bench.contract import SUM_TOLERANCE, Held, scored
from lmbench.measures import conventions, coverage, unseen_word
from lmbench.measures.cost import stopwatch
from lmbench.measures.perplexity import bits_per_character, bits_per_token, impossible, perplexity
from lmbench.measures.strata import by_stratum
from lmbench.model import Floats, LanguageModel, Neighbours, Strata
from lmbench.text.probes import Probes
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK

N_CONTEXTS = 64
LONGEST_CONTEXT = 30
NEIGHBOURS = 5


@dataclass(frozen=True)
class Yardstick:
    """All that a row is measured with: the same for every row of a benchmark.

    test:          Sentences of N predictions
    unseen:        order -> bool (N,), tokens whose n-gram of that order never occurs in train
    strata:        ways to sort test's tokens, by name
    spelling_bits: float64 (N,), bits that spell the word behind each <unk>; None where the tokenizer is not lossless
    characters:    of test, line ends included
    extra:         further test sets by name
    places:        where test has the words that rows are trained without; None: there are none
    start:         ids that stand in a row before a sentence that is asked about alone: </s> in a stream
    unigram:       float64 (V,) ln of train's relative frequency, </s> counted: the reference of C1
    """

    valid: Sentences
    test: Sentences
    unseen: dict[int, npt.NDArray[np.bool_]]
    spelling_bits: Floats | None
    characters: int
    extra: dict[str, Sentences]
    probes: Probes
    unigram: Floats
    strata: Mapping[str, Strata] = field(default_factory=dict)
    places: unseen_word.Places | None = None
    start: tuple[int, ...] = ()


@dataclass
class Evaluation:
    """What evaluate() found."""

    normalised: bool
    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    neighbours: Neighbours = field(default_factory=dict)
    score_seconds: float = float("nan")


def evaluate(model: LanguageModel, yardstick: Yardstick) -> Evaluation:
    """Measure what the model's scope names; a model that is not a distribution gets no perplexity."""
    held = Held(model)
    normalised = held.normalised and sums_to_one(held, yardstick.test)
    held.distribution = normalised
    found = Evaluation(normalised=normalised)
    if "test" in held.scope and normalised:
        _test(held, yardstick, found)
    if "probes" in held.scope:
        _probes(held, yardstick, found)
        for name, text in yardstick.extra.items() if normalised else ():
            found.metrics[f"ppl_{name}"] = perplexity(held.log_probs(text))
    return found


def on_valid(model: LanguageModel, yardstick: Yardstick) -> Evaluation:
    """The perplexity of valid, by which choices are made; test is not read."""
    held = Held(model)
    found = Evaluation(normalised=held.normalised and sums_to_one(held, yardstick.valid))
    if found.normalised:
        found.metrics["valid_ppl"] = perplexity(held.log_probs(yardstick.valid))
    return found


def sums_to_one(model: LanguageModel, text: Sentences) -> bool:
    """Whether next_log_probs is a distribution (1e-4) after contexts that occur in text and after random ones."""
    rng = np.random.default_rng(0)
    n_events = len(text.vocab)
    ends = rng.integers(text.n_tokens, size=N_CONTEXTS)
    starts = np.maximum(text.offsets[:-1][text.rows[ends]], ends - LONGEST_CONTEXT)
    attested = [text.tokens[start:end] for start, end in zip(starts, ends, strict=True)]
    words = rng.integers(EOS + 1, n_events, size=(N_CONTEXTS, 4)) if n_events > EOS + 1 else np.empty((0, 0), int)
    contexts = Sentences.of_rows([*attested, *words], text.vocab)
    sums = np.exp(model.next_log_probs(contexts)).sum(axis=1)
    return bool(np.all(np.abs(sums - 1) <= SUM_TOLERANCE))


def _test(model: Held, yardstick: Yardstick, found: Evaluation) -> None:
    """Perplexities over masks of the test set, bits, zeros."""
    test = yardstick.test
    with stopwatch() as seconds:
        log_probs = scored(model.model, test)
    found.score_seconds = seconds[0]
    model.check(test, log_probs)
    known = test.tokens != UNK
    metrics = found.metrics
    metrics["n_tokens"] = test.n_tokens
    metrics["ppl"] = perplexity(log_probs)
    metrics["ppl_no_unk"] = perplexity(log_probs[known])
    metrics["ppl_no_eos"] = perplexity(log_probs[test.tokens != EOS])
    if r"\<unk>" in test.vocab.events:
        literal = test.tokens == test.vocab.events.index(r"\<unk>")
        metrics["ppl_no_literal_unk"] = perplexity(log_probs[known & ~literal])
    metrics["bits_per_token"] = bits_per_token(log_probs)
    if yardstick.spelling_bits is not None:
        metrics["bits_per_char"] = bits_per_character(log_probs, yardstick.spelling_bits, yardstick.characters)
    metrics["impossible"] = impossible(log_probs)
    metrics.update(conventions.possible(log_probs, known))
    for order, mask in yardstick.unseen.items():
        if order > 1 and mask.any():
            metrics[f"ppl_unseen_{order}"] = perplexity(log_probs[mask])
    for strata in (*yardstick.strata.values(), model.strata(test)):
        if strata is not None:
            metrics.update(by_stratum(log_probs, strata))
    metrics["valid_ppl"] = perplexity(model.log_probs(yardstick.valid))

    if yardstick.places is not None:
        answers = unseen_word.ask(model, test, yardstick.places, log_probs)
        found.arrays |= {f"word_{name}": values for name, values in vars(answers).items()}

    segments = test.segments
    found.arrays["row_log_probs"] = np.bincount(segments, log_probs)
    found.arrays["row_tokens"] = np.bincount(segments)


def _probes(model: Held, yardstick: Yardstick, found: Evaluation) -> None:
    """Coverage C0 to C5, and the story word by word."""
    wanted, vocab = yardstick.probes, yardstick.test.vocab
    if wanted.probes or wanted.crossed:
        answers = coverage.ask(model, wanted.probes, wanted.crossed, vocab, yardstick.start)
        targets = np.array(vocab.encode(probe.target for probe in wanted.probes), np.int64)
        levels = coverage.summary(answers, wanted.probes, wanted.crossed, yardstick.unigram[targets], wanted.headline)
        # Scores that do not sum to one can be ranked and compared; they are no probabilities.
        by_order = ("c2_", "c3_")
        found.metrics |= {k: v for k, v in levels.items() if found.normalised or k.startswith(by_order)}
        found.arrays["probe_log_probs"] = answers.log_probs
        found.arrays["probe_lift"] = coverage.lift(answers.log_probs, yardstick.unigram[targets])
        found.arrays["probe_ranks"] = answers.ranks
        found.arrays["probe_distractor_log_probs"] = answers.distractors
        found.arrays["probe_phrase_log_probs"] = answers.phrase_log_probs
        found.arrays["crossed_log_probs"] = answers.crossed
    if wanted.substitutions:
        said = coverage.ask(model, wanted.substitutions, (), vocab, yardstick.start)
        found.arrays["substitution_log_probs"] = said.log_probs
        found.arrays["substitution_ranks"] = said.ranks
        found.arrays["substitution_phrase_log_probs"] = said.phrase_log_probs
    if wanted.story.sentences:
        told = list(dict.fromkeys(word for sentence in wanted.story.sentences for word in sentence))
        found.neighbours = model.nearest(told, NEIGHBOURS)
        sentences = Sentences.encode(wanted.story.sentences, vocab)
        prefixes = [[*yardstick.start, *row[:i]] for row in sentences for i in range(len(row))]
        table = model.next_log_probs(Sentences.of_rows(prefixes, vocab))
        own = table[np.arange(len(prefixes)), sentences.tokens]
        found.arrays["story_log_probs"] = own
        found.arrays["story_ranks"] = coverage.ranks(table, np.arange(len(prefixes)), own)
