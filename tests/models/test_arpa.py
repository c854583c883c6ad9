"""An ARPA file over a benchmark's events: what every event gets, after every context, against the words of the rule."""

import math
import unicodedata
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadModel
from lmbench.models.arpa import Arpa
from lmbench.models.ngram import NGram
from lmbench.ngrams import arpa
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

THEIRS = ["<unk>", "</s>", "a", "b", "x", "y"]
VOCAB = Vocabulary.of_words(["b", "m", "a", "n"])
EMPTY = Sentences.of_rows([], VOCAB)
"""x and y are outside, m and n are missing."""


class Dictionary:
    """An ARPA model in the words of its definition: {words: p} and {words: weight}."""

    def __init__(self, p, weight):
        self.p_of, self.weight_of = p, weight

    def p(self, *words):
        if words in self.p_of:
            return self.p_of[words]
        return self.weight_of.get(words[:-1], 1.0) * self.p(*words[1:])

    def text(self):
        order = max(map(len, self.p_of))
        found = ["\\data\\", *(f"ngram {n}={sum(len(g) == n for g in self.p_of)}" for n in range(1, order + 1))]
        for n in range(1, order + 1):
            found.append(f"\n\\{n}-grams:")
            for gram, p in self.p_of.items():
                if len(gram) == n:
                    weight = f"\t{math.log10(self.weight_of[gram])!r}" if gram in self.weight_of else ""
                    found.append(f"{math.log10(p) if p else -99!r}\t{' '.join(gram)}{weight}")
        return "\n".join([*found, "\n\\end\\\n"])


@st.composite
def dictionaries(draw):
    """Distributions of up to three words, any n-grams listed whose contexts are, any p that leaves something over."""
    words = THEIRS if draw(st.booleans()) else THEIRS[1:]
    some = st.floats(0.01, 1)
    share = draw(st.lists(some, min_size=len(words), max_size=len(words)))
    p = {(word,): one / sum(share) for word, one in zip(words, share, strict=True)}
    model = Dictionary({**p, ("<s>",): 0.0}, {})
    for n in (2, 3):
        contexts = [gram for gram in model.p_of if len(gram) == n - 1 and gram[-1] != "</s>"]
        for context in draw(st.lists(st.sampled_from(contexts), unique=True, max_size=6)) if contexts else []:
            listed = draw(st.lists(st.sampled_from(words), unique=True, min_size=1, max_size=len(words) - 1))
            given = {word: draw(some) for word in listed}
            left = draw(some)
            total = sum(given.values()) + left
            below = 1 - sum(model.p(*context[1:], word) for word in listed)
            model.weight_of[context] = left / total / below
            model.p_of |= {(*context, word): one / total for word, one in given.items()}
    return model


HISTORIES = [list(words) for n in range(4) for words in product(["a", "b", "m", "unseen", "</s>"], repeat=n)]


@settings(max_examples=60, deadline=None)
@given(model=dictionaries())
def test_every_event_gets_what_the_rule_says(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("arpa") / "any.arpa"
    path.write_text(model.text(), "utf-8")
    row = Arpa(path=str(path)).fit(EMPTY, EMPTY)
    ids = VOCAB.ids | {"</s>": 1}
    table = np.exp(row.next_log_probs(Sentences.of_rows([[ids.get(w, 0) for w in h] for h in HISTORIES], VOCAB)))
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-9)
    has_unk = ("<unk>",) in model.p_of
    for found, words in zip(table, HISTORIES, strict=True):
        history = ["<s>", *(word if word in ("a", "b", "</s>") else "<unk>" for word in words)][-2:]
        share = model.p(*history, "<unk>") / 3 if has_unk else 0.0
        outside = model.p(*history, "x") + model.p(*history, "y")
        expected = {word: model.p(*history, word) for word in ("</s>", "a", "b")} | {"m": share, "n": share}
        expected["<unk>"] = share + outside
        np.testing.assert_allclose(found, [expected[event] for event in VOCAB.events], rtol=1e-9, atol=1e-12)
    # written again, each missing word by itself, it is the same model
    again = path.with_name("again.arpa.gz")
    arpa.write(row.backoff_, VOCAB, again)
    same = Arpa(path=str(again)).fit(EMPTY, EMPTY)
    batch = Sentences.of_rows([[ids.get(w, 0) for w in h] for h in HISTORIES], VOCAB)
    np.testing.assert_allclose(np.exp(same.next_log_probs(batch)), table, rtol=1e-7, atol=1e-12)


