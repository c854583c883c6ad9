"""Probes: continuations that never follow their context in train, though every word of both occurs there.

A benchmark's probes are a value of type Probes. This module knows what a probe is and checks it
against a token stream; the built-in corpus makes its own (text/hungry.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lmbench.errors import BadText


@dataclass(frozen=True)
class Probe:
    """Can a model continue `context` with `target`?

    context:       tokens after <s>; its last token is a (an adverb, say)
    target:        b, the first token of the continuation, by which C1 to C5 are measured
    phrase:        the whole continuation, target first, by which C0 is measured (chain rule)
    cell:          what is held out, as (a, lemma of b): probes of one cell share it
    held:          True for an unseen pair, False for a matched pair that does occur in train (the control of C5)
    stratum:       'near', 'far' or 'hard', how close a's seen companions are to b
    distractor:    a first token matched with target in frequency and continuation count that does not belong
                   after a; None where there is no match
    true_log_prob: ln p(target | context) in nats where the true distribution is known, else None
    expected:      how often the cell would have been seen in train had it not been held out, where that is known
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


@dataclass(frozen=True)
class Crossed:
    """Two unseen pairs (a1, b1), (a2, b2) whose off-diagonals (a1, b2), (a2, b1) do not belong together.

    Both contexts are `left` followed by a1 or a2, so main effects of context and of word cancel; all four
    adjacent pairs have count 0 in train, so a back-off model ties exactly (chance is .5).
    """

    left: tuple[str, ...]
    a1: str
    b1: str
    a2: str
    b2: str
    stratum: str


@dataclass(frozen=True)
class Story:
    """Sentences shown word by word, of which the last is the one that was never seen."""

    sentences: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Probes:
    """All probes of a benchmark. `headline` names the cell the main table asks about: (무지, 배가 고프)."""

    probes: tuple[Probe, ...] = ()
    crossed: tuple[Crossed, ...] = ()
    story: Story = field(default_factory=Story)
    headline: tuple[str, str] | None = None


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

    Every word occurs in train. A held pair, and all four pairs of a crossed probe, are never adjacent there; a control
    pair is. With one left context and b directly after a, that makes crossed probes ties for any back-off model.
    """
    known = {word for words in train for word in words}
    adjacent = adjacent_counts(train)
    for probe in probes.probes:
        used = {*probe.context, *probe.phrase, probe.distractor or probe.target}
        pair = probe.context[-1], probe.target
        if not used <= known:
            yield f"train lacks {sorted(used - known)} of {probe}"
        elif probe.phrase[:1] != (probe.target,):
            yield f"the phrase {probe.phrase} does not begin with {probe.target}"
        elif (adjacent[pair] == 0) != probe.held:
            yield f"{' '.join(pair)} occurs {adjacent[pair]} times in train"
    for item in probes.crossed:
        used = {*item.left, item.a1, item.b1, item.a2, item.b2}
        seen = [(a, b) for a in (item.a1, item.a2) for b in (item.b1, item.b2) if adjacent[a, b]]
        if not used <= known:
            yield f"train lacks {sorted(used - known)} of {item}"
        elif seen:
            yield f"{seen} of a crossed probe occur in train"
