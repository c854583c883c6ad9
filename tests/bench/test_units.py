"""One text in several units: each a benchmark of its own, with the same characters to share its bits among."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.bench import runner
from lmbench.bench.benchmark import builtin, cut_down, load, parse
from lmbench.bench.results import load as results
from lmbench.bench.results import load_sentences
from lmbench.cli import main
from lmbench.errors import BadConfig
from lmbench.measures.perplexity import BITS, bits_per_character
from lmbench.models.ngram import NGram
from lmbench.ngrams.speller import spelling_bits
from lmbench.text import corpus as corpora
from lmbench.text.files import normalise
from lmbench.text.sentences import Sentences
from lmbench.text.tokenizers import TOKENIZERS

ROWS = {"mkn-2": {"kind": "ngram", "order": 2}, "net": {"kind": "recurrent", "epochs": 5}}
UNITS = {
    "words": {"tokenizer": "whitespace", "min_count": 1},
    "pairs": {"tokenizer": "bpe", "pieces": 50, "rows": {"net": {"epochs": 2}, "mkn-3": {"kind": "ngram", "order": 3}}},
}
GOOD = {"corpus": {"train": "a.txt", "min_count": 2}, "rows": ROWS, "units": UNITS}


def read(**changes):
    return parse({**GOOD, **changes}, "mine", Path(), "mine.toml")


# What a file may say.


def test_a_unit_is_the_benchmark_with_what_its_table_says():
    words, pairs = read(title="Mine").units
    assert (words.name, pairs.name) == ("mine/words", "mine/pairs")
    assert (words.title, pairs.title) == ("Mine: words", "Mine: pairs")
    assert (words.corpus.tokenizer, words.corpus.min_count, words.corpus.pieces) == ("whitespace", 1, None)
    assert (pairs.corpus.tokenizer, pairs.corpus.min_count, pairs.corpus.pieces) == ("bpe", 2, 50)
    assert words.corpus.train == pairs.corpus.train == "a.txt"
    assert {row.name: row.settings for row in words.rows} == {"mkn-2": {"order": 2}, "net": {"epochs": 5}}
    assert {row.name: row.settings for row in pairs.rows} == {
        "mkn-2": {"order": 2},
        "net": {"epochs": 2},
        "mkn-3": {"order": 3},
    }
    assert words.units == pairs.units == ()


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (["whitespace"], "is not a table; write [units.NAME]"),
        ({"a": {"tokeniser": "kiwi"}}, "[units.a] has no key 'tokeniser'; did you mean 'tokenizer'"),
        ({"a": {"train": "b.txt"}}, "[units.a] has no key 'train'"),
        ({"a": {"pieces": "8k"}}, "[units.a]: pieces = '8k' is not"),
        ({"a/b": {}}, "rename it"),
        ({"a": {"rows": {"net": 3}}}, "rows.net = 3 is not a table"),
        ({"a": {"rows": {"mkn-9": {"order": 9}}}}, "[units.a]: row 'mkn-9' has no kind"),
    ],
)
def test_what_a_table_may_not_say(units, said):
    with pytest.raises(BadConfig) as caught:
        read(units=units)
    assert said in str(caught.value)


def test_quick_cuts_every_unit_and_names_its_folder_within_the_quick_one():
    cut = cut_down(read())
    assert [one.name for one in cut.units] == ["mine-quick/words", "mine-quick/pairs"]
    assert cut.units[0] == cut_down(read().units[0])


def test_one_of_several_units_is_named():
    assert load("units/jamo").corpus.tokenizer == "jamo"
    with pytest.raises(BadConfig, match="no unit 'units/jamos'; did you mean 'units/jamo'"):
        load("units/jamos")
    with pytest.raises(BadConfig, match="units is in several units; name one of them, such as units/whitespace"):
        load("units").single()


def test_the_benchmark_that_comes_with_lmbench():
    assert "units" in builtin()
    units = load("units").units
    assert {one.corpus.tokenizer for one in units} == {name for name, t in TOKENIZERS.items() if t.lossless}
    assert len({(one.corpus.train, one.corpus.test, one.corpus.test_lines) for one in units}) == 1
    for one in units:
        runner._check(one.rows)


# The same bits in any unit.

# What units could trip over: marks and what escapes them, Hangul whole and in parts, signs beyond the basic plane.
texts = (
    st.lists(
        st.text(alphabet="나는배했 \\▁ㅋ\u1112\u1161\u11ab😀e\u0301", max_size=12).map(normalise),
        min_size=3,
        max_size=5,
    )
    .map(lambda lines: [line for line in lines if line])
    .filter(lambda lines: len({word for line in lines for word in line.split()}) > 1)
)
LOSSLESS = [name for name, tokenizer in TOKENIZERS.items() if tokenizer.lossless]


def corpus_of(lines, name):
    cutter = TOKENIZERS[name].learnt(lines)
    rows = cutter.tokenize(lines)
    return corpora.from_tokens(
        "toy",
        dict.fromkeys(("train", "valid", "test"), rows),
        cutter=cutter,
        lines=dict.fromkeys(("train", "valid", "test"), lines),
    )


def n_jamo(text):
    return sum(1 if not "가" <= sign <= "힣" else 2 if (ord(sign) - ord("가")) % 28 == 0 else 3 for sign in text)


def merged(model, corpus):
    """float64 (N,): what a model of jamo says of test in the units of the corpus, to each token all jamo it spans."""
    found = []
    for line, tokens in zip(corpus.lines["test"], corpus.cutter.tokenize(corpus.lines["test"]), strict=True):
        (jamo,) = TOKENIZERS["jamo"].tokenize([line])
        parts = model.log_probs(Sentences.encode([jamo], model.vocab_))
        ends = [n_jamo(corpus.cutter.join(tokens[: i + 1])) for i in range(len(tokens))]
        if corpus.tokenizer == "jamo":  # finer than the characters that joined tokens show
            ends = list(range(1, len(jamo) + 1))
        assert ends[-1] == len(jamo)
        sums = np.append(0, np.cumsum(parts))
        found.append(np.diff(sums[[0, *ends, len(parts)]]))  # the last is </s>; a ▁ that begins a line spans nothing
    return np.concatenate(found)


needs_kiwi = pytest.mark.skipif(find_spec("kiwipiepy") is None, reason="kiwipiepy is not installed")


@pytest.mark.parametrize("name", [pytest.param(n, marks=needs_kiwi) if n == "kiwi" else n for n in LOSSLESS])
@settings(deadline=None, max_examples=25)
@given(lines=texts)
def test_cutting_the_text_otherwise_changes_no_bits_of_a_model_that_stays_the_same(name, lines):
    jamo = corpus_of(lines, "jamo")
    model = NGram(order=3, smoothing="witten_bell").fit(jamo.train, jamo.valid)
    expected = -model.log_probs(jamo.test).sum() * BITS / sum(len(line) + 1 for line in lines)
    corpus = corpus_of(lines, name)
    assert corpus.characters == jamo.characters
    log_probs, spelled = merged(model, corpus), spelling_bits(corpus)
    assert log_probs.shape == spelled.shape == (corpus.test.n_tokens,)
    assert not spelled.any()  # no word of test is unknown, so all bits are the model's
    assert bits_per_character(log_probs, spelled, corpus.characters) == pytest.approx(expected, rel=1e-12)


# From end to end.

TEXT = ["나는 엄청 배가 고프다", "나는 매우 배가 고프다", "나는 무지 춥다", "오늘은 배가 고프다", "나는 잔다"]
FILE = """
[corpus]
train = "train.txt"
valid = "train.txt"
test = "test.txt"
[rows.mkn-2]
kind = "ngram"
order = 2
[rows.mkn-1]
kind = "ngram"
order = 1
[units.words]
tokenizer = "whitespace"
[units.pairs]
tokenizer = "bpe"
pieces = 40
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which a benchmark in two units has been run."""
    folder = tmp_path_factory.mktemp("units")
    (folder / "train.txt").write_text("\n".join(TEXT * 4) + "\n", "utf-8")
    (folder / "test.txt").write_text("나는 매우 춥다\n뷁은 잔다\n", "utf-8")
    (folder / "mine.toml").write_text(FILE, "utf-8")
    assert main(["run", "all", "--benchmark", str(folder / "mine.toml"), "--out", str(folder), "--jobs", "1"]) == 0
    return folder


def test_a_run_leaves_facts_a_unit_and_a_report_of_all(home):
    joined = json.loads((home / "mine/facts/benchmark.json").read_text("utf-8"))
    assert joined["units"] == ["words", "pairs"]
    for unit in joined["units"]:
        assert (home / "mine" / unit / "report.md").is_file()
        assert {result.row for result in results(home / "mine" / unit / "facts")} == {"mkn-1", "mkn-2"}
    assert "| pairs |" in (home / "mine/report.md").read_text("utf-8")
    assert {path.name for path in (home / "mine/figures").iterdir()} == {"units.png", "units.svg"}


def test_facts_of_sentences_add_up_to_bits_per_character(home):
    both = {unit: load_sentences(home / "mine" / unit / "facts") for unit in ("words", "pairs")}
    for unit, sentences in both.items():
        # 나는 매우 춥다 and 뷁은 잔다, each with its line end
        assert sentences["characters"].tolist() == [9, 6]
        assert sentences["words"].tolist() == [3, 2]
        assert sentences["spelling_bits"][0] == 0 < sentences["spelling_bits"][1]
        for result in results(home / "mine" / unit / "facts"):
            bits = sentences["spelling_bits"] - result.arrays["row_log_probs"] * BITS
            assert bits.sum() / 15 == pytest.approx(result.metrics["bits_per_char"])


def test_a_row_of_a_unit_cuts_what_it_is_given_as_its_text_was_cut(home, capsys, monkeypatch):
    monkeypatch.setattr("lmbench.bench.benchmark.builtin", lambda: {"mine": home / "mine.toml"})
    asked = ["--benchmark", "mine/pairs", "--out", str(home)]
    assert main(["score", "mkn-2", str(home / "test.txt"), "--words", *asked]) == 0
    shown = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()[1:]]
    learnt = TOKENIZERS["bpe"].learnt(TEXT * 4, 40)
    first = learnt.tokenize(["나는 매우 춥다"])[0]
    assert shown[: len(first) + 1] == [*first, "</s>"]
    assert main(["score", "mkn-2", "--benchmark", "mine", "--out", str(home)]) == 2
    assert "mine is in several units; name one of them, such as mine/words" in capsys.readouterr().err


def test_a_quick_run_has_a_folder_of_its_own_for_all(home):
    said = ["run", "mkn-1", "--benchmark", str(home / "mine.toml"), "--out", str(home), "--jobs", "1", "--quick"]
    assert main(said) == 0
    assert "These numbers are not results" in (home / "mine-quick/report.md").read_text("utf-8")
    assert (home / "mine-quick/words/report.md").is_file()


def test_the_joined_report_is_written_again_from_facts_alone(home):
    before = {
        path: path.read_bytes() for path in sorted((home / "mine").rglob("*")) if path.suffix in (".md", ".csv", ".png")
    }
    assert main(["report", "--out", str(home)]) == 0
    assert {path: path.read_bytes() for path in before} == before
