"""Against other people's programs: nltk.lm on toy text, KenLM on text of our own and on the Penn Treebank.

tests/data/kenlm: made-up English (a small random grammar with made-up words), and order4.arpa.gz, which KenLM
(github.com/kpu/kenlm, commit 4cb443e) made of it: `lmplz -o 4 < train.txt > order4.arpa`. scores.tsv.gz has log10 p of
each token of test.txt, a model a column:

    order2, order3  lmplz -o 2, -o 3
    order5          lmplz -o 5 --discount_fallback, which only order 5 needs
    order4_pruned   lmplz -o 4 --prune 0 0 1
    order5_pruned   lmplz -o 5 --prune 0 1 2 --discount_fallback
    small3, small5  lmplz -o 3, -o 5 --discount_fallback, from the first 30 lines of train.txt
"""

import gzip
import math
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from nltk.lm import MLE, Laplace, Lidstone, StupidBackoff
from nltk.lm.counter import NgramCounter
from nltk.lm.smoothing import AbsoluteDiscounting, KneserNey, WittenBell
from nltk.lm.vocabulary import Vocabulary as NltkVocabulary

from lmbench.errors import BadDiscounts
from lmbench.models.ngram import NGram
from lmbench.ngrams.recursion import Settings
from lmbench.ngrams.smoothing import METHODS
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

FIXTURE = Path(__file__).parent / "data" / "kenlm"
TOY = [line.split() for line in ("a b c", "a b b d", "c a b", "d", "b c a", "a b c d", "c c")]
TOY_VOCAB = Vocabulary.build(TOY)
TOY_TRAIN = Sentences.encode(TOY, TOY_VOCAB)


def lines(path):
    with gzip.open(path, "rt", encoding="utf8") as file:
        return [line.split() for line in file]


def nltk_counter(order):
    """nltk's counts of the n-grams that are counted here: one <s>, never predicted."""
    grams = []
    for words in TOY:
        row = ("<s>", *words, "</s>")
        grams += [row[i + 1 - n : i + 1] for i in range(1, len(row)) for n in range(1, order + 1) if n <= i + 1]
    return NgramCounter([grams])


# nltk counts <UNK> as one more word of its vocabulary: as many events as here
NLTK_VOCAB = NltkVocabulary(["</s>", *"abcd"])


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("theirs", "fields"),
    [
        (MLE, {"smoothing": "mle"}),
        (Laplace, {"smoothing": "add_k", "k": 1.0}),
        (partial(Lidstone, 0.3), {"smoothing": "add_k", "k": 0.3}),
        (partial(StupidBackoff, 0.4), {"smoothing": "stupid_backoff"}),
    ],
    ids=["mle", "laplace", "lidstone", "stupid"],
)
def test_nltk_gives_the_same_probabilities(theirs, fields, order):
    """After contexts that were seen: after others nltk's stupid back-off has 0.4 once more, for all words alike."""
    reference = theirs(order, vocabulary=NLTK_VOCAB, counter=nltk_counter(order))
    model = NGram(order=order, **fields).fit(TOY_TRAIN, TOY_TRAIN)
    histories = [words[:i] for words in TOY for i in range(len(words) + 1)]
    got = np.exp(model.next_log_probs(Sentences.encode_prefixes(histories, TOY_VOCAB)))
    for row, history in zip(got, histories, strict=True):
        context = ("<s>", *history)[-(order - 1) :] if order > 1 else ()
        expected = [reference.unmasked_score(word.replace("<unk>", "<UNK>"), context) for word in TOY_VOCAB.events]
        np.testing.assert_allclose(row, expected, atol=1e-12)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("smoothing", ["witten_bell", "absolute_discounting", "kneser_ney"])
def test_nltk_gives_the_same_weights(smoothing, n):
    """alpha and gamma of every n-gram; nltk's unigrams have no uniform distribution below them, so not the whole.

    It takes numbers of left extensions after <s> too, where nothing can stand before: left out below order 3.
    """
    table = NGramTable.count(TOY_TRAIN, 3)
    weights = METHODS[smoothing](table, Settings(valid=TOY_TRAIN))
    order = table.orders[n - 1]
    if smoothing == "witten_bell":
        reference = WittenBell(NLTK_VOCAB, nltk_counter(3))
    elif smoothing == "absolute_discounting":
        n1, n2 = np.bincount(order.counts)[1:3]
        reference = AbsoluteDiscounting(NLTK_VOCAB, nltk_counter(3), discount=n1 / (n1 + 2 * n2))
    else:
        n1, n2 = np.bincount(table.adjusted(n))[1:3]
        reference = KneserNey(NLTK_VOCAB, nltk_counter(3), 3, discount=n1 / (n1 + 2 * n2))
    # p = alpha + gamma p', so alpha = p - gamma p'
    p, lower, gamma = (np.exp(part) for part in (weights.log_p[n - 1], weights.log_p[n - 2], weights.log_gamma[n - 2]))
    alpha = p - gamma[table.index.context(n)] * lower[order.suffix]
    names = [*TOY_VOCAB.events, "<s>"]
    compared = 0
    for gram, (context, word) in enumerate(zip(table.index.context(n), table.index.word(n), strict=True)):
        before = (names[table.index.context(2)[context]], names[table.index.word(2)[context]])
        spelled = before if n == 3 else (names[context],)
        if n == 2 and spelled == ("<s>",) and smoothing == "kneser_ney":
            continue
        expected = reference.alpha_gamma(names[word], spelled)
        assert (alpha[gram], gamma[context]) == pytest.approx(expected, abs=1e-12)
        compared += 1
    assert compared > 8


