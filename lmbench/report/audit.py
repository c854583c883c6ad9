"""The audit's part of a report: what was looked at, what has leaked and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import bold, bullets, escape, table
from lmbench.report.tables import frame
from lmbench.wording import counted

FILE = "audit.csv"


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """File name -> every check as it is stored."""
    return {FILE: frame(list(facts.audit.get("checks") or []))}


def section(facts: Facts) -> str:
    """Nothing where the facts are older than the audit."""
    found = facts.audit
    if not found:
        return ""
    leaks = [
        f"{bold('Leak')}: {escape(leak['fact'])}. To mend it: {escape(leak['remedy'])}.{_such_as(leak)}"
        for leak in found["findings"]
    ]
    n = len(found["checks"])
    share = f"{len(leaks) or 'None'} of {counted(n, 'check')}"
    says = f"{share} found that test, or what is chosen on valid, has leaked into what models learn from."
    lines = [
        [
            escape(check["what"]),
            escape(check["where"]),
            numbers.count(check["found"]),
            numbers.count(check["of"]),
            numbers.percent(check["found"] / check["of"] if check["of"] else None),
            numbers.percent(check["usual"]),
            bold("leak") if check["leak"] else "none" if not check["found"] else "no leak",
        ]
        for check in found["checks"]
    ]
    explained = (
        f"{bold('within train')}: the same share among train's own lines, near and contained ones among those of the "
        "same lengths, which is what repetition of the text itself comes to. What test shares with train is a leak "
        "where it is a hundredth of the lines above that and chance would have it once in a thousand times, or where "
        "train repeats no line at all. docs/audit.md says what is looked for and how."
    )
    notes = [escape(note) for note in found["notes"]]
    header = ["looked for", "in", "found", "of", "share found", "within train", "leak?"]
    return markdown.section("Audit", says, bullets(leaks), table(header, lines, left=2), bullets([explained, *notes]))


def _such_as(leak: Mapping[str, Any]) -> str:
    shown = [f"“{escape(example)}”" for example in leak["examples"]]
    return f" Such as {', '.join(shown)}." if shown else ""
