"""Other tools' numbers: worked by hand, then against the tools where they install, and what they printed elsewhere."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from nltk.lm import MLE, Laplace
from nltk.lm.preprocessing import pad_both_ends, padded_everygram_pipeline
from nltk.util import ngrams

from lmbench.bench.evaluate import Yardstick, evaluate
from lmbench.measures import conventions
from lmbench.measures.conventions import Totals
from lmbench.model import LanguageModel
from lmbench.models.ngram import NGram
from lmbench.ngrams import arpa
from lmbench.text.corpus import Corpus, from_tokens
from lmbench.text.probes import Probes
from lmbench.text.sentences import Sentences

TRAIN = ["a b c", "a b b d", "c a b", "d", "b c a", "a b c d", "c c"]
TEST = ["a b c", "b x", "d", "c a 한글 b"]
NATS = math.log(10)
SPELLING = 20.0


def corpus_of(test: Sequence[str], train: Sequence[str] = TRAIN) -> Corpus:
    splits = {"train": train, "valid": train, "test": test}
    return from_tokens("toy", {name: [line.split() for line in lines] for name, lines in splits.items()})


def spelling_bits(corpus: Corpus) -> np.ndarray:
    """float64 (N,): what the words behind <unk> shall cost."""
    return np.where(corpus.test.tokens == 0, SPELLING, 0.0)


def measured(model: LanguageModel, corpus: Corpus) -> tuple[dict[str, float], Totals]:
    """The metrics of a fitted model and the totals that a report makes of them."""
    yardstick = Yardstick(
        valid=corpus.valid,
        test=corpus.test,
        unseen={},
        spelling_bits=spelling_bits(corpus),
        characters=corpus.characters,
        extra={},
        probes=Probes(),
        unigram=np.zeros(len(corpus.vocab)),
    )
    metrics = evaluate(model, yardstick).metrics
    test = next(line for line in corpus.statistics if line["split"] == "test")
    return metrics, Totals.of(metrics, test)


def fitted(corpus: Corpus, **fields) -> NGram:
    return NGram(**fields).fit(corpus.train, corpus.valid)


@pytest.fixture(scope="module")
def toy() -> tuple[Corpus, NGram, Totals]:
    corpus = corpus_of(TEST)
    model = fitted(corpus, order=3, smoothing="witten_bell")
    return corpus, model, measured(model, corpus)[1]


def by_hand(**changes: float) -> Totals:
    """Two sentences of three words each, one of them unknown: ln p is -1 for a known word, -2 for </s>, -5 for <unk>.

    Known words -5, </s> -4, <unk> -5: total -14. The text has 24 bytes and 6 words; spelling the unknown one costs 7.
    """
    numbers = {
        "words": 6.0, "oov": 1.0, "sentences": 2.0, "total": -14.0, "without_oov": -9.0, "without_end": -10.0,
        "possible": -9.0, "zeros": 0.0, "text_words": 6.0, "text_bytes": 24.0, "text": -21.0,
    }  # fmt: skip
    return Totals(**numbers | changes)


@pytest.mark.parametrize(
    ("number", "exponent"),
    [
        (conventions.srilm_ppl, 9 / 7),  # 5 known words and 2 </s>
        (conventions.srilm_ppl1, 9 / 5),  # the same sum over 5 words
        (conventions.kenlm_including, 14 / 8),
        (conventions.kenlm_excluding, 9 / 7),
        (lambda of: conventions.nltk_idiom(of, 1), 10 / 6),  # no padding, no </s>
        (lambda of: conventions.nltk_idiom(of, 2), 14 / 8),
        (lambda of: conventions.nltk_idiom(of, 4), 14 / 12),  # 6 words and 3 </s> a sentence
        (conventions.lm_eval_word_perplexity, 21 / 6),
        (conventions.lm_eval_byte_perplexity, 21 / 24),
    ],
)
def test_by_hand(number, exponent):
    assert number(by_hand()) == pytest.approx(math.exp(exponent))


def test_bits_per_byte_by_hand():
    assert conventions.lm_eval_bits_per_byte(by_hand()) == pytest.approx(21 / 24 / math.log(2))


def test_what_is_not_known_is_nan_and_an_empty_denominator_too():
    assert math.isnan(conventions.lm_eval_byte_perplexity(by_hand(text_bytes=math.nan)))
    assert math.isnan(conventions.srilm_ppl1(by_hand(oov=6.0)))
    assert conventions.srilm_ppl(by_hand(possible=-1e9)) == math.inf


def test_totals_are_the_sums_they_are_called(toy):
    corpus, model, totals = toy
    log_probs, tokens = model.log_probs(corpus.test), corpus.test.tokens
    assert (totals.words, totals.oov, totals.sentences) == (10, 2, 4)
    assert totals.total == pytest.approx(log_probs.sum())
    assert totals.without_oov == pytest.approx(log_probs[tokens != 0].sum())
    assert totals.without_end == pytest.approx(log_probs[tokens != 1].sum())
    assert (totals.possible, totals.zeros) == (pytest.approx(totals.without_oov), 0)
    assert (totals.text_words, totals.text_bytes) == (10, sum(len(line.encode()) + 1 for line in TEST))
    assert totals.text == pytest.approx(log_probs.sum() - 2 * SPELLING * math.log(2))


def test_zeros_are_infinite_for_all_but_srilm():
    # of the bigrams of test, train lacks "d a" alone
    corpus = corpus_of(["a b c d", "d a"])
    metrics, totals = measured(fitted(corpus, order=2, smoothing="mle"), corpus)
    assert metrics["impossible"] == 1
    assert (totals.total, totals.zeros) == (-math.inf, 1)
    log_probs = fitted(corpus, order=2, smoothing="mle").log_probs(corpus.test)
    rest = log_probs[np.isfinite(log_probs)].sum()
    assert conventions.srilm_ppl(totals) == pytest.approx(math.exp(-rest / 7))  # 6 words - 1 zeroprob + 2 sentences
    assert conventions.srilm_ppl1(totals) == pytest.approx(math.exp(-rest / 5))
    for number in (conventions.kenlm_including, conventions.kenlm_excluding, conventions.lm_eval_word_perplexity):
        assert number(totals) == math.inf


def test_facts_of_earlier_runs_lack_what_only_zeros_need():
    corpus = corpus_of(["a b c d", "d a"])
    metrics, totals = measured(fitted(corpus, order=2, smoothing="mle"), corpus)
    test = next(line for line in corpus.statistics if line["split"] == "test")
    older = Totals.of({k: v for k, v in metrics.items() if k not in ("possible_bits", "impossible_known")}, test)
    assert math.isnan(conventions.srilm_ppl(older))
    assert conventions.kenlm_including(older) == math.inf == conventions.kenlm_including(totals)


@pytest.mark.parametrize(
    ("sentences", "words", "log10", "ppl", "ppl1"),
    [
        # `ngram -ppl` as printed in egs/swbd/s5c/local/swbd1_train_lms.sh of Kaldi (github.com/kaldi-asr/kaldi)
        (10000, 118254, -250952, 90.5071, 132.479),
        (10000, 118254, -253747, 95.1632, 139.887),
    ],
)
def test_what_srilm_printed(sentences, words, log10, ppl, ppl1):
    total = log10 * NATS
    totals = by_hand(words=words, oov=0, sentences=sentences, total=total, without_oov=total, possible=total)
    # the sum was printed to six digits
    assert conventions.srilm_ppl(totals) == pytest.approx(ppl, rel=2e-5)
    assert conventions.srilm_ppl1(totals) == pytest.approx(ppl1, rel=2e-5)


def test_kenlm_prints_the_same_two_perplexities(kenlm, tmp_path, toy):
    _, model, totals = toy
    arpa.write(model.backoff_, model.vocab_, tmp_path / "model.arpa")
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    scores = [score for line in TEST for score in theirs.full_scores(line, bos=True, eos=True)]
    known = [log10 for log10, _, oov in scores if not oov]
    assert (len(scores), len(known)) == (14, 12)
    # lm/ngram_query.hh: 10 ** -(sum / tokens), with and without what its vocabulary lacks
    including = 10 ** -(sum(log10 for log10, _, _ in scores) / len(scores))
    excluding = 10 ** -(sum(known) / len(known))
    assert conventions.kenlm_including(totals) == pytest.approx(including, rel=1e-5)
    assert conventions.kenlm_excluding(totals) == pytest.approx(excluding, rel=1e-5)


@pytest.mark.parametrize("line", TEST)
def test_kenlm_s_perplexity_of_a_sentence_is_the_one_including_unknown_words(kenlm, tmp_path, line):
    corpus = corpus_of([line])
    model = fitted(corpus, order=3, smoothing="witten_bell")
    arpa.write(model.backoff_, model.vocab_, tmp_path / "model.arpa")
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    ours = conventions.kenlm_including(measured(model, corpus)[1])
    assert ours == pytest.approx(theirs.perplexity(line), rel=1e-5)
    assert theirs.perplexity(line) == pytest.approx(
        10 ** -(theirs.score(line, bos=True, eos=True) / (len(line.split()) + 1)), rel=1e-6
    )


def nltk_perplexity(kind: type, order: int, test: Sequence[str], train: Sequence[str] = TRAIN) -> float:
    """The idiom of nltk.lm's documentation, from padded training text to the perplexity of padded n-grams."""
    model = kind(order)
    model.fit(*padded_everygram_pipeline(order, [line.split() for line in train]))
    grams = [gram for line in test for gram in ngrams(pad_both_ends(line.split(), n=order), order)]
    return float(model.perplexity(grams))


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_nltk_prints_the_same_of_maximum_likelihood(order):
    """Padded train never goes on from </s> but with </s>, so the further ones cost nothing."""
    test = ["a b c", "d", "c c", "a b b d"]
    corpus = corpus_of(test)
    totals = measured(fitted(corpus, order=order, smoothing="mle"), corpus)[1]
    assert conventions.nltk_idiom(totals, order) == pytest.approx(nltk_perplexity(MLE, order, test))


