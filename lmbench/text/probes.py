"""Probes: continuations that never follow their context in train, though every word of both occurs there.

A benchmark's probes are a value of type Probes. This module knows what a probe is and checks it
against a token stream; the built-in corpus makes its own (text/hungry.py), for others they are mined (text/mining.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

from lmbench.errors import BadText


@dataclass(frozen=True)
class Probe:
    """Can a model continue `context` with `target`?

    context:       tokens after <s>; its last `span` tokens are a: an adverb, or a noun and its particle
    target:        b, the first token of the continuation, by which C1 to C5 are measured
    phrase:        the whole continuation, target first, by which C0 is measured (chain rule)
    cell:          what is held out, as (a, lemma of b): probes of one cell share it
    held:          True for an unseen pair, False for a matched pair that does occur in train (the control of C5)
    stratum:       'near', 'far' or 'hard', how close a's seen companions are to b
    distractor:    a first token matched with target in frequency and continuation count that does not belong
                   after a; None where there is no match
    true_log_prob: ln p(target | context) in nats where the true distribution is known, else None
    expected:      how often the cell would have been seen in train had it not been held out, where that is known
    attested:      of a mined probe, how often the pair occurs in the reserve, and in how many documents
    documents:
    distractor_expected: of a mined probe, how often a and the distractor would have met in train and reserve by chance;
                   they never do
    """

    context: tuple[str, ...]
    target: str
    phrase: tuple[str, ...]
    cell: tuple[str, str]
    held: bool
    stratum: str
    distractor: str | None = None
    true_log_prob: float | None = None
    expected: float | None = None
    span: int = 1
    attested: int | None = None
    documents: int | None = None
    distractor_expected: float | None = None


@dataclass(frozen=True)
class Crossed:
    """Two unseen pairs (a1, b1), (a2, b2) whose off-diagonals (a1, b2), (a2, b1) do not belong together.

    Both contexts are `left` followed by a1 or a2 and then `between` (nothing, or a particle), so main effects of
    context and of word cancel. None of the four n-grams a between b occurs in train, so a back-off model has forgotten
    a when it comes to b, and ties exactly (chance is .5).

    expected: of mined ones, how often the rarer off-diagonal would have met in train and reserve by chance
    """

    left: tuple[str, ...]
    a1: str
    b1: str
    a2: str
    b2: str
    stratum: str
    between: tuple[str, ...] = ()
    expected: float | None = None


@dataclass(frozen=True)
class Story:
    """Sentences shown word by word, of which the last is the one that was never seen."""

    sentences: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Probes:
    """All probes of a benchmark.

    headline:      the cell the main table asks about: (무지, 배가 고프)
    substitutions: written by hand, without a truth: shown one by one, in no average
    """

    probes: tuple[Probe, ...] = ()
    crossed: tuple[Crossed, ...] = ()
    story: Story = field(default_factory=Story)
    headline: tuple[str, str] | None = None
    substitutions: tuple[Probe, ...] = ()


def adjacent_counts(sentences: Iterable[Sequence[str]]) -> Counter[tuple[str, str]]:
    """(word, the word after it in the same sentence) -> count."""
    return Counter(pair for words in sentences for pair in pairwise(words))


def check(probes: Probes, train: Sequence[Sequence[str]]) -> None:
    """Hold the probes against the token stream a model is trained on; BadText names the first that does not hold."""
    for fact in faults(probes, train):
        raise BadText(
            f"{fact}: the probes were made for another text or another tokenisation; make them from the tokens "
            "that the models are trained on"
        )


def faults(probes: Probes, train: Sequence[Sequence[str]]) -> Iterator[str]:
    """What does not hold of the probes on this token stream, a fact for each that does not.

    Every word occurs in train. a and the target of a held probe, and all four pairs of a crossed probe, never stand
    side by side there; those of a control do. With one left context and b directly after a (or after what stands
    between in both), that makes crossed probes ties for any back-off model.
    """
    known = {word for words in train for word in words}
    pairs = [(*probe.context[-probe.span :], probe.target) for probe in probes.probes]
    crosses = [[(a, *x.between, b) for a in (x.a1, x.a2) for b in (x.b1, x.b2)] for x in probes.crossed]
    counts = occurrences(train, [*pairs, *chain.from_iterable(crosses)])
    for probe, pair in zip(probes.probes, pairs, strict=True):
        used = {*probe.context, *probe.phrase, probe.distractor or probe.target}
        if not used <= known:
            yield f"train lacks {sorted(used - known)} of {probe}"
        elif probe.phrase[:1] != (probe.target,):
            yield f"the phrase {probe.phrase} does not begin with {probe.target}"
        elif (counts[pair] == 0) != probe.held:
            yield f"{' '.join(pair)} occurs {counts[pair]} times in train"
    for item, cross in zip(probes.crossed, crosses, strict=True):
        used = {*item.left, *item.between, item.a1, item.b1, item.a2, item.b2}
        seen = [gram for gram in cross if counts[gram]]
        if not used <= known:
            yield f"train lacks {sorted(used - known)} of {item}"
        elif seen:
            yield f"{seen} of a crossed probe occur in train"


def nameless(probes: Probes) -> Probes:
    """The same probes of a text that must not be shown: words are numbered as they come, contexts and counts go."""
    numbers: dict[str, str] = {}

    def number(word: str) -> str:
        return numbers.setdefault(word, str(len(numbers)))

    def hidden(probe: Probe) -> Probe:
        a, b = map(number, probe.cell)
        other = None if probe.distractor is None else number(probe.distractor)
        return Probe((a,), b, (b,), (a, b), probe.held, probe.stratum, other, probe.true_log_prob, span=probe.span)

    def crossed(item: Crossed) -> Crossed:
        return Crossed((), number(item.a1), number(item.b1), number(item.a2), number(item.b2), item.stratum)

    return Probes(
        tuple(map(hidden, probes.probes)),
        tuple(map(crossed, probes.crossed)),
        substitutions=tuple(map(hidden, probes.substitutions)),
    )


def occurrences(train: Iterable[Sequence[str]], grams: Iterable[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    """How often each of these n-grams occurs within a sentence."""
    wanted = set(grams)
    lengths = sorted({len(gram) for gram in wanted})
    counts: Counter[tuple[str, ...]] = Counter()
    for words in train:
        for n in lengths:
            counts.update(gram for gram in zip(*(words[i:] for i in range(n)), strict=False) if gram in wanted)
    return counts
