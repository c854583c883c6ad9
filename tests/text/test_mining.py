"""The miner against a search in plain Python, and what its probes promise."""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from lmbench.errors import BadConfig, BadText
from lmbench.measures.coverage import ask, crossed_preference
from lmbench.models.ngram import NGram
from lmbench.text import hungry
from lmbench.text.corpus import from_tokens
from lmbench.text.mining import Mining, Search, mine
from lmbench.text.probes import Crossed, Probes, check, occurrences
from lmbench.text.word_forms import sound

WORDS = ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll", "a1", "of", "the", "Cc", "c-c"]
SMALL = Mining(min_count=3, attested=2, documents=2, expected=1.0, closed=2)


def sentences(rng, n):
    weights = 1 / np.arange(2, len(WORDS) + 2)
    draws = rng.choice(len(WORDS), size=(n, 6), p=weights / weights.sum())
    # Half of the combinations are banned: b of odd number never after a of even number.
    rows = [[WORDS[i] for i in row] for row in draws]
    return [[w for j, w in enumerate(row) if j == 0 or (len(w) + WORDS.index(w)) % 3 or row[j - 1] < w] for row in rows]


class Plain:
    """Search, said with dictionaries: the same tables as sets of ((x, frame), b)."""

    def __init__(self, train, reserve, documents, settings, known):
        self.settings = settings
        counts = Counter(w for row in train for w in row)
        total = Counter(w for row in [*train, *reserve] for w in row)
        order = sorted(sorted(total, key=lambda w: (-total[w], w)), key=lambda w: -counts[w])
        self.closed = set(order[: settings.closed])
        self.content = {w for w in total if len(w) > 1 and re.fullmatch(r"[a-zA-Z-]+", w)} - self.closed
        pairs, beyond = self.pairs(train), self.pairs(reserve)
        usable = [(a, b) for a, b, _ in pairs if {*a, b} - {None} <= set(known)]
        often_a, often_b = Counter(a for a, _ in usable), Counter(b for _, b in usable)
        self.a = [a for a, n in often_a.items() if n >= settings.min_count]
        self.b = [b for b, n in often_b.items() if n >= settings.min_count]
        seen, attested = Counter((a, b) for a, b, _ in pairs), Counter((a, b) for a, b, _ in beyond)
        where = defaultdict(set)
        for a, b, row in beyond:
            where[a, b].add(documents[row])
        self.both = [(a, b) for a, b, _ in pairs + beyond]
        of_a, of_frame = Counter(a for a, _ in self.both), Counter(a[1] for a, _ in self.both)
        of_b = Counter((a[1], b) for a, b in self.both)
        kin, kin_beyond = self.kin(train), self.kin(reserve)
        glued = "\n".join("".join(row) for row in train)
        self.good, self.off = set(), set()
        for a, b in product(self.a, self.b):
            family = sound(a[0]), sound(b)
            unseen = not seen[a, b] and family not in kin
            joined = "".join((a[0], a[1] or "", b))
            enough = attested[a, b] >= settings.attested and len(where[a, b]) >= settings.documents
            if unseen and enough and joined not in glued:
                self.good.add((a, b))
            expected = of_a[a] * of_b[a[1], b] / of_frame[a[1]]
            if unseen and not attested[a, b] and family not in kin_beyond and expected >= settings.expected:
                self.off.add((a, b))

    def pairs(self, rows):
        found = []
        for number, row in enumerate(rows):
            for i, b in enumerate(row):
                if b not in self.content or not i:
                    continue
                if row[i - 1] in self.content:
                    found.append(((row[i - 1], None), b, number))
                elif row[i - 1] in self.closed and i > 1 and row[i - 2] in self.content:
                    found.append(((row[i - 2], row[i - 1]), b, number))
        return found

    def kin(self, rows):
        found = set()
        for row in rows:
            for i, b in enumerate(row):
                for steps in (1, 2, 3):
                    between = row[max(i - steps + 1, 0) : i]
                    joined = i >= steps and set(between) <= self.closed
                    if joined and {b, row[i - steps]} <= self.content:
                        found.add((sound(row[i - steps]), sound(b)))
        return found


def search(train, reserve, documents, settings=SMALL, known=None, tokenizer="whitespace", lines=()):
    known = {w for row in train for w in row} if known is None else known
    return Search(train, reserve, documents, settings, known=known, tokenizer=tokenizer, lines=lines)