def test_nltk_s_unigram_idiom_predicts_no_end():
    # without padding nltk's unigram has no </s> to give mass to: each word has 1 - p(</s>) times as much here
    test = ["a b c", "d"]
    corpus = corpus_of(test)
    totals = measured(fitted(corpus, order=1, smoothing="mle"), corpus)[1]
    words = sum(len(line.split()) for line in TRAIN)
    share = words / (words + len(TRAIN))
    assert conventions.nltk_idiom(totals, 1) * share == pytest.approx(nltk_perplexity(MLE, 1, test))


@pytest.mark.parametrize("order", [3, 4])
def test_nltk_prints_no_less_of_a_smoothed_model(order):
    """From nltk's own scores of what we predict: the further </s> add to it what the convention leaves out."""
    model = Laplace(order)
    model.fit(*padded_everygram_pipeline(order, [line.split() for line in TRAIN]))
    padded = [list(ngrams(pad_both_ends(line.split(), n=order), order)) for line in TEST]
    first = [gram for grams, line in zip(padded, TEST, strict=True) for gram in grams[: len(line.split()) + 1]]
    total = sum(model.logscore(gram[-1], gram[:-1]) for gram in first) * math.log(2)
    ours = conventions.nltk_idiom(by_hand(words=10, sentences=4, total=total), order)
    further = [gram for grams, line in zip(padded, TEST, strict=True) for gram in grams[len(line.split()) + 1 :]]
    assert len(first) + len(further) == 10 + (order - 1) * 4
    theirs = nltk_perplexity(Laplace, order, TEST)
    assert ours < theirs
    left_out = sum(model.logscore(gram[-1], gram[:-1]) for gram in further) * math.log(2)
    assert ours * math.exp(-left_out / (len(first) + len(further))) == pytest.approx(theirs)


