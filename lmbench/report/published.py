"""Figures that others have published, beside ours."""

from __future__ import annotations

from lmbench.measures.published import Published, difference, verdicts
from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import escape, table


def section(facts: Facts) -> str:
    """A line for each figure; nothing where none is named or no row of them was run."""
    named = {str(row): Published(**figure) for row, figure in (facts.benchmark.get("published") or {}).items()}
    perplexities = {row.name: value for row in facts.scored if (value := row.mean("ppl")) is not None}
    lines = []
    for verdict in verdicts(named, perplexities):
        if verdict.found is None:
            continue
        apart = difference(verdict)
        lines.append(
            [
                escape(verdict.row),
                numbers.perplexity(verdict.found),
                numbers.perplexity(verdict.published.ppl),
                numbers.difference(apart),
                escape(verdict.wanted) or "shown only",
                ("yes" if verdict.holds else "**no**") if verdict.wanted else numbers.DASH,
                escape(verdict.published.source),
            ]
        )
    if not lines:
        return ""
    header = ["row", "perplexity", "published", "difference", "held to", "holds", "source"]
    return markdown.section("Beside published figures", table(header, lines))
