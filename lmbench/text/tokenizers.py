r"""From lines to tokens: which units a language model predicts.

A lossless tokenizer's tokens joined by its join() are the normalised line again, so models over its tokens can be
compared in bits per character with models over any other such tokenizer's. A space of the line is a token of its own
for syllables and jamo, and the first character of the token after it for kiwi, bpe and unigram: lmbench.text.marks.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, NoReturn

from lmbench.errors import BadConfig
from lmbench.text import pieces
from lmbench.text.files import normalise
from lmbench.text.marks import SPACE, escape, join_characters, join_marked, marked_slices, unescape
from lmbench.threads import cores

if TYPE_CHECKING:
    from kiwipiepy import Kiwi, Token

Morpheme = tuple[str, str]


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
    learn:    train's normalised lines, how many units -> what it has learnt; None for one that need not learn
    state:    what it has learnt
    """

    name: str
    lossless: bool
    about: str
    cut: Callable[[Sequence[str]], Iterable[list[str]]]
    glue: Callable[[Sequence[str]], str]
    version: Callable[[], str] = lambda: "1"
    slow: bool = False
    learn: Callable[[Sequence[str], int], bytes] | None = None
    state: bytes = b""

    def learnt(self, train: Sequence[str], n_pieces: int | None = None) -> Tokenizer:
        """Itself, if it need not learn; otherwise one that has learnt n_pieces units (pieces.PIECES) from train."""
        if self.learn is not None:
            lines = [normalise(line) for line in train]
            return self.restored(self.learn(lines, pieces.PIECES if n_pieces is None else n_pieces))
        if n_pieces is not None:
            known = " and ".join(repr(name) for name, one in TOKENIZERS.items() if one.learn is not None)
            raise BadConfig(
                f"pieces = {n_pieces}, but tokenizer {self.name!r} learns none; leave it out, or take {known}"
            )
        return self

    def restored(self, state: bytes) -> Tokenizer:
        """The tokenizer that has learnt this state."""
        version = partial(pieces.version, self.name, state)
        return replace(self, state=state, cut=partial(pieces.cut, self.name, state), version=version)

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


def _join_by_space(tokens: Sequence[str]) -> str:
    return " ".join(tokens)


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


class _Jamo(dict[str, tuple[str, ...]]):
    """Character -> its tokens, filled as characters are met."""

    def __missing__(self, character: str) -> tuple[str, ...]:
        hangul = "가" <= character <= "힣"
        parts = unicodedata.normalize("NFD", character) if hangul else character
        self[character] = tokens = tuple(SPACE if part == " " else escape(part) for part in parts)
        return tokens


def _cut_jamo(lines: Sequence[str]) -> Iterator[list[str]]:
    """A syllable of Hangul as its initial, vowel and, if it has one, final: the canonical decomposition of Unicode."""
    table = _Jamo()
    return ([token for character in line for token in table[character]] for line in lines)


def _join_jamo(tokens: Sequence[str]) -> str:
    """NFC of the parts: equivalent to the line, and so the line, which is NFC."""
    return unicodedata.normalize("NFC", join_characters(tokens))


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
        yield _slices(line, found)


def _slices(line: str, found: Sequence[Token]) -> list[str]:
    """The line cut where each morpheme starts that shares no syllable with an earlier one."""
    cuts = []
    covered = 0
    for morpheme in found:
        start = morpheme.start
        if start >= covered and start and line[start - 1] != " ":  # a space is not cut from the eojeol after it
            cuts.append(start + 1)
        covered = max(covered, start + morpheme.len)
    return list(marked_slices(line, cuts)) if line else []


def morphemes(lines: Sequence[str]) -> Iterator[tuple[list[str], list[list[Morpheme]]]]:
    """Of each normalised line, the tokens of `kiwi` and the morphemes (form, tag) that start in each of them."""
    for line, found in zip(lines, _kiwi().tokenize(lines), strict=True):
        tokens = _slices(line, found)
        starts, end = [], 0
        for token in tokens:
            starts.append(end + (token.startswith(SPACE) and end > 0))
            end = starts[-1] + len(unescape(token.removeprefix(SPACE)))
        inside: list[list[Morpheme]] = [[] for _ in tokens]
        for morpheme in found:
            inside[max(bisect_right(starts, morpheme.start) - 1, 0)].append((morpheme.form, morpheme.tag))
        yield tokens, inside


def _unlearnt(name: str, _: Sequence[str]) -> NoReturn:
    raise BadConfig(
        f"the tokenizer {name!r} learns its units from the train of a benchmark, and here there is none yet; "
        "take one that need not learn, such as 'syllables', or run the text as a benchmark (python -m lmbench run)"
    )


_ALL = (
    Tokenizer("whitespace", True, "words between spaces (Korean eojeol)", _cut_whitespace, _join_by_space),
    Tokenizer("words", False, "words and runs of punctuation; where spaces were is lost", _cut_words, _join_by_space),
    Tokenizer("syllables", True, "characters, a space as ▁", _cut_syllables, join_characters),
    Tokenizer("jamo", True, "characters, those of Hangul cut into initial, vowel and final", _cut_jamo, _join_jamo),
    Tokenizer(
        "kiwi",
        True,
        "Korean morphemes cut at syllables, ▁ at the start of an eojeol (needs lmbench[korean])",
        _cut_kiwi,
        join_marked,
        _kiwi_version,
        slow=True,
    ),
    *(
        Tokenizer(
            kind,
            True,
            f"{what} learnt from train, ▁ at the start of an eojeol (needs lmbench[units])",
            partial(_unlearnt, kind),
            join_marked,
            learn=partial(pieces.learn, kind),
        )
        for kind, what in (("bpe", "byte-pair units"), ("unigram", "units of a unigram model"))
    ),
)
TOKENIZERS: dict[str, Tokenizer] = {tokenizer.name: tokenizer for tokenizer in _ALL}
"""Used through errors.choose(TOKENIZERS, name, "tokenizer")."""
