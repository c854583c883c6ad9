"""Words that follow a number, so that no sentence has "1 rows"."""

from __future__ import annotations


def counted(n: int, noun: str, many: str = "") -> str:
    """'no rows', '1 row', '1,234 rows'. many: the plural, where it is not the noun and an s."""
    return f"{f'{n:,}' if n else 'no'} {noun if n == 1 else many or f'{noun}s'}"


def agreeing(n: int, one: str, many: str) -> str:
    """The form of a verb or pronoun that goes with n things: 'is' or 'are'."""
    return one if n == 1 else many
