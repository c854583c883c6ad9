"""Texts beside train, and words that train lacks: found, cut as train is, never of test."""

from itertools import pairwise

import pytest

from lmbench.bench import runner
from lmbench.bench.benchmark import load
from lmbench.bench.results import Result
from lmbench.bench.texts import EmbeddingText
from lmbench.errors import BadConfig, BadText
from lmbench.storage import read_json

TRAIN = ["나는 엄청 배가 고프다", "나는 매우 배가 고프다"]
TEST = ["나는 무지 배가 고프다"]
OTHER = ["그는 무지 춥다", "그는 매우 춥다", "그는 무지 덥다", "너는 매우 덥다"]
NET = 'kind = "recurrent"\ndim = 4\nhidden = 4\nepochs = 1\n'


def write(folder, corpus="", rows="", blanks="", other=OTHER):
    for name, lines in (("train", TRAIN), ("test", TEST), ("other", other)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "tiny.toml").write_text(
        'story = ["나는 무지 배가 고프다"]\n[corpus]\ntrain = "train.txt"\nvalid = "train.txt"\ntest = "test.txt"\n'
        f'{corpus}\n{blanks}\n[rows.two]\nkind = "ngram"\norder = 2\n{rows}',
        "utf-8",
    )
    return load(str(folder / "tiny.toml"))


def plan(folder, names=("all",), **given):
    return runner.plan(write(folder, **given), list(names), out=folder / "out", side_by_side=1)


def vectors(text):
    return f'[rows.net]\n{NET}embeddings = "word2vec"\nembedding_text = "{text}"\n'


@pytest.mark.parametrize(
    ("corpus", "extra"),
    [
        ("", []),
        ('extra_words = ["무지", "매우", "감자"]', ["무지", "감자"]),
        (
            'extra_words = 2\nembedding_text = "other.txt"',
            ["그는", "덥다", "무지", "춥다"],
        ),  # not 매우, and 너는 is once
        ('extra_words = 3\nembedding_text = "other.txt"', ["그는"]),
    ],
)
def test_extra_words_are_events_of_every_row_and_of_the_facts(tmp_path, corpus, extra):
    planned = plan(tmp_path, corpus=corpus)
    assert list(planned.facts["corpus"]["extra_words"]) == extra
    events = planned.bench.train.vocab.events
    assert events[2:] == ("고프다", "나는", "배가", "매우", "엄청", *extra)


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ("extra_words = 2", "a number of times goes with a text to count in"),
        ('embedding_text = "other.txt"', "a number of times goes with a text to count in"),
        ('extra_words = ["a"]\nembedding_text = "other.txt"', "a number of times goes with a text to count in"),
        ('extra_words = "a"', "extra_words = 'a' is not"),
    ],
)
def test_extra_words_that_say_nothing_are_refused(tmp_path, corpus, said):
    with pytest.raises(BadConfig, match=said):
        write(tmp_path, corpus=corpus)


def test_a_benchmark_with_extra_words_is_compared_with_no_other(tmp_path):
    write(tmp_path, corpus='extra_words = ["무지"]')
    path = tmp_path / "tiny.toml"
    path.write_text('compare = ["ptb"]\n' + path.read_text("utf-8"), "utf-8")
    with pytest.raises(BadConfig, match="compared with no other; leave compare out"):
        load(str(path))


@pytest.mark.parametrize(
    "given",
    [
        {"rows": vectors("other.txt")},
        {"corpus": 'extra_words = 1\nembedding_text = "other.txt"'},
        {"blanks": '[blanks]\nembedding_text = "other.txt"'},
    ],
)
def test_a_text_that_has_a_sentence_of_test_is_refused(tmp_path, given):
    plan(tmp_path, **given)
    with pytest.raises(BadText) as error:
        plan(tmp_path, **given, other=[*OTHER, "나는  무지 배가 고프다 "])
    said = str(error.value)
    assert "embedding_text 'other.txt' has 1 of the 1 sentences of test in it ('나는 무지 배가 고프다', say)" in said
    assert said.endswith("take these lines out of it, or give another text")
    assert "\n" not in said


def test_sentences_of_train_are_no_matter(tmp_path):
    plan(tmp_path, rows=vectors("other.txt"), other=[*OTHER, *TRAIN])


