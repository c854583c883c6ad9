"""Fitted rows speak: what is drawn agrees with what is computed, and what is stored is what was said."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binomtest
from toy import toy

from lmbench.bench import generated, runner
from lmbench.bench.benchmark import cut_down, load, parse
from lmbench.bench.generate import GeneratedSpec, sample
from lmbench.bench.results import load_generated
from lmbench.errors import BadConfig
from lmbench.measures.coverage import would_say
from lmbench.measures.generated import apart
from lmbench.models.grammar import Grammar
from lmbench.models.ngram import NGram
from lmbench.models.recurrent import Recurrent
from lmbench.report.write import write
from lmbench.storage import read_json, write_json
from lmbench.text import hungry
from lmbench.text.corpus import from_tokens
from lmbench.text.pcfg import Pcfg, Rule
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

ROUNDS = 1000


@pytest.fixture(scope="module")
def text():
    """The built-in text, 1,500 lines of train."""
    drawn = hungry.splits(0)
    return from_tokens("part", {"train": drawn["train"][:1500], "valid": drawn["valid"], "test": drawn["test"]})


@pytest.mark.parametrize(
    "model",
    [
        NGram(order=3),
        NGram(order=2, smoothing="mle"),
        Recurrent(cell="gru", dim=16, hidden=16, epochs=1, batch_tokens=256),
    ],
    ids=["mkn", "mle", "gru"],
)
def test_rounds_of_draws_say_b_as_often_as_c4_says(model, text):
    """1,000 rounds of 100 tokens drawn after each of three contexts, and 60 words asked for."""
    model.fit(text.train, text.valid)
    contexts, words = [(), ("나는",), ("나는", "매우")], text.vocab.events[1:700:12]
    asked = [(context, b) for context in contexts for b in words]
    shares, log_probs = generated.drawn(model, asked, ROUNDS, np.random.default_rng(3))
    table = model.next_log_probs(Sentences.encode_prefixes(contexts, text.vocab))
    np.testing.assert_array_equal(log_probs, table[:, text.vocab.encode(words)].ravel())
    expected = would_say(log_probs)
    assert np.any(expected < 0.05)
    assert np.any((expected > 0.2) & (expected < 0.95))
    for share, chance in zip(shares, expected, strict=True):
        assert binomtest(round(share * ROUNDS), ROUNDS, min(chance, 1.0)).pvalue > 0.001 / len(asked)
    for first in range(0, len(asked), len(words)):  # words after one context share its draws
        part = slice(first, first + len(words))
        assert abs(apart(shares[part], log_probs[part], ROUNDS)) < 3.9  # once in 10,000


def test_a_row_that_were_sampled_wrongly_would_be_told(text, monkeypatch):
    model = NGram(order=3).fit(text.train, text.valid)
    asked = [(("나는",), b) for b in text.vocab.events[1:700:12]]
    draw = generated.draw
    monkeypatch.setattr(generated, "draw", lambda table, rows, uniform: draw(table, rows, uniform, 1.5))
    assert abs(apart(*generated.drawn(model, asked, ROUNDS, np.random.default_rng(3)), ROUNDS)) > 8


def test_samples_are_whole_sentences_but_for_those_cut_off():
    train, valid, _ = toy()
    model = NGram(order=3).fit(train, valid)
    rows = sample(model, 300, max_tokens=3, rng=np.random.default_rng(0))
    assert len(rows) == 300
    ended = [row[-1] == EOS for row in rows]
    assert 0 < sum(ended) < 300
    assert all(len(row) <= 3 and EOS not in row[:-1] for row in rows)
    assert all(len(row) == 3 for row, whole in zip(rows, ended, strict=True) if not whole)


def test_pairs_that_a_grammar_allows():
    rules = [
        Rule("S", ("A", "B", "C")),
        Rule("A", ("a",)),
        Rule("A", ("a", "x")),
        Rule("B", ()),
        Rule("B", ("b",)),
        Rule("C", ("c",)),
        Rule("C", ("B", "d")),
    ]
    grammar = Pcfg(rules)
    rng = np.random.default_rng(0)
    drawn = {pair for words in grammar.sample(2000, rng) for pair in pairwise(words)}
    assert grammar.adjacent == drawn
    assert ("a", "x") in drawn
    assert ("b", "a") not in drawn


def test_what_the_language_says_is_allowed_and_what_it_held_out_is_new():
    corpus = from_tokens("hungry", hungry.splits(0))
    probes = hungry.probes([list(row) for row in corpus.train_tokens])
    grammar = Grammar(conditioned=False).fit(corpus.train, corpus.train)
    speech = generated.Speech(
        generated.Train.of(corpus.train), probes, corpus.test, GeneratedSpec(sentences=1), grammar
    )
    held = speech.of_text(corpus.extra["held"])
    assert held["licensed"] == held["licensed_new"] == held["licensed_bigrams"] == 1
    assert held["whole"] == 0
    assert held["pairs_said"] > 50
    backwards = speech.of_text(Sentences.of_rows([[*row[:-1][::-1], EOS] for row in corpus.test], corpus.vocab))
    assert backwards["licensed_new"] < 0.1
    assert speech.of_text(corpus.test)["times_said"] == 0


BENCHMARK = """
[corpus]
builtin = "hungry"
train_lines = 4000
valid_lines = 50
test_lines = 80
[generated]
sentences = 200
rows = ["two", "mle", "truth"]
rounds = 20
[rows.two]
kind = "ngram"
order = 2
[rows.mle]
kind = "ngram"
order = 2
smoothing = "mle"
[rows.truth]
kind = "grammar"
conditioned = false
[rows.silent]
kind = "ngram"
order = 1
"""


def write_benchmark(folder):
    (folder / "talk.toml").write_text(BENCHMARK, "utf-8")
    return load(str(folder / "talk.toml"))


def test_a_run_stores_what_rows_said_once_and_the_report_shows_it(tmp_path):
    planned = runner.plan(write_benchmark(tmp_path), ["two", "truth", "silent"], out=tmp_path / "out", side_by_side=1)
    list(runner.run(planned))
    said = list(generated.generate(planned))
    assert [line.split(":")[0] for line in said[1:]] == ["two", "truth"]  # mle was not run, silent not asked
    assert list(generated.generate(planned)) == []
    found = load_generated(planned.folder / "facts")
    assert set(found) == {"%test", "two", "truth"}
    assert found["%test"]["sentences"] == 80
    assert found["%test"]["licensed"] == found["truth"]["licensed"] == 1
    assert found["truth"]["novel_1"] < 0.01
    assert found["two"]["sentences"] == 200
    assert found["two"]["rounds"] == 20

    write(planned.folder)
    report = (planned.folder / "report.md").read_text("utf-8")
    assert "## Generated text" in report
    assert "## Audit" in report
    assert (planned.folder / "generated.csv").read_text("utf-8").count("\n") == 4
    result = planned.folder / "facts" / "two.json"
    write_json(result, json.dumps({**read_json(result), "key": "another"}))
    write(planned.folder)  # what was said by a row that has been fitted anew is not shown
    assert (planned.folder / "generated.csv").read_text("utf-8").count("\n") == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sentence": 3}, "no key 'sentence'; did you mean 'sentences'"),
        ({"sentences": 3, "rows": ["tow"]}, "no row for rows in .* 'tow'; did you mean 'two'"),
        ({"sentences": "many"}, "sentences = 'many' is not a whole number"),
    ],
)
def test_what_cannot_be_asked(tmp_path, given, said):
    table = {"corpus": {"builtin": "hungry"}, "rows": {"two": {"kind": "ngram"}}, "generated": given}
    with pytest.raises(BadConfig, match=said):
        parse(table, "x", tmp_path, "x.toml")


def test_a_stream_has_no_sentences(tmp_path):
    corpus = {"train": "t.txt", "unit": "stream"}
    table = {"corpus": corpus, "rows": {"two": {"kind": "ngram"}}, "generated": {"sentences": 3}}
    with pytest.raises(BadConfig, match="a stream has none"):
        parse(table, "x", tmp_path, "x.toml")


def test_a_quick_run_says_less(tmp_path):
    benchmark = write_benchmark(tmp_path)
    talkative = replace(benchmark, generated=replace(benchmark.generated, sentences=10**6, rounds=1000))
    assert cut_down(talkative).generated.sentences == benchmark.quick.test_lines
    assert cut_down(talkative).generated.rounds == 20
    assert (
        parse(
            {"corpus": {"builtin": "hungry"}, "rows": {"a": {"kind": "ngram"}}}, "x", tmp_path, ""
        ).generated.sentences
        == 0
    )
