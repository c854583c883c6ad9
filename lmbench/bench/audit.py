"""The audit: whether test, or what is chosen on valid, has leaked into what models learn from.

A text repeats itself: short sentences occur again in any further text, and a grammar makes the same sentence twice. So
what valid and test share with train is held against what train's lines share with one another, and only what goes
beyond that is called a leak. What is equal by construction, such as a test file given as valid, needs no yardstick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench.bench.benchmark import Benchmark
from lmbench.bench.texts import NO_MEASURE, TAKE_OUT, EmbeddingText
from lmbench.measures.repetition import Share, beyond, expected, repeats
from lmbench.text.corpus import Corpus
from lmbench.text.duplicates import Bools, Runs, Signatures, folded, same
from lmbench.text.probes import Probes, faults

SAMPLE = 10_000
"""Lines of train, at most, that are looked for in the rest of it."""
EXAMPLES = 3
LONG, COPIES = 40, 0.05
"""A line of so many characters is hardly said twice: if so many of test's are in train, a document was read twice."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    what:  what was looked for             where: in which text, and whose lines
    found: how many lines or words have it        of: how many were looked at
    usual: the same share within train, None where there should be none
    leak:  whether it is a finding
    """

    what: str
    where: str
    found: int
    of: int
    usual: float | None
    leak: bool


@dataclass(frozen=True)
class Finding:
    """A leak: what is the case, how often, a few examples, what to do about it."""

    fact: str
    found: int
    of: int
    remedy: str
    examples: tuple[str, ...] = ()


@dataclass
class Audit:
    """What was looked at and what was found.

    quoted: whether lines of the corpus may be shown as examples
    notes:  what is no leak but must be known, or could not be looked at
    """

    quoted: bool = True
    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, check: Check, fact: str, remedy: str, examples: Iterable[str] = ()) -> None:
        """Write down a check and, where it is a leak, the finding."""
        self.checks.append(check)
        if check.leak:
            shown = tuple(dict.fromkeys(examples))[:EXAMPLES] if self.quoted else ()
            self.findings.append(Finding(fact, check.found, check.of, remedy, shown))

    def facts(self) -> dict[str, Any]:
        """As facts/benchmark.json holds it."""
        return {
            "quoted": self.quoted,
            "checks": [asdict(check) for check in self.checks],
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }


def audit(benchmark: Benchmark, corpus: Corpus, texts: Sequence[EmbeddingText], probes: Probes) -> dict[str, Any]:
    """facts["audit"]: every leak there is a check for is looked for.

    texts: that word vectors are learnt from, or words counted in
    """
    found = Audit(quoted=benchmark.corpus.quoted)
    _choices(found, corpus)
    _lines(found, corpus)
    _texts(found, corpus, texts)
    _vocabulary(found, corpus, texts)
    _probes(found, corpus, probes)
    found.notes += [
        f"the vectors of {name} were not checked: a file of vectors does not say what text they were learnt from; "
        "give that text as embedding_text to have it checked"
        for name in benchmark.files("vector_file")
    ]
    return found.facts()


def _choices(found: Audit, corpus: Corpus) -> None:
    """Whether what is chosen on valid is chosen on test."""
    valid, test = corpus.lines["valid"], corpus.lines["test"]
    equal = set(valid) == set(test)
    found.add(
        Check("valid is test", "valid", len(valid) if equal else 0, len(valid), None, equal),
        "valid has the same lines as test: what is chosen on valid (when training stops, discounts, weights of "
        "mixtures, settings that are searched) is chosen on test",
        "give valid a text of its own, or leave it out: it is then taken out of train",
    )
    if set(valid) <= set(corpus.lines["train"]):
        found.notes.append(
            "every line of valid is also a line of train: no leak of test, but what is chosen on valid rewards a "
            "memory of train; give valid a text of its own, or leave it out"
        )


def _lines(found: Audit, corpus: Corpus) -> None:
    """Lines of valid and test that train has, or valid of test: the same, nearly the same, inside longer ones."""
    lines = corpus.lines
    train = lines["train"]
    others = {name: part for name, part in lines.items() if name != "train"}
    repeated = {name: same(part, train) for name, part in others.items()}
    for name in others:
        _same(found, corpus, name, repeated[name], f"train and {name}", repeats(train))
    if set(lines["valid"]) != set(lines["test"]):
        again = same(lines["test"], lines["valid"])
        _same(found, corpus, "test", again, "valid and test", repeats(train, len(lines["valid"])))
    fresh = {
        name: list(dict.fromkeys(line for line, known in zip(part, repeated[name], strict=True) if not known))
        for name, part in others.items()
    }
    own = _sample(train)
    asked = [line for part in (own, *fresh.values()) for line in part]
    ends = np.cumsum([len(own), *map(len, fresh.values())])[:-1]
    words = {
        "near": (
            Signatures.of(asked).near(Signatures.of(train)),
            "nearly the same",
            "are lines of train but for a few letters, case, space or punctuation",
        ),
        "inside": (
            Runs.of(train).holding(asked),
            "inside a longer line",
            "stand word for word inside longer lines of train",
        ),
    }
    for places, what, says in words.values():
        mine, *rest = np.split(places, ends)
        for (name, part), places_of in zip(fresh.items(), rest, strict=True):
            here, usual = Share(int((places_of >= 0).sum()), len(part)), expected(mine >= 0, _sizes(own), _sizes(part))
            found.add(
                Check(what, f"{name} in train", here.found, here.of, usual.share, beyond(here, usual)),
                f"{here.found:,} of the {here.of:,} lines of {name} that train does not have as they are {says}"
                f" ({here.share:.1%}; of train's own lines of their lengths {usual.share:.1%})",
                f"take these lines out of train, or split by document, so that what was copied or edited stays on one "
                f"side; examples are of {name}, and after | of train",
                (f"{part[i]} | {train[places_of[i]]}" for i in np.flatnonzero(places_of >= 0).tolist()),
            )


def _sample(train: Sequence[str]) -> list[str]:
    """SAMPLE of the different lines, at most, evenly spread: what stands for further text like train."""
    lines = list(dict.fromkeys(train))
    return [lines[i] for i in np.unique(np.linspace(0, len(lines) - 1, min(SAMPLE, len(lines))).astype(int))]


def _sizes(lines: Sequence[str]) -> npt.NDArray[np.int64]:
    """int64 (S,): the class of each line's length in letters, a power of 2. Short lines are alike by chance."""
    return np.fromiter((len(folded(line)).bit_length() for line in lines), np.int64, len(lines))


