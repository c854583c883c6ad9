"""Korean conjugation: from a stem to the inflected word, enough of it for the built-in grammar.

A stem is the dictionary form without 다 (고프, 듣, 행복하). What the spelling of a stem does not show, its class, is
given beside it: "ㅂ" (아름답), "ㄷ" (듣) or "르" (부르); the classes of 하, 으 and ㄹ are seen in the stem itself.

>>> polite(past(honorific(Stem("고프"))))
'고프셨어요'
"""

from dataclasses import dataclass

_FIRST, _LAST = ord("가"), ord("힣")
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_MERGE = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅚ": "ㅙ"}  # 보아 봐, 배우어 배워, 마시어 마셔, 되어 돼
_ABSORB = "ㅏㅓㅐㅔㅕ"  # 가아 가, 서어 서, 보내어 보내


@dataclass(frozen=True)
class Stem:
    """What endings are added to. kind: '', 'ㅂ', 'ㄷ', '르', and what honorific() and past() make: '시', '았'."""

    text: str
    kind: str = ""

    def __post_init__(self) -> None:
        last, consonant = self.text[-1], final(self.text)
        shown = {
            "": "",
            "ㅂ": consonant,
            "ㄷ": consonant,
            "르": last,
            "시": last,
            "았": "았" if consonant == "ㅆ" else "",
        }
        if self.kind not in shown:
            raise ValueError(f"no class {self.kind!r} of stems; one of {', '.join(map(repr, shown))}")
        if shown[self.kind] != self.kind:
            raise ValueError(f"{self.text} does not end as a stem of class {self.kind} does")


def _parts(syllable: str) -> tuple[int, str, str]:
    """Initial (its number), medial and final of a syllable."""
    code = ord(syllable) - _FIRST
    if not 0 <= code <= _LAST - _FIRST:
        raise ValueError(f"{syllable!r} is not a Hangul syllable")
    return code // 588, _MEDIALS[code % 588 // 28], _FINALS[code % 28]


def _syllable(initial: int, medial: str, final: str = "") -> str:
    return chr(_FIRST + 588 * initial + 28 * _MEDIALS.index(medial) + _FINALS.index(final))


def final(word: str) -> str:
    """The consonant a word ends in, '' after a vowel.

    >>> final("밥"), final("나")
    ('ㅂ', '')
    """
    return _parts(word[-1])[2]


def with_final(word: str, consonant: str) -> str:
    """word with the final consonant of its last syllable replaced ('' removes it).

    >>> with_final("하", "ㄴ"), with_final("길", "")
    ('한', '기')
    """
    initial, medial, _ = _parts(word[-1])
    return word[:-1] + _syllable(initial, medial, consonant)


def with_particle(noun: str, particle: str) -> str:
    """noun and particle, in the form the noun's last sound asks for: 은 (는), 이 (가), 을 (를), 과 (와).

    >>> with_particle("영화", "은"), with_particle("수업", "은"), with_particle("영화", "보다")
    ('영화는', '수업은', '영화보다')
    """
    after_vowel = {"은": "는", "이": "가", "을": "를", "과": "와"}
    return noun + (particle if final(noun) else after_vowel.get(particle, particle))


def infinitive(stem: Stem) -> str:
    """The -아/어 form, contracted as it is written.

    >>> [infinitive(Stem(s)) for s in ("고프", "좋", "행복하", "마시", "배우", "보", "만나", "쉬", "쓰", "보내", "되")]
    ['고파', '좋아', '행복해', '마셔', '배워', '봐', '만나', '쉬어', '써', '보내', '돼']
    >>> [infinitive(Stem(*s)) for s in (("외롭", "ㅂ"), ("듣", "ㄷ"), ("부르", "르"), ("마르", "르"))]
    ['외로워', '들어', '불러', '말라']
    """
    text = stem.text
    initial, medial, consonant = _parts(text[-1])
    if stem.kind == "았":
        return text + "어"
    if text[-1] == "하":
        return text[:-1] + "해"
    if stem.kind == "ㅂ":
        return with_final(text, "") + "워"
    if stem.kind == "ㄷ":
        text = with_final(text, "ㄹ")
    if stem.kind == "르":
        return with_final(text[:-1], "ㄹ") + ("라" if _bright(text[-2]) else "러")
    if consonant:
        return text + ("아" if _bright(text[-1]) else "어")
    if medial == "ㅡ":  # 으 drops, and the syllable before it decides: 고프 고파, 슬프 슬퍼, 쓰 써
        return text[:-1] + _syllable(initial, "ㅏ" if len(text) > 1 and _bright(text[-2]) else "ㅓ")
    if medial in _MERGE:
        return text[:-1] + _syllable(initial, _MERGE[medial])
    return text if medial in _ABSORB else text + "어"


