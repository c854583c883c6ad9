"""The sentences of the built-in corpus: from the words of hungry_words.py to the rules of a grammar.

What reaches across a sentence: the register (나는 .. 고프다, 저는 .. 고파요), the honorific (할머니께서는 .. 고프시다,
also across a relative clause), time and tense (어제 .. 고팠다), the topic (배가 고파서 식당에서 .. 밥을), negation
(별로 .. 않다). A nonterminal is a name in ASCII and its features: topic, register, honorific (0 or 1), form, as in
VP.food.P.1.past; words in Hangul are tokens.
"""

from collections.abc import Iterable, Iterator

from lmbench.text import korean
from lmbench.text.hungry_words import (
    DEGREE,
    ELDERS,
    FIRST_PERSON,
    HAPPY,
    MANNER,
    MORE,
    NEGATIVE,
    NOT_DENIED,
    OTHERS,
    PEOPLE,
    PROUD,
    QUALITIES,
    REGISTERS,
    REMEMBERED,
    STATES,
    THIS,
    TIMES,
    TOPICS,
    State,
    Topic,
    Verb,
)
from lmbench.text.korean import Stem
from lmbench.text.pcfg import Label, Rule

PLAIN_SHARE = 0.3  # predicates without an adverb
OBJECT_FIRST = 0.25  # of the adverbs of transitive verbs, those that stand after the object
ELDERLY = 0.25  # honorific subjects
FRAMES = {"EVAL": 5.0, "ACT": 5.0, "CAUSE": 4.0, "REL": 2.0, "AFTER": 1.5, "COMP": 1.0}
STATE_FRAME, NEGATION, QUOTE = 8.0, 1.2, 1.3  # against the sum of FRAMES
_STATE = {state.name: state for state in STATES}


def rules() -> list[Rule]:
    """All rules; a rule whose use is an adverb meeting a predicate is labelled (adverb, predicate)."""
    return [*_sentences(), *_subjects(), *_states(), *_qualities(), *_verbs()]


def _rule(lhs: str, rhs: str | Iterable[str], weight: float = 1.0, label: Label | None = None) -> Rule:
    return Rule(lhs, tuple(rhs.split() if isinstance(rhs, str) else rhs), weight, label)


def _falling(lhs: str, options: Iterable[str | Iterable[str]]) -> Iterator[Rule]:
    """One rule an option, the k-th with weight 1 / (k + 2)."""
    return (_rule(lhs, option, 1 / (k + 2)) for k, option in enumerate(options, 1))


def conjugated(stem: Stem, register: str, tense: str = "present", honorific: bool = False, verb: bool = False) -> str:
    """The predicate at the end of a sentence."""
    if honorific and stem.kind != "시":
        stem = korean.honorific(stem)
    if tense == "past":
        stem = korean.past(stem)
    if register == "P":
        return korean.plain(stem, verb=verb and tense != "past")
    return korean.polite(stem) if register == "Y" else korean.formal(stem)


def _honorific(stem: Stem, honorific: bool) -> Stem:
    return korean.honorific(stem) if honorific and stem.kind != "시" else stem


