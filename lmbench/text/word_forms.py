"""What the tokens of a text are as words: which begin one, which have a meaning of their own, which are one word.

A pair of words is not unseen if train has it in another inflection, spelling or spacing. Forms therefore puts tokens
into families: those whose lemma sounds alike. Lemmas, endings and parts of speech come from Kiwi, for text it has cut,
by majority over a part of train; other text is taken word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig
from lmbench.text.marks import SPACE
from lmbench.text.tokenizers import Morpheme, morphemes

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

ANALYSED = 20_000
"""Lines of train that Kiwi tags: enough for every word that is frequent enough for a probe."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CONTENT = ("NNG", "NNP", "VV", "VA", "XR", "MAG")
_BETWEEN = ("J", "E", "XS", "VC")
_REPEATED = re.compile(r"(.)\1+")
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆ_ㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅔㅑㅖㅓㅔㅕㅖㅗㅘㅞㅞㅛㅜㅝㅞㅟㅠㅡㅢㅣ"  # ㅐ as ㅔ, ㅙ and ㅚ as ㅞ: heard as one
_CODAS = "_ㄱㄱㄱㄴㄴㄴㄷㄹㄱㅁㄹㄹㄹㅂㄹㅁㅂㅂㄷㄷㅇㄷㄷㄱㄷㅂㄷ"


@dataclass(frozen=True, eq=False)
class Forms:
    """Of each of W tokens:

    begins:  bool (W,)   it begins a word (of the line between spaces)
    content: bool (W,)   it has a meaning of its own: it begins with a noun, verb, adjective or adverb
    between: bool (W,)   a particle or an ending inside a word, or a function word: it may stand between a and b
    family:  int64 (W,)  the same number for tokens of one lemma, however it is inflected, spelled or spaced
    ending:  int64 (W,)  the same number for tokens of one part of speech that end in one particle or ending
    """

    begins: Bools
    content: Bools
    between: Bools
    family: Ints
    ending: Ints


def forms(words: Sequence[str], counts: Ints, tokenizer: str, lines: Sequence[str], closed: int) -> Forms:
    """Of these distinct tokens, seen so often in train.

    lines: of train, for Kiwi to tag. closed: without a tagger, so many of the commonest words are taken for function
    words, which have no meaning of their own and may stand between. A unit that is no word is refused.
    """
    if tokenizer == "syllables":
        raise BadConfig(
            "tokenizer = 'syllables': probes are pairs of words, and a syllable is none; mine them in a benchmark "
            "whose tokenizer is kiwi, words or whitespace"
        )
    if tokenizer == "kiwi":
        return _tagged(words, lines[:ANALYSED])
    rank = np.empty(len(words), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(words))
    content = np.array([len(word) > 1 and bool(_WORD.fullmatch(word)) for word in words], bool)
    return Forms(
        begins=np.ones(len(words), bool),
        content=content & (rank >= closed),
        between=rank < closed,
        family=_numbered([sound(word) for word in words]),
        ending=np.zeros(len(words), np.int64),
    )


def _tagged(words: Sequence[str], lines: Sequence[str]) -> Forms:
    """By what Kiwi most often takes each token for; one that these lines lack is no content, and sounds as written."""
    counts = Counter(
        (token, tuple(found))
        for tokens, inside in morphemes(lines)
        for token, found in zip(tokens, inside, strict=True)
    )
    best: dict[str, tuple[Morpheme, ...]] = {
        token: found for (token, found), _ in sorted(counts.items(), key=lambda item: (item[1], item[0]))
    }  # the last one stays
    analyses = [best.get(word, ()) for word in words]
    tags = [[tag.split("-")[0] for _, tag in found] or ["?"] for found in analyses]
    begins = np.array([word.startswith(SPACE) for word in words], bool)
    content = np.array([found[0] in _CONTENT for found in tags], bool)
    lemmas = [
        found[0][0] if is_content else word.removeprefix(SPACE)
        for word, found, is_content in zip(words, analyses, content, strict=True)
    ]
    endings = [
        (own[0], found[-1][0] if own[-1][0] in "JE" else "") if found else ("?", "")
        for own, found in zip(tags, analyses, strict=True)
    ]
    return Forms(
        begins=begins,
        content=content,
        between=~begins & np.array([found[0].startswith(_BETWEEN) for found in tags], bool),
        family=_numbered([sound(lemma) for lemma in lemmas]),
        ending=_numbered(endings),
    )


def sound(word: str) -> str:
    """How a word is heard, near enough that its misspellings are one: 재밌, 재밋, 잼있 and 재미있; colour, color.

    Hangul: ㅇ that is silent falls, finals and vowels that are heard as one are one, repetitions are one. Other
    scripts: no case, accent, hyphen or apostrophe, no doubled letter, -our as -or, s as z.
    """
    heard = []
    for character in unicodedata.normalize("NFC", word.casefold()):
        code = ord(character) - ord("가")
        if 0 <= code < 11_172:
            heard += [_LEADS[code // 588], _VOWELS[code % 588 // 28], _CODAS[code % 28]]
        else:
            heard += [c for c in unicodedata.normalize("NFKD", character) if c.isalnum()]
    text = "".join(part for part in heard if part != "_")
    text = text.replace("our", "or").replace("s", "z") if text.isascii() else text
    return _REPEATED.sub(r"\1", text) or word


def _numbered(names: Sequence[object]) -> Ints:
    """The number of each name, by first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
