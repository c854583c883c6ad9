"""Results that are left out of every comparison: what decided them is not what decides the others."""

from __future__ import annotations

from lmbench.bench.keys import listed
from lmbench.report import numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import escape, section, table


def results(facts: Facts) -> str:
    """A line for each stored result of another key: its perplexity on its own text, and what differs."""
    lines = []
    for row in (*facts.rows, *facts.smaller, *facts.trials):
        for result, differs in row.stale:
            seed = numbers.DASH if result.seed is None else str(result.seed)
            ppl = numbers.perplexity(result.metrics.get("ppl"))
            lines.append([escape(row.name), seed, ppl, escape(listed(differs))])
    if not lines:
        return ""
    text = (
        "Stored results that this report does not use, because the text, the settings or the code behind them is not "
        "what the last run has. They are ranked with no row here, nor with one another; `run` fits these rows again."
    )
    return section(
        "Stale results", text, table(["row", "seed", "perplexity on its own text", "then against now"], lines, left=4)
    )