def test_lm_eval_weighs_documents_by_words_and_bytes(toy):
    """lm_eval/api/metrics.py: weighted_perplexity and bits_per_byte of a pair (log-likelihood, weight) a document.

    The words and bytes of a document are counted as its task wikitext does: re.split(r"\\s+", page) and UTF-8.
    lm-eval 0.4.13's own functions gave the same on this text; it needs too many packages to be a test's.
    """
    corpus, model, totals = toy
    scores = corpus.test.row_sums(model.log_probs(corpus.test) - spelling_bits(corpus) * math.log(2))
    words = [(score, len(re.split(r"\s+", line))) for score, line in zip(scores, TEST, strict=True)]
    size = [(score, len(f"{line}\n".encode())) for score, line in zip(scores, TEST, strict=True)]

    def weighted_mean(items):
        return sum(value for value, _ in items) / sum(weight for _, weight in items)

    assert conventions.lm_eval_word_perplexity(totals) == pytest.approx(math.exp(-weighted_mean(words)))
    assert conventions.lm_eval_byte_perplexity(totals) == pytest.approx(math.exp(-weighted_mean(size)))
    assert conventions.lm_eval_bits_per_byte(totals) == pytest.approx(-weighted_mean(size) / math.log(2))


def test_a_stream_counts_as_its_sentences_do():
    splits = {"train": TRAIN, "valid": TRAIN, "test": TEST}
    tokens = {name: [line.split() for line in lines] for name, lines in splits.items()}
    rows, stream = (from_tokens("toy", tokens, unit=unit) for unit in ("sentence", "stream"))
    model = fitted(rows, order=1, smoothing="witten_bell")
    assert isinstance(stream.test, Sentences)
    assert len(stream.test) == 1
    assert measured(model, rows)[1].total == pytest.approx(measured(model, stream)[1].total)
    assert measured(model, stream)[1].sentences == 4


