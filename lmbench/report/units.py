"""The same text in other units: one line that compares two reports in bits per character, or says why it cannot."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lmbench.report import numbers
from lmbench.report.compare import Comparison
from lmbench.report.facts import RANKED, Facts
from lmbench.report.markdown import code, escape, listed
from lmbench.wording import counted

METRIC = "bits_per_char"
EQUAL = 0.0005
"""Bits per character below which neither unit is called the cheaper one."""


def sentences(facts: Facts, _: Comparison) -> Iterable[str]:
    """A line for each benchmark that this one is to be compared with and whose facts are in the folder beside it."""
    for name, other in facts.siblings.items():
        reason = other if isinstance(other, str) else _apart(facts, other)
        if reason is not None:
            yield f"Not compared with {code(name)}: {escape(reason)}."
        elif isinstance(other, Facts):
            yield _line(facts, other, name)


def _apart(here: Facts, there: Facts) -> str | None:
    """Why bits per character of the two may not be compared; None where they may."""
    ours, theirs = _test(here), _test(there)
    for key, what in (("characters", "characters"), ("sentences", "sentences")):
        if ours.get(key) is None or ours.get(key) != theirs.get(key):
            shown = f"{numbers.count(ours.get(key))} here, {numbers.count(theirs.get(key))} there"
            return f"its test text is another one ({what}: {shown})"
    for split, said in (
        ("test", "its test text is another one, though as long"),
        ("train", "its rows learnt from another text"),
    ):
        checksums = [facts.corpus.get(f"{split}_sha256") for facts in (here, there)]
        if None not in checksums and checksums[0] != checksums[1]:
            return said
    if here.stream != there.stream:
        return "one of the two reads its text as one stream, the other sentence by sentence"
    for facts, where in ((here, "this benchmark"), (there, "the other")):
        if not _rows(facts):
            return f"no ranked row of {where} has bits per character"
    return None


def _line(here: Facts, there: Facts, name: str) -> str:
    """The best row of each, the best row of each family that both have, and which unit is cheaper."""
    ours, theirs = _rows(here), _rows(there)
    (first, bits), (other, other_bits) = next(iter(ours.items())), next(iter(theirs.items()))
    units, text = (_unit(here), _unit(there)), _test(here)
    said = (
        f"Units: over the same {counted(text['characters'], 'character')} of the same "
        f"{counted(text['sentences'], 'test sentence')}, the best row here ({code(first)}, {units[0]}) takes "
        f"{numbers.bits(bits)} bits per character and the best row of {code(name)} ({code(other)}, {units[1]}) "
        f"{numbers.bits(other_bits)}, the bits that spell the word behind each `<unk>` included"
    )
    shared = [row for row in _families(here, theirs) if not row == first == other]
    if shared:
        shown = [f"{code(row)} {numbers.bits(ours[row])} here and {numbers.bits(theirs[row])} there" for row in shared]
        said += f"; {listed(shown)}"
    gap = other_bits - bits
    if abs(gap) < EQUAL:
        return f"{said}. Neither unit is the cheaper one."
    share = numbers.percent(abs(gap) / max(bits, other_bits))
    cheaper = f"that of {code(name)}, {units[1]}" if gap < 0 else f"the one here, {units[0]}"
    return f"{said}. The cheaper unit is {cheaper}, by {abs(gap):.3f} bits per character ({share})."


def _test(facts: Facts) -> Mapping[str, Any]:
    """The line of test in the table of splits."""
    lines = facts.benchmark.get("statistics") or []
    return next((line for line in lines if line.get("split") == "test"), {})


def _rows(facts: Facts) -> dict[str, float]:
    """Ranked rows -> bits per character, the cheapest first; rows to which something is impossible are left out."""
    found = {row.name: value for row in facts.grouped(RANKED) if (value := row.mean(METRIC)) is not None}
    return dict(sorted(((name, v) for name, v in found.items() if math.isfinite(v)), key=lambda item: item[1]))


def _families(facts: Facts, shared: Collection[str]) -> list[str]:
    """Of the rows that are shared, the cheapest of each family, cheapest first."""
    family = {row.name: row.family for row in facts.rows}
    cheapest: dict[str, str] = {}
    for name in _rows(facts):
        if name in shared:
            cheapest.setdefault(family[name], name)
    return list(cheapest.values())


def _unit(facts: Facts) -> str:
    """What is predicted: the tokens of this tokenizer."""
    return escape(str(facts.corpus.get("tokenizer", "unknown")))