def read_arpa(path):
    """{n-gram: (log10 p, log10 back-off)}."""
    grams = {}
    with gzip.open(path, "rt", encoding="utf8") as file:
        for fields in (line.rstrip("\n").split("\t") for line in file):
            if len(fields) > 1:
                grams[tuple(fields[1].split())] = (float(fields[0]), float(fields[2]) if len(fields) > 2 else 0.0)
    return grams


def arpa_score(grams, words):
    """log10 p of the last of words: the longest n-gram there is, and the back-offs of the contexts above it."""
    if words in grams:
        return grams[words][0]
    return grams.get(words[:-1], (0.0, 0.0))[1] + arpa_score(grams, words[1:])


def test_kenlm_gives_the_same_probability_to_every_token():
    train, test = lines(FIXTURE / "train.txt.gz"), lines(FIXTURE / "test.txt.gz")
    vocab = Vocabulary.build(train)
    model = NGram(order=4, fallback=False).fit(Sentences.encode(train, vocab), Sentences.encode(test, vocab))
    grams = read_arpa(FIXTURE / "order4.arpa.gz")
    known = {gram[0] for gram in grams if len(gram) == 1}
    expected = []
    for words in test:
        row = ("<s>", *(word if word in known else "<unk>" for word in words), "</s>")
        expected += [arpa_score(grams, row[max(i - 3, 0) : i + 1]) for i in range(1, len(row))]
    got = model.log_probs(Sentences.encode(test, vocab)) / math.log(10)
    assert len(got) == 2676
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-6)
    # `query` of KenLM: perplexity including OOVs 60.26998616609276
    assert 10 ** -got.mean() == pytest.approx(60.269986, abs=1e-4)


KENLM = {
    "order2": ({"order": 2}, None, []),
    "order3": ({"order": 3}, None, []),
    "order5": ({"order": 5}, None, [5]),
    "order4_pruned": ({"order": 4, "cutoffs": (0, 0, 1)}, None, []),
    "order5_pruned": ({"order": 5, "cutoffs": (0, 1, 2)}, None, [5]),
    "small3": ({"order": 3}, 30, [1, 3]),
    "small5": ({"order": 5}, 30, [1, 3, 4, 5]),
}


@pytest.mark.parametrize("column", KENLM)
def test_kenlm_gives_the_same_probability_to_every_token_at_other_orders_pruned_and_of_small_text(column):
    fields, size, fixed = KENLM[column]
    train, test = lines(FIXTURE / "train.txt.gz")[:size], lines(FIXTURE / "test.txt.gz")
    vocab = Vocabulary.build(train)
    model = NGram(**fields).fit(Sentences.encode(train, vocab), Sentences.encode(test, vocab))
    names, *rows = lines(FIXTURE / "scores.tsv.gz")
    expected = [float(row[names.index(column)]) for row in rows]
    got = model.log_probs(Sentences.encode(test, vocab)) / math.log(10)
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-6)
    # lmplz: "Substituting fallback discounts for order 4" means its order 5
    assert [int(note.split("order ")[1].split()[0]) for note in model.notes()] == fixed


def test_that_kenlm_parity_needs_the_count_of_lmplz_s_last_ngram():
    # "quay" comes last in the training text, four times after "the": count 4, adjusted count 1
    train = lines(FIXTURE / "train.txt.gz")
    table = NGramTable.count(Sentences.encode(train, Vocabulary.build(train)), 4)
    assert [
        (int(table.orders[n - 1].counts[g]), int(table.adjusted(n)[g])) for n, g in enumerate(table.last, start=1)
    ] == [
        (4, 1),
        (4, 2),
        (1, 1),
    ]


@pytest.fixture(scope="module")
def penn():
    """(train, test) of the Penn Treebank as lists of words."""
    folder = Path(os.environ.get("LMBENCH_DATA") or "no data folder is set") / "ptb"
    if not (folder / "ptb.train.txt.gz").exists():
        pytest.skip("LMBENCH_DATA does not name a folder with ptb/ptb.train.txt.gz (licensed text, not shipped)")
    return [lines(folder / f"ptb.{split}.txt.gz") for split in ("train", "test")]


