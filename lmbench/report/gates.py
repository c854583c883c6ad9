"""Why gates matter: the diagnosis' part of a report, its sentences, tables and CSV files.

Sentences are conditions on the numbers. Vanishing and exploding gradients are kept apart, as they are different things.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.gates_figures import CONVENTION
from lmbench.report.gradients import LEARNT, exploding, vanishing
from lmbench.report.gradients_figures import Line, name_of
from lmbench.report.markdown import code, escape, listed, number
from lmbench.report.tables import Record, frame

CAPTIONS = {
    "long_lag": "Accuracy against the lag over which a symbol is to be remembered",
    "history": "Perplexity against the tokens of history that are kept",
    "gates": "The value of every gate of every unit while a sentence is read",
    "saturation": "Share of the values of each gate that are as good as shut or open",
    "timings_length": "Tokens a second, scored and trained on, against the length of sentences",
}
NEAR = 1.01
"""Perplexity, as a multiple of that with all history, within which a shorter one is as good."""


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """File name -> every number of a part, a record a line."""
    memory, rows, pace = (facts.diagnosed(part) for part in ("memory", "rows", "pace"))
    curves: list[Record] = []
    for source, lines in (
        ("task", memory.get("gradients", [])),
        ("scaled", memory.get("exploding", [])),
        ("test", rows.get("gradients", [])),
    ):
        for line in lines:
            about = {
                "source": source,
                "net": line.get("net") or line.get("row") or line.get("cell"),
                "when": line.get("when", "start"),
                "factor": line.get("factor", 1.0),
                "state": line["state"],
            }
            curves += [{**about, "k": k, "norm": norm} for k, norm in enumerate(line["norms"])]
    return {
        "gradients.csv": frame(curves),
        "gradient_steps.csv": frame(memory.get("strides", [])),
        "long_lag.csv": frame(memory.get("curve", [])),
        "history.csv": frame(rows.get("history", {}).get("lines", [])),
        "gates.csv": frame(_traced(facts)),
        "saturation.csv": frame(rows.get("saturation", [])),
        "timings_length.csv": frame(pace.get("lines", [])),
    }


def _traced(facts: Facts) -> list[Record]:
    """Gates by word: the mean over units, and the shares of them that are shut and open."""
    rows, records = facts.diagnosed("rows"), []
    for name, values in facts.diagnosis["rows"][1].items() if rows else ():
        _, at, sentence, gate = name.split("_")
        words = ["<s>", *rows["sentences"][int(sentence)]]
        for place, (word, units) in enumerate(zip(words, np.asarray(values, np.float64), strict=True)):
            records.append(
                {
                    "row": rows["rows"][int(at)]["row"],
                    "gate": gate,
                    "sentence": int(sentence),
                    "position": place,
                    "word": word,
                    "mean": math.fsum(units) / len(units),
                    "below_0.1": float((units < 0.1).mean()),
                    "above_0.9": float((units > 0.9).mean()),
                }
            )
    return records


def section(facts: Facts, drawn: Sequence[str]) -> str:
    """All of it; nothing where `diagnose` was not run."""
    parts = (vanishing, exploding, long_lag, history, gates, pace)
    return markdown.section("Why gates", *(part(facts, drawn) for part in parts))


def long_lag(facts: Facts, drawn: Sequence[str]) -> str:
    """What can be remembered."""
    memory = facts.diagnosed("memory")
    if not memory:
        return ""
    task = memory["task"]
    nets = {net["net"]: net for net in memory["nets"]}
    curve = {(line["net"], line["lag"]): line for line in memory["curve"]}
    lags = sorted({lag for _, lag in curve})
    learnt = {name: [lag for lag in lags if curve[name, lag]["accuracy"] >= LEARNT] for name in nets}
    each = [
        f"{name_of(nets[name])} {f'up to lag {max(found)}' if found else 'at no lag'}" for name, found in learnt.items()
    ]
    says = (
        f"A row shows one of {task['symbols']} symbols, then distractors, then asks which it was. Each network has "
        f"at most {task['parameters']:,} parameters and {task['updates']:,} updates of {task['rows']} rows, one seed, "
        f"and is trained anew for each lag. Of {task['asked']:,} new rows, {100 * LEARNT:.0f} % or more are answered "
        f"right by: {'; '.join(each)}. Chance is {numbers.percent(task['chance'])}."
    )
    for name, net in nets.items():
        if net["by_lag"]:
            own, other = max(learnt[name], default=0), max(learnt[net["cell"]], default=0)
            if own != other:
                change = "lengthen" if own > other else "shorten"
                says += f" Gates of the {net['cell'].upper()} that are set for the lag at the start {change} its reach "
                says += f"from {other or 'nothing'} to {own or 'nothing'}."
    header = ["network", *(f"lag {lag}" for lag in lags)]
    lines = [[name_of(net), *(_answer(curve[name, lag], task) for lag in lags)] for name, net in nets.items()]
    return _subsection(
        "Remembering one symbol",
        says,
        _image("long_lag", drawn),
        markdown.table(header, lines),
        "Share of right answers and, in brackets, updates that were made: a network whose loss falls below "
        f"{task['learnt']:g} nats has learnt its task and stops.",
    )


def _answer(line: Line, task: Line) -> str:
    updates = f" ({line['updates']})" if line["updates"] < task["updates"] else ""
    return number(numbers.share(line["accuracy"])) + updates


def history(facts: Facts, drawn: Sequence[str]) -> str:
    """How much history counts."""
    found = facts.diagnosed("rows").get("history")
    if not found or not found["cut"]:
        return ""
    names = list(dict.fromkeys(line["row"] for line in found["lines"]))
    steps = [cut["history"] for cut in found["cut"]]
    ppl = {(line["row"], line["history"]): math.exp(line["nats"]) for line in found["lines"]}
    each = []
    for name in names:
        enough = next((s for s in steps if ppl[name, s] <= NEAR * ppl[name, None]), None)
        each.append(f"{code(name)} needs {'all of it' if enough is None else f'{enough} tokens'}")
    says = (
        f"To come within 1 % of its perplexity with all of the history, {listed(each)}, on {found['tokens']:,} tokens "
        f"of test whose history is {found['longest']} tokens at most."
    )
    header = ["row", *(str(step) for step in steps), "all"]
    lines = [
        [escape(name), *(numbers.perplexity(ppl[name, step]) for step in steps), numbers.perplexity(ppl[name, None])]
        for name in names
    ]
    lines.append(["tokens that lose some", *(numbers.count(cut["tokens"]) for cut in found["cut"]), "0"])
    return _subsection(
        "How much history counts",
        says,
        _image("history", drawn),
        markdown.table(header, lines),
        "Perplexity by how many tokens before the predicted one are kept, `<s>` counted. A network reads them from a "
        "fresh state (after Khandelwal et al. 2018): it has only ever begun at `<s>`, so beginning in the middle costs "
        "it something of its own. An n-gram model uses its n-grams of up to that many words and the predicted one.",
    )


def gates(facts: Facts, drawn: Sequence[str]) -> str:
    """What gates do."""
    rows = facts.diagnosed("rows")
    if not rows or not rows["saturation"]:
        return ""
    lines = rows["saturation"]
    shut, wide = max(lines, key=lambda line: line["low"]), max(lines, key=lambda line: line["high"])
    says = (
        f"Shut most often, below 0.1 at {numbers.percent(shut['low'])} of its values on test, is the {shut['gate']} "
        f"gate of {code(shut['row'])}; open most often, above 0.9 at {numbers.percent(wide['high'])}, the "
        f"{wide['gate']} gate of {code(wide['row'])}."
    )
    for line in lines:
        if line["gate"] in ("forget", "update"):
            says += (
                f" The {line['gate']} gate of {code(line['row'])} keeps {numbers.share(line['mean'])} of the past at a "
                "token on average"
            )
            says += f" (layer {line['layer']})." if rows["rows"][0]["layers"] > 1 else "."
    header = ["row", "gate", "layer", "mean", "shut (below 0.1)", "open (above 0.9)"]
    body = [
        [
            escape(line["row"]),
            line["gate"],
            str(line["layer"]),
            numbers.share(line["mean"]),
            numbers.percent(line["low"]),
            numbers.percent(line["high"]),
        ]
        for line in lines
    ]
    words = "; ".join(escape(" ".join(words)) for words in rows["sentences"])
    return _subsection(
        "Gates at work",
        says,
        _image("saturation", drawn),
        markdown.table(header, body, left=2),
        f"The sentences of the heat maps: {words}. The last layer is shown." if words else "",
        _image("gates", drawn),
        escape(CONVENTION),
    )


def pace(facts: Facts, drawn: Sequence[str]) -> str:
    """The cost of being sequential."""
    lines = facts.diagnosed("pace").get("lines")
    if not lines:
        return ""
    names = list(dict.fromkeys(line["row"] for line in lines))
    found = {(line["row"], line["what"], line["length"], line["rows"]): line["tokens_per_second"] for line in lines}
    lengths, sizes = sorted({line["length"] for line in lines}), sorted({line["rows"] for line in lines} - {0})
    long, one, many = lengths[-1], sizes[0], sizes[-1]
    recurrent = {row["row"] for row in facts.diagnosed("rows").get("rows", [])}
    says = "A recurrent network reads a sentence token after token: only sentences side by side can be done at once."
    short = next((n for n in lengths if n < long and long * one % n == 0 and long * one // n in sizes), None)
    if short is not None:
        beside, each = long * one // short, []
        for name in names:
            whole, parts = found[name, "score", long, one], found[name, "score", short, beside]
            each.append(f"{code(name)} {numbers.count(whole)} and {numbers.count(parts)} ({parts / whole:.1f} ×)")
        says += (
            f" Tokens/s where {long * one} tokens are scored as {_sentences(one, long)} and as "
            f"{_sentences(beside, short)} side by side: {listed(each)}."
        )
    taught = []
    for name in names:
        if name in recurrent:
            few, all_ = found[name, "train", long, one], found[name, "train", long, many]
            taught.append(f"{code(name)} {numbers.count(few)} and {numbers.count(all_)}")
        elif (name, "train", long, 0) in found:
            taught.append(
                f"{code(name)}, which counts them all at once, {numbers.count(found[name, 'train', long, 0])}"
            )
    says += f" Trained on sentences of {long} tokens, {one} and {many} side by side: {listed(taught)}."
    header = ["row", "", "side by side", *(f"{length} tokens" for length in lengths)]
    body = [
        [
            escape(name),
            "scored" if what == "score" else "trained on",
            str(size) if size else "all",
            *(numbers.count(found.get((name, what, length, size))) for length in lengths),
        ]
        for name in names
        for what in ("score", "train")
        for size in (0, *sizes)
        if (name, what, long, size) in found
    ]
    return _subsection(
        "Speed against length",
        says,
        _image("timings_length", drawn),
        markdown.table(header, body, left=2),
        "Tokens a second on one thread, the best of what was timed; they differ from run to run and from machine to "
        "machine. The embedding, the output layer and, in training, the optimizer's step are in them.",
    )


def _sentences(n: int, length: int) -> str:
    return f"{n} sentence{'' if n == 1 else 's'} of {length}"


def _subsection(title: str, *parts: str) -> str:
    return markdown.section(title, *parts, level=3)


def _image(name: str, drawn: Sequence[str]) -> str:
    return markdown.figure(name, CAPTIONS[name], drawn)