def _bright(syllable: str) -> bool:
    """Whether the vowel takes 아 rather than 어."""
    return _parts(syllable)[1] in "ㅏㅑㅗ"


def _before_eu(stem: Stem) -> str:
    """The stem as it stands before endings in -(으)-, that vowel included where it is written."""
    if stem.kind == "ㅂ":
        return with_final(stem.text, "") + "우"
    if stem.kind == "ㄷ":
        return with_final(stem.text, "ㄹ") + "으"
    return stem.text + ("" if final(stem.text) in ("", "ㄹ") else "으")


def _drop_l(text: str) -> str:
    """ㄹ falls before ㄴ, ㅂ and ㅅ: 길 기시, 만들 만든."""
    return with_final(text, "") if final(text) == "ㄹ" else text


def honorific(stem: Stem) -> Stem:
    """The stem with -(으)시-.

    >>> [honorific(Stem(*s)).text for s in (("고프",), ("좋",), ("만들",), ("외롭", "ㅂ"), ("걷", "ㄷ"))]
    ['고프시', '좋으시', '만드시', '외로우시', '걸으시']
    """
    return Stem(_drop_l(_before_eu(stem)) + "시", "시")


def past(stem: Stem) -> Stem:
    """The stem with -았/었-.

    >>> [past(s).text for s in (Stem("고프"), Stem("먹"), Stem("행복하"), honorific(Stem("읽")))]
    ['고팠', '먹었', '행복했', '읽으셨']
    """
    text = infinitive(stem)
    return Stem(with_final(text, "ㅆ"), "았")


def plain(stem: Stem, *, verb: bool = False) -> str:
    """-다, as in writing and to oneself; verb: the present of a verb, -ㄴ다/는다.

    >>> plain(Stem("고프")), plain(past(Stem("먹"))), plain(Stem("먹"), verb=True), plain(Stem("만들"), verb=True)
    ('고프다', '먹었다', '먹는다', '만든다')
    """
    if not verb:
        return stem.text + "다"
    text = _drop_l(stem.text)
    return text + "는다" if final(text) else with_final(text, "ㄴ") + "다"


def polite(stem: Stem) -> str:
    """-아요/어요; the honorific present is -세요.

    >>> polite(Stem("좋")), polite(honorific(Stem("좋"))), polite(past(Stem("좋")))
    ('좋아요', '좋으세요', '좋았어요')
    """
    return stem.text[:-1] + "세요" if stem.kind == "시" else infinitive(stem) + "요"


def formal(stem: Stem) -> str:
    """-습니다/ㅂ니다.

    >>> formal(Stem("좋")), formal(Stem("고프")), formal(Stem("길")), formal(past(Stem("길")))
    ('좋습니다', '고픕니다', '깁니다', '길었습니다')
    """
    text = _drop_l(stem.text)
    return text + "습니다" if final(text) else with_final(text, "ㅂ") + "니다"


def because(stem: Stem) -> str:
    """-아서/어서: and so, and then.

    >>> because(Stem("고프")), because(honorific(Stem("많"))), because(Stem("굽", "ㅂ"))
    ('고파서', '많으셔서', '구워서')
    """
    return infinitive(stem) + "서"


def quoted(stem: Stem) -> str:
    """-다고 of an adjective, a past or 있다 and 없다: what someone says is so.

    >>> quoted(Stem("고프"))
    '고프다고'
    """
    return stem.text + "다고"


def intending(stem: Stem) -> str:
    """-(으)려고: in order to, about to. ㄹ stays and takes no 으.

    >>> [intending(Stem(*s)) for s in (("먹",), ("마시",), ("떨",), ("듣", "ㄷ"), ("굽", "ㅂ"))]
    ['먹으려고', '마시려고', '떨려고', '들으려고', '구우려고']
    """
    return _before_eu(stem) + "려고"


def modifier(stem: Stem) -> str:
    """-(으)ㄴ before a noun: the past of a verb, the present of an adjective.

    >>> [modifier(Stem(*s)) for s in (("먹",), ("보",), ("만들",), ("굽", "ㅂ"), ("듣", "ㄷ"))]
    ['먹은', '본', '만든', '구운', '들은']
    """
    return with_final(_drop_l(_before_eu(stem)), "ㄴ")