def _same(found: Audit, corpus: Corpus, name: str, repeated: Bools, where: str, usual: Share) -> None:
    """Lines of a set that another has as they are."""
    part = corpus.lines[name]
    here = Share(int(repeated.sum()), len(part))
    long = np.fromiter((len(line) >= LONG for line in part), bool, len(part))
    copied = Share(int((repeated & long).sum()), int(long.sum()))
    whole = here.found == here.of > 0
    leak = here.found > 0 and (whole or not usual.found or beyond(here, usual) or copied.share >= COPIES)
    leak = leak and not (whole and name == "valid")  # which is a note of its own, and no leak of test
    fact = f"{here.found:,} of the {here.of:,} lines of {name} are lines of {where.split()[0]} too ({here.share:.1%}; "
    fact += f"a line of train is found again in as much of train at a rate of {usual.share:.1%})"
    if set(part) == set(corpus.lines["train"]):
        fact = f"{name} has the same lines as train: its numbers say how well models remember, not how well they do"
    elif copied.share >= COPIES:
        fact += f", {copied.found:,} of its {copied.of:,} lines of {LONG} characters or more among them"
    found.add(
        Check("the same line", where, here.found, here.of, usual.share, leak),
        fact,
        "remove duplicates before the text is split, or give only train: the split is then made by sentence and "
        "duplicates stay on one side",
        (line for line, known in zip(part, repeated, strict=True) if known),
    )


