"""report.md and units.csv of a benchmark in several units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lmbench.report import document, numbers, tables
from lmbench.report.across import Cell, Joined
from lmbench.report.facts import Facts
from lmbench.report.markdown import block, bold, bullets, code, escape, figure, listed, paragraph, section, table
from lmbench.wording import counted

TITLES = {"characters": "Bits per character", "words": "Bits per word"}


def contents(facts: Facts, drawn: Sequence[str]) -> dict[str, str]:
    """File name -> content of all but the figures."""
    joined = Joined(facts)
    return {"report.md": page(joined, drawn), "units.csv": tables.csv(tables.frame(records(joined)))}


def page(joined: Joined, drawn: Sequence[str]) -> str:
    """The whole report."""
    facts = joined.facts
    n = {what: int(values.sum()) for what, values in joined.lengths.items()}
    opening = (
        f"The same {counted(len(joined.lengths['words']), 'sentence')} of test, "
        f"{counted(n['characters'], 'character')} (single spaces and a line end each counted) and "
        f"{counted(n['words'], 'word')} (between spaces; in Korean, eojeol), in "
        f"{counted(len(joined.units), 'unit')}. Each unit has a vocabulary and models of its own, learnt from the same "
        "lines of train. All bits of a sentence are counted, those of `</s>` and those that spell each unknown word "
        "among them, and divided by the same numbers in every row; perplexities of different units say nothing about "
        "each other."
    )
    parts = [
        f"# {paragraph(facts.title)}",
        f"> {bold(document.WATERMARK)}" if facts.quick else "",
        paragraph(str(facts.benchmark.get("description") or "")),
        opening,
        *(section(title, _grid(joined, what)) for what, title in TITLES.items()),
        "Brackets: a 95 % bootstrap over sentences, the same draws for all cells; it does not cover the spread over "
        "seeds. Bold: the fewest bits of all. ≈: not told apart from it, as the paired interval of the difference "
        f"contains 0. A line is the row of that name; {_chosen(joined)}",
        figure("units", "Bits per character of each unit and line, with 95 % intervals", drawn),
        section("In words", bullets(sentences(joined))),
        section("What each unit is", _units(joined), bullets(UNITS_SAY)),
        section("What each cell is", _details(joined), bullets(DETAILS_SAY)),
        section("How to reproduce", block(str(facts.benchmark.get("command") or "")), _folders(facts)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


UNITS_SAY = (
    "characters each: characters of test per prediction, line ends and `</s>` counted.",
    "unknown: share of the tokens of test that are `<unk>`, each of which is spelled.",
)
DETAILS_SAY = (
    "spelling: share of all bits that spells unknown words, by a character n-gram model learnt from train. Where it is "
    "large, the row is that model's as much as its own.",
    "context: characters that the words before a token span at most, on average: (order - 1) times characters each. "
    "Networks read from the beginning of the sentence.",
    "perplexity: of its own tokens, not to be compared between units.",
    "bits of a unit whose cut is one of several possible (kiwi, bpe, unigram) are an upper bound: the line could have "
    "been cut otherwise too, and what the model gives to that is not counted.",
)


def sentences(joined: Joined) -> Iterable[str]:
    """What the table says."""
    best = joined.best
    if best is None:
        return
    bits = joined.per(best, "characters")
    yield (
        f"The fewest bits: {numbers.bits(bits.value)} per character by {code(best.row.name)} in {escape(best.unit)}, "
        f"{numbers.bits(joined.per(best, 'words').value)} per word."
    )
    for line in joined.lines:
        own = joined.cheapest_first(line=line)
        if len(own) > 1:
            yield f"{code(line)}: {_order(joined, own)}; from the first to the second {_gap(joined, own)}."
    for unit in joined.units:
        own = joined.cheapest_first(unit=unit)
        if len(own) > 1:
            named = f"{code(own[0].line)}, then {code(own[1].line)}"
            yield f"In {escape(unit)} the cheapest line is {named} with {_gap(joined, own)}."


def _gap(joined: Joined, cells: Sequence[Cell]) -> str:
    """How many bits the second takes above the first."""
    apart = joined.difference(cells[1], cells[0])
    span = numbers.span(apart.low, apart.high, "gain")
    return f"{numbers.gain(apart.value)} {span} bits per character{', a tie' if apart.tie else ''}"


def _order(joined: Joined, cells: Sequence[Cell]) -> str:
    return listed([f"{escape(c.unit)} {numbers.bits(joined.per(c, 'characters').value)}" for c in cells])


def _grid(joined: Joined, what: str) -> str:
    """Units down, lines across."""
    rows = []
    for unit in joined.units:
        row = [escape(unit)]
        for line in joined.lines:
            cell = joined.cells.get((unit, line))
            row.append(numbers.DASH if cell is None else _shown(joined, cell, what))
        rows.append(row)
    return table(["unit", *map(escape, joined.lines)], rows)


def _shown(joined: Joined, cell: Cell, what: str) -> str:
    """A number, bold if it is the best, with ≈ if it cannot be told from the best."""
    ratio, best = joined.per(cell, what), joined.best
    value = numbers.bits(ratio.value)
    if cell is best:
        value = bold(value)
    elif best is not None and joined.difference(cell, best, what).tie:
        value = f"≈ {value}"
    return f"{value} {numbers.span(ratio.low, ratio.high, 'bits')}".strip()


def _chosen(joined: Joined) -> str:
    """Which line stands for several orders, and which of them valid prefers in each unit."""
    several = [cell for cell in joined.cells.values() if cell.candidates > 1]
    lines = list(dict.fromkeys(cell.line for cell in several))
    told = [
        f"{code(line)} is, of several orders, the one likeliest on valid: "
        + listed([f"{code(cell.row.name)} in {escape(cell.unit)}" for cell in several if cell.line == line], 20)
        for line in lines
    ]
    return "; ".join(told) + "." if told else "each line is one row."


def _units(joined: Joined) -> str:
    lines = []
    for unit, (facts, _) in joined.facts.units.items():
        test = next(line for line in facts.benchmark["statistics"] if line["split"] == "test")
        lines.append(
            [
                escape(unit),
                escape(str(facts.corpus.get("tokenizer"))),
                numbers.count(facts.corpus.get("n_events")),
                numbers.count(test["tokens"]),
                f"{test['characters'] / test['tokens']:.2f}",
                numbers.percent(test["oov_rate"]),
            ]
        )
    return table(["unit", "tokenizer", "events", "predictions", "characters each", "unknown"], lines, left=2)


def _details(joined: Joined) -> str:
    lines = []
    for one in records(joined):
        epochs, context = one["epochs"], one["context_characters"]
        lines.append(
            [
                escape(one["unit"]),
                escape(one["row"]),
                numbers.bits(one["bits_per_char"]),
                numbers.percent(one["spelling_share"]),
                numbers.perplexity(one["ppl"]),
                numbers.perplexity(one["valid_ppl"]),
                numbers.DASH if context is None else f"{context:.1f}",
                numbers.count(one["n_params"]),
                numbers.DASH if epochs is None else str(epochs),
                numbers.seconds(one["fit_seconds"]),
                str(one["seeds"]),
            ]
        )
    header = ["unit", "row", "bits/char", "spelling", "perplexity", "of valid", "context", "parameters", "epochs"]
    return table([*header, "fit, s", "seeds"], lines, left=2)


def records(joined: Joined) -> list[dict[str, Any]]:
    """A record for each cell: what it took, and what is to be known of it."""
    found = []
    for cell in joined.cells.values():
        facts = joined.facts.units[cell.unit][0]
        test = next(line for line in facts.benchmark["statistics"] if line["split"] == "test")
        config, order = cell.row.first.config, cell.row.first.config.get("order")
        ratios = {what: joined.per(cell, what) for what in TITLES}
        best = joined.best
        apart = joined.difference(cell, best) if best is not None and cell is not best else None
        found.append(
            {
                "unit": cell.unit,
                "line": cell.line,
                "row": cell.row.name,
                **{
                    f"bits_per_{name}{part}": getattr(ratios[what], field)
                    for what, name in (("characters", "char"), ("words", "word"))
                    for part, field in (("", "value"), ("_low", "low"), ("_high", "high"))
                },
                "above_best": apart and apart.value,
                "above_best_low": apart and apart.low,
                "above_best_high": apart and apart.high,
                "spelling_share": cell.spelling,
                "ppl": cell.row.mean("ppl"),
                "valid_ppl": cell.row.mean("valid_ppl"),
                "n_events": facts.corpus.get("n_events"),
                "n_tokens": test["tokens"],
                "context_characters": order and (order - 1) * test["characters"] / test["tokens"],
                "n_params": cell.row.first.n_params,
                "epochs": config.get("epochs"),
                "fit_seconds": cell.row.cost("fit_seconds"),
                "seeds": len(cell.row.results),
            }
        )
    return found


def _folders(facts: Facts) -> str:
    return (
        "Each unit has a report of its own: " + listed([f"[{escape(n)}]({n}/report.md)" for n in facts.units], 20) + "."
    )