@pytest.mark.parametrize(
    ("order", "perplexity"), [(2, 185.7049), (3, 148.2815), (4, 142.7156), (5, 141.1862), (6, 140.8369)]
)
def test_penn_treebank_perplexity_is_kenlm_s(penn, order, perplexity):
    vocab = Vocabulary.build(penn[0])
    train, test = (Sentences.encode(split, vocab) for split in penn)
    log_probs = NGram(order=order, fallback=False).fit(train, test).log_probs(test)
    assert len(vocab) == 10_001
    assert len(log_probs) == 82_430
    assert math.exp(-log_probs.mean()) == pytest.approx(perplexity, abs=5e-5)


@pytest.mark.parametrize(
    ("cutoffs", "sizes", "perplexity"),
    [
        ((0, 0, 1), [10_002, 264_990, 81_305, 43_110, 22_983], 147.4003),
        ((0, 1, 1, 2), [10_002, 88_482, 81_305, 15_771, 7_960], 160.4093),
    ],
)
def test_penn_treebank_pruned_is_kenlm_s(penn, cutoffs, sizes, perplexity):
    """n-grams and perplexity of `lmplz -o 5 --prune 0 0 1` and `--prune 0 1 1 2`."""
    vocab = Vocabulary.build(penn[0])
    train, test = (Sentences.encode(split, vocab) for split in penn)
    model = NGram(order=5, cutoffs=cutoffs).fit(train, test)
    assert [len(keys) for keys in model.backoff_.index.keys] == sizes
    assert math.exp(-model.log_probs(test).mean()) == pytest.approx(perplexity, abs=5e-5)


@pytest.mark.parametrize(
    ("order", "smoothing", "perplexity"), [(3, "katz", 165.2), (5, "katz", 162.3), (3, "modified_kneser_ney", 148.3)]
)
def test_penn_treebank_perplexity_is_the_published_one(penn, order, smoothing, perplexity):
    """GT3, GT5 and KN3 of Mikolov et al. 2011 (see katz), made by SRILM: Good-Turing with its cut-offs, KN without."""
    vocab = Vocabulary.build(penn[0])
    train, test = (Sentences.encode(split, vocab) for split in penn)
    cutoffs = (0, 0, 1) if smoothing == "katz" else (0,)
    log_probs = NGram(order=order, smoothing=smoothing, cutoffs=cutoffs).fit(train, test).log_probs(test)
    assert math.exp(-log_probs.mean()) == pytest.approx(perplexity, abs=0.05)


def test_penn_treebank_as_one_stream(penn):
    vocab = Vocabulary.build(penn[0])
    train, test = (
        Sentences(vocab, split.tokens, np.array([0, split.n_tokens]))
        for split in (Sentences.encode(words, vocab) for words in penn)
    )
    log_probs = NGram(order=5, fallback=False).fit(train, test).log_probs(test)
    assert math.exp(-log_probs.mean()) == pytest.approx(141.06, abs=5e-3)


@pytest.fixture(scope="module")
def reviews():
    """(train, test) of the Naver movie reviews, the first 100,000 of train, white space between words."""
    folder = Path(os.environ.get("LMBENCH_DATA") or "no data folder is set") / "nsmc"
    if not (folder / "lm.train.100k.txt.gz").exists():
        pytest.skip("LMBENCH_DATA does not name a folder with nsmc/lm.train.100k.txt.gz (not shipped)")
    train, test = (lines(folder / f"lm.{split}.txt.gz") for split in ("train.100k", "test"))
    vocab = Vocabulary.build(train)
    return tuple(Sentences.encode(split, vocab) for split in (train, test))


# What lmplz's models say, in float32; order 5 with --discount_fallback
REVIEWS = [(1, 19978.0800), (2, 11959.1127), (3, 11881.4353), (4, 11879.6643), (5, 11900.2815)]


@pytest.mark.parametrize(("order", "perplexity"), REVIEWS)
def test_reviews_perplexity_is_kenlm_s(reviews, order, perplexity):
    train, test = reviews
    model = NGram(order=order).fit(train, test)
    assert math.exp(-model.log_probs(test).mean()) == pytest.approx(perplexity, rel=1e-6)
    assert len(model.notes()) == (order == 5)


def test_reviews_at_order_5_are_refused_as_by_lmplz(reviews):
    # "5-gram discount out of range for adjusted count 3: -0.89075756"
    with pytest.raises(BadDiscounts, match=r"order 5 .*\(682466, 349, 38, 37\)"):
        NGram(order=5, fallback=False).fit(*reviews)
