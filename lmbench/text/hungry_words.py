"""The words of the built-in corpus `hungry`, and which go together. Data only; the sentences are in hungry_rules.py.

Who or what can be said to be so decides the degree adverbs: every state of a person and every quality of a thing has
a mood, and an adverb selects moods. What is done decides the manner adverbs: every activity has one of four ways.
In life the borders are softer (몹시 바쁘다 is good Korean); here they are sharp, so that what a model
should learn is known.
"""

from dataclasses import dataclass

from lmbench.text.korean import Stem

REGISTERS = {"P": 5.0, "Y": 3.0, "F": 2.5}  # plain -다, polite -요, formal -습니다


@dataclass(frozen=True)
class State:
    """What a person is: [noun] stem, of mood 'good', 'bad' or 'busy'."""

    name: str  # of the cell: noun and stem
    mood: str
    kind: str = ""
    weight: float = 1.0

    @property
    def noun(self) -> tuple[str, ...]:
        return tuple(self.name.split()[:-1])

    @property
    def stem(self) -> Stem:
        return Stem(self.name.split()[-1], self.kind)


@dataclass(frozen=True)
class Quality:
    """What a thing is: a stem of mood 'good', 'bad' or 'even' (neither)."""

    name: str
    mood: str
    kind: str = ""

    @property
    def stem(self) -> Stem:
        return Stem(self.name, self.kind)


@dataclass(frozen=True)
class Verb:
    """What is done: [object] stem, in one of the four ways of MANNER. marks: 's' in company, 'r' object made by it."""

    name: str
    way: str
    kind: str = ""
    marks: str = ""
    elder: str = ""  # the stem used of elders where it is another word: 드시 for 먹

    @property
    def object(self) -> tuple[str, ...]:
        return tuple(self.name.split()[:-1])

    def stem(self, honorific: bool = False) -> Stem:
        if honorific and self.elder:
            return Stem(self.elder, "시")
        return Stem(self.name.split()[-1], self.kind)


@dataclass(frozen=True)
class Topic:
    """A field of life: its places, company, verbs, groups of (things, their qualities), and what leads to what."""

    name: str
    weight: float
    places: tuple[str, ...]
    company: tuple[str, ...]
    elders: tuple[str, ...]
    verbs: tuple[Verb, ...]
    groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    causes: tuple[tuple[str, tuple[str, ...]], ...]  # (state, names of the verbs it makes people do)


# -- people and times; a word's weight falls with its place unless given

FIRST_PERSON = {"P": "나는", "Y": "저는", "F": "저는"}
PEOPLE = ("동생은", "친구는", "민수는", "누나는", "지영이는", "형은", "선배는", "사촌은")
ELDERS = ("할머니", "어머니", "아버지", "선생님", "할아버지", "사장님", "이모")
OTHERS = ("현우가", "수진이가", "삼촌이", "이웃이", "후배가", "고모가")  # not in PEOPLE: no one meets himself
TIMES = {
    "present": ("오늘", "지금", "요즘"),
    "past": ("어제", "아까", "주말에", "지난주에"),
    "going": ("지금", "오늘도"),
    "today": ("오늘", "지금"),
    "plan": ("내일", "이따가", "모레"),
}
THIS = ("이", "그", "저")
NEGATIVE = ("별로", "그다지", "전혀")
MORE = (("훨씬",), ("더",), ("조금", "더"))
REMEMBERED = (Stem("좋아하"), Stem("기억하"), Stem("칭찬하"))

# -- states and qualities

STATES = (
    State("배가 고프", "bad", weight=5.5),
    State("피곤하", "busy", weight=4),
    State("기분이 좋", "good", weight=4),
    State("바쁘", "busy", weight=3.5),
    State("행복하", "good", weight=3.5),
    State("머리가 아프", "bad", weight=3.5),
    State("기쁘", "good", weight=3),
    State("외롭", "bad", "ㅂ", weight=2.5),
    State("걱정이 많", "busy", weight=2.5),
    State("마음이 편하", "good", weight=2.5),
    State("슬프", "bad", weight=2.5),
    State("목이 마르", "bad", "르", weight=2.5),
    State("졸리", "bad", weight=2.5),
    State("할 일이 많", "busy", weight=2),
    State("답답하", "bad", weight=2),
    State("뿌듯하", "good", weight=2),
    State("힘이 없", "bad", weight=2),
    State("자신이 있", "good", weight=1.9),
)
NOT_DENIED = ("힘이 없", "자신이 있")  # one says the opposite word instead of -지 않다

