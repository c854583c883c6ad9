"""report.md: the tables and figures in the order of a reader's questions, every column explained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lmbench.bench.results import Result
from lmbench.measures.uncertainty import FEW
from lmbench.report import (
    audit,
    conventions,
    effort,
    gates,
    generated,
    learning,
    numbers,
    pairs,
    published,
    ranking,
    significance,
    sparsity,
    stale,
    strata,
    tables,
    unseen_word,
    vectors,
    words,
)
from lmbench.report.compare import Comparison
from lmbench.report.facts import ABSENT, RANKED, REFERENCE, SCORE, Facts, Row
from lmbench.report.layout import UNKNOWN
from lmbench.report.markdown import (
    block,
    bold,
    bullets,
    code,
    escape,
    figure,
    listed,
    number,
    paragraph,
    section,
    table,
)
from lmbench.wording import agreeing, counted

STATISTICS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "sentences": ("sentences", numbers.count),
    "tokens": ("tokens, `</s>` counted", numbers.count),
    "types": ("types", numbers.count),
    "oov_tokens": ("unknown words", numbers.count),
    "oov_rate": ("as a share of words", numbers.percent),
    "characters": ("characters", numbers.count),
    "duplicates": ("duplicate sentences", numbers.count),
    "also_in_train": ("sentences also in train", numbers.count),
}
WATERMARK = "Quick run: cut down to see that everything works. These numbers are not results."
FIGURES = {
    "overview": "Perplexity and coverage of what was never seen, row by row",
    "perplexity": "Perplexity of every row with its 95 % interval",
    "coverage": "Crossed preference and coverage of every row",
    "story": "Probability of each word of the story under every row",
    "timings_curve": "Perplexity of valid against minutes of training",
}


def render(facts: Facts, comparison: Comparison, figures: Sequence[str]) -> str:
    """The whole report. figures: the names of those that were drawn."""
    parts = (
        opening(facts),
        _figure("overview", figures),
        ranking.section(facts, comparison),
        stale.results(facts),
        _figure("perplexity", figures),
        significance.section(facts, comparison),
        section("In words", bullets(words.sentences(facts, comparison))),
        learning.section(learning.Curves(facts), figures),
        sparsity.section(facts, figures),
        unseen_word.section(facts, figures),
        coverage(facts, comparison, figures),
        generated.section(facts),
        pairs.section(facts, comparison),
        unseen(facts),
        strata.section(facts, figures),
        published.section(facts),
        conventions.section(facts),
        story(facts, figures),
        gates.section(facts, figures),
        vectors.neighbours(facts),
        vectors.blanks(facts),
        effort.section(facts, comparison),
        costs(facts, figures),
        audit.section(facts),
        notes(facts),
        reproduce(facts),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def opening(facts: Facts) -> str:
    """What was compared, on which text."""
    corpus = facts.corpus
    text = f"{_compared(facts)} Every token of a sentence and its `</s>` are predicted, `<s>` never. "
    text += (
        "Each split is one long stream: what came before a sentence may be used to predict it."
        if facts.stream
        else "Each sentence is predicted on its own, from its beginning."
    )
    if extra := facts.extra_words:
        one = len(extra) == 1
        text += f" {listed([escape(word) for word in extra])} {'is an event' if one else 'are events'} though train "
        text += f"lacks {'it' if one else 'them'}: such a table is ranked with no other benchmark's."
    text += f" Tokenizer: {escape(str(corpus.get('tokenizer', 'unknown')))}"
    text += "." if corpus.get("lossless", True) else ", which is not lossless, so there are no bits per character."
    lines = facts.benchmark.get("statistics") or []
    columns = [name for name in STATISTICS if any(name in line for line in lines)]
    return "\n\n".join(
        part
        for part in (
            f"# {paragraph(facts.title)}",
            f"> {bold(WATERMARK)}" if facts.quick else "",
            paragraph(str(facts.benchmark.get("description") or "")),
            text,
            table(
                ["split", *(STATISTICS[name][0] for name in columns)],
                [[escape(str(line["split"])), *(STATISTICS[c][1](line.get(c)) for c in columns)] for line in lines],
            )
            if lines
            else "",
            bullets(escape(str(warning)) for warning in corpus.get("warnings") or []),
        )
        if part
    )


def _compared(facts: Facts) -> str:
    """How many models of which families were trained, on what, and how many rows have no result."""
    corpus, families = facts.corpus, Counter(row.family for row in facts.scored if row.group != REFERENCE)
    n, absent = families.total(), len(facts.grouped(ABSENT))
    names = [f"{escape(name)} ({size})" if len(families) > 1 else escape(name) for name, size in families.items()]
    trained = "No language model has a result on the"
    if n:
        trained = (
            f"{counted(n, 'language model')} of the {agreeing(len(families), 'family', 'families')} {listed(names)}"
        )
        trained += f" {agreeing(n, 'was', 'were')} trained on one text and scored on{agreeing(n, '', ' the same')}"
    tokens, events = (int(corpus.get(key) or 0) for key in ("n_test_tokens", "n_events"))
    without = f" {counted(absent, 'row')} {agreeing(absent, 'has', 'have')} no result." if absent and n else ""
    return (
        f"{trained} {counted(tokens, 'token')} of test, over one vocabulary of {counted(events, 'event')} learned from "
        f"train.{without}"
    )


def coverage(facts: Facts, comparison: Comparison, figures: Sequence[str]) -> str:
    """C0 to C5, and by stratum, beside perplexity."""
    names, strata = tables.present(facts, tables.LEVELS), tables.strata_metrics(facts)
    rows = [row for row in facts.scored if any(row.mean(name) is not None for name in names)]
    if not rows or not names:
        return ""
    held = [probe for probe in facts.probes if probe["held"]]
    cells, firsts = {tuple(probe["cell"]) for probe in held}, comparison.first_words()
    few = f" With only {counted(firsts, 'first word')} the intervals of C4 are approximate." if firsts < FEW else ""
    text = (
        f"{counted(len(held), 'probe')} of {counted(len(cells), 'pair')} of words that never follow each other in "
        f"train, though each of them occurs there, and {counted(len(facts.crossed), 'crossed probe')}. Intervals are "
        f"bootstraps over the first words of the pairs.{few}"
    )

    def cells_of(row: Row, columns: Iterable[str]) -> list[str]:
        shown = []
        for name in columns:
            cell = number(tables.column(name, facts).show(row.mean(name)))
            spans = {"c4": comparison.coverage, "c3_crossed": comparison.crossed}
            known = name in spans and row.mean(name) is not None
            span = numbers.span(*spans[name](row), "share") if known else ""
            shown.append(f"{cell} {number(span)}".strip())
        return [escape(row.name), numbers.perplexity(row.mean("ppl")), *shown]

    parts = [text, _figure("coverage", figures)]
    for columns in (names, strata):
        if columns:
            header = ["row", "perplexity", *(tables.column(name, facts).title for name in columns)]
            parts.append(table(header, [cells_of(row, columns) for row in rows]))
    says = [f"{bold(tables.COLUMNS[name].title)}: {tables.COLUMNS[name].says}." for name in names]
    return section("Saying what was never seen", *parts, bullets(says))


def unseen(facts: Facts) -> str:
    """Perplexity where counting has nothing to count."""
    names = tables.present(facts, tables.UNSEEN)
    rows = [row for row in facts.scored if any(row.mean(name) is not None for name in names)]
    if not rows:
        return ""
    columns = [tables.column(name, facts) for name in names]
    bests = [ranking.bests((r for r in rows if r.group == RANKED), n, c) for n, c in zip(names, columns, strict=True)]
    lines = [
        [
            escape(row.name),
            numbers.perplexity(row.mean("ppl")),
            *(ranking.emphasis(row.mean(n), c.show, b) for n, c, b in zip(names, columns, bests, strict=True)),
        ]
        for row in rows
    ]
    text = "Perplexity over the test tokens that end an n-gram never seen in train, by n; the text is the same for all."
    return section(
        "Perplexity where nothing was counted",
        text,
        table(["row", "all of test", *(column.title for column in columns)], lines),
    )


def story(facts: Facts, figures: Sequence[str]) -> str:
    """The sentences word by word."""
    sentences = [[*sentence, "</s>"] for sentence in facts.story]
    size = sum(map(len, sentences))
    rows = [
        row for row in facts.scored if row.first.normalised and len(row.first.arrays.get("story_log_probs", ())) == size
    ]
    if not sentences or not rows:
        return ""
    seeds = "; of rows with seeds, the first seed" if any(len(row.results) > 1 for row in rows) else ""
    parts = [
        f"Probability and, in brackets, rank of each word given the words before it{seeds}.",
        _unknown(facts),
        _figure("story", figures),
    ]
    start = 0
    for sentence in sentences:
        span = slice(start, start + len(sentence))
        lines = []
        for row in rows:
            log_probs, ranks = row.first.arrays["story_log_probs"][span], row.first.arrays["story_ranks"][span]
            cells = [
                f"{numbers.probability(float(np.exp(p)))} ({numbers.rank(float(r))})"
                for p, r in zip(log_probs, ranks, strict=True)
            ]
            whole = float(log_probs.sum()) / math.log(10)
            lines.append([escape(row.name), *cells, numbers.bits(whole)])
        heads = [f"{escape(word)} {UNKNOWN}" if word in facts.unknown_words else escape(word) for word in sentence]
        parts.append(table(["row", *heads, "log10 p(sentence)"], lines))
        start += len(sentence)
    return section("The story, word by word", *parts)


def _unknown(facts: Facts) -> str:
    """What is shown of words that are no events."""
    known = sorted(facts.unknown_words)
    if not known:
        return ""
    are, their = ("is", "its") if len(known) == 1 else ("are", "their")
    return (
        f"{UNKNOWN} {listed(list(map(escape, known)))} {are} not in the vocabulary: {their} probability and rank are "
        "those of `<unk>`, one event for all unknown words, and not to be compared with a word's."
    )


def costs(facts: Facts, figures: Sequence[str]) -> str:
    """What each row took, and what networks came to in that time."""
    rows = facts.scored
    if not rows:
        return ""
    lines = [
        [
            escape(row.name),
            numbers.count(row.first.n_params),
            numbers.size(row.cost("model_bytes")),
            numbers.seconds(row.cost("fit_seconds")),
            numbers.count(row.cost("score_tokens_per_second")),
            numbers.milliseconds(row.cost("latency_ms"), row.cost("latency_95_ms")),
            numbers.count(row.cost("peak_mb")),
        ]
        for row in rows
    ]
    ran = [
        f"{name} {listed(values, 20)}" for name, values in _environments(facts).items() if name in ("jobs", "threads")
    ]
    text = f"Rows ran with {listed(ran)}. " if ran else ""
    devices = {str(name) for row in rows for result in row.results if (name := result.environment.get("device"))}
    text += f"Networks were trained on {listed(sorted(devices))}. " if devices - {"cpu"} else ""
    text += "One sentence alone is scored in so many milliseconds: the median and, in brackets, the 95th percentile. "
    text += "Memory is what the row's process added at its peak. Seconds and memory differ from run to run and from "
    text += "machine to machine; parameters and size do not."
    if any(row.kind == "recurrent" and row.first.config.get("cell") == "rnn" for row in rows):
        text += " On a CPU the kernels of the tanh RNN are not those of the LSTM, so a difference in time between "
        text += "cells is not a property of the models."
    header = ["row", "parameters", "size on disk", "fit, s", "tokens/s scored", "one sentence, ms", "peak memory, MB"]
    return section("Costs", text, table(header, lines), _figure("timings_curve", figures))


def notes(facts: Facts) -> str:
    """What a reader of a row must know; what failed and what is missing."""
    lines = []
    for row in facts.rows:
        said = list(dict.fromkeys(note for result in row.results for note in result.notes))
        said += [f"failed{_seed(result.seed)}: {result.error}" for result in row.failed]
        said += ["missing: no result is stored; run the benchmark"] if row.status == "missing" else []
        said += [f"seeds not run: {', '.join(map(str, row.absent))}"] if row.absent else []
        said += ["not a distribution: its scores do not sum to one"] if row.group == SCORE else []
        lines += [f"{code(row.name)}: {escape(note)}" for note in said]
    return section("Notes and failures", bullets(lines)) if lines else ""


def reproduce(facts: Facts) -> str:
    """Command, seeds, fingerprint, versions."""
    benchmark = facts.benchmark
    lines = []
    if facts.seeds:
        lines.append(f"Seeds: {', '.join(map(str, facts.seeds))}")
    if fingerprint := facts.corpus.get("fingerprint"):
        lines.append(f"Fingerprint of the text: {code(str(fingerprint))}")
    if environments := _environments(facts):
        said = (f"{escape(name)} {' or '.join(values)}" for name, values in environments.items())
        lines.append("Environment: " + ", ".join(said))
    commands = list(dict.fromkeys(result.command for result in _results(facts) if result.command))
    typed = "\n".join(commands) or str(benchmark.get("command") or "")
    return section("How to reproduce", block(typed) if typed else "", bullets(lines)) if typed or lines else ""


def _results(facts: Facts) -> list[Result]:
    """Every result that the report is made from."""
    rows = (*facts.rows, *facts.smaller, *facts.trials)
    return [result for row in rows for result in (*row.results, *row.parts, *row.failed)]


def _environments(facts: Facts) -> dict[str, list[str]]:
    """What the results ran in: name -> each value there was, most often one."""
    found: dict[str, list[str]] = {}
    for environment in (result.environment for result in _results(facts)):
        for name, value in environment.items():
            if name != "device" and value not in found.setdefault(name, []):
                found[name].append(str(value))
    return {name: [escape(value) for value in values] for name, values in found.items()}


def _seed(seed: int | None) -> str:
    return "" if seed is None else f" (seed {seed})"


def _figure(name: str, drawn: Sequence[str]) -> str:
    return figure(name, FIGURES[name], drawn)
