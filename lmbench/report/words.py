"""What the numbers show, in sentences that are conditions on the numbers: none is written in advance.

Each function returns its sentences, or none where its facts are absent. Row names are code spans.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lmbench.measures.uncertainty import Difference
from lmbench.report import numbers, tables, units
from lmbench.report.compare import Comparison, finite
from lmbench.report.facts import RANKED, Facts, Row
from lmbench.report.markdown import code, escape, listed, number
from lmbench.report.vectors import unseen_words
from lmbench.wording import agreeing, counted

EXACT = 1e-6
FLAT = 0.1
"""Coverage from which it is worth saying that a row without preference has it."""
NEGLIGIBLE = 0.0005
"""Bits per token below which a difference is not worth a verdict, however narrow its interval."""
RANDOM = (None, "", "none", "random")
"""How a configuration says that its word vectors start from nothing."""
OF_VECTORS = ("embedding_text", "vector_file", "vector_window", "vector_epochs")
"""Fields that say more of where they come from."""


def sentences(facts: Facts, comparison: Comparison) -> list[str]:
    """All sentences, in the order in which a reader asks."""
    parts: tuple[Callable[[Facts, Comparison], Iterable[str]], ...] = (
        best, seeds, zeros, floor, story, unseen_words, headline, crossed, ranking, unseen, gates, vectors, mixtures,
        units.sentences,
    )  # fmt: skip
    return [sentence for part in parts for sentence in part(facts, comparison)]


def best(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """Which row predicts best, and by how much it leads the best row of every other family."""
    rows = [row for row in facts.grouped(RANKED) if finite(row)]
    if not rows:
        return
    first = rows[0]
    yield (
        f"The lowest perplexity is {_ppl(first)}, by {_name(first)} (family {escape(first.family)}); "
        f"{counted(len(rows), 'ranked row')} {_have(rows)} a finite one."
    )
    others: dict[str, Row] = {}
    for row in rows:
        others.setdefault(row.family, row)
    del others[first.family]
    for family, row in others.items():
        difference = comparison.difference(row, first)
        if difference is None:
            continue
        what = f"The best row of family {escape(family)} is {_name(row)} with {_ppl(row)}"
        if difference.tie:
            yield f"{what}: a tie with {_name(first)} ({_bits(difference)})."
        else:
            yield f"{what}, {_bits(difference)} {_side(difference.bits)} {_name(first)}."
    tied = [row for row in rows[1:] if (d := comparison.to_best(row)) is not None and d.tie]
    if tied:
        yield f"Not to be told from {_name(first)} on this test set: {listed([_name(row) for row in tied])}."


def seeds(facts: Facts, _: Comparison) -> Iterable[str]:
    """Whether another seed could have put another row first."""
    rows = [row for row in facts.grouped(RANKED) if finite(row)]
    if len(rows) < 2 or max(len(row.results) for row in rows) < 2:
        return
    first = rows[0]
    worst = max(first.values("ppl"))
    near = [row for row in rows[1:] if min(row.values("ppl")) <= worst]
    if near:
        yield (
            f"Over seeds, {_name(first)} ranges over {_range(first)}, which reaches into the range of "
            f"{listed([f'{_name(row)} ({_range(row)})' for row in near])}: another seed may order them differently."
        )
    else:
        its = f"the worst seed of {_name(first)}" if len(first.results) > 1 else _name(first)
        yield (
            f"The first place does not hang on the seed: {its} ({numbers.perplexity(worst)}) "
            "is better than every seed of every other row."
        )


def zeros(facts: Facts, _: Comparison) -> Iterable[str]:
    """How many rows have an infinite perplexity, and why."""
    rows = [row for row in facts.grouped(RANKED) if row.mean("ppl") is not None]
    infinite = [row for row in rows if not finite(row)]
    if not rows:
        return
    if not infinite:
        yield "No ranked row gives probability 0 to any token of test."
        return
    given: list[str] = []
    for row in infinite:
        tokens = row.mean("n_tokens")
        total = f" of {numbers.count(tokens)}" if tokens is not None and not given else ""
        given.append(f"{_name(row)} to {numbers.count(row.mean('impossible'))}{total}")
    which = f"{len(infinite)} of {counted(len(rows), 'ranked row')} {_have(infinite)}"
    if len(infinite) == len(rows):
        which = agreeing(len(rows), "The ranked row has", f"All {len(rows)} ranked rows have")
    why = ""
    if all(row.first.config.get("smoothing") == "mle" for row in infinite):
        why = " Maximum likelihood gives 0 to every word not seen after its context."
    given_by = agreeing(len(infinite), "it gives", "they give")
    yield f"{which} an infinite perplexity, as {given_by} probability 0 to tokens of test: {listed(given)}.{why}"


def floor(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """How far the best row is from the distribution the text was drawn from."""
    rows = [row for row in facts.grouped(RANKED) if finite(row)]
    if facts.floor is None or not rows:
        return
    gap = comparison.difference(rows[0], facts.floor)
    if gap is None or not math.isfinite(gap.bits):
        return
    what = f"The distribution the text was drawn from ({_name(facts.floor)}) has perplexity {_ppl(facts.floor)} on test"
    if gap.tie:
        yield f"{what}; {_name(rows[0])} cannot be told from it ({_bits(gap)})."
    elif gap.bits > 0:
        yield f"{what}; the best row, {_name(rows[0])}, is {_bits(gap)} above it: what is left to learn."
    else:
        yield f"{what}; {_name(rows[0])} is {_bits(gap)} below it, which only luck or a leak of test can explain."


def story(facts: Facts, _: Comparison) -> Iterable[str]:
    """Which rows call the last sentence of the story, the one never seen, impossible, and at which word."""
    if not facts.story:
        return
    last = [*facts.story[-1], "</s>"]
    stopped: dict[str, list[Row]] = {}
    asked = 0
    for row in facts.grouped(RANKED):
        log_probs = row.first.arrays.get("story_log_probs")
        if log_probs is None or len(log_probs) < len(last):
            continue
        asked += 1
        zero = np.flatnonzero(np.isneginf(log_probs[-len(last) :]))
        if len(zero):
            stopped.setdefault(last[zero[0]], []).append(row)
    said = escape(" ".join(facts.story[-1]))
    lacking = [escape(word) for word in dict.fromkeys(facts.story[-1]) if word in facts.unknown_words]
    if asked and lacking:
        are, its = ("is", "its") if len(lacking) == 1 else ("are", "their")
        yield f"In {said}, {listed(lacking)} {are} not in the vocabulary: {its} probability is that of &lt;unk>."
    for word, rows in stopped.items():
        yield f"{said} is impossible, at {escape(word)}, for {listed([_name(row) for row in rows])}."
    if asked and not stopped:
        yield f"No ranked row calls {said} impossible."


def headline(facts: Facts, _: Comparison) -> Iterable[str]:
    """Who can say the headline: the best row of each family."""
    if facts.headline is None:
        return
    a, b = map(escape, facts.headline)
    able: dict[str, Row] = {}
    for row in facts.grouped(RANKED):
        chance = row.mean("c4_headline")
        held = able.get(row.family)
        if chance is not None and (held is None or chance > (held.mean("c4_headline") or 0)):
            able[row.family] = row
    if not able:
        return
    order = sorted(able.values(), key=lambda row: -(row.mean("c4_headline") or 0))
    shown = [
        f"{_name(row)} {_share(row.mean('c4_headline'))} (family {escape(row.family)}; "
        f"C3 {_share(row.mean('c3_crossed'))}, perplexity {_ppl(row)})"
        for row in order
    ]
    yield (
        f"{b} never follows {a} in train. The probability to say it there at least once in 100 draws, "
        f"best row of each family: {listed(shown)}."
    )
    flat = [row for row in order if (row.mean("c4_headline") or 0) >= FLAT and (row.mean("c3_crossed") or 1) <= 0.5]
    if flat:
        yield (
            f"{listed([_name(row) for row in flat])} {'say' if len(flat) > 1 else 'says'} it without preferring what "
            "fits (C3 is no better than chance): a model that is flat enough says anything."
        )
    none = [row for row in facts.grouped(RANKED) if row.mean("c4_headline") == 0]
    if none:
        yield f"{listed([_name(row) for row in none])} can never say it: probability 0."
    if facts.truth is not None and (true := facts.truth.mean("c4_headline")) is not None:
        yield f"In the language itself ({_name(facts.truth)}) that probability is {_share(true)}."


def crossed(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """Who ties on every crossed probe, and whose preference is more than chance."""
    n = len(facts.crossed)
    wins = {row.name: w for row in facts.grouped(RANKED) if (w := comparison.crossed_wins(row)) is not None}
    rows = [row for row in facts.grouped(RANKED) if row.name in wins]
    exact = [row for row in rows if np.all(np.abs(wins[row.name] - 0.5) <= EXACT)]
    if exact:
        asked = agreeing(n, "the crossed probe", "the crossed probes")
        yield (
            f"On {asked} {listed([_name(row) for row in exact])} {'score' if len(exact) > 1 else 'scores'} "
            f"exactly 0.500, a tie on {agreeing(n, 'it', f'each of the {n:,}')}: where a pair was never seen, what "
            f"{'they say' if len(exact) > 1 else 'it says'} of its second word does not depend on its first."
        )
    close = [row for row in rows if row not in exact and abs(float(wins[row.name].mean()) - 0.5) <= EXACT]
    if close:
        yield (
            f"{listed([_name(row) for row in close])} {'average' if len(close) > 1 else 'averages'} 0.500 too, "
            "but by as many wins as losses, not by ties."
        )
    right = [row for row in rows if np.all(wins[row.name] == 1)]
    if right:
        all_of_them = agreeing(n, "The one crossed probe is", f"All {n:,} crossed probes are")
        yield f"{all_of_them} put right by {listed([_name(row) for row in right])}."
    rest = [row for row in rows if row not in exact and row not in close and row not in right]
    sure = {row.name: comparison.crossed(row) for row in rest}
    above = [row for row in rest if sure[row.name][0] > 0.5]
    below = [row for row in rest if sure[row.name][1] < 0.5]
    unsure = [row for row in rest if row not in above and row not in below]
    for found, verdict in ((above, "above chance"), (below, "below chance"), (unsure, "not told from chance")):
        if found:
            found = sorted(found, key=lambda row: -float(wins[row.name].mean()))
            spans = {row.name: number(numbers.span(*sure[row.name], "share")) for row in found}
            shown = [f"{_name(row)} {_share(row.mean('c3_crossed'))} {spans[row.name]}".strip() for row in found]
            yield f"Crossed preference {verdict}: {listed(shown)}."


def ranking(facts: Facts, _: Comparison) -> Iterable[str]:
    """Whether predicting the text and covering the unseen put the rows in the same order."""
    metric = "c4" if tables.present(facts, ["c4"]) else "c4_headline"
    pairs = [
        (row, float(row.mean("ppl") or 0), float(row.mean(metric) or 0))
        for row in facts.grouped(RANKED)
        if finite(row) and row.mean(metric) is not None
    ]
    if len(pairs) < 2:
        return
    compared = [(p, q) for i, p in enumerate(pairs) for q in pairs[i + 1 :] if p[1] != q[1] and p[2] != q[2]]
    against = [(p, q) for p, q in compared if (p[1] < q[1]) != (p[2] > q[2])]
    if not against:
        yield f"Perplexity and {metric_text(metric)} order the rows alike."
        return
    covers = max(pairs, key=lambda pair: pair[2])
    same = covers[0] is pairs[0][0]
    first = (
        f"both put {_name(covers[0])} first"
        if same
        else f"perplexity puts {_name(pairs[0][0])} first ({_share(pairs[0][2])} there), "
        f"{metric_text(metric)} {_name(covers[0])} ({_share(covers[2])}, perplexity {numbers.perplexity(covers[1])})"
    )
    yield (
        f"Perplexity and {metric_text(metric)} are not the same question: {first}, and in {len(against)} of "
        f"{counted(len(compared), 'pair')} of rows the one with the lower perplexity covers less."
    )


def metric_text(metric: str) -> str:
    return "coverage@100" if metric == "c4" else tables.HEADLINE


def unseen(facts: Facts, _: Comparison) -> Iterable[str]:
    """Who predicts best what ends a trigram never seen in train."""
    bests: dict[str, tuple[float, Row]] = {}
    for row in facts.grouped(RANKED):
        value = row.mean("ppl_unseen_3")
        if value is not None and math.isfinite(value) and value < bests.get(row.family, (math.inf, row))[0]:
            bests[row.family] = (value, row)
    if len(bests) > 1:
        order = sorted(bests.values(), key=lambda pair: pair[0])
        shown = [f"{_name(row)} {numbers.perplexity(value)} (family {escape(row.family)})" for value, row in order]
        yield (
            "On test tokens that end a trigram never seen in train, the best perplexity of each family: "
            f"{listed(shown)}."
        )


def gates(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """What the cell changes, all else being equal."""
    for base, row in _contrasts(facts, "cell", ("rnn",)):
        if difference := comparison.difference(row, base):
            yield f"Cell: {_contrast(base, row, 'cell', difference)}"


def vectors(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """What starting from word vectors changes, all else being equal."""
    for base, row in _contrasts(facts, "embeddings", RANDOM, OF_VECTORS):
        if difference := comparison.difference(row, base):
            yield f"Word vectors: {_contrast(base, row, 'embeddings', difference)}"


def mixtures(facts: Facts, comparison: Comparison) -> Iterable[str]:
    """Whether a mixture beats the best of its parts."""
    named = {row.name: row for row in facts.scored}
    for row in (row for row in facts.scored if row.kind == "mixture" and finite(row)):
        names = row.first.config.get("components") or []
        parts = [named[name] for name in names if name in named and finite(named[name])]
        if not parts:
            continue
        part = min(parts, key=lambda part: part.mean("ppl") or math.inf)
        difference = comparison.difference(row, part)
        if difference is not None:
            verdict = "ties with" if difference.tie else "beats" if difference.bits < 0 else "is worse than"
            if abs(difference.bits) < NEGLIGIBLE:
                verdict = f"is within {NEGLIGIBLE} bits per token of"
            yield f"The mixture {_name(row)} {verdict} the best of its parts, {_name(part)} ({_bits(difference)})."


def _contrasts(facts: Facts, key: str, baselines: tuple[Any, ...], free: tuple[str, ...] = ()) -> list[tuple[Row, Row]]:
    """Pairs of finite ranked rows of one kind, (baseline, other), whose fields differ in `key` alone, in file order.

    free: further fields that may differ.
    """
    rows = {row.name: row for row in facts.grouped(RANKED) if finite(row) and key in row.first.config}
    bases: dict[str, Row] = {}
    others: list[tuple[str, Row]] = []
    for row in (rows[row.name] for row in facts.rows if row.name in rows):
        rest = {name: value for name, value in row.first.config.items() if name not in (key, "seed", *free)}
        same = row.kind + json.dumps(rest, sort_keys=True, default=str)
        if row.first.config[key] in baselines:
            bases.setdefault(same, row)
        else:
            others.append((same, row))
    return [(bases[same], row) for same, row in others if same in bases]


def _contrast(base: Row, row: Row, key: str, difference: Difference) -> str:
    """One pair in a sentence; the coverage of both where there is one."""
    gained = f"{_name(row)} ({key} {code(str(row.first.config[key]))}) "
    gained += f"ties with {_name(base)}" if difference.tie else f"is {_side(difference.bits)} {_name(base)}"
    shares = row.mean("c4"), base.mean("c4")
    if None not in shares:
        gained += f", {_bits(difference)}; coverage@100 {_share(shares[0])} against {_share(shares[1])}."
    else:
        gained += f", {_bits(difference)}."
    return gained


def _name(row: Row) -> str:
    return code(row.name)


def _ppl(row: Row) -> str:
    return numbers.perplexity(row.mean("ppl"))


def _share(value: float | None) -> str:
    return number(numbers.share(value))


def _range(row: Row) -> str:
    low, high = min(row.values("ppl")), max(row.values("ppl"))
    return f"{numbers.perplexity(low)} to {numbers.perplexity(high)}" if high > low else numbers.perplexity(low)


def _bits(difference: Difference) -> str:
    """The size of a difference and its interval; the side is said in words."""
    low, high = sorted((abs(difference.low), abs(difference.high)))
    if difference.tie:
        return f"{numbers.gain(difference.bits)} bits per token {numbers.span(difference.low, difference.high, 'gain')}"
    span = "" if math.isnan(low) else f" [{low:.3f}, {high:.3f}]"
    return f"{abs(difference.bits):.3f} bits per token{span}"


def _side(bits: float) -> str:
    return "worse than" if bits > 0 else "better than"


def _have(rows: list[Row]) -> str:
    return agreeing(len(rows), "has", "have")
