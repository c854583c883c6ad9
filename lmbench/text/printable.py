"""Text of a corpus as it may be shown: nothing in it can move a cursor, recolour a terminal or reverse a line."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: escape sequences begin with one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # directions of writing
    "\u200b\u2028\u2029\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # unseen, or a line end
    "\ud800-\udfff]"  # of no encoding
)
"""Joiners (U+200C, U+200D) are no part of it: Persian, Hindi and emoji are spelled with them."""


def printable(text: str) -> str:
    r"""The text with every control character as Python spells it: \x1b, \u202e. All else stays."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
