"""One contract of unit: what a report says of a row, score says of its test file; what a row prints, score reads."""

import re
from itertools import pairwise

import numpy as np
import pytest

from lmbench.bench import store
from lmbench.bench.generate import sentences, stream
from lmbench.bench.results import load
from lmbench.cli import main
from lmbench.errors import BadModel
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

THINGS = ("the cat", "a dog", "my friend", "<unk>", "the moon")
"""Each sentence begins with what the one before it ended with: only a stream knows it."""
SIXTY = ("generate", "mkn-3", "-n", "60", "--max-tokens", "12", "--no-unk")
ROWS = """
story = ["the cat sees a dog", "a dog sees nobody"]
[corpus]
train = "train.txt"
valid = "valid.txt"
test = "test.txt"
unit = "{unit}"
min_count = 2
[rows.mkn-3]
kind = "ngram"
order = 3
[rows.first]
kind = "ngram"
order = 1
smoothing = "mle"
[rows.gru]
kind = "recurrent"
cell = "gru"
dim = 8
hidden = 8
epochs = 1
[rows.seen]
kind = "cache"
[rows.both]
kind = "mixture"
components = ["mkn-3", "seen"]
[rows.classes]
kind = "class_bigram"
classes = 4
"""


def text(n, seed):
    rng = np.random.default_rng(seed)
    said, lines = "the cat", []
    for i in range(n):
        after = str(rng.choice(THINGS))
        lines += [f"{said} sees {after}" if i % 17 else f"{said} meets number{seed}{i}", *[""] * (i % 29 == 5)]
        said = after
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", params=["sentence", "stream"])
def run(request, tmp_path_factory):
    """A folder in which rows of every shape were run in a unit."""
    folder = tmp_path_factory.mktemp(request.param)
    for seed, (name, n) in enumerate({"train": 200, "valid": 30, "test": 60}.items()):
        (folder / f"{name}.txt").write_text(text(n, seed), "utf-8")
    (folder / "b.toml").write_text(ROWS.format(unit=request.param), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "all", "--benchmark", "b.toml", "--out", "o", "--jobs", "1"]) == 0
    return folder, request.param


def said(capsys, *words):
    assert main([*words, "--benchmark", "b.toml", "--out", "o"]) == 0
    return capsys.readouterr().out.splitlines()


def test_score_of_the_test_file_is_the_reports_number_for_every_row(run, capsys, monkeypatch):
    folder, _ = run
    monkeypatch.chdir(folder)
    results = load(folder / "o" / "b" / "facts")
    assert {result.row for result in results} == {"mkn-3", "first", "gru", "seen", "both", "classes"}
    for result in results:
        capsys.readouterr()
        _, *lines, total = said(capsys, "score", result.row, "test.txt")
        assert total.split("\t")[1:3] == [str(int(result.metrics["n_tokens"])), f"{result.metrics['ppl']:.4f}"]
        shown = [line.split("\t") for line in lines]
        assert [line[3] for line in shown] == (folder / "test.txt").read_text("utf-8").splitlines()
        sums = [float(line[0]) for line in shown if line[3]]
        np.testing.assert_allclose(sums, result.arrays["row_log_probs"] / np.log(2), atol=1e-5)
        assert all(line[:3] == ["0.000000", "0", "nan"] for line in shown if not line[3])


def test_what_is_printed_is_read_as_the_same_events(run, capsys, monkeypatch):
    """<unk> is a word of this text, and rare words are <unk>: the two stay apart on the way."""
    folder, _ = run
    monkeypatch.chdir(folder)
    drawn = said(capsys, "generate", "mkn-3", "-n", "60", "--max-tokens", "12")
    assert {"<unk>", "\ufffd"} <= set(" ".join(drawn).split())
    (folder / "drawn.txt").write_text("\n".join(drawn) + "\n", "utf-8")
    words = [line.split("\t") for line in said(capsys, "score", "mkn-3", "drawn.txt", "--words")[1:]]
    for number, line in enumerate(drawn, start=1):
        if line:
            assert [word for at, word, *_ in words if int(at) == number] == [*line.split(), "</s>"]
    unknown = {word for _, word, _, note in words if "not in the vocabulary" in note}
    assert unknown == {"\ufffd"}
    without = said(capsys, *SIXTY)
    assert "\ufffd" not in " ".join(without).split()


def test_a_sentence_begins_where_the_unit_says(run, capsys, monkeypatch):
    folder, unit = run
    monkeypatch.chdir(folder)
    shown = "\n".join(said(capsys, "explain", "mkn-3", "the cat sees nobody"))
    assert ("after <s>" in shown, "after </s>" in shown) == ((True, False) if unit == "sentence" else (False, True))
    assert re.search(r"nobody \(not in the vocabulary: <unk>\)", shown)
    if unit == "stream":
        opens = {thing.split()[-1]: thing.split()[0] for thing in THINGS}  # what three words reach back to
        pairs = [(a.split()[-1], b.split()[0]) for a, b in pairwise(said(capsys, *SIXTY)) if a and b]
        agreed = [opens[last] == first for last, first in pairs if last in opens]
        assert len(agreed) > 30
        assert np.mean(agreed) > 0.8


def test_the_story_is_told_where_a_sentence_begins(run):
    folder, unit = run
    model = store.load(folder / "o" / "b" / "models" / "mkn-3")
    start = [EOS] * (unit == "stream")
    told = [model.vocab_.encode(line.split()) for line in ("the cat sees a dog", "a dog sees nobody")]
    expected = [model.log_probs(Sentences.of_rows([[*start, *row, EOS]], model.vocab_))[len(start) :] for row in told]
    (result,) = (result for result in load(folder / "o" / "b" / "facts") if result.row == "mkn-3")
    np.testing.assert_allclose(result.arrays["story_log_probs"], np.concatenate(expected), rtol=1e-12)


def test_each_sentence_of_a_stream_is_drawn_after_those_before_it():
    vocab = Vocabulary.build([["a", "b"]])
    train = Sentences.encode([["a"], ["b"]] * 20, vocab).joined()
    model = NGram(order=3, smoothing="mle").fit(train, train)
    rows = stream(model, 6, rng=np.random.default_rng(0))
    assert [vocab.decode(row) for row in rows] in ([["a"], ["b"]] * 3, [["b"], ["a"]] * 3)
    assert [row[:1] for row in stream(model, 3, prefix=[2], rng=np.random.default_rng(0))] == [[2]] * 3


def test_without_unk_the_others_are_drawn_by_their_shares():
    vocab = Vocabulary.build([["a", "b"]])
    rows = [[UNK, EOS]] * 6 + [[2, EOS]] * 3 + [[3, EOS]]
    model = NGram(order=2, smoothing="mle").fit(Sentences.of_rows(rows, vocab), Sentences.of_rows([], vocab))
    drawn = [row[0] for row in sentences(model, 4000, unknown=False, rng=np.random.default_rng(1))]
    assert UNK not in drawn
    assert abs(np.mean(np.array(drawn) == 2) - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 4000)
    only = NGram(order=2, smoothing="mle").fit(Sentences.of_rows(rows[:6], vocab), Sentences.of_rows([], vocab))
    with pytest.raises(BadModel, match="leave out --no-unk"):
        sentences(only, 1, unknown=False, rng=np.random.default_rng(1))
