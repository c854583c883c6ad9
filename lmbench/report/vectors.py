"""Word vectors in a report: nearest neighbours, words that train lacks, blanks filled from both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.compare import Comparison
from lmbench.report.facts import RANKED, Facts, Row
from lmbench.report.markdown import bullets, code, escape, listed, number, table
from lmbench.wording import agreeing, counted

TIMES = 10
"""How many times the probability that random vectors give it makes it worth saying that a word got more."""
Near = Mapping[str, list[tuple[str, float]]]
WAYS = {
    "scores": (
        "CBoW, softmax of its scores",
        "the scores that negative sampling trained, made to sum to one: such a score is near ln p(word | context) "
        "− ln q(word), with q the noise, so their softmax favours rare words",
    ),
    "scores and noise": (
        "CBoW, softmax of scores + ln noise",
        "the same with ln q put back, which is p(word | context) as far as training got (Levy & Goldberg 2014)",
    ),
    "unigram": ("unigram", "how often a word occurs in train, whatever stands beside the blank"),
}


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """neighbours.csv: a row, space, word and place a line; blanks.csv: a way of filling them a line."""
    near = [
        {"row": row.name, "space": space, "word": word, "place": place, "neighbour": other, "cosine": cosine}
        for row in facts.scored
        for space, words in row.first.neighbours.items()
        for word, found in words.items()
        for place, (other, cosine) in enumerate(found, start=1)
    ]
    blanks = facts.blanks.get("ways") or []
    return {
        name: pd.DataFrame(lines, dtype=object) for name, lines in (("neighbours.csv", near), ("blanks.csv", blanks))
    }


def neighbours(facts: Facts) -> str:
    """The words nearest to the story's, in the vectors that rows start from and in what training made of them."""
    starts: list[tuple[Near, list[Row]]] = []
    for row in facts.scored:
        found = row.first.neighbours.get("start")
        same = next((rows for near, rows in starts if near == found), None)
        if found and same is None:
            starts.append((found, [row]))
        elif found and same is not None:
            same.append(row)
    if not starts:
        return ""
    parts = [
        "The words nearest to those of the story, with the cosine of their vectors, which are taken about their mean."
        + (
            " Of rows with seeds, the first seed."
            if any(len(row.results) > 1 for _, rows in starts for row in rows)
            else ""
        )
    ]
    for near, rows in starts:
        parts += [
            f"Start of {listed([code(row.name) for row in rows], 12)}:",
            table(
                ["word", "nearest words"],
                [[escape(word), ", ".join(map(_near, found))] for word, found in near.items()],
                left=2,
            ),
        ]
    tuned = [row for row in facts.scored if row.first.neighbours.get("trained") and not row.first.config.get("frozen")]
    if tuned:
        words = list(dict.fromkeys(word for row in tuned for word in row.first.neighbours["trained"]))
        lines = [
            [
                escape(row.name),
                *(
                    ", ".join(map(_near, row.first.neighbours["trained"].get(word, [])[:2])) or numbers.DASH
                    for word in words
                ),
            ]
            for row in tuned
        ]
        parts += [
            "What training made of them where they are not frozen: the two nearest events.",
            table(["row", *map(escape, words)], lines, left=len(words) + 1),
        ]
    return markdown.section("Neighbours of the story's words", *parts)


def _near(pair: tuple[str, float]) -> str:
    return f"{escape(pair[0])} {numbers.cosine(pair[1])}"


def blanks(facts: Facts) -> str:
    """How well Word2Vec's two-sided CBoW fills the words of test in, and the blanks that were asked about."""
    found = facts.blanks
    if not found:
        return ""
    text = found.get("embedding_text")
    read = f"the text {code(str(text))}" if text else "train"
    about = (
        f"Word2Vec's own CBoW, trained on {read} by negative sampling ({found['dim']} dimensions, "
        f"{counted(found['window'], 'word')} on each side, {counted(found['epochs'], 'pass', 'passes')}), is asked for "
        f"each of the {counted(found['positions'], 'word')} of test, given the {found['window']} before it and the "
        f"{found['window']} after it, among all events but `</s>`. It has read what follows, so this is no language "
        "model and its perplexity is of blanks: not to be compared with any other in this report."
    )
    header = ["", "accuracy@1", "accuracy@10", "bits per blank", "perplexity of the blank"]
    lines = [
        [
            WAYS[line["way"]][0],
            number(numbers.share(float(line["accuracy_at_1"]))),
            number(numbers.share(float(line["accuracy_at_10"]))),
            numbers.bits(float(line["bits_per_blank"])),
            numbers.perplexity(float(line["ppl_of_blanks"])),
        ]
        for line in found["ways"]
    ]
    asked = [
        [
            escape(answer["sentence"]),
            WAYS[answer["way"]][0],
            ", ".join(f"{escape(w)} {numbers.probability(p)}" for w, p in answer["words"]),
        ]
        for answer in sorted(found["answers"], key=lambda answer: str(answer["sentence"]))
    ]
    return markdown.section(
        "Filling blanks from both sides",
        about,
        table(header, lines),
        table(["sentence", "way", "likeliest words"], asked, left=3) if asked else "",
        bullets(f"**{title}**: {says}." for title, says in WAYS.values()),
    )


