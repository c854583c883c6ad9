"""The probes of the built-in corpus: what a model should be able to say though it never saw it.

Strata of probes: 'near', a degree adverb that goes with everything, so its companions are akin to b; 'far', a manner
adverb, whose companions share with b only the way they are done; 'hard', a degree adverb that goes with one mood.
Strata of crossed probes: 'near', two manner adverbs; 'far', a degree and a manner adverb; 'hard', two degree
adverbs of different moods.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import TypeVar

import numpy as np

from lmbench.text import korean
from lmbench.text.hungry_rules import conjugated
from lmbench.text.hungry_words import DEGREE, FIRST_PERSON, MANNER, QUALITIES, STATES, TOPICS
from lmbench.text.pcfg import Label, Pcfg
from lmbench.text.probes import Crossed, Probe, adjacent_counts

T = TypeVar("T")

N_FAR = 96
"""Crossed 'far' probes kept, drawn with the seed from the many there are."""


@dataclass(frozen=True)
class Context:
    """A neutral left context: it says who or what, and in which register, and nothing about the predicate."""

    words: tuple[str, ...]
    register: str
    honorific: bool = False


PEOPLE = (
    Context((FIRST_PERSON["P"],), "P"),
    Context((FIRST_PERSON["Y"],), "Y"),
    Context(("동생은",), "P"),
    Context(("어머니께서는",), "P", honorific=True),
)
_STATE = {state.name: state for state in STATES}
_VERB = {verb.name: verb for topic in TOPICS for verb in topic.verbs}
_WAY = {adverb: way for way, adverbs in MANNER.items() for adverb in adverbs}


@dataclass(frozen=True)
class _Item:
    """A cell in a context: what could be said, and its true probability."""

    cell: Label
    context: Context
    phrase: tuple[str, ...]
    log_prob: float

    @property
    def target(self) -> str:
        return self.phrase[0]


class Builder:
    """What the probes of one training text are made from.

    full: the language without anything held out; held: the cells held out of train
    """

    def __init__(self, train: Sequence[Sequence[str]], full: Pcfg, held: Collection[Label]) -> None:
        self.full, self.held, self.size = full, held, len(train)
        self.adjacent = adjacent_counts(train)
        self.counts = Counter(word for words in train for word in words)
        pairs = {*self.adjacent, *(("<s>", words[0]) for words in train if words)}
        self.continuations = Counter(after for _, after in pairs)
        self.licensed = {
            (rule.label[0], following)
            for options in full.rules.values()
            for rule, _ in options
            if rule.label
            for a, following in zip(rule.rhs, rule.rhs[1:], strict=False)
            if a == rule.label[0]
        }
        self.expected = {cell: self.size * uses for cell, uses in full.uses.items()}
        self.held_items = [item for cell in sorted(held) for item in self._items(cell) if not self._seen(item)]

    def probes(self) -> tuple[Probe, ...]:
        """Held cells in every context, then as many seen cells that match them."""
        controls = [item for cell in self._controls() for item in self._items(cell) if self._seen(item)]
        held = [self._probe(item, held=True) for item in self.held_items]
        return (*held, *(self._probe(item, held=False) for item in controls))

    def crossed(self, rng: np.random.Generator) -> tuple[Crossed, ...]:
        """All 'hard' probes, one left context for each pair of cells that is 'near', N_FAR that are 'far'."""
        pairs: dict[str, list[tuple[_Item, _Item]]] = {"near": [], "far": [], "hard": []}
        for one, two in combinations(self.held_items, 2):
            if one.context == two.context and self._crosses(one, two):
                pairs[_pair_stratum(one.cell[0], two.cell[0])].append((one, two))
        near = {(one.cell, two.cell): (one, two) for one, two in _shuffled(pairs["near"], rng)}
        chosen = {"near": near.values(), "far": _shuffled(pairs["far"], rng)[:N_FAR], "hard": pairs["hard"]}
        return tuple(
            Crossed(one.context.words, one.cell[0], one.target, two.cell[0], two.target, stratum)
            for stratum, kept in chosen.items()
            for one, two in kept
        )

    def _items(self, cell: Label) -> Iterator[_Item]:
        adverb, name = cell
        for context, phrase in _phrases(name):
            p = self.full.next_probs((*context.words, adverb)).get(phrase[0], 0.0)
            if p and all(self.counts[word] for word in (*context.words, adverb, *phrase)):
                yield _Item(cell, context, phrase, math.log(p))

    def _seen(self, item: _Item) -> bool:
        return self.adjacent[item.cell[0], item.target] > 0

    def _crosses(self, one: _Item, two: _Item) -> bool:
        """Whether b1 does not belong after a2 nor b2 after a1; then all four pairs have count 0."""
        (a1, _), (a2, _) = one.cell, two.cell
        return (
            a1 != a2
            and one.target != two.target
            and not {(a1, two.target), (a2, one.target)} & self.licensed
            and not any(self.adjacent[a, b] for a in (a1, a2) for b in (one.target, two.target))
        )

    def _probe(self, item: _Item, held: bool) -> Probe:
        adverb = item.cell[0]
        probe = Probe(
            context=(*item.context.words, adverb),
            target=item.target,
            phrase=item.phrase,
            cell=item.cell,
            held=held,
            stratum=_stratum(adverb),
            true_log_prob=item.log_prob,
            expected=self.expected[item.cell],
        )
        return replace(probe, distractor=self._distractor(adverb, item.target))

    def _distractor(self, adverb: str, target: str) -> str | None:
        """The word of the same ending, never said after the adverb, that is nearest in frequency and continuations.

        So small a language has few words that match in both: a Kneser-Ney bigram prefers the target in .72 of the
        held probes, by its continuation count alone. Crossed probes hold it to .500.
        """
        ending, _ = _ending(target)
        alike = [word for word in self.counts if (adverb, word) not in self.licensed and _ending(word)[0] == ending]
        return min(alike, key=lambda word: (*self._distance(word, target), word), default=None)

    def _distance(self, word: str, target: str) -> tuple[float, float]:
        """How far from a match: log2 of the frequencies' ratio beyond a quarter; then both ratios and the tense."""
        frequency = abs(math.log2(self.counts[word] / self.counts[target]))
        continuation = abs(math.log2(self.continuations[word] / self.continuations[target]))
        return max(frequency - 0.25, 0.0), frequency + continuation + 0.5 * (_ending(word)[1] != _ending(target)[1])

    def _controls(self) -> list[Label]:
        """For each held cell the seen cell of the same class, not chosen before, with the nearest expected count."""
        left = sorted(cell for cell in self.expected if cell not in self.held)
        chosen = []
        for cell in sorted(self.held):
            alike = [other for other in left if _kind(other) == _kind(cell)]
            gap = {other: abs(math.log(self.expected[other] / self.expected[cell])) for other in alike}
            nearest = min(alike, key=lambda other: (gap[other] + (0.3 if other[0] != cell[0] else 0.0), other))
            left.remove(nearest)
            chosen.append(nearest)
        return chosen