QUALITIES = {
    quality.name: quality
    for quality in (
        *(Quality(name, "good") for name in ("맛있", "달콤하", "유익하", "재미있", "멋지", "훌륭하", "깨끗하")),
        Quality("따뜻하", "good"),
        *(Quality(name, "good", "ㅂ") for name in ("부드럽", "쉽", "아름답", "감미롭", "귀엽")),
        *(Quality(name, "bad") for name in ("짜", "지루하", "힘들", "비싸", "좁")),
        *(Quality(name, "bad", "ㅂ") for name in ("맵", "어렵", "무섭", "시끄럽", "부담스럽", "까다롭")),
        *(Quality(name, "even") for name in ("복잡하", "길", "젊", "치열하", "넓", "멀", "느리", "급하")),
        *(Quality(name, "even") for name in ("중요하", "작")),
        Quality("뜨겁", "even", "ㅂ"),
        Quality("빠르", "even", "르"),
    )
}

# -- adverbs

# degree adverb: weight in plain, polite and formal speech, and the moods it goes with
_ANY = ("good", "bad", "busy", "even")
DEGREE: dict[str, tuple[tuple[float, float, float], tuple[str, ...]]] = {
    "엄청": ((7, 5, 1.5), _ANY),
    "매우": ((6, 3, 6), _ANY),
    "너무": ((5, 6, 2.5), _ANY),
    "정말": ((4, 5, 4), _ANY),
    "아주": ((4, 4, 3), _ANY),
    "무척": ((3, 3, 4), _ANY),
    "굉장히": ((2, 3, 4), _ANY),
    "되게": ((2.5, 3, 0.3), _ANY),
    "무지": ((1.8, 1.2, 0.3), _ANY),
    "몹시": ((2, 1.5, 3), ("bad",)),
    "참": ((3, 3, 2), ("good",)),
    "꽤": ((3, 3, 2), ("busy", "even")),
    "상당히": ((1.5, 1.5, 3), ("busy", "even")),
}
# way of doing: its adverbs and their weights
MANNER = {
    "effort": {"열심히": 3.6, "꾸준히": 1.7, "부지런히": 1.4, "성실하게": 1.2},
    "haste": {"빨리": 3.6, "급히": 1.7, "얼른": 1.4, "서둘러": 1.2},
    "joy": {"즐겁게": 3.6, "신나게": 1.7, "흥겹게": 1.4, "유쾌하게": 1.2},
    "quiet": {"조용히": 3.6, "편안하게": 1.7, "느긋하게": 1.4, "여유롭게": 1.2},
}

# -- topics