def unseen_words(facts: Facts, _: Comparison) -> Iterable[str]:
    """What rows make of a word that train lacks, and of what follows it, by where its vector comes from."""
    last = [*facts.story[-1], "</s>"] if facts.story else []
    places = [i for i, word in enumerate(last) if word in facts.extra_words]
    rows = [
        row for row in facts.grouped(RANKED) if (p := row.array("story_log_probs")) is not None and len(p) >= len(last)
    ]
    if not places or not rows:
        return
    at = places[0]
    chances = {row.name: _chances(row, len(last)) for row in rows}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row)
    chance = 1 / int(facts.corpus["n_events"])
    word, before = escape(last[at]), escape(" ".join(last[:at])) or "the beginning"
    order = sorted(groups.items(), key=lambda group: -max(chances[row.name][at] for row in group[1]))
    yield (
        f"{word} is in no training sentence. A model that knows nothing gives it 1 / V = "
        f"{numbers.probability(chance)} after {before}. By where its vector comes from: "
        f"{'; '.join(f'*{name}* {_range([chances[row.name][at] for row in rows])}' for name, rows in order)}."
    )
    above = sorted((row for row in rows if chances[row.name][at] > chance), key=lambda row: -chances[row.name][at])
    if above:
        shown = [f"{code(row.name)} {numbers.probability(chances[row.name][at])}" for row in above]
        yield f"More than 1 / V, as a word they have a use for, give it {listed(shown)}."
    start = [chances[row.name] for row in rows if "tied" in row.first.config and not _has_vectors(row)]
    most = max((c[at] for c in start), default=1.0)
    learnt = {name: min(chances[row.name][at] for row in group) for name, group in order if _has_vectors(group[0])}
    helped, lost = (
        [n for n, least in learnt.items() if least > TIMES * most],
        [n for n, least in learnt.items() if least <= TIMES * most],
    )
    if helped and start:
        yield (
            f"Every row with {_or(helped)} gives {word} more than {TIMES} times what any network with random vectors "
            "does."
        )
    if lost and start:
        yield (
            f"That is not so with {_or(lost)}: a vector near a known word's is no help where training moves it, or an "
            f"output of the word's own, whenever {word} does not come."
        )
    after = at + 1
    sure = [c for c in start if c[after] > 0.5]
    if sure:
        yield (
            f"What follows {word} is another matter: {len(sure)} of {counted(len(start), 'network')} with random "
            f"vectors {agreeing(len(sure), 'gives', 'give')} {escape(last[after])} more than 1/2 there. They know "
            f"nothing of {word}, so that is what its place in the sentence told them, and no work of vectors."
        )


def _group(row: Row) -> str:
    """Where a row's vector of a word comes from, in words."""
    config = row.first.config
    if "tied" not in config:
        return "no word vectors"
    start = "random vectors" if not _has_vectors(row) else "learnt vectors"
    output = "mapped" if config.get("mapped") else "tied" if config["tied"] else "untied"
    return f"{start}, {'frozen' if config.get('frozen') else 'tuned'}, {output} output"


def _has_vectors(row: Row) -> bool:
    return str(row.first.config.get("embeddings", "random")) != "random"


def _or(names: list[str]) -> str:
    """The groups' names hold commas."""
    return " or ".join(f"*{name}*" for name in names)


def _chances(row: Row, n: int) -> list[float]:
    """p of the last n words of the story, averaged over seeds."""
    return [float(p) for p in np.mean([np.exp(r.arrays["story_log_probs"][-n:]) for r in row.results], axis=0)]


def _range(values: list[float]) -> str:
    low, high = (numbers.probability(value) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