def _phrases(name: str) -> Iterator[tuple[Context, tuple[str, ...]]]:
    """The contexts a predicate can have, and the predicate as said there."""
    if name in QUALITIES:
        groups = [(topic, things) for topic in TOPICS for things, qualities in topic.groups if name in qualities]
        _, things = groups[0]
        for this, thing, register in (("이", things[0], "P"), ("그", things[1], "P"), ("이", things[2], "Y")):
            context = Context((this, korean.with_particle(thing, "은")), register)
            yield context, (conjugated(QUALITIES[name].stem, register),)
        return
    for context in PEOPLE:
        if name in _STATE:
            state = _STATE[name]
            yield context, (*state.noun, conjugated(state.stem, context.register, honorific=context.honorific))
        else:
            verb = _VERB[name]
            ending = conjugated(verb.stem(context.honorific), context.register, "past", context.honorific)
            yield context, (*verb.object, ending)


@cache
def _ending(word: str) -> tuple[str, bool]:
    """What a word ends in, two forms of a particle being one, and whether it is past."""
    for ending in ("보다", "니다", "세요", "셨어요", "요", "신다", "시다", "셨다", "다"):
        if word.endswith(ending) and word != ending:
            before = word.removesuffix("다").removesuffix("습니").removesuffix("어요")
            elder = ending in ("세요", "셨어요", "신다", "시다", "셨다")
            formal_or_than = ending[0] if ending in ("니다", "보다") else ""
            return ending[-1] + ("시" if elder else formal_or_than), korean.final(before) == "ㅆ"
    last = word[-1] if len(word) > 1 else ""
    return {"가": "이", "를": "을", "는": "은", "과": "와"}.get(last, last), False


def _kind(cell: Label) -> tuple[str, str]:
    """The class of a cell: of its adverb, and of its predicate."""
    adverb, name = cell
    predicate = "quality" if name in QUALITIES else "state" if name in _STATE else "deed"
    return _stratum(adverb), predicate


def _stratum(adverb: str) -> str:
    if adverb in _WAY:
        return "far"
    return "near" if len(DEGREE[adverb][1]) > 2 else "hard"


def _pair_stratum(a1: str, a2: str) -> str:
    if a1 in _WAY and a2 in _WAY:
        return "near"
    return "far" if a1 in _WAY or a2 in _WAY else "hard"


def _shuffled(items: list[T], rng: np.random.Generator) -> list[T]:
    """items in an order of the seed's: by uniform numbers, whose stream is the same in every numpy."""
    keys = rng.random(len(items))
    return [items[i] for i in np.argsort(keys, kind="stable")]
