"""Where vectors start, whether they stay, and what an output makes of a word that train lacks."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from lmbench.errors import BadConfig, BadText
from lmbench.models.cbow import CBoW
from lmbench.models.recurrent import Recurrent
from lmbench.neural.embeddings import align, learn, sentences_in
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

TRAIN_LINES = [["나는", a, "배가", "고프다"] for a in ("매우", "매우", "매우", "엄청")]
VOCAB = Vocabulary.build(TRAIN_LINES, extra_words=["무지", "감자"])
TRAIN = Sentences.encode(TRAIN_LINES, VOCAB)
SMALL = {"dim": 8, "hidden": 8, "epochs": 60, "patience": 60, "dropout": 0.0, "cell": "gru"}
PREFIX = Sentences.encode_prefixes([["나는"]], VOCAB)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """무지 is halfway between 매우 and 엄청, 감자 away from all."""
    one = dict(zip(["나는", "매우", "배가", "고프다", "</s>", "<s>", "감자"], np.eye(8)[:7], strict=True))
    one["엄청"] = one["매우"] + 0.6 * np.eye(8)[7]
    one["무지"] = (one["매우"] + one["엄청"]) / 2
    path = tmp_path_factory.mktemp("vectors") / "v.vec"
    lines = [f"{word} {' '.join(map(str, vector))}\n" for word, vector in one.items()]
    path.write_text(f"{len(one)} 8\n{''.join(lines)}", "utf-8")
    return {"embeddings": "file", "vector_file": str(path)}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    lines = [f"그는 {a} {s}\n" for a in ("매우", "엄청", "무지") for s in ("춥다", "덥다", "배가 아프다")]
    path.write_text("".join(lines * 9), "utf-8")
    return path


def after(model, *words):
    """p of each of the words after 나는."""
    table = np.exp(model.next_log_probs(PREFIX))[0]
    return [float(table[VOCAB.ids[word]]) for word in words]


@pytest.mark.parametrize("kind", [Recurrent, CBoW])
def test_a_mapped_output_gives_a_word_train_lacks_a_probability_between_its_neighbours(vectors, kind):
    fields = {name: value for name, value in SMALL.items() if kind is Recurrent or name not in ("cell", "hidden")}
    model = kind(**fields, **vectors, frozen=True, tied=True, mapped=True).fit(TRAIN, TRAIN)
    often, once, muji, potato = after(model, "매우", "엄청", "무지", "감자")
    assert once < muji < often
    assert muji > 1 / len(VOCAB)
    assert potato < once / 2
    assert "output.bias" not in model.state()


def test_an_output_of_its_own_learns_that_the_word_never_comes(vectors):
    for fields in ({"tied": False, "frozen": True}, {"tied": True}):
        model = Recurrent(**SMALL, **vectors, **fields).fit(TRAIN, TRAIN)
        once, muji = after(model, "엄청", "무지")
        assert muji < 0.5 * once


def test_a_mapped_output_is_trained_without_absent_words_and_asked_with_them(vectors):
    net = Recurrent(**{**SMALL, "lr": 1e-30}, **vectors, mapped=True).fit(TRAIN, TRAIN).net_
    features, targets = torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 2, 3, 4, 5])
    asked = net.output.log_probs(features).detach()
    assert torch.isfinite(asked).all()
    trained = net.output.backward(features, targets, scale=1.0)
    absent = [0, VOCAB.ids["무지"], VOCAB.ids["감자"]]  # <unk> is not in train either
    among = asked - asked[:, [i for i in range(len(VOCAB)) if i not in absent]].logsumexp(1, keepdim=True)
    assert trained == pytest.approx(-float(among[range(5), targets].sum()), rel=1e-5)
    assert not net.embedding.weight.grad[absent].any()
    assert net.embedding.weight.grad[targets].any()


def test_frozen_vectors_stay_and_others_move(vectors):
    start = Recurrent(**{**SMALL, "lr": 1e-30}, **vectors).fit(TRAIN, TRAIN).state()["embedding.weight"]
    for output in ({"tied": True}, {"tied": False}, {"mapped": True}):
        kept = Recurrent(**SMALL, **vectors, frozen=True, **output, weight_decay=0.1).fit(TRAIN, TRAIN)
        np.testing.assert_array_equal(kept.state()["embedding.weight"], start)
        tuned = Recurrent(**SMALL, **vectors, **output).fit(TRAIN, TRAIN)
        assert not np.allclose(tuned.state()["embedding.weight"], start)
    drawn = Recurrent(**SMALL, frozen=True).fit(TRAIN, TRAIN).state()["embedding.weight"]
    at_first = Recurrent(**{**SMALL, "lr": 1e-30}).fit(TRAIN, TRAIN).state()["embedding.weight"]
    np.testing.assert_array_equal(drawn, at_first)


def test_vectors_of_another_text(text):
    fields = {"embeddings": "skipgram", "embedding_text": str(text), "vector_epochs": 3}
    model = Recurrent(**{**SMALL, "lr": 1e-30}, **fields).fit(TRAIN, TRAIN)
    source = learn(sentences_in(text), "skipgram", dim=8, window=2, epochs=3, seed=0)
    expected = align(source, VOCAB, 8)
    known = ~np.isnan(expected[:, 0])
    np.testing.assert_array_equal(model.state()["embedding.weight"][known], expected[known])
    assert [VOCAB.events[i] for i in np.flatnonzero(~known[:-1])] == ["<unk>", "고프다", "나는", "감자"]
    assert model.notes()[0] == "3 words without a skipgram vector start at random"
    frozen = Recurrent(**{**SMALL, "lr": 1e-30}, **fields, frozen=True).fit(TRAIN, TRAIN)
    assert frozen.notes()[0] == "3 words without a skipgram vector start at random and stay there"
    assert model.sources() == (str(text),)
    assert Recurrent(**SMALL, embeddings="skipgram").sources() == ()


def test_what_is_left_out_of_a_file_is_in_the_notes_of_the_row_and_stays_there(vectors, tmp_path):
    lines = Path(vectors["vector_file"]).read_text("utf-8").splitlines()
    (tmp_path / "v.vec").write_text("\n".join([*lines, "나쁨" + " nan" * 8]) + "\n", "utf-8")
    fields = {**SMALL, "lr": 1e-30, "embeddings": "file", "vector_file": str(tmp_path / "v.vec")}
    model = Recurrent(**fields).fit(TRAIN, TRAIN)
    assert model.notes()[:2] == (
        "of v.vec 1 of 10 vectors is left out: 1 with a number that is not finite",
        "v.vec announces 9 words and has 10: all are read",
    )
    assert Recurrent(**fields).restore(VOCAB, model.state()).notes() == model.notes()
    whole = Recurrent(**{**SMALL, "lr": 1e-30}, **vectors).fit(TRAIN, TRAIN)
    np.testing.assert_array_equal(model.state()["embedding.weight"], whole.state()["embedding.weight"])


@pytest.mark.parametrize("field", ["vector_file", "embedding_text"])
def test_vectors_of_no_word_of_the_text_are_refused(tmp_path, field):
    (tmp_path / "v").write_text(f"1 8\nzz{' 0.5' * 8}\n" if field == "vector_file" else "zz yy zz\n", "utf-8")
    how = {"embeddings": "file" if field == "vector_file" else "word2vec", field: str(tmp_path / "v")}
    with pytest.raises(BadText, match="has no word of the vocabulary"):
        Recurrent(**SMALL, **how).fit(TRAIN, TRAIN)


def test_neighbours_of_the_start_and_of_what_training_made_of_it(vectors):
    model = Recurrent(**SMALL, **vectors).fit(TRAIN, TRAIN)
    near = model.nearest(["무지", "없다"], 2)
    assert {word for word, _ in near["start"]["무지"]} == {"매우", "엄청"}
    assert near["start"].keys() == near["trained"].keys() == {"무지"}
    assert len(near["trained"]["무지"]) == 2
    loaded = Recurrent(**SMALL, **vectors).restore(VOCAB, model.state())
    assert loaded.nearest(["무지"], 2) == {"trained": {"무지": near["trained"]["무지"]}}
    assert Recurrent(**{**SMALL, "epochs": 1}).fit(TRAIN, TRAIN).nearest(["무지"], 2) == {}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"embeddings": "file"}, "embeddings = 'file' with vector_file = None"),
        ({"vector_file": "a.vec"}, "embeddings = 'random' with vector_file = 'a.vec'"),
        ({"embedding_text": "a.txt"}, "embedding_text = 'a.txt' is read by nothing while embeddings = 'random'"),
        ({"embeddings": "word2vek"}, "embeddings = 'word2vek' is not one of .*; did you mean 'word2vec'"),
        ({"tied": False, "mapped": True}, "mapped = true makes the output of the vectors"),
    ],
)
def test_fields_that_do_not_go_together_are_refused_when_they_are_given(fields, told):
    with pytest.raises(BadConfig, match=told) as error:
        Recurrent(**fields)
    assert "\n" not in str(error.value)


def test_a_text_that_is_not_there():
    with pytest.raises(BadText, match=r"no file .*nowhere\.txt"):
        Recurrent(**SMALL, embeddings="word2vec", embedding_text="nowhere.txt").fit(TRAIN, TRAIN)


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from test_starts import checksum
print(checksum({path!r}))
"""


def checksum(path):
    found = [
        align(learn(sentences_in(Path(path)), method, dim=8, window=2, epochs=2, seed=3), VOCAB, 8).tobytes()
        for method in ("word2vec", "skipgram", "fasttext")
    ]
    return sha256(b"".join(found)).hexdigest()


def test_vectors_of_another_text_do_not_hang_on_the_hash_seed(text):
    here = os.path.dirname(__file__)
    script = SCRIPT.format(root=os.path.dirname(os.path.dirname(here)), here=here, path=str(text))
    sums = {
        subprocess.check_output(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, text=True
        ).strip()
        for seed in ("1", "2")
    }
    assert sums == {checksum(text)}
