r"""From lines to tokens: which units a language model predicts.

Spaces. A lossless tokenizer's tokens joined by its join() are the normalised line again, so models over its
tokens can be compared in bits per character with models over any other such tokenizer's. `syllables` and `kiwi`
show a space of the line as ▁ (U+2581): a token of its own for syllables, the first character of the token
after it for kiwi. A ▁ that the line itself has is stored as \▁, and one that follows backslashes gets
one backslash more, so a ▁ at the head of a token is always a space.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lmbench.errors import BadConfig
from lmbench.text.files import normalise
from lmbench.threads import cores

if TYPE_CHECKING:
    from kiwipiepy import Kiwi, Token

Morpheme = tuple[str, str]
SPACE = "▁"
_LITERAL = re.compile(r"(\\*▁)")
_ESCAPED = re.compile(r"\\(\\*▁)")


@dataclass(frozen=True)
class Tokenizer:
    """One way to cut lines into tokens, none of them empty or with white space in it.

    name:     as a benchmark file says it
    lossless: whether join() restores the normalised line; without it there are no bits per character
    about:    one line for people
    cut:      normalised lines -> one list of tokens a line
    glue:     tokens of one line -> the line
    version:  () -> the versions that decide where it cuts, part of the key of cached tokens
    slow:     whether tokens of a large text are worth caching
    """

    name: str
    lossless: bool
    about: str
    cut: Callable[[Sequence[str]], Iterable[list[str]]]
    glue: Callable[[Sequence[str]], str]
    version: Callable[[], str] = lambda: "1"
    slow: bool = False

    def tokenize(self, lines: Sequence[str]) -> list[list[str]]:
        """One list of tokens for each line, which is normalised first; no line affects another.

        Equal tokens are one object, which keeps millions of them small.
        """
        known: dict[str, str] = {}
        keep = known.setdefault
        return [[keep(token, token) for token in tokens] for tokens in self.cut([normalise(line) for line in lines])]

    def join(self, tokens: Sequence[str]) -> str:
        """The line of these tokens: the normalised one if lossless, else one much like it."""
        return self.glue(tokens)


def escape(piece: str) -> str:
    r"""A piece of a line as (part of) a token: ▁ as \▁, \▁ as \\▁; all else stays."""
    return _LITERAL.sub(r"\\\1", piece) if SPACE in piece else piece


def unescape(piece: str) -> str:
    """The piece of a line that escape() made this of."""
    return _ESCAPED.sub(r"\1", piece) if SPACE in piece else piece


def _join_by_space(tokens: Sequence[str]) -> str:
    return " ".join(tokens)


def _join_marked(tokens: Sequence[str]) -> str:
    """Tokens of which a leading ▁ stands for the space (or the start of the line) before them."""
    pieces = (" " + unescape(token[1:]) if token.startswith(SPACE) else unescape(token) for token in tokens)
    return "".join(pieces).removeprefix(" ")


def _join_syllables(tokens: Sequence[str]) -> str:
    return "".join(" " if token == SPACE else unescape(token) for token in tokens)


def _cut_whitespace(lines: Sequence[str]) -> Iterator[list[str]]:
    return (line.split() for line in lines)


def _cut_words(lines: Sequence[str]) -> Iterator[list[str]]:
    from nltk.tokenize import wordpunct_tokenize

    return map(wordpunct_tokenize, lines)


class _Syllables(dict[str, str]):
    """Character -> token, filled as characters are met."""

    def __missing__(self, character: str) -> str:
        token = SPACE if character == " " else escape(character)
        self[character] = token
        return token


def _cut_syllables(lines: Sequence[str]) -> Iterator[list[str]]:
    table = _Syllables()
    return ([table[character] for character in line] for line in lines)


@cache
def _kiwi() -> Kiwi:
    """One analyser for the process: it takes a second to load. Its results do not depend on the number of threads."""
    try:
        from kiwipiepy import Kiwi
    except ImportError as error:
        raise BadConfig(
            f"the tokenizer 'kiwi' needs the package kiwipiepy, which cannot be imported ({error}): it is an "
            "optional part; pip install 'lmbench[korean]', or take 'syllables' or 'whitespace'"
        ) from None
    return Kiwi(num_workers=cores())


def _kiwi_version() -> str:
    """Package, model and kind of model; the leading number is that of the cutting rule below."""
    kiwi = _kiwi()
    import kiwipiepy

    try:
        import kiwipiepy_model

        model = kiwipiepy_model.__version__
    except (ImportError, AttributeError):
        model = "unknown"
    return f"1, kiwipiepy {kiwipiepy.__version__}, model {model} {kiwi.model_type}"


def _cut_kiwi(lines: Sequence[str]) -> Iterator[list[str]]:
    """Cut at spaces, and inside an eojeol wherever a morpheme starts that shares no syllable with an earlier one.

    Morphemes are located by Token.start and Token.len, which kiwipiepy gives in code points of the line
    (beyond the basic plane too); Token.word_position counts anew after each sentence of a line and is of no use.
    Only slices of the line become tokens, so nothing Kiwi restores (하 + 았 for 했) or corrects can change the line.
    """
    for line, found in zip(lines, _kiwi().tokenize(lines), strict=True):
        yield _slices(line, _cuts(found))


def _cuts(found: Sequence[Token]) -> list[int]:
    """Where in its line each morpheme starts that shares no syllable with an earlier one."""
    cuts = []
    covered = 0
    for morpheme in found:
        start = morpheme.start
        if start >= covered:
            cuts.append(start)
        covered = max(covered, start + morpheme.len)
    return cuts


def morphemes(lines: Sequence[str]) -> Iterator[tuple[list[str], list[list[Morpheme]]]]:
    """Of each normalised line, the tokens of `kiwi` and the morphemes (form, tag) that start in each of them."""
    for line, found in zip(lines, _kiwi().tokenize(lines), strict=True):
        tokens = _slices(line, _cuts(found))
        starts, end = [], 0
        for token in tokens:
            starts.append(end + (token.startswith(SPACE) and end > 0))
            end = starts[-1] + len(unescape(token.removeprefix(SPACE)))
        inside: list[list[Morpheme]] = [[] for _ in tokens]
        for morpheme in found:
            inside[max(bisect_right(starts, morpheme.start) - 1, 0)].append((morpheme.form, morpheme.tag))
        yield tokens, inside


def _slices(line: str, cuts: Sequence[int]) -> list[str]:
    """Tokens of the line cut at its spaces and at these rising offsets."""
    tokens = []
    start, pending = 0, iter(cuts)
    cut = next(pending, len(line))
    for eojeol in line.split(" ") if line else ():
        end = start + len(eojeol)
        mark, begin = SPACE, start
        while cut < end:
            if cut > begin:
                tokens.append(mark + escape(line[begin:cut]))
                mark, begin = "", cut
            cut = next(pending, len(line))
        tokens.append(mark + escape(line[begin:end]))
        start = end + 1
    return tokens


_ALL = (
    Tokenizer("whitespace", True, "words between spaces (Korean eojeol)", _cut_whitespace, _join_by_space),
    Tokenizer("words", False, "words and runs of punctuation; where spaces were is lost", _cut_words, _join_by_space),
    Tokenizer("syllables", True, "characters, a space as ▁", _cut_syllables, _join_syllables),
    Tokenizer(
        "kiwi",
        True,
        "Korean morphemes cut at syllables, ▁ at the start of an eojeol (needs lmbench[korean])",
        _cut_kiwi,
        _join_marked,
        _kiwi_version,
        slow=True,
    ),
)
TOKENIZERS: dict[str, Tokenizer] = {tokenizer.name: tokenizer for tokenizer in _ALL}
"""Used through errors.choose(TOKENIZERS, name, "tokenizer")."""