_FAMILY = ("가족과", "친구들과", "이웃과")
TOPICS = (
    Topic(
        "food",
        4.5,
        ("식당에서", "부엌에서", "카페에서"),
        _FAMILY,
        ELDERS,
        (
            Verb("밥을 먹", "haste", marks="s", elder="드시"),
            Verb("빵을 굽", "effort", "ㅂ", marks="r"),
            Verb("커피를 마시", "quiet", marks="s", elder="드시"),
            Verb("수다를 떨", "joy", marks="s"),
        ),
        (
            (("김치찌개", "떡볶이", "라면"), ("맛있", "맵", "짜", "뜨겁")),
            (("빵", "케이크", "과자"), ("맛있", "달콤하", "부드럽", "비싸")),
        ),
        (("배가 고프", ("밥을 먹", "빵을 굽")), ("목이 마르", ("커피를 마시",)), ("바쁘", ("밥을 먹",))),
    ),
    Topic(
        "study",
        3.5,
        ("학교에서", "도서관에서", "교실에서"),
        ("친구들과",),
        ("선생님", "어머니", "아버지", "이모"),
        (
            Verb("책을 읽", "quiet", marks="r"),
            Verb("영어를 배우", "effort", marks="s"),
            Verb("숙제를 끝내", "haste", marks="s"),
            Verb("시를 쓰", "effort", marks="r"),
            Verb("퀴즈를 풀", "joy", marks="s"),
        ),
        (
            (("시험", "수업", "숙제"), ("어렵", "쉽", "복잡하", "길")),
            (("책", "강의", "소설"), ("유익하", "어렵", "지루하", "재미있")),
        ),
        (("걱정이 많", ("영어를 배우",)), ("할 일이 많", ("숙제를 끝내",)), ("마음이 편하", ("책을 읽",))),
    ),
    Topic(
        "movie",
        3.5,
        ("극장에서", "영화관에서", "대학로에서"),
        _FAMILY,
        ELDERS,
        (
            Verb("영화를 보", "quiet", marks="sr"),
            Verb("표를 사", "haste"),
            Verb("대사를 외우", "effort", marks="r"),
            Verb("농담을 하", "joy", marks="s"),
        ),
        (
            (("영화", "드라마", "연극"), ("재미있", "지루하", "무섭", "길")),
            (("배우", "주인공", "감독"), ("멋지", "훌륭하", "젊", "까다롭")),
        ),
        (("외롭", ("영화를 보",)), ("기분이 좋", ("영화를 보", "농담을 하", "표를 사"))),
    ),
    Topic(
        "sport",
        3,
        ("운동장에서", "체육관에서", "경기장에서"),
        ("친구들과", "가족과"),
        ("아버지", "선생님", "어머니", "할아버지"),
        (
            Verb("공을 차", "joy", marks="s"),
            Verb("운동하", "effort", marks="s"),
            Verb("달리", "joy", marks="s"),
            Verb("물을 챙기", "haste"),
        ),
        (
            (("경기", "훈련", "연습"), ("재미있", "치열하", "힘들", "지루하")),
            (("선수", "공격수", "골키퍼"), ("빠르", "느리", "훌륭하", "멋지")),
        ),
        (("답답하", ("공을 차", "달리", "운동하")), ("목이 마르", ("물을 챙기",))),
    ),
    Topic(
        "travel",
        3,
        ("부산에서", "강릉에서", "경주에서"),
        _FAMILY,
        ELDERS,
        (
            Verb("사진을 찍", "joy", marks="sr"),
            Verb("길을 걷", "quiet", "ㄷ", marks="s"),
            Verb("선물을 고르", "effort", "르", marks="sr"),
            Verb("기차를 타", "haste", marks="s"),
        ),
        (
            (("바다", "섬", "산"), ("아름답", "넓", "멀", "멋지")),
            (("호텔", "숙소", "민박"), ("깨끗하", "비싸", "넓", "시끄럽")),
        ),
        (("답답하", ("길을 걷",)), ("행복하", ("사진을 찍",)), ("피곤하", ("기차를 타",))),
    ),
    Topic(
        "music",
        3,
        ("공연장에서", "연습실에서", "학원에서"),
        ("친구들과", "가족과"),
        ELDERS,
        (
            Verb("노래를 부르", "joy", "르", marks="sr"),
            Verb("음악을 듣", "quiet", "ㄷ", marks="sr"),
            Verb("피아노를 연습하", "effort"),
            Verb("춤을 추", "joy", marks="sr"),
        ),
        (
            (("노래", "연주", "공연"), ("감미롭", "아름답", "훌륭하", "시끄럽")),
            (("악보", "합창", "춤"), ("어렵", "쉽", "복잡하", "길")),
        ),
        (("기쁘", ("노래를 부르", "춤을 추")), ("슬프", ("음악을 듣",)), ("자신이 있", ("피아노를 연습하",))),
    ),
    Topic(
        "work",
        3,
        ("회사에서", "사무실에서", "회의실에서"),
        ("동료들과",),
        ("사장님", "아버지", "어머니", "이모"),
        (
            Verb("일하", "effort", marks="s"),
            Verb("보고서를 쓰", "effort", marks="sr"),
            Verb("회의를 마치", "haste", marks="s"),
            Verb("서류를 읽", "quiet"),
            Verb("이야기를 나누", "joy", marks="s"),
        ),
        (
            (("회의", "출장", "발표"), ("길", "급하", "중요하", "부담스럽")),
            (("보고서", "서류", "계약"), ("중요하", "복잡하", "급하", "까다롭")),
        ),
        (("할 일이 많", ("일하", "보고서를 쓰")), ("바쁘", ("회의를 마치",))),
    ),
    Topic(
        "home",
        3,
        ("집에서", "방에서", "거실에서"),
        ("가족과",),
        ELDERS,
        (
            Verb("쉬", "quiet", marks="s"),
            Verb("청소를 끝내", "haste", marks="s"),
            Verb("화분을 가꾸", "effort", marks="sr"),
            Verb("잠을 자", "quiet", elder="주무시"),
            Verb("강아지와 놀", "joy"),
        ),
        (
            (("방", "거실", "마당"), ("깨끗하", "따뜻하", "넓", "좁")),
            (("강아지", "고양이", "아기"), ("귀엽", "작", "시끄럽", "빠르")),
        ),
        (("피곤하", ("쉬", "잠을 자")), ("졸리", ("잠을 자",)), ("머리가 아프", ("쉬",)), ("외롭", ("강아지와 놀",))),
    ),
)
PROUD = ("뿌듯하", "기분이 좋", "피곤하")  # what effort leaves behind
HAPPY = ("행복하", "기쁘", "기분이 좋")  # what joy leaves behind