def test_the_text_is_asked_for_by_the_rows_that_run(tmp_path):
    plan(tmp_path, ["two"], rows=vectors("nowhere.txt"))
    with pytest.raises(BadText, match=r"no file .*nowhere\.txt"):
        plan(tmp_path, ["net"], rows=vectors("nowhere.txt"))


def test_a_file_of_vectors_is_looked_for_before_anything_is_trained(tmp_path):
    with pytest.raises(BadText, match=r"no file .*nothing\.vec"):
        plan(tmp_path, rows=f'[rows.net]\n{NET}embeddings = "file"\nvector_file = "nothing.vec"\n')


def test_what_the_text_says_is_in_the_key_of_the_rows_that_read_it(tmp_path):
    def keys(**given):
        return {job.stem: job.key for job in plan(tmp_path, rows=vectors("other.txt"), **given).todo}

    first, again, changed = keys(), keys(), keys(other=OTHER[::-1])
    assert first == again
    assert {name for name in first if first[name] != changed[name]} == {"net.seed0"}


def test_it_is_cut_as_train_is(tmp_path):
    planned = plan(tmp_path, corpus='tokenizer = "syllables"', rows=vectors("other.txt"))
    text = planned.bench.find("other.txt").read_text("utf-8")
    assert text.splitlines()[0] == "그 는 ▁ 무 지 ▁ 춥 다"
    assert planned.bench.find("train.txt") == tmp_path / "train.txt"


def test_the_built_in_text(tmp_path):
    text = EmbeddingText.read("hungry", "whitespace", lambda name: tmp_path / name, tmp_path)
    assert len(text.lines) == 20_000
    assert TRAIN[0] in text.lines
    assert TEST[0] not in text.lines
    assert "무지" in text.words(100)
    assert not {"무지 배가"} & {f"{a} {b}" for row in text.tokens for a, b in pairwise(row)}
    path = text.store(tmp_path / "cache")
    assert path.read_text("utf-8").splitlines() == [" ".join(row) for row in text.tokens]
    assert text.store(tmp_path / "cache") == path


def test_a_run_tells_what_rows_have_read_and_what_is_near_what(tmp_path):
    planned = plan(tmp_path, corpus='extra_words = ["무지"]', rows=vectors("other.txt"))
    results = {event.row: event for event in runner.run(planned) if isinstance(event, Result)}
    assert results["two"].sources == ()
    assert results["two"].neighbours == {}
    assert results["net"].error is None
    assert results["net"].sources == ("other.txt",)
    near = results["net"].neighbours
    assert set(near["start"]) == {"무지"}  # of the story's words the text has no other
    assert {word for word, _ in near["start"]["무지"]} < {"그는", "매우", "춥다", "덥다", "너는", "<s>", "</s>"}
    assert set(near["trained"]) == set(TEST[0].split())


def test_blanks_are_of_the_words_of_test(tmp_path):
    planned = plan(
        tmp_path,
        corpus='extra_words = ["무지"]',
        blanks='[blanks]\nembedding_text = "other.txt"\ndim = 5\nsentences = ["나는  __ 배가 고프다"]',
        other=[*OTHER, *TRAIN],
    )
    found = planned.facts["blanks"]
    assert found["positions"] == 4
    assert [line["way"] for line in found["ways"]] == ["scores", "scores and noise", "unigram"]
    # unigram over words: 1/4 each for 나는, 배가 and 고프다, 0 for 무지; the three tie for rank 2
    assert found["ways"][2] == {
        "way": "unigram", "accuracy_at_1": 0, "accuracy_at_10": 1, "bits_per_blank": "inf", "ppl_of_blanks": "inf"
    }  # fmt: skip
    assert [answer["sentence"] for answer in found["answers"]] == ["나는 __ 배가 고프다"] * 3
    for answer in found["answers"]:
        assert len(answer["words"]) == 5
        chances = [p for _, p in answer["words"]]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1 + 1e-9
    (kept,) = (tmp_path / "out" / ".cache").glob("*.blanks.json")
    assert read_json(kept) == found
    with pytest.raises(BadConfig, match="has not one __"):
        plan(tmp_path, blanks='[blanks]\nsentences = ["나는 배가 고프다"]')