# docs/conventions.md: the worked example is what the code gives.

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text("utf-8")


def example(name: str) -> list[str]:
    """The lines of the page's block of this name."""
    return re.search(rf"<!-- {name} -->\n```\n(.*?)```", PAGE, re.S)[1].splitlines()


def cells(name: str) -> list[list[str]]:
    """The body of the page's table of this name."""
    lines = re.search(rf"<!-- {name} -->\n((?:\|.*\n)+)", PAGE)[1].splitlines()[2:]
    return [[cell.strip().replace("−", "-") for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def worked() -> tuple[Corpus, NGram, dict[str, float], Totals]:
    corpus = corpus_of(example("test"), example("train"))
    model = fitted(corpus, order=3, smoothing="add_k", k=1.0)
    return corpus, model, *measured(model, corpus)


def test_the_page_s_scores_are_the_model_s(worked):
    corpus, model, *_ = worked
    shown = [cell.replace("`", "").split() for row in cells("scores") for cell in row[1:] if cell]
    words = [corpus.vocab.events[token] for token in corpus.test.tokens]
    scores = model.log_probs(corpus.test) / NATS
    assert shown == [[word, f"{score:.4f}"] for word, score in zip(words, scores, strict=True)]


def test_the_page_s_numbers_are_the_code_s(worked):
    metrics, totals = worked[2:]
    numbers = [
        (totals.total, metrics["ppl"]),
        (totals.possible, conventions.srilm_ppl(totals)),
        (totals.possible, conventions.srilm_ppl1(totals)),
        (totals.total, conventions.kenlm_including(totals)),
        (totals.without_oov, conventions.kenlm_excluding(totals)),
        (totals.total, conventions.nltk_idiom(totals, 3)),
        (totals.text, conventions.lm_eval_word_perplexity(totals)),
        (totals.text, conventions.lm_eval_byte_perplexity(totals)),
    ]
    shown = [(total, result) for _, total, _, result in cells("numbers")]
    assert shown == [(f"{total / NATS:.4f}", f"{result:.3f}") for total, result in numbers]
    counts = [int(re.search(r"(\d+)(?: known words| words)?$", count)[1]) for _, _, count, _ in cells("numbers")]
    # each result is what a pocket calculator makes of the two cells before it
    for (total, result), count in zip(shown, counts, strict=True):
        assert 10 ** -(float(total) / count) == pytest.approx(float(result), rel=2e-4)
    byte = conventions.lm_eval_byte_perplexity(totals)
    assert f"log2 {byte:.3f} = {conventions.lm_eval_bits_per_byte(totals):.3f}" in PAGE
    assert f'"without `</s>`", {metrics["ppl_no_eos"]:.3f} here' in PAGE


def test_the_page_s_sums_and_spelling(worked):
    corpus, model, _, totals = worked
    scores, tokens = model.log_probs(corpus.test) / NATS, corpus.test.tokens
    known = f"{scores[tokens > 1].sum():.4f} over the 12 known words".replace("-", "−")
    assert known in PAGE
    assert f"{scores[tokens == 1].sum():.4f} over".replace("-", "−") in PAGE
    assert f"Let it cost {SPELLING:.0f} bits, {SPELLING * math.log10(2):.4f} in log10" in PAGE
    assert totals.text / NATS == pytest.approx(scores.sum() - SPELLING * math.log10(2))


def test_what_the_page_says_of_nltk():
    theirs = nltk_perplexity(Laplace, 3, example("test"), example("train"))
    assert f"`Laplace(3)`, prints {theirs:.3f}" in PAGE
