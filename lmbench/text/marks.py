r"""Spaces of a line inside tokens, which hold no white space: a space is shown as ▁ (U+2581).

A ▁ that the line itself has is stored as \▁, and one that follows backslashes gets one backslash more, so a ▁ at
the head of a token is always a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SPACE = "▁"
_LITERAL = re.compile(r"(\\*▁)")
_ESCAPED = re.compile(r"\\(\\*▁)")


def escape(piece: str) -> str:
    r"""A piece of a line as (part of) a token: ▁ as \▁, \▁ as \\▁; all else stays."""
    return _LITERAL.sub(r"\\\1", piece) if SPACE in piece else piece


def unescape(piece: str) -> str:
    """The piece of a line that escape() made this of."""
    return _ESCAPED.sub(r"\1", piece) if SPACE in piece else piece


def join_marked(tokens: Sequence[str]) -> str:
    """Tokens of which a leading ▁ stands for the space (or the start of the line) before them."""
    pieces = (" " + unescape(token[1:]) if token.startswith(SPACE) else unescape(token) for token in tokens)
    return "".join(pieces).removeprefix(" ")


def join_characters(tokens: Sequence[str]) -> str:
    """Tokens of which ▁ is a space and every other one is what the line has."""
    return "".join(" " if token == SPACE else unescape(token) for token in tokens)


def marked_slices(line: str, ends: Sequence[int]) -> Iterator[str]:
    """Tokens of "▁" + line, its spaces as ▁, cut at these rising offsets into that text and before every ▁.

    ends: offsets above 0; whatever is left after the last one is a token too, so the tokens are the line in any case
    """
    marked, start, pending = " " + line, 0, iter([*ends, len(line) + 1])
    end = next(pending)
    while start < len(marked):
        while end <= start:
            end = next(pending)
        space = marked.find(" ", start + 1, end)
        stop = min(end, len(marked)) if space < 0 else space
        head = marked[start] == " "
        yield (SPACE if head else "") + escape(marked[start + head : stop])
        start = stop