def _texts(found: Audit, corpus: Corpus, texts: Sequence[EmbeddingText]) -> None:
    """Sentences of test, of further test sets and of valid in what vectors are learnt from."""
    own = set(corpus.lines["train"])
    for text in texts:
        for name, lines in text.leaked(corpus).items():
            n = len(corpus.lines[name])
            found.add(
                Check("the same line", f"{name} in {text.name}", len(lines), n, None, bool(lines)),
                f"embedding_text {text.name!r} has {len(lines):,} of the {n:,} sentences of {name} in it: {NO_MEASURE}",
                TAKE_OUT,
                lines,
            )
        fresh = [line for line in corpus.lines["valid"] if line not in own]
        known = same(fresh, text.lines)
        here, usual = Share(int(known.sum()), len(fresh)), repeats(corpus.lines["train"], len(text.lines))
        leak = here.found > 0 and (not usual.found or beyond(here, usual))
        found.add(
            Check("the same line", f"valid in {text.name}", here.found, here.of, usual.share, leak),
            f"{text.name} has {here.found:,} of the {here.of:,} lines of valid that train does not have: what is "
            "chosen on valid is chosen on a text that the vectors have read",
            f"{TAKE_OUT}; where valid and test were taken out of train's file, that file is no text to give",
            (line for line, known in zip(fresh, known, strict=True) if known),
        )


def _vocabulary(found: Audit, corpus: Corpus, texts: Sequence[EmbeddingText]) -> None:
    """Words that are events and that only test has."""
    vocab = corpus.vocab
    elsewhere = {word for text in texts for row in text.tokens for word in row}
    extra = [word for word in corpus.extra_words if word not in elsewhere]
    tests = {"test": corpus.test} | corpus.extra
    said = {name: {vocab.events[i] for i in np.unique(part.tokens).tolist()} for name, part in tests.items()}
    in_valid = {vocab.events[i] for i in np.unique(corpus.valid.tokens).tolist()}
    only = [word for word in extra if word not in in_valid and any(word in part for part in said.values())]
    found.add(
        Check("a word only test has", "the vocabulary", len(only), len(vocab), None, bool(only)),
        f"{len(only):,} words of the vocabulary occur in test and in no other text of the benchmark: extra_words was "
        "made from test, or tells what test will ask",
        "leave these words out of extra_words, or count extra words in a text that is not test: embedding_text = FILE "
        "and extra_words = NUMBER OF TIMES",
        only,
    )


def _probes(found: Audit, corpus: Corpus, probes: Probes) -> None:
    """Probes that do not hold on the text, and a story that is no story."""
    n = len(probes.probes) + len(probes.crossed)
    wrong = list(faults(probes, corpus.train_tokens))
    if n:
        found.add(
            Check("a probe that train answers", "train", len(wrong), n, None, bool(wrong)),
            f"{len(wrong):,} of {n:,} probes do not hold on train's tokens: a pair that is said to be unseen occurs "
            "there, or a word does not",
            "make the probes again from the tokens that models are trained on, or take these out",
            wrong,
        )
    if len(probes.story.sentences) > 1:
        last = list(probes.story.sentences[-1])
        seen = sum(list(row) == last for row in corpus.train_tokens)
        found.add(
            Check("the story's last sentence", "train", seen, len(corpus.train_tokens), None, seen > 0),
            f"the last sentence of the story, which nothing should have seen, is {seen:,} lines of train",
            "tell another last sentence, or take it out of train",
            [" ".join(last)],
        )


def warnings(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What was found in one line each: findings with their remedy, then notes."""
    return (*(f"{found['fact']}; {found['remedy']}" for found in facts["findings"]), *facts["notes"])
