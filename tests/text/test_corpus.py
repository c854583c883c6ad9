"""A corpus: what is split how, what train alone decides, and what a reader is warned of."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadConfig, BadText
from lmbench.text.corpus import from_tokens, load, split_lines, unigram_log_probs
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import EOS, UNK

fixed = settings(deadline=None, max_examples=60)
SOURCE = Path("train.txt")
TRAIN = [["a", "b"], ["a", "b"], ["b", "c"]]
TOKENS = {"train": TRAIN, "valid": [["a", "c"]], "test": [["a", "zz"], ["b", "a"], ["a", "b"]]}
many_lines = st.lists(st.integers(0, 40).map(lambda i: f"line {i}"), min_size=1, max_size=80).filter(
    lambda lines: len(set(lines)) >= 6
)


def events(batch):
    return [batch.vocab.decode(row) for row in batch]


def write(tmp_path, name, lines):
    path = tmp_path / name
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


# Splits.


@fixed
@given(many_lines, st.integers(0, 3), st.randoms(use_true_random=False))
def test_sides_depend_on_sentences_and_seed_alone(lines, seed, random):
    split = split_lines({"train": lines}, seed, SOURCE)
    assert split == split_lines({"train": list(lines)}, seed, SOURCE)
    shuffled = random.sample(lines, len(lines))
    once = split_lines({"train": list(dict.fromkeys(lines))}, seed, SOURCE)
    other = split_lines({"train": shuffled}, seed, SOURCE)
    for name, part in split.items():
        assert sorted(part) == sorted(other[name])
        assert set(part) == set(once[name])
        assert part == [line for line in lines if line in set(part)]  # duplicates on one side, order kept


@fixed
@given(many_lines, st.integers(0, 3))
def test_nothing_is_lost_and_a_tenth_is_taken(lines, seed):
    split = split_lines({"train": lines}, seed, SOURCE)
    assert sorted(line for part in split.values() for line in part) == sorted(lines)
    distinct = {name: set(part) for name, part in split.items()}
    share = max(1, len(set(lines)) // 10)
    assert len(distinct["test"]) == len(distinct["valid"]) == share
    assert sum(map(len, distinct.values())) == len(set(lines))


def test_sides_are_those_of_the_sha_256():
    lines = [f"line {i}" for i in range(30)]
    ranked = sorted(lines, key=lambda line: hashlib.sha256(f"7\n{line}".encode()).hexdigest())
    split = split_lines({"train": lines}, 7, SOURCE)
    assert set(split["test"]) == set(ranked[:3])
    assert set(split["valid"]) == set(ranked[3:6])
    assert split_lines({"train": lines}, 8, SOURCE) != split


def test_splits_that_are_given_stay():
    lines = [f"line {i}" for i in range(20)]
    split = split_lines({"train": lines, "test": ["line 0", "x"]}, 0, SOURCE)
    assert split["test"] == ["line 0", "x"]
    assert len(split["valid"]) == 2
    assert not set(split["train"]) & set(split["valid"])
    given_all = {"train": ["a"], "valid": ["b"], "test": ["c"]}
    assert split_lines(given_all, 0, SOURCE) == given_all


def test_too_few_sentences_to_split():
    with pytest.raises(BadText, match=r"train.txt has 5 distinct sentences, too few to split off test and valid"):
        split_lines({"train": list("abcde") * 9}, 0, SOURCE)
    with pytest.raises(BadText, match="too few to split off valid"):
        split_lines({"train": ["a", "b"], "test": ["c"]}, 0, SOURCE)


# From files.


def test_load(tmp_path):
    corpus = load(
        name="toy",
        train=write(tmp_path, "train.txt", ["나는  배가 고프다", "", "나는 목이 마르다"]),
        valid=write(tmp_path, "valid.txt", ["나는 춥다", "나는"]),
        test=write(tmp_path, "test.txt", ["나는 \u1112\u1161\u11ab", "배가 고프다"]),
        valid_lines=1,
    )
    assert corpus.name == "toy"
    assert corpus.train_tokens == [["나는", "배가", "고프다"], ["나는", "목이", "마르다"]]
    assert events(corpus.valid) == [["나는", "<unk>", "</s>"]]
    assert events(corpus.test) == [["나는", "<unk>", "</s>"], ["배가", "고프다", "</s>"]]
    # '나는 한' is 4 characters and a line end, '배가 고프다' 6 and a line end.
    assert corpus.characters == 5 + 7
    assert corpus.warnings[:2] == (
        "1 empty lines of train were left out",
        "3 characters of test were replaced by Unicode normalisation (NFC)",
    )
    assert corpus.warnings[2].startswith("50.0% of the words of valid and 25.0% of the words of test are not in the")


@pytest.mark.parametrize("name", ["whitespace", "words", "syllables"])
def test_characters_do_not_depend_on_the_tokenizer(tmp_path, name):
    path = write(tmp_path, "text.txt", [f"줄, {i}▁!" for i in range(30)])
    corpus = load(name="toy", train=path, tokenizer=name)
    lines = split_lines({"train": path.read_text(encoding="utf-8").splitlines()}, 0, path)["test"]
    assert corpus.characters == sum(len(line) + 1 for line in lines)
    assert corpus.lossless == TOKENIZERS[name].lossless


def test_load_splits_by_seed(tmp_path):
    path = write(tmp_path, "text.txt", [f"a {i}" for i in range(40)])
    prints = [load(name="toy", train=path, seed=seed).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    assert load(name="toy", train=path, train_lines=30).statistics[0]["sentences"] == 24


def test_load_takes_tokens_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setitem(TOKENIZERS, "syllables", replace(TOKENIZERS["syllables"], slow=True))
    path = write(tmp_path, "text.txt", [f"a {i}" for i in range(40)])
    first, second = (
        load(name="toy", train=path, tokenizer="syllables", cache=tmp_path / "cache").fingerprint for _ in range(2)
    )
    assert first == second == load(name="toy", train=path, tokenizer="syllables").fingerprint
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_tokenizer_there_is_not(tmp_path):
    with pytest.raises(BadConfig, match="no tokenizer 'word'; did you mean 'words'"):
        load(name="toy", train=tmp_path / "none.txt", tokenizer="word")


# From tokens.


def test_the_vocabulary_is_of_train_only():
    corpus = from_tokens("toy", TOKENS)
    assert corpus.vocab.events == ("<unk>", "</s>", "b", "a", "c")
    assert from_tokens("toy", {**TOKENS, "valid": [["new"]], "test": [["words"]]}).vocab == corpus.vocab
    assert events(corpus.train) == [[*row, "</s>"] for row in TRAIN]
    assert events(corpus.test)[0] == ["a", "<unk>", "</s>"]
    assert from_tokens("toy", TOKENS, min_count=2).vocab.events[2:] == ("b", "a")
    assert from_tokens("toy", TOKENS, vocab_size=4).vocab.events[2:] == ("b", "a")


def test_a_stream_is_one_row_of_the_same_tokens():
    rows, stream = (from_tokens("toy", TOKENS, unit=unit) for unit in ("sentence", "stream"))
    for split in ("train", "valid", "test"):
        one, long = getattr(rows, split), getattr(stream, split)
        assert len(long) == 1
        assert long.tokens.tolist() == one.tokens.tolist()
    assert stream.test.tokens.tolist().count(EOS) == 3
    assert stream.statistics == rows.statistics
    assert stream.characters == rows.characters
    assert stream.unknown == rows.unknown


def test_a_vocabulary_of_one_word():
    with pytest.raises(BadText, match=r"the vocabulary of toy is one word \('a'\)"):
        from_tokens("toy", {**TOKENS, "train": [["a"], ["a"]]})
    with pytest.raises(BadText, match="is one word"):
        from_tokens("toy", TOKENS, vocab_size=3)
    with pytest.raises(BadText, match="no word of the training text"):
        from_tokens("toy", TOKENS, min_count=9)
    with pytest.raises(BadConfig, match="vocab_size = 2 leaves no word"):
        from_tokens("toy", TOKENS, vocab_size=2)


def test_a_unit_there_is_not():
    with pytest.raises(BadConfig, match="no unit 'sentences'; did you mean 'sentence'"):
        from_tokens("toy", TOKENS, unit="sentences")


def test_a_split_without_a_word_of_train_is_warned_of():
    def alien(*rows, **options):
        warnings = from_tokens("toy", {**TOKENS, "test": list(rows)}, **options).warnings
        return [warning for warning in warnings if "occurs in train" in warning]

    assert alien(*TOKENS["test"]) == []
    assert from_tokens("toy", TOKENS, warnings=("first",)).warnings[0] == "first"
    (said,) = alien(["x", "y"], ["z"])
    assert said.startswith("no word of test occurs in train")
    assert alien(["x", "y"], ["z", "a"]) == []
    # c occurs in train, though it is not in the vocabulary: rare words are another matter
    assert alien(["c"], min_count=2) == []


def test_statistics_by_hand():
    train, valid, test, more = from_tokens("toy", {**TOKENS, "more": []}).statistics
    # a b / a b / b c: 6 words and 3 line ends; 3 characters and a line end each; the second is a duplicate.
    assert train == {
        "split": "train",
        "sentences": 3,
        "tokens": 9,
        "types": 3,
        "oov_tokens": 0,
        "oov_rate": 0.0,
        "characters": 12,
        "words": 6,
        "bytes": 12,
        "duplicates": 1,
        "also_in_train": 0,
    }
    assert (valid["tokens"], valid["characters"], valid["oov_tokens"], valid["also_in_train"]) == (3, 4, 0, 0)
    # a zz / b a / a b: zz is 1 word of 6; 4 + 3 + 3 characters and 3 line ends; a b is in train.
    assert test == {
        "split": "test",
        "sentences": 3,
        "tokens": 9,
        "types": 3,
        "oov_tokens": 1,
        "oov_rate": 1 / 6,
        "characters": 13,
        "words": 6,
        "bytes": 13,
        "duplicates": 0,
        "also_in_train": 1,
    }
    assert (more["split"], more["sentences"], more["oov_rate"]) == ("more", 0, 0.0)


def test_characters_are_those_of_the_lines_given_or_of_the_tokens_joined():
    joined = from_tokens("toy", TOKENS)
    assert joined.lines["test"] == ["a zz", "b a", "a b"]
    assert joined.characters == 13
    lines = {"train": ["", "", ""], "valid": ["x"], "test": ["ab", "c", ""]}
    given = from_tokens("toy", TOKENS, lines=lines)
    assert given.lines == lines
    assert given.characters == 6
    assert [line["characters"] for line in given.statistics] == [3, 2, 6]


word = st.sampled_from(["a", "b", "c", "zz", "나", "<unk>", "</s>"])
rows = st.lists(st.lists(word, max_size=4), min_size=1, max_size=6)


@fixed
@given(rows, rows, st.integers(1, 2))
def test_unknown_words_are_those_behind_unk(train, test, min_count):
    train = [*train, ["a", "b"], ["b", "a"]]
    corpus = from_tokens("toy", {"train": train, "valid": test, "test": test}, min_count=min_count)
    words = [word for row in test for word in (*row, "end of the row")]
    where = np.flatnonzero(corpus.test.tokens == UNK)
    assert corpus.unknown == tuple(words[i] for i in where)


def test_units_are_learnt_from_train_alone(tmp_path):
    lines = {"train": ["ab ab b", "ab b"] * 3, "valid": ["ab", "뷁 b"], "test": ["b ab 뷁"]}
    files = {split: write(tmp_path, split, part) for split, part in lines.items()}
    given = {"name": "toy", "tokenizer": "bpe", "pieces": 5}
    corpus = load(**given, **files)
    assert corpus.cutter.state == TOKENIZERS["bpe"].learnt(lines["train"], 5).state
    assert corpus.tokenizer == "bpe"
    assert events(corpus.test) == [["▁", "b", "▁", "ab", "▁", "<unk>", "</s>"]]
    assert corpus.unknown == ("뷁",)
    files["test"] = write(tmp_path, "test", ["뷁 뷁 뷁 뷁"])
    assert load(**given, **files).cutter.state == corpus.cutter.state
    assert load(**{**given, "pieces": 6}, **files).fingerprint != load(**given, **files).fingerprint


def test_what_a_tokenizer_has_learnt_is_in_the_fingerprint():
    learnt = [replace(TOKENIZERS["bpe"], state=state) for state in (b"", b"one", b"two")]
    assert len({from_tokens("toy", TOKENS, cutter=cutter).fingerprint for cutter in learnt}) == 3


def test_further_test_sets():
    corpus = from_tokens("toy", {**TOKENS, "hard": [["c", "a"]]})
    assert list(corpus.extra) == ["hard"]
    assert events(corpus.extra["hard"]) == [["c", "a", "</s>"]]


@pytest.mark.parametrize(
    ("tokens", "options"),
    [
        ({"train": [["a", "b"], ["a", "b"], ["c", "b"]]}, {}),
        ({"train": [*TRAIN, ["d"]]}, {}),
        ({"valid": [["a", "b"]]}, {}),
        ({"valid": [["a"], ["c"]]}, {}),
        ({"test": [["a", "zz"], ["b", "a"], ["a", "c"]]}, {}),
        ({"valid": TOKENS["test"], "test": TOKENS["valid"]}, {}),
        ({"more": [["a"]]}, {}),
        ({}, {"min_count": 2}),
        ({}, {"vocab_size": 4}),
        ({}, {"unit": "stream"}),
    ],
)
def test_the_fingerprint_changes_with_each_input(tokens, options):
    before = from_tokens("toy", TOKENS).fingerprint
    assert from_tokens("toy", {**TOKENS, **tokens}, **options).fingerprint != before


def test_the_fingerprint_stays_while_events_and_streams_do():
    before = from_tokens("toy", TOKENS).fingerprint
    assert len(before) == 64
    assert from_tokens("other", TOKENS, warnings=("w",), cutter=TOKENIZERS["words"]).fingerprint == before
    assert (
        from_tokens("toy", {name: [tuple(row) for row in part] for name, part in TOKENS.items()}).fingerprint == before
    )


def test_unigrams_are_relative_frequencies_with_line_ends():
    # 9 predictions of train: </s> 3, b 3, a 2, c 1; <unk> never.
    found = unigram_log_probs(from_tokens("toy", TOKENS).train)
    assert found[UNK] == -np.inf
    np.testing.assert_allclose(np.exp(found), np.array([0, 3, 3, 2, 1]) / 9)