def _grown(elders: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{elder}께서는" for elder in elders)


# -- sentences


def _sentences() -> Iterator[Rule]:
    for r, weight in REGISTERS.items():
        yield _rule("S", f"R.{r}", weight)
        yield _rule(f"R.{r}", f"STATE.{r}", STATE_FRAME)
        yield _rule(f"R.{r}", f"NEG.{r}", NEGATION)
        yield _rule(f"R.{r}", f"QUOTE.{r}", QUOTE)
        for h in (0, 1):
            share = ELDERLY if h else 1 - ELDERLY
            for tense, often in (("present", 0.7), ("past", 0.3)):
                subject = f"NP.all.{r}.{h}.{tense}"
                yield _rule(f"STATE.{r}", f"{subject} ST.all.{r}.{h}.{tense}", share * often)
                yield _rule(f"NEG.{r}", f"{subject} NEGATIVE NOT.{r}.{h}.{tense}", share * often)
            if not h:  # 자기 is neither oneself speaking nor an elder
                yield _rule(f"QUOTE.{r}", f"PERSON 자기는 ST.all.{r}.0.that SAY.{r}.0", share * 0.4)
            yield _rule(f"QUOTE.{r}", f"SUBJ.all.{r}.{h} OTHER ST.all.{r}.0.that SAY.{r}.{h}", share * 0.6)
        scale = sum(FRAMES.values()) / sum(topic.weight for topic in TOPICS)
        for topic in TOPICS:
            yield _rule(f"R.{r}", f"T.{topic.name}.{r}", topic.weight * scale)
            for frame, frame_weight in FRAMES.items():
                yield _rule(f"T.{topic.name}.{r}", f"{frame}.{topic.name}.{r}", frame_weight)
            yield from _about_things(topic, r)
            for h in (0, 1):
                yield from _about_people(topic, r, h)


def _about_things(topic: Topic, r: str) -> Iterator[Rule]:
    t = topic.name
    for g, (things, _) in enumerate(topic.groups):
        yield _rule(f"EVAL.{t}.{r}", f"THIS THING.{t}.{g} Q.{t}.{g}.{r}", 4)
        yield _rule(f"EVAL.{t}.{r}", f"OTHER 보기에 THIS THING.{t}.{g} Q.{t}.{g}.{r}")
        if g == 0:
            yield _rule(f"COMP.{t}.{r}", f"PAIR.{t} MORE QONLY.{t}.{r}")
        if r == "P":  # said once: these have no register
            yield from _falling(f"THING.{t}.{g}", [korean.with_particle(thing, "은") for thing in things])
            pairs = [(a, b) for a in things for b in things if a != b and g == 0]
            yield from (_rule(f"PAIR.{t}", (korean.with_particle(a, "은"), f"{b}보다")) for a, b in pairs)


def _about_people(topic: Topic, r: str, h: int) -> Iterator[Rule]:
    t, share = topic.name, ELDERLY if h else 1 - ELDERLY
    for tense, often in (("past", 0.6), ("going", 0.2), ("plan", 0.2)):
        subject, deed = f"NP.{t}.{r}.{h}.{tense}", f"{r}.{h}.{tense}"
        for place, place_share in (("", 0.55), (f"PLACE.{t} ", 0.45)):
            weight = share * often * place_share
            yield _rule(f"ACT.{t}.{r}", f"{subject} {place}VP.{t}.all.{deed}", weight * 0.8)
            yield _rule(f"ACT.{t}.{r}", f"{subject} WITH.{t} {place}VP.{t}.s.{deed}", weight * 0.2)
            for c, (state, _) in enumerate(topic.causes):  # what one means to do because of how one feels is for today
                when = f"NP.{t}.{r}.{h}.{'today' if tense == 'plan' else tense}"
                cause = f"{when} STATE.{state.replace(' ', '')}.{r}.{h}.so {place}VP.{t}.c{c}.{deed}"
                yield _rule(f"CAUSE.{t}.{r}", cause, weight * _STATE[state].weight)
    for tense in ("present", "past"):
        subject = f"NP.{t}.{r}.{h}.{tense}"
        for way in ("effort", "joy"):
            yield _rule(f"AFTER.{t}.{r}", f"{subject} VP.{t}.{way}.{r}.{h}.so ST.{way}.{r}.{h}.{tense}", share)
        yield _rule(f"REL.{t}.{r}", f"SUBJ.{t}.{r}.{h} REL.{t} REMEMBER.{r}.{h}.{tense}", share)


# -- subjects, places, times, closed words


def _subjects() -> Iterator[Rule]:
    yield from _falling("PERSON", PEOPLE)
    yield from _falling("OTHER", OTHERS)
    yield from _falling("THIS", THIS)
    yield from _falling("NEGATIVE", NEGATIVE)
    yield from _falling("MORE", MORE)
    for tense, times in TIMES.items():
        yield from _falling(f"TIME.{tense}", times)
    elders = {"all": ELDERS} | {topic.name: topic.elders for topic in TOPICS}
    for name, grown in elders.items():
        yield from _falling(f"ELDER.{name}", _grown(grown))
        for r, first in FIRST_PERSON.items():
            yield from (_rule(f"SUBJ.{name}.{r}.0", first, 1.1), _rule(f"SUBJ.{name}.{r}.0", "PERSON", 0.9))
            yield _rule(f"SUBJ.{name}.{r}.1", f"ELDER.{name}")
            for h in (0, 1):
                for tense in TIMES:
                    phrase, subject, time = f"NP.{name}.{r}.{h}.{tense}", f"SUBJ.{name}.{r}.{h}", f"TIME.{tense}"
                    yield from (_rule(phrase, subject, 0.7), _rule(phrase, (time, subject), 0.15))
                    yield _rule(phrase, (subject, time), 0.15)
    for topic in TOPICS:
        yield from _falling(f"PLACE.{topic.name}", topic.places)
        yield from _falling(f"WITH.{topic.name}", topic.company)
    for r in REGISTERS:
        for h, (said, did) in enumerate(((Stem("말하"), Stem("하")), (Stem("말씀하"), Stem("하")))):
            yield _rule(f"SAY.{r}.{h}", conjugated(said, r, "past", bool(h)), 2)
            yield _rule(f"SAY.{r}.{h}", conjugated(did, r, "past", bool(h)))
            for tense in ("present", "past"):
                endings = [conjugated(stem, r, tense, bool(h), verb=True) for stem in REMEMBERED]
                yield from _falling(f"REMEMBER.{r}.{h}.{tense}", endings)


# -- predicates


def _degrees(symbol: str, name: str, mood: str, register: str, words: tuple[str, ...]) -> Iterator[Rule]:
    """symbol -> words, alone or after each degree adverb that goes with the mood."""
    place = list(REGISTERS).index(register)
    adverbs = {adverb: weights[place] for adverb, (weights, moods) in DEGREE.items() if mood in moods}
    total = sum(adverbs.values())
    yield _rule(symbol, words, PLAIN_SHARE)
    for adverb, weight in adverbs.items():
        yield _rule(symbol, (adverb, *words), (1 - PLAIN_SHARE) * weight / total, (adverb, name))


def _states() -> Iterator[Rule]:
    groups = {"all": tuple(_STATE), "effort": PROUD, "joy": HAPPY}
    forms = [(r, h, form) for r in REGISTERS for h in (0, 1) for form in ("present", "past", "so", "that")]
    for r, h, form in forms:
        features = f"{r}.{h}.{form}"
        for name, states in groups.items():
            symbols = [(f"STATE.{state.replace(' ', '')}.{features}", _STATE[state].weight) for state in states]
            yield from (_rule(f"ST.{name}.{features}", symbol, weight) for symbol, weight in symbols)
        for state in STATES:
            words = (*state.noun, _state_form(state, r, bool(h), form))
            yield from _degrees(f"STATE.{state.name.replace(' ', '')}.{features}", state.name, state.mood, r, words)
    for r, h, tense in ((r, h, tense) for r, h, tense in forms if tense in ("present", "past")):
        ending = conjugated(Stem("않"), r, tense, bool(h))
        for state in STATES:
            if state.name not in NOT_DENIED:
                yield _rule(f"NOT.{r}.{h}.{tense}", (*state.noun, f"{state.stem.text}지", ending), state.weight)


def _state_form(state: State, register: str, honorific: bool, form: str) -> str:
    stem = state.stem
    if form == "so":
        return korean.because(_honorific(stem, honorific))
    if form == "that":
        return korean.quoted(_honorific(stem, honorific))
    return conjugated(stem, register, form, honorific)


def _qualities() -> Iterator[Rule]:
    for r in REGISTERS:
        for topic in TOPICS:
            for g, (_, names) in enumerate(topic.groups):
                yield from _falling(f"Q.{topic.name}.{g}.{r}", [f"QUALITY.{name}.{r}" for name in names])
                if g == 0:
                    plain = [conjugated(QUALITIES[name].stem, r) for name in names]
                    yield from _falling(f"QONLY.{topic.name}.{r}", plain)
        for quality in QUALITIES.values():
            words = (conjugated(quality.stem, r),)
            yield from _degrees(f"QUALITY.{quality.name}.{r}", quality.name, quality.mood, r, words)


def _verbs() -> Iterator[Rule]:
    for topic in TOPICS:
        t = topic.name
        chosen: dict[str, list[Verb]] = {"all": list(topic.verbs), "s": [v for v in topic.verbs if "s" in v.marks]}
        for c, (_, names) in enumerate(topic.causes):
            chosen[f"c{c}"] = [verb for verb in topic.verbs if verb.name in names]
        chosen |= {way: [verb for verb in topic.verbs if verb.way == way] for way in ("effort", "joy")}
        for r, h in ((r, h) for r in REGISTERS for h in (0, 1)):
            for form in ("past", "going", "plan", "so"):
                features = f"{r}.{h}.{form}"
                for name, verbs in chosen.items():
                    symbols = [f"VERB.{verb.name.replace(' ', '')}.{features}" for verb in verbs]
                    yield from _falling(f"VP.{t}.{name}.{features}", symbols)
                for verb in topic.verbs:
                    symbol = f"VERB.{verb.name.replace(' ', '')}.{features}"
                    yield from _deed(symbol, verb, _verb_form(verb, r, h, form))
        for verb in topic.verbs:
            if "r" in verb.marks:
                made = (korean.modifier(verb.stem()), *verb.object)
                yield from (_rule(f"REL.{t}", ("OTHER", *place, *made)) for place in ((), (f"PLACE.{t}",)))
                yield _rule(f"REL.{t}", ("TIME.past", "OTHER", *made))


def _deed(symbol: str, verb: Verb, ending: tuple[str, ...]) -> Iterator[Rule]:
    """symbol -> [object] verb, with an adverb of its way before or after the object, or none."""
    adverbs = MANNER[verb.way]
    total = sum(adverbs.values())
    after = OBJECT_FIRST if verb.object else 0.0
    yield _rule(symbol, (*verb.object, *ending), PLAIN_SHARE)
    for adverb, weight in adverbs.items():
        share, label = (1 - PLAIN_SHARE) * weight / total, (adverb, verb.name)
        yield _rule(symbol, (adverb, *verb.object, *ending), share * (1 - after), label)
        if after:
            yield _rule(symbol, (*verb.object, adverb, *ending), share * after, label)


def _verb_form(verb: Verb, r: str, h: int, form: str) -> tuple[str, ...]:
    stem = verb.stem(bool(h))
    if form == "past":
        return (conjugated(stem, r, "past", bool(h)),)
    if form == "so":
        return (korean.because(_honorific(stem, bool(h))),)
    if form == "plan":
        return (korean.intending(stem), conjugated(Stem("하"), r, honorific=bool(h), verb=True))
    helper = conjugated(Stem("계시", "시"), r, honorific=True, verb=True) if h else conjugated(Stem("있"), r)
    return (f"{stem.text}고", helper)
