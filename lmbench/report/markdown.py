"""Markdown as GitHub reads it (GFM), in which a name from somebody's file can break nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lmbench.text.printable import printable

_SPECIAL = re.compile(r"[\\`*\[\]|~$]")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r"^([-+>=#]|\d+(?=[.)]))")


def escape(text: str) -> str:
    """Text as text: no emphasis, link, code, formula, table border, HTML or entity can come of it; one line.

    Control characters are spelled.
    """
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return _EDGE_UNDERSCORE.sub(r"\\_", _SPECIAL.sub(r"\\\g<0>", text))


def paragraph(text: str) -> str:
    """Escaped text that may start a line: it is no heading, list or quotation."""
    return _BLOCK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escape(text))


def code(text: str) -> str:
    """A code span for prose (a table's bars are not escaped), fenced by more backticks than the text has in a row."""
    text = printable(" ".join(text.split())) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str) -> str:
    """A code block, fenced by more backticks than the text has in a row."""
    text = "\n".join(map(printable, text.split("\n")))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def number(text: str) -> str:
    """A number for a table or a sentence: only '<0.001' needs care."""
    return text.replace("<", "&lt;")


def bold(text: str) -> str:
    """Bold, of text that is escaped already."""
    return f"**{text}**"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table of cells that are escaped already; the first `left` columns are words, the others numbers."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def figure(name: str, caption: str, drawn: Sequence[str]) -> str:
    """A figure of the report, if it is among those that were drawn."""
    return f"![{caption}](figures/{name}.png)" if name in drawn else ""


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and the parts that are not empty; nothing where all are."""
    body = [part for part in parts if part]
    return "\n\n".join([f"{'#' * level} {title}", *body]) if body else ""


def bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def listed(names: Sequence[str], most: int = 8) -> str:
    """'a, b and c'; beyond `most` names, how many more there are."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""
