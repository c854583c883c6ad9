"""Warnings about a text and its units: many words are outside the vocabulary, or there are no spaces to cut at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MANY = 0.1
"""Of the words: where more are <unk>, a perplexity is mostly about <unk>."""
SAMPLE = 1000
"""Lines that are looked at."""
LONG = 6
"""Characters between two spaces; words of Chinese, Japanese and Thai that were cut before have 2 to 5."""
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
_HANGUL = re.compile("[가-힣]")
_WORDS, _CHARACTERS = ("whitespace", "words"), ("syllables", "jamo")


def advice(
    unknown: Mapping[str, float], lines: Sequence[str], tokenizer: str, *, learns: bool = True
) -> tuple[str, ...]:
    """What a reader of any number must be warned of, and the unit to try.

    unknown: of each text the share of its words that are <unk>    lines: of the text that was trained on
    learns:  whether tokenizers that learn their units can be used
    """
    sample = lines[:SAMPLE]
    return (*_spaceless(sample, tokenizer, learns), *_unknown(unknown, sample, tokenizer, learns))


def _unknown(unknown: Mapping[str, float], sample: Sequence[str], tokenizer: str, learns: bool) -> tuple[str, ...]:
    many = [f"{share:.1%} of the words of {name}" for name, share in unknown.items() if share > MANY]
    if not many:
        return ()
    korean = any(map(_HANGUL.search, sample))
    smaller = ["syllables"] if tokenizer not in _CHARACTERS else []
    if tokenizer in _WORDS:
        smaller = (["kiwi"] if korean else ["bpe"] if learns else []) + smaller
    units = f"try smaller units ({_or(smaller)}), " if smaller else ""
    which = " and ".join(part for part in (", ".join(many[:-1]), many[-1]) if part)
    return (
        f"{which} are not in the vocabulary; all of them are one event, <unk>, which is easy to predict: a low "
        f"perplexity says little of words here; {units}lower min_count or give more text",
    )


def _spaceless(sample: Sequence[str], tokenizer: str, learns: bool) -> tuple[str, ...]:
    signs = sum(len(line) - line.count(" ") for line in sample)
    without = sum(len(_SPACELESS.findall(line)) for line in sample)
    pieces = sum(line.count(" ") + 1 for line in sample)
    if tokenizer not in _WORDS or 2 * without <= signs or signs <= LONG * pieces:
        return ()
    return (
        f"the text has hardly any spaces ({signs / pieces:.0f} characters between two), as Chinese, Japanese and Thai "
        f"have none between words, so tokenizer {tokenizer!r} finds no words in it; take "
        f"{_or(['syllables', *(['bpe', 'unigram'] if learns else [])])}",
    )


def _or(tokenizers: Sequence[str]) -> str:
    return "tokenizer = " + " or ".join(map(repr, tokenizers))
