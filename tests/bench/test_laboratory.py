"""The sparsity laboratory of a benchmark: which tables there are, and on how much of which text."""

from dataclasses import replace

import pytest
from toy import TEXT

from lmbench.bench import benchmark, laboratory
from lmbench.bench.prepare import prepare
from lmbench.bench.specs import SparsitySpec
from lmbench.errors import BadConfig
from lmbench.text.corpus import from_tokens
from lmbench.text.tokenizers import TOKENIZERS, Tokenizer

TOKENS = {"train": TEXT[::2], "valid": TEXT[1::4], "test": TEXT[3::4], "more": TEXT[5:9]}


def measured(tokenizers=(), cache=None, **options):
    return laboratory.laboratory(from_tokens("toy", TOKENS, **options), tokenizers, cache)


def units(*tokenizers, cache=None):
    return measured(tokenizers, cache).facts["laboratory"]["units"]


def test_every_set_is_measured_and_the_masks_are_of_test():
    corpus = from_tokens("toy", TOKENS)
    found = laboratory.laboratory(corpus, (), None)
    tables = found.facts["laboratory"] | {"sparsity": found.facts["sparsity"]}
    assert {line["set"] for table in ("sparsity", "longest") for line in tables[table]} == {"test", "more"}
    for line in tables["sparsity"]:
        if line["set"] == "test":
            assert found.unseen[line["order"]].sum() == line["unseen"]
            assert found.unseen[line["order"]].shape == (corpus.test.n_tokens,)
    whole = [line for line in tables["growth"] if line["train_sentences"] == len(TOKENS["train"])]
    assert [line["unseen"] for line in whole] == [found.unseen[line["order"]].sum() for line in whole]
    assert whole[0]["train_tokens"] == corpus.train.n_tokens == tables["counts"][0]["tokens"]


def test_a_stream_has_the_same_sentences():
    rows, stream = (measured(unit=unit).facts["laboratory"]["growth"] for unit in ("sentence", "stream"))
    sizes = [[(line["train_sentences"], line["train_tokens"]) for line in lines] for lines in (rows, stream)]
    assert sizes[0] == sizes[1]


def test_the_unit_of_the_benchmark_comes_first_and_alone_it_is_no_comparison():
    assert units() == units("whitespace") == []
    lines = units("syllables", "whitespace", "syllables")
    assert list(dict.fromkeys(line["tokenizer"] for line in lines)) == ["whitespace", "syllables"]
    words, letters = (next(line for line in lines if line["tokenizer"] == name) for name in ("whitespace", "syllables"))
    text = [" ".join(row) for row in TOKENS["test"]]
    assert words["characters"] == letters["characters"] == letters["tokens"] == sum(len(line) + 1 for line in text)
    assert words["tokens"] == sum(len(row) + 1 for row in TOKENS["test"])
    assert letters["types"] == len(set("".join(" ".join(row) for row in TOKENS["train"])))


def test_long_texts_are_measured_on_their_first_lines(monkeypatch):
    lengths = [len(" ".join(row)) + 1 for row in TOKENS["train"]]
    for limit, lines in ((sum(lengths[:3]), 3), (sum(lengths[:3]) - 1, 2), (0, 1)):
        monkeypatch.setattr(laboratory, "LIMIT", limit)
        assert {line["train_sentences"] for line in units("syllables")} == {lines}
        assert {line["train_characters"] for line in units("syllables")} == {sum(lengths[:lines])}


def test_what_takes_long_is_cut_whole_and_once(monkeypatch, tmp_path):
    asked = []

    def cut(lines):
        asked.append(len(lines))
        return [line.split() for line in lines]

    monkeypatch.setitem(TOKENIZERS, "slow", Tokenizer("slow", True, "", cut, " ".join, slow=True))
    monkeypatch.setattr(laboratory, "LIMIT", 20)
    first = units("slow", cache=tmp_path)
    assert asked == [len(TOKENS["train"]), len(TOKENS["test"])]
    assert units("slow", cache=tmp_path) == first
    assert len(asked) == 2
    by_name = {name: [line for line in first if line["tokenizer"] == name] for name in ("whitespace", "slow")}
    assert [line | {"tokenizer": ""} for line in by_name["slow"]] == [
        line | {"tokenizer": ""} for line in by_name["whitespace"]
    ]


def test_a_tokenizer_that_there_is_not_is_refused_before_the_text_is_read(tmp_path):
    found = benchmark.load("own-text")
    with pytest.raises(BadConfig, match=r"tokenizers = \('sylables',\) is not a list, each item one of white"):
        prepare(replace(found, sparsity=SparsitySpec(tokenizers=("sylables",)), folder=tmp_path), None, tmp_path)