def cells(found, table):
    words = found.words
    return {
        ((words[found.table.x[i]], None if found.table.frame[i] < 0 else words[found.table.frame[i]]),
         words[found.table.b[j]])
        for i, j in np.argwhere(table)
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_miner_finds_what_a_plain_search_finds(seed):
    rng = np.random.default_rng(seed)
    train, reserve = sentences(rng, 40), sentences(rng, 150)
    documents = rng.integers(0, 30, len(reserve)).tolist()
    known = {w for row in train for w in row} - {"kk"}
    settings = replace(SMALL, closed=int(rng.integers(0, 4)))
    found, plain = search(train, reserve, documents, settings, known), Plain(train, reserve, documents, settings, known)
    assert cells(found, np.ones_like(found.good)) == set(product(plain.a, plain.b))
    assert cells(found, found.good) == plain.good
    assert cells(found, found.off) == plain.off


def test_the_plain_search_is_no_empty_comparison():
    rng = np.random.default_rng(0)
    train, reserve = sentences(rng, 40), sentences(rng, 150)
    plain = Plain(train, reserve, range(150), SMALL, {w for row in train for w in row})
    assert plain.good
    assert plain.off


TRAIN = [row for i in range(30) for row in (
    ["red", "apple", "falls"], ["blue", "plum", "falls"], ["red", "door", "opens"], ["blue", "gate", "opens"],
    [f"w{i}", "stays"],
)]  # fmt: skip
RESERVE = [row for _ in range(40) for row in (["so", "red", "plum"], ["blue", "apple"], ["red", "apple"])]
FEW = Mining(min_count=10, attested=5, documents=3, expected=1.0, closed=0)


def test_a_planted_pair_is_found_with_its_evidence():
    mined = mine(TRAIN, RESERVE, range(len(RESERVE)), FEW, known={w for row in TRAIN for w in row})
    found = {probe.cell: probe for probe in mined.probes}
    assert set(found) == {("red", "plum"), ("blue", "apple")}
    plum = found["red", "plum"]
    assert (plum.attested, plum.documents, plum.held, plum.span) == (40, 40, True, 1)
    assert plum.context == ("red",)  # `so` is no word of train, so what stands before is left out


def test_a_pair_of_one_document_is_no_pair_of_the_language():
    mined = mine(TRAIN, RESERVE, [0, 1] * (len(RESERVE) // 2), FEW, known={w for row in TRAIN for w in row})
    assert not mined.probes


@pytest.mark.parametrize(
    "variant", [["Red", "plum"], ["red", "plumm"], ["re-d", "plum"], ["redplum"], ["x", "redplum"]]
)
def test_a_pair_in_another_spelling_or_spacing_is_seen(variant):
    train = [*TRAIN, variant]
    mined = mine(train, RESERVE, range(len(RESERVE)), FEW, known={w for row in train for w in row})
    assert {probe.cell for probe in mined.probes} == {("blue", "apple")}


def test_probes_of_syllables_are_refused():
    with pytest.raises(BadConfig, match="probes are pairs of words"):
        search(TRAIN, RESERVE, range(len(RESERVE)), tokenizer="syllables")


def test_documents_of_another_text_are_refused():
    with pytest.raises(BadText, match="not of one text"):
        search(TRAIN, RESERVE, range(3))


# On the built-in corpus, cut as a text of one's own.


OWN = Mining(min_count=5, attested=2, documents=2, expected=2.0, most=200, match=0.5, closed=15)


@pytest.fixture(scope="module")
def text():
    rows = hungry.splits()["train"]
    train, reserve = rows[:1000], rows[1000:]
    corpus = from_tokens("own", {"train": train, "valid": reserve[:100], "test": reserve[100:200]})
    return corpus, mine(train, reserve, range(len(reserve)), OWN, known=corpus.vocab.ids.keys())


def test_what_is_promised_holds(text):
    corpus, mined = text
    assert len(mined.probes) > 50
    assert len(mined.crossed) > 50
    check(Probes(mined.probes, mined.crossed), corpus.train_tokens)
    assert {probe.stratum for probe in mined.probes} == {"near", "far", "hard"}
    for probe in mined.probes:
        assert probe.attested >= 2
        assert probe.documents >= 2
        if probe.distractor is not None:
            assert probe.distractor_expected >= 2


def test_distractors_match(text):
    corpus, mined = text
    counts = Counter(w for row in corpus.train_tokens for w in row)
    after = Counter(
        b for _, b in {pair for row in corpus.train_tokens for pair in zip(["<s>", *row], row, strict=False)}
    )
    matched = [probe for probe in mined.probes if probe.distractor is not None]
    assert matched
    for probe in matched:
        for count in (counts, after):
            assert abs(np.log2(count[probe.target] / count[probe.distractor])) <= 0.5
        gram = (*probe.context[-probe.span :], probe.distractor)
        assert not occurrences(corpus.train_tokens, [gram])[gram]


BACK_OFF = [
    {"order": 1, "smoothing": "mle"},
    {"order": 2, "smoothing": "mle"},
    {"order": 3, "smoothing": "add_k"},
    {"order": 3, "smoothing": "katz"},
    {"order": 3, "smoothing": "jelinek_mercer"},
    {"order": 3, "smoothing": "witten_bell"},
    {"order": 3, "smoothing": "absolute_discounting"},
    {"order": 3, "smoothing": "kneser_ney"},
    {"order": 3, "smoothing": "kneser_ney_backoff"},
    {"order": 5, "smoothing": "modified_kneser_ney"},
    {"order": 5, "smoothing": "modified_kneser_ney", "cutoffs": [0, 0, 1]},
    {"order": 5, "smoothing": "pitman_yor"},
    {"order": 5, "smoothing": "stupid_backoff"},
]


@pytest.mark.parametrize("fields", BACK_OFF, ids=lambda fields: f"{fields['smoothing']}-{fields['order']}")
def test_backing_off_ties_on_every_crossed_probe(text, fields):
    corpus, mined = text
    model = NGram(**fields).fit(corpus.train, corpus.valid)
    answers = ask(model, (), mined.crossed, corpus.vocab)
    assert set(crossed_preference(answers.crossed)) == {0.5}


BOUGHT = [row for _ in range(12) for row in (
    ["buy", "the", "house"], ["sell", "the", "stock"], ["see", "a", "house"], ["see", "a", "stock"],
    ["buy", "the", "tree"], ["sell", "the", "bond"],
)]  # fmt: skip
WISHED = [row for _ in range(12) for row in (["buy", "the", "bond"], ["sell", "the", "tree"])]


def test_what_stands_between_is_part_of_both_contexts():
    # buy the {house, tree}, sell the {stock, bond} in train; the reserve has buy the bond and sell the tree. Off the
    # diagonal stand buy the stock and sell the house.
    corpus = from_tokens("own", dict.fromkeys(("train", "valid", "test"), BOUGHT))
    settings = Mining(min_count=5, attested=5, documents=3, expected=1.0, closed=1)
    mined = mine(BOUGHT, WISHED, range(len(WISHED)), settings, known=corpus.vocab.ids.keys())
    assert {(p.context, p.target, p.span) for p in mined.probes} == {
        (("buy", "the"), "bond", 2),
        (("sell", "the"), "tree", 2),
    }
    item = Crossed((), "buy", "house", "sell", "stock", "near", between=("the",))
    with pytest.raises(BadText, match="of a crossed probe occur in train"):
        check(Probes(crossed=(item,)), BOUGHT)
    # All four of {buy, sell} the {x, y} unseen, in a text where x and y stand after `the` otherwise.
    train = [*BOUGHT, *(["find", "the", "x"] for _ in range(3)), ["find", "the", "y"]]
    corpus = from_tokens("own", dict.fromkeys(("train", "valid", "test"), train))
    item = Crossed((), "buy", "x", "sell", "y", "near", between=("the",))
    check(Probes(crossed=(item,)), train)
    for order in (2, 3, 5):
        model = NGram(order=order, smoothing="kneser_ney").fit(corpus.train, corpus.valid)
        assert crossed_preference(ask(model, (), [item], corpus.vocab).crossed)[0] == 0.5


def test_a_seen_diagonal_would_not_tie(text):
    corpus, mined = text
    pair, _ = occurrences_of_pairs(corpus.train_tokens).most_common(1)[0]
    other = mined.crossed[0]
    leaked = replace(other, left=(), a1=pair[0], b1=pair[1], between=())
    model = NGram(order=3, smoothing="kneser_ney").fit(corpus.train, corpus.valid)
    assert crossed_preference(ask(model, (), [leaked], corpus.vocab).crossed)[0] == 1
    with pytest.raises(BadText, match="of a crossed probe occur in train"):
        check(Probes(crossed=(leaked,)), corpus.train_tokens)


def occurrences_of_pairs(rows):
    return Counter(pair for row in rows for pair in pairwise(row))


def test_the_seed_decides_which_are_kept_and_nothing_else_does(text):
    corpus, mined = text
    rows = hungry.splits()["train"]

    def again(**changes):
        known = corpus.vocab.ids.keys()
        return mine(rows[:1000], rows[1000:], range(len(rows) - 1000), replace(OWN, **changes), known=known)

    assert again() == mined
    assert {p.cell for p in again(seed=1).probes} != {p.cell for p in mined.probes}