def test_the_rule_by_hand(tmp_path):
    # 10 ** -0.30103 = 1/2, -0.60206 = 1/4, -1.20412 = 1/16, -0.90309 = 1/8
    (tmp_path / "by-hand.arpa").write_text(
        "\\data\\\nngram 1=6\nngram 2=2\n\n\\1-grams:\n-0.60206 <unk>\n-0.60206 </s>\n-0.60206 a -0.30103\n"
        "-0.90309 x\n-0.90309 y\n-99 <s>\n\n\\2-grams:\n-0.60206 a x\n-0.375 a </s>\n\n\\end\\\n",
        "utf-8",
    )
    vocab = Vocabulary.of_words(["a", "m"])
    row = Arpa(path=str(tmp_path / "by-hand.arpa")).fit(Sentences.of_rows([], vocab), EMPTY)
    first, after_a = np.exp(row.next_log_probs(Sentences.of_rows([[], [2]], vocab)))
    # nothing is listed after <s>: 1/4 of <unk> is shared by <unk> and m; x and y have 1/8 each
    np.testing.assert_allclose(first, [1 / 8 + 2 / 8, 1 / 4, 1 / 4, 1 / 8], atol=1e-6)
    # after a: <unk> 1/2 * 1/4, shared; x 1/4 as listed, y 1/2 * 1/8; </s> as listed; a 1/2 * 1/4
    np.testing.assert_allclose(after_a, [1 / 16 + 1 / 4 + 1 / 16, 10**-0.375, 1 / 8, 1 / 16], atol=1e-6)
    assert row.notes() == (
        "3 of 4 events are in the file, <unk> and </s> counted; the other 1 share its p(<unk>); "
        "2 words of it are no events and are <unk>",
    )


def test_a_closed_file_and_one_without_ends_say_what_is_impossible(tmp_path):
    (tmp_path / "closed.arpa").write_text("\\data\\\nngram 1=2\n\\1-grams:\n-0.30103 a\n-0.30103 b\n\\end\\\n", "utf-8")
    row = Arpa(path=str(tmp_path / "closed.arpa")).fit(EMPTY, EMPTY)
    np.testing.assert_allclose(np.exp(row.next_log_probs(Sentences.of_rows([[]], VOCAB)))[0], [0, 0, 0.5, 0, 0.5, 0])
    assert row.notes()[1:] == (
        "the file has no <unk>: the events it lacks are impossible",
        "the file has no </s>: no sentence can end",
    )


def test_a_file_is_explained_without_counts(tmp_path):
    words = [line.split() for line in ("a b c", "a b b d", "c a b")]
    vocab = Vocabulary.build(words)
    train = Sentences.encode(words, vocab)
    arpa.write(NGram(order=3, smoothing="witten_bell").fit(train, train).backoff_, vocab, tmp_path / "any.arpa")
    row = Arpa(path=str(tmp_path / "any.arpa")).fit(train, train)
    batch = Sentences.encode([["a", "b", "a", "unseen"]], vocab)
    told = row.explain(batch)
    np.testing.assert_allclose([one.p for one in told], np.exp(row.log_probs(batch)), rtol=1e-12)
    assert {(step.count, step.total) for one in told for step in one.steps} == {(None, None)}
    assert [step.known for step in told[2].steps] == [True, True, True]


