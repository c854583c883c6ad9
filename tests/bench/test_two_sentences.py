"""The textbook experiment that comes with lmbench, from the command line to the report."""

import json

import numpy as np
import pytest

from lmbench.bench.benchmark import load
from lmbench.bench.results import load as load_results
from lmbench.cli import main

ROWS = ("mle-3", "witten-bell-3", "lstm", "lstm-word2vec", "lstm-word2vec-untied", "lstm-word2vec-mapped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    assert main(["run", *ROWS, "--benchmark", "two-sentences", "--quick", "--out", str(out), "--jobs", "1"]) == 0
    return out / "two-sentences-quick"


def test_train_is_exactly_the_two_sentences():
    benchmark = load("two-sentences")
    read = {name: (benchmark.folder / getattr(benchmark.corpus, name)).read_text("utf-8") for name in ("train", "test")}
    assert read["train"] == "나는 엄청 배가 고프다\n나는 매우 배가 고프다\n"
    assert read["test"] == "나는 무지 배가 고프다\n"
    assert benchmark.corpus.valid == benchmark.corpus.train
    assert [*read["train"].splitlines(), *read["test"].splitlines()] == list(benchmark.story)
    assert {row.settings.get("embedding_text", "hungry") for row in benchmark.rows} == {"hungry"}


def test_the_third_sentence_under_every_row(folder):
    results = {result.row: result for result in load_results(folder / "facts")}
    assert set(results) == set(ROWS)
    assert all(result.error is None for result in results.values())
    whole = {row: float(np.exp(result.arrays["story_log_probs"][-5:]).prod()) for row, result in results.items()}
    word = {row: float(np.exp(result.arrays["story_log_probs"][-4])) for row, result in results.items()}
    assert whole["mle-3"] == 0
    assert word["lstm-word2vec-mapped"] > 10 * max(word["lstm"], word["lstm-word2vec"], word["lstm-word2vec-untied"])
    assert whole["lstm-word2vec-mapped"] == max(whole.values())
    near = results["lstm-word2vec"].neighbours["start"]["무지"]
    adverbs = "되게 무척 매우 엄청 너무 아주 정말 몹시 굉장히 참 꽤 상당히"
    assert all(other in adverbs.split() for other, _ in near)


def test_the_report_tells_it(folder):
    facts = json.loads((folder / "facts" / "benchmark.json").read_text("utf-8"))
    assert facts["corpus"]["extra_words"] == ["무지"]
    report = (folder / "report.md").read_text("utf-8")
    assert "(with 1 extra word in the vocabulary)" in report.splitlines()[0]
    assert "such a table is ranked with no other benchmark's" in report
    assert "| lstm-word2vec-mapped | recurrent | train + hungry |" in report
    assert "there is one, and so no interval" in report
    assert "[" not in next(line for line in report.splitlines() if line.startswith("| lstm-word2vec-mapped |"))
    assert "무지 is in no training sentence." in report
    assert "| 나는 무지 \\_\\_ 고프다 |" in report
    assert "Start of `lstm-word2vec-mapped`" in report
    assert (folder / "neighbours.csv").is_file()
    assert (folder / "blanks.csv").is_file()
