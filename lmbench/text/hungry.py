"""The built-in corpus `hungry`: Korean sentences of a known distribution, made from a seed in a second.

A probabilistic grammar (hungry_rules.py) says what the language is. Some cells (adverb, predicate) are held out:
train, valid and test come from the grammar conditioned on using none of them, so a model never sees 무지 before
배가 고프다 though it sees both words often, and what it should have said is known exactly.
"""

from functools import cache

import numpy as np

from lmbench.errors import BadText
from lmbench.text.hungry_probes import Builder
from lmbench.text.hungry_rules import rules
from lmbench.text.pcfg import Label, Pcfg
from lmbench.text.probes import Probes, Story, check

SIZES = {"train": 20_000, "valid": 2_000, "test": 4_000, "held": 1_000}
HEADLINE: Label = ("무지", "배가 고프")
SEEN = ("나는 엄청 배가 고프다", "나는 매우 배가 고프다")
UNSEEN = "나는 무지 배가 고프다"

# Adverb: the predicates it never meets in train. Each would have been seen 3 to 30 times in 20,000 sentences: rarer
# cells would be missing by chance, and the absence of commoner ones is itself learned. No predicate loses more than
# a third of its adverbs' mass.
HELD = {
    "엄청": "힘이 없, 맛있, 따뜻하, 멀, 시끄럽",
    "매우": "힘이 없, 까다롭, 멋지, 젊, 느리",
    "너무": "자신이 있, 부드럽, 감미롭, 짜",
    "정말": "자신이 있, 무섭, 귀엽, 비싸, 힘들",
    "아주": "졸리, 뿌듯하, 쉽, 맵, 급하, 아름답",
    "무척": "슬프, 졸리, 치열하, 뜨겁, 훌륭하, 빠르",
    "굉장히": "외롭, 걱정이 많, 유익하, 달콤하, 짜, 지루하",
    "되게": "목이 마르, 기쁘, 넓, 재미있, 중요하, 비싸",
    "무지": "배가 고프, 슬프, 훌륭하, 멋지, 어렵, 맛있",
    "몹시": "외롭, 답답하, 어렵, 지루하",
    "참": "뿌듯하, 마음이 편하, 재미있, 깨끗하",
    "꽤": "할 일이 많, 길, 넓",
    "상당히": "걱정이 많, 복잡하, 중요하",
    "꾸준히": "보고서를 쓰, 대사를 외우",
    "부지런히": "선물을 고르",
    "성실하게": "피아노를 연습하",
    "급히": "청소를 끝내",
    "얼른": "물을 챙기",
    "서둘러": "숙제를 끝내, 기차를 타",
    "신나게": "이야기를 나누, 강아지와 놀",
    "흥겹게": "퀴즈를 풀, 춤을 추",
    "유쾌하게": "공을 차, 달리",
    "편안하게": "길을 걷",
    "느긋하게": "음악을 듣",
    "여유롭게": "쉬",
}


@cache
def held_cells() -> frozenset[Label]:
    """The (adverb, predicate) pairs that never meet in train, valid and test."""
    return frozenset((adverb, name) for adverb, names in HELD.items() for name in names.split(", "))


@cache
def grammar(conditioned: bool) -> Pcfg:
    """The full language, or the one train, valid and test are drawn from: conditioned on no held-out cell."""
    return grammar(False).without(held_cells()) if conditioned else Pcfg(rules())


def splits(seed: int = 0) -> dict[str, list[list[str]]]:
    """train, valid and test of the conditioned grammar; held: sentences of the full one with a held-out cell each.

    The same everywhere: a seed's uniform numbers (PCG64) and sums correctly rounded.
    """
    drawn = {}
    for part, (name, size) in enumerate(SIZES.items()):
        rng = np.random.Generator(np.random.PCG64([seed, part]))
        if name == "held":
            chosen = (words for words, used in grammar(False).derivations(rng) if not held_cells().isdisjoint(used))
            drawn[name] = [words for words, _ in zip(chosen, range(size), strict=False)]
        else:
            drawn[name] = grammar(True).sample(size, rng)
    _check(drawn["train"], seed)
    return drawn


def _check(train: list[list[str]], seed: int) -> None:
    """The story must be true of train: both sentences that are told as seen occur, the other pair nowhere."""
    lines = {" ".join(sentence) for sentence in train}
    missing = [sentence for sentence in SEEN if sentence not in lines]
    first = HEADLINE[1].split()[0]
    leaks = [line for line in lines if f" {HEADLINE[0]} {first} " in f" {line} "]
    if missing or leaks:
        raise BadText(
            f"the corpus of seed {seed} does not tell the story: missing {missing}, leaked {leaks[:3]}; a sample of "
            f"{len(train)} sentences can by chance lack one of them: take another seed"
        )


def probes(train: list[list[str]], seed: int = 0) -> Probes:
    """Held-out and seen cells in neutral contexts, crossed pairs, and the story, for this training text.

    seed draws which of the many crossed pairs are used.
    """
    builder = Builder(train, grammar(False), held_cells())
    rng = np.random.Generator(np.random.PCG64([seed, len(SIZES)]))
    story = Story(tuple(tuple(sentence.split()) for sentence in (*SEEN, UNSEEN)))
    made = Probes(builder.probes(), builder.crossed(rng), story, HEADLINE)
    check(made, train)
    return made
