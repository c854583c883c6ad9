"""ARPA files: written and read back, as KenLM reads them, as others write them, and damaged in every way."""

import gzip
import lzma
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from toy import toy

from lmbench.errors import BadModel, BadText, LMBenchError
from lmbench.models.arpa import Arpa
from lmbench.models.ngram import NGram
from lmbench.ngrams import arpa
from lmbench.ngrams.smoothing import METHODS
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary, escape

DATA = Path(__file__).parent.parent / "data"
LN10 = math.log(10)

SMALL = r"""
\data\
ngram 1=5
ngram 2=3
ngram 3=1

\1-grams:
-1	<unk>
-0.5	</s>
-99	<s>	-0.25
-0.5	a	-0.125
-0.75	b	0.5

\2-grams:
-0.5	<s> a	-1
-0.25	a b
-2	b </s>

\3-grams:
-0.125	<s> a b

\end\
"""


def fitted(**fields):
    train, valid, _ = toy()
    return NGram(**fields).fit(train, valid)


def read_text(tmp_path, text, name="some.arpa"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return arpa.read(path)


def assert_same(found, expected):
    assert len(found.index.keys) == len(expected.index.keys)
    for name in ("log_p", "log_gamma"):
        for ours, theirs in zip(getattr(found, name), getattr(expected, name), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(found.index.keys, expected.index.keys, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", [".arpa", ".arpa.gz", ".xz"])
@pytest.mark.parametrize(("method", "order"), list(product(METHODS, (1, 2, 4))))
def test_what_is_written_is_read(tmp_path, method, order, suffix):
    model = fitted(order=order, smoothing=method)
    path = tmp_path / f"model{suffix}"
    arpa.write(model.backoff_, model.vocab_, path)
    vocab, found = arpa.read(path)
    assert vocab == model.vocab_
    np.testing.assert_array_equal(found.index.keys[0], model.backoff_.index.keys[0])
    for n in range(order):
        np.testing.assert_array_equal(found.index.keys[n], model.backoff_.index.keys[n])
        for ours, theirs in ((found.log_p, model.backoff_.log_p), (found.log_gamma, model.backoff_.log_gamma)):
            if n < len(theirs):
                given = theirs[n] if n or theirs is model.backoff_.log_gamma else theirs[0][:-1]  # not p of <s>
                # nine significant digits
                np.testing.assert_allclose(ours[n][: len(given)], given, rtol=5.1e-9, atol=1e-15)
    # what was printed is exact: the same bytes again
    arpa.write(found, vocab, tmp_path / f"again{suffix}")
    assert (tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()
    test = toy()[2]
    np.testing.assert_allclose(found.log_probs(test), model.log_probs(test), atol=1e-7)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".tmp")] == []


@pytest.mark.parametrize(("method", "order"), list(product(METHODS, (1, 2, 4))))
def test_kenlm_loads_it_and_gives_the_same_numbers(kenlm, tmp_path, method, order):
    model = fitted(order=order, smoothing=method)
    arpa.write(model.backoff_, model.vocab_, tmp_path / "model.arpa")
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    assert theirs.order == max(order, 2)
    test = toy()[2]
    rows = [[model.vocab_.events[token] for token in row[:-1]] for row in test]
    found = np.array([score for words in rows for score, *_ in theirs.full_scores(" ".join(words))])
    expected = model.log_probs(test) / LN10
    possible = np.isfinite(expected)
    assert (found[~possible] <= arpa.ZERO).all()
    np.testing.assert_allclose(found[possible], expected[possible], atol=2e-6)


def test_lmplz_s_file_gives_the_scores_of_kenlm(kenlm):
    path = DATA / "kenlm" / "order4.arpa.gz"
    with gzip.open(DATA / "kenlm" / "test.txt.gz", "rt", encoding="utf-8") as file:
        test = [line.split() for line in file]
    vocab, backoff = arpa.read(path)
    theirs = kenlm.Model(str(path))
    expected = [score for words in test for score, *_ in theirs.full_scores(" ".join(words))]
    found = backoff.log_probs(Sentences.encode(test, vocab)) / LN10
    assert len(found) == 2676
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    # `query` of KenLM: perplexity including OOVs 60.26998616609276
    assert 10 ** -found.mean() == pytest.approx(60.269986, abs=1e-4)


def test_words_that_are_reserved_somewhere(kenlm, tmp_path):
    words = ["<unk>", "<s>", "</s>", r"\<unk>", "<UNK>", r"\<UNK>", r"\data\\"[:-1], "배가", "\u00a0", "-99", "a"]
    text = [words, words[::-1], ["a", *words[:3]]]
    vocab = Vocabulary.build(text)
    train = Sentences.encode(text, vocab)
    model = NGram(order=3, smoothing="witten_bell").fit(train, train)
    path = tmp_path / "reserved.arpa"
    arpa.write(model.backoff_, vocab, path)
    again, backoff = arpa.read(path)
    assert again == vocab
    np.testing.assert_allclose(backoff.log_probs(train), model.log_probs(train), atol=1e-7)
    spelled = [["\\" + word if "UNK" in word else escape(word) for word in row] for row in text]
    theirs = kenlm.Model(str(path))
    found = np.array([score for row in spelled for score, *_ in theirs.full_scores(" ".join(row))])
    np.testing.assert_allclose(found, model.log_probs(train) / LN10, atol=2e-6)


@pytest.mark.parametrize("word", ["a b", "a\tb", "a\nb", "\r", "\v", "\0", ""])
def test_words_that_cannot_be_written_leave_no_file(tmp_path, word):
    vocab = Vocabulary.of_words(["a", word])
    model = NGram(order=1, smoothing="add_k").fit(*[Sentences.of_rows([[2, 3, 1]], vocab)] * 2)
    with pytest.raises(BadModel, match="white space ends a word"):
        arpa.write(model.backoff_, vocab, tmp_path / "any.arpa")
    assert list(tmp_path.iterdir()) == []


def test_small_as_it_is(tmp_path):
    vocab, backoff = read_text(tmp_path, SMALL)
    assert vocab.events == ("<unk>", "</s>", "a", "b")
    # <s> is 4, of a base of 5: the keys are (3, </s>), (<s>, a) and (a, b), by context
    assert [keys.tolist() for keys in backoff.index.keys] == [[0, 1, 2, 3, 4], [2 * 5 + 3, 3 * 5 + 1, 4 * 5 + 2], [13]]
    np.testing.assert_allclose(backoff.log_p[0] / LN10, [-1, -0.5, -0.5, -0.75, -np.inf])
    np.testing.assert_allclose(backoff.log_gamma[0] / LN10, [0, 0, -0.125, 0.5, -0.25])
    np.testing.assert_allclose(backoff.log_p[1] / LN10, [-0.25, -2, -0.5])
    np.testing.assert_allclose(backoff.log_gamma[1] / LN10, [0, 0, -1])
    np.testing.assert_allclose(backoff.log_p[2] / LN10, [-0.125])
    # a, b, then </s>: a after <s>, b after <s> a, and </s> after b, as "a b" is no context
    row = Sentences.of_rows([[2, 3, 1]], vocab)
    np.testing.assert_allclose(backoff.log_probs(row) / LN10, [-0.5, -0.125, -2])


SAME = {
    "CRLF": SMALL.replace("\n", "\r\n"),
    "spaces": SMALL.replace("\t", "  "),
    "words before": "# a comment\nngram 1=7\n\n" + SMALL,
    "exponents": SMALL.replace("-0.125", "-1.25e-1").replace("-99", "-9.9E+1"),
    "no end of line": SMALL.rstrip("\n"),
    "more after": SMALL + "nobody reads this",
    "spaced counts": SMALL.replace("ngram 1=5", "ngram  1 = 5"),
    "empty lines": SMALL.replace("\n\n", "\n\n \n"),
    "zero as infinity": SMALL.replace("-99", "-inf"),
    "capital": SMALL.replace("<unk>", "<UNK>"),
    "weights of the longest": SMALL.replace("<s> a b", "<s> a b\t0"),
    "all weights": SMALL.replace("a b\n-2\tb </s>", "a b\t0\n-2\tb </s>\t0"),
    "another order": SMALL.replace("-0.5\t<s> a\t-1\n-0.25\ta b\n", "-0.25\ta b\n-0.5\t<s> a\t-1\n"),
    "<s> inside": SMALL.replace("2=3", "2=5").replace("-2\tb </s>", "-2\tb </s>\n-1\ta <s>\t0\n-1\t<s> <s>"),
    "<s> in a context": SMALL.replace("2=3", "2=4").replace("3=1", "3=2").replace(
        "-2\tb </s>", "-2\tb </s>\n-1\ta <s>").replace("-0.125\t<s> a b", "-1\ta <s> b\n-0.125\t<s> a b"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_what_makes_no_difference(tmp_path, case):
    vocab, expected = read_text(tmp_path, SMALL)
    assert SAME[case] != SMALL
    again, found = read_text(tmp_path, SAME[case])
    assert again == vocab
    assert_same(found, expected)


@pytest.mark.parametrize(("name", "pack"), [("a.gz", gzip.compress), ("a.xz", lzma.compress)])
def test_packed(tmp_path, name, pack):
    assert_same(read_text(tmp_path, pack(SMALL.encode()), name)[1], read_text(tmp_path, SMALL)[1])


def test_many_blocks_are_one_section(tmp_path, monkeypatch):
    model = fitted(order=3)
    arpa.write(model.backoff_, model.vocab_, tmp_path / "one.arpa")
    _, expected = arpa.read(tmp_path / "one.arpa")
    monkeypatch.setattr(arpa, "BLOCK", 7)
    arpa.write(model.backoff_, model.vocab_, tmp_path / "seven.arpa")
    assert (tmp_path / "seven.arpa").read_bytes() == (tmp_path / "one.arpa").read_bytes()
    assert_same(arpa.read(tmp_path / "one.arpa")[1], expected)


# what is changed, the line (counted from 1; SMALL begins with an empty one), what is expected, what is found
BAD = {
    "nothing": (lambda _: "", 0, "a line \\data\\", "the end of the file"),
    "no ARPA": (lambda _: "once upon a time\n", 1, "a line \\data\\", "the end of the file"),
    "no counts": (lambda s: s.replace("ngram 1=5\n", ""), 3, "ngram 1=...", "'ngram 2=3'"),
    "counts out of order": (lambda s: s.replace("ngram 2=3\n", ""), 4, "ngram 2=... or \\1-grams:", "'ngram 3=1'"),
    "no words": (lambda s: s.replace("1=5", "1=0"), 7, "words", "'ngram 1=0'"),
    "absurd count": (lambda s: s.replace("1=5", "1=" + "9" * 5000), 3, "ngram 1=...", "'ngram 1=9"),
    "too few announced": (lambda s: s.replace("2=3", "2=2"), 17, "\\3-grams:", "'-2\\tb </s>'"),
    "too many announced": (lambda s: s.replace("2=3", "2=4"), 18, "all 4 2-grams that the head announces", "''"),
    "too many words": (lambda s: s.replace("1=5", "1=6"), 13, "all 6 1-grams that the head announces", "''"),
    "far too many announced": (lambda s: s.replace("3=1", "3=99999999"), 21, "all 99999999 3-grams", "''"),
    "sections out of order": (lambda s: s.replace("\\2-", "\\9-").replace("\\3-", "\\2-"), 14, "\\2-grams:", "'\\\\9-"),
    "wrong n": (lambda s: s.replace("a b\n-2", "a b a a\n-2"), 16, "log10 p, 2 words and", "'-0.25\\ta b a"),
    "too short": (lambda s: s.replace("-0.25\ta b", "-0.25\ta"), 16, "log10 p, 2 words", "'-0.25\\ta'"),
    "not a number": (lambda s: s.replace("-0.25\ta", "x\ta"), 16, "a number of 0 or less", "'x'"),
    "underscore": (lambda s: s.replace("-0.25\ta", "-0_1\ta"), 16, "a number of 0 or less", "'-0_1'"),
    "NaN": (lambda s: s.replace("-0.25\ta", "nan\ta"), 16, "a number of 0 or less", "'nan'"),
    "positive": (lambda s: s.replace("-0.25\ta", "0.25\ta"), 16, "a number of 0 or less", "'0.25'"),
    "NaN weight": (lambda s: s.replace("<s> a\t-1", "<s> a\tnan"), 15, "a number of 99 or less", "'nan'"),
    "infinite weight": (lambda s: s.replace("<s> a\t-1", "<s> a\tinf"), 15, "a number of 99 or less", "'inf'"),
    "a word twice": (lambda s: s.replace("\tb\t0.5", "\ta\t0.5"), 12, "each word once", "'a'"),
    "unk twice": (lambda s: s.replace("\tb\t0.5", "\t<UNK>"), 12, "each word once", "'<UNK>'"),
    "an n-gram twice": (lambda s: s.replace("b </s>", "a b"), 17, "each n-gram once", "'that of an earlier line'"),
    "a word that is none": (lambda s: s.replace("b </s>", "b c"), 17, "words that are 1-grams", "'c'"),
    "no <s>": (lambda s: s.replace("=5", "=4").replace("-99\t<s>\t-0.25\n", ""), 14, "words that are 1-grams", "'<s>'"),
    "no context": (lambda s: s.replace("<s> a b", "a a b"), 20, "an n-gram whose first words are one too", "'a a b'"),
    "no end": (lambda s: s.replace("\\end\\\n", ""), 21, "\\end\\", "the end of the file"),
    "cut off": (lambda s: s[: s.index("-2\tb")], 16, "all 3 2-grams", "the end of the file"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_malformed_file_is_one_line_that_says_where(tmp_path, case):
    change, line, expected, found = BAD[case]
    text = change(SMALL)
    assert text != SMALL
    with pytest.raises(BadModel) as caught:
        read_text(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'some.arpa'}, line {line}: expected {expected}")
    assert f"found {found}" in message
    assert "\n" not in message


def test_a_word_that_is_not_utf_8(tmp_path):
    with pytest.raises(BadModel, match="line 12: expected a word in UTF-8"):
        read_text(tmp_path, SMALL.encode().replace(b"\tb\t", b"\t\xff\t").replace(b"b", b"\xff"))


def test_files_that_are_not_there_or_damaged(tmp_path):
    packed = gzip.compress(SMALL.encode())
    for content, name, said in (
        (packed[:-12], "cut.gz", "cut off"),
        (packed[:30] + b"\0\0\0" + packed[33:], "bad.gz", "damaged"),
        (SMALL.encode(), "plain.gz", "is not a .gz file"),
        (lzma.compress(SMALL.encode())[:-20], "cut.xz", "cut off"),
    ):
        with pytest.raises(BadText, match=said):
            read_text(tmp_path, content, name)
    with pytest.raises(BadText, match=r"did you mean '.*cut\.gz'"):
        arpa.read(tmp_path / "cu.gz")
    with pytest.raises(BadText, match="folder"):
        arpa.read(tmp_path)


CONTENT = (DATA / "toy.arpa").read_bytes()
LINES = CONTENT.splitlines(keepends=True)
PLACE = st.integers(0, len(CONTENT) - 1)
LINE = st.integers(0, len(LINES) - 1)
NUMBERS = [b"0", b"-0", b"1", b"nan", b"-inf", b"inf", b"1e308", b"-1e308", b"-99", b"98", b"x", b"1_0", b"", b"-1.5"]


@st.composite
def mutants(draw):
    """An ARPA file with one to three mishaps."""
    content, lines = CONTENT, LINES
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["byte", "cut", "drop", "twice", "swap", "number", "word", "count"]))
        lines = content.splitlines(keepends=True)
        i, j = draw(LINE) % len(lines), draw(LINE) % len(lines)
        fields = lines[i].split(b"\t")
        if kind == "byte":
            place = draw(PLACE) % len(content)
            content = content[:place] + bytes([draw(st.integers(0, 255))]) + content[place + 1 :]
            continue
        if kind == "cut":
            content = content[: draw(st.integers(1, len(content)))]
            continue
        if kind == "drop":
            lines[i] = b""
        elif kind == "twice":
            lines[i] += lines[i]
        elif kind == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == "number":
            fields[draw(st.sampled_from([0, -1]))] = draw(st.sampled_from(NUMBERS))
            lines[i] = b"\t".join(fields) + b"\n"
        elif kind == "word":
            words = lines[i].split(b" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from([b"<s>", b"</s>", b"<unk>", b"new"]))
            lines[i] = b" ".join(words)
        else:
            lines[i if len(lines) < 6 else 3 + i % 3] = b"ngram %d=%d\n" % (1 + j % 4, draw(st.integers(0, 120)))
        content = b"".join(lines) or b"\n"
    return content


@settings(max_examples=300, deadline=None)
@given(content=mutants())
def test_a_damaged_file_is_refused_or_a_model(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("mutant") / "mutant.arpa"
    path.write_bytes(content)
    try:
        vocab, backoff = arpa.read(path)
    except LMBenchError as refusal:
        event(type(refusal).__name__)
        return
    event("a model")
    rows = [[i % len(vocab) for i in range(start, start + length)] for start in range(len(vocab)) for length in (0, 3)]
    batch = Sentences.of_rows(rows, vocab)
    scores, table = backoff.log_probs(batch), backoff.next_log_probs(batch)
    for found in (scores, table):
        assert not np.isnan(found).any()
        assert (found <= 0).all()
    arpa.write(backoff, vocab, path)
    again, same = arpa.read(path)
    assert again == vocab
    np.testing.assert_allclose(same.log_probs(batch), scores, rtol=1e-8, atol=1e-12)
    train, _, test = toy()
    mapped = Arpa(path=str(path)).fit(train, train)
    for found in (mapped.log_probs(test), mapped.next_log_probs(test)):
        assert not np.isnan(found).any()