def test_a_row_scores_as_kenlm_does_where_the_words_are_the_same(kenlm, tmp_path):
    words = [line.split() for line in ("a b c", "a b b d", "c a b", "d", "b c a", "a b c d", "c c")]
    vocab = Vocabulary.build(words)
    train = Sentences.encode(words, vocab)
    fitted = NGram(order=3, smoothing="witten_bell").fit(train, train)
    arpa.write(fitted.backoff_, vocab, tmp_path / "any.arpa")
    row = Arpa(path=str(tmp_path / "any.arpa")).fit(train, train)
    theirs = kenlm.Model(str(tmp_path / "any.arpa"))
    test = [["a", "unseen", "b", "c"], ["unseen", "unseen"], [], ["d", "d", "a"]]
    expected = [score for sentence in test for score, *_ in theirs.full_scores(" ".join(sentence))]
    batch = Sentences.encode(test, vocab)
    np.testing.assert_allclose(row.log_probs(batch) / math.log(10), expected, atol=2e-6)
    np.testing.assert_allclose(row.log_probs(batch), fitted.log_probs(batch), atol=1e-7)


SENTENCES = [["나는", "배가", "고프다"], ["너는", "배가", "é"]]
KOREAN = Sentences.encode(SENTENCES, Vocabulary.build(SENTENCES))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_file_in_another_form_or_with_a_byte_order_mark_is_the_same_model(tmp_path, form, mark):
    model = NGram(order=3, smoothing="witten_bell").fit(KOREAN, KOREAN)
    arpa.write(model.backoff_, KOREAN.vocab, tmp_path / "nfc.arpa")
    text = (tmp_path / "nfc.arpa").read_text("utf-8")
    (tmp_path / "other.arpa").write_text(mark + unicodedata.normalize(form, text), "utf-8")
    read = [Arpa(path=str(tmp_path / name)).fit(KOREAN, KOREAN) for name in ("nfc.arpa", "other.arpa")]
    np.testing.assert_array_equal(read[0].log_probs(KOREAN), read[1].log_probs(KOREAN))
    assert ("5 words of the file read in another Unicode form (NFC)" in read[1].notes()) == (form == "NFD")


def test_two_forms_of_a_word_are_two_words_and_the_one_in_nfc_is_the_texts(tmp_path):
    words = [unicodedata.normalize(form, "é") for form in ("NFD", "NFC")]
    lines = [f"-0.{i}\t{word}" for i, word in enumerate(["<unk>", "</s>", *words], start=3)]
    (tmp_path / "two.arpa").write_text(
        "\\data\\\nngram 1=4\n\n\\1-grams:\n" + "\n".join(lines) + "\n\\end\\\n", "utf-8"
    )
    model = Arpa(path=str(tmp_path / "two.arpa")).fit(KOREAN, KOREAN)
    (value,) = model.log_probs(Sentences.encode_prefixes([["é"]], KOREAN.vocab))
    assert value == pytest.approx(-0.6 * math.log(10))
    assert "1 word of the file that it has in NFC too, read as <unk>" in model.notes()


def test_n_grams_that_no_row_asks_for_and_a_file_of_other_words_are_said(tmp_path):
    unigrams = ["\\1-grams:", "-1\t<unk>", "-9\t<s>\t0", "-1\tzz\t0"]
    lines = ["\\data\\", "ngram 1=3", "ngram 2=1", *unigrams, "\\2-grams:", "-1\tzz <s>", "\\end\\", ""]
    text = "\n".join(lines)
    (tmp_path / "zz.arpa").write_text(text, "utf-8")
    said = " ".join(Arpa(path=str(tmp_path / "zz.arpa")).fit(KOREAN, KOREAN).notes())
    assert "1 2-gram with <s> inside left out" in said
    assert "no word of the text is in the file" in said


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "t.arpa").write_text("\\data\\\nngram 1=1\n", "utf-16")
    with pytest.raises(BadModel, match="is UTF-16, not UTF-8; convert it"):
        arpa.read(tmp_path / "t.arpa")
