"""Files of word vectors: three formats, one meaning; what is wrong with a file is said in a line."""

import gzip
import unicodedata

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.models.fasttext import save_facebook_model
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadConfig, BadText
from lmbench.neural import vectors_file
from lmbench.neural.embeddings import Space, align, learn
from lmbench.neural.network import EMBEDDING_NORM
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

LINES = [["<s>", "나는", a, s, "고프다", "</s>"] for a in ("엄청", "매우", "무지") for s in ("배가", "목이")] * 5
VOCAB = Vocabulary.build([["나는", "매우", "배가", "고프다", "<unk>", "낯선"]])
DIM = 7


def read(path, dim):
    return vectors_file.read(path, dim).source


@pytest.fixture(scope="module")
def source():
    return learn(LINES, "word2vec", dim=DIM, window=2, epochs=2, seed=1)


@pytest.fixture(params=["v.vec", "v.vec.gz", "v.bin", "fasttext.bin"])
def file(request, source, tmp_path):
    path = tmp_path / request.param
    if request.param == "fasttext.bin":
        save_facebook_model(FastText(LINES, vector_size=DIM, min_count=1, epochs=1, bucket=50, workers=1), str(path))
    else:
        source.save_word2vec_format(str(path), binary=path.suffix == ".bin")
    return path


def test_each_row_is_nearest_to_its_own_word_in_the_file(file):
    found = read(file, DIM)
    vectors = align(found, VOCAB, DIM)
    assert vectors.shape == (len(VOCAB) + 1, DIM)
    space = Space.of(found)
    for i, word in enumerate([*VOCAB.events, "<s>"]):
        if word in found.key_to_index:
            cosines = space.vectors @ vectors[i] / np.linalg.norm(space.vectors, axis=1)
            assert found.index_to_key[int(np.argmax(cosines))] == word
            assert np.linalg.norm(vectors[i]) == pytest.approx(EMBEDDING_NORM, rel=1e-4)
    spelled = file.name == "fasttext.bin"  # fastText makes a vector of any word's letters; <unk> has none
    assert np.isfinite(vectors[VOCAB.ids["낯선"]]).all() == spelled
    assert np.isnan(vectors[UNK]).all()
    assert np.isfinite(vectors[EOS]).all()


def test_text_and_binary_say_the_same(source, tmp_path):
    for binary in (False, True):
        source.save_word2vec_format(str(tmp_path / f"{binary}"), binary=binary)
    text, binary = (align(read(tmp_path / name, DIM), VOCAB, DIM) for name in ("False", "True"))
    np.testing.assert_allclose(text, binary, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(binary, align(source, VOCAB, DIM))


def test_a_word_of_the_text_that_is_spelled_like_a_reserved_one_is_found(tmp_path):
    (tmp_path / "v.vec").write_text("2 2\n<unk> 1 0\na 0 1\n", "utf-8")
    vocab = Vocabulary.build([["<unk>", "a"]])
    vectors = align(read(tmp_path / "v.vec", 2), vocab, 2)
    assert vocab.events[2:] == (r"\<unk>", "a")
    # about the mean (0.5, 0.5), of length 2
    assert vectors[2] == pytest.approx([2**0.5, -(2**0.5)])
    assert vectors[3] == pytest.approx([-(2**0.5), 2**0.5])
    assert vectors[UNK] == pytest.approx(vectors[2])  # of another program's <unk>, the vector of what it does not know


def test_another_dim_is_refused(file):
    with pytest.raises(BadConfig, match=f"has {DIM} numbers a word and dim = 64: set dim = {DIM}"):
        read(file, 64)


def test_no_file_and_no_vectors(tmp_path):
    with pytest.raises(BadText, match=r"no file .*nothing\.vec"):
        read(tmp_path / "nothing.vec", DIM)
    (tmp_path / "prose.txt").write_text("the cat sat\non the mat\n", "utf-8")
    with pytest.raises(BadText, match=r"no file of word vectors: .*perhaps the bytes of something else"):
        read(tmp_path / "prose.txt", 2)


FILE = [
    "7 3",
    "나는 0.1 0.2 0.3",
    "밥을 1 2 3",
    "먹었다 -1 0.5 2",
    "너는 0 0 1",
    "물을 3 1 0",
    "마셨다 1 0 1",
    "b 5 5 5",
]


def written(tmp_path, lines, encoding="utf-8"):
    (tmp_path / "v.vec").write_text("".join(line + "\n" for line in lines), encoding)
    return vectors_file.read(tmp_path / "v.vec", 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("나쁨 nan 1 2", "1 with a number that is not finite"),
        ("나쁨 1e39 1 2", "1 with a number that is not finite"),
        ("나쁨 0,1 1 2", "1 with what is not a number"),
        ("나쁨 1_0 1 2", "1 with what is not a number"),
        ("나쁨 1 2", "1 with more or fewer numbers"),
        ("나쁨 1 2 3 4", "1 with more or fewer numbers"),
        (" 1 2 3", "1 without a word"),
        ("밥을 9 9 9", "1 of a word that an earlier one has"),
        (unicodedata.normalize("NFD", "밥을") + " 9 9 9", "1 of a word that an earlier one has"),
    ],
)
@pytest.mark.parametrize("at", [1, 4, 8])
@pytest.mark.parametrize("head", [True, False])
def test_a_line_that_is_no_vector_costs_no_other(tmp_path, line, reason, at, head):
    whole = written(tmp_path, FILE)
    assert whole.notes == ()
    if "of a word" in reason:
        at = 8
    lines = ["8 3", *FILE[1:at], line, *FILE[at:]]
    if not head and at > 1:
        lines = lines[1:]
    found = written(tmp_path, lines)
    assert found.source.index_to_key == whole.source.index_to_key
    np.testing.assert_array_equal(found.source.vectors, whole.source.vectors)
    assert found.notes == (f"of v.vec 1 of 8 vectors is left out: {reason}",)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.text("가나ab_.1é", min_size=1, max_size=8), st.lists(st.floats(-9, 9, width=32), min_size=2, max_size=2)
        ),
        min_size=1,
        max_size=9,
        unique_by=lambda pair: pair[0],
    ),
    st.sampled_from(["NFC", "NFD"]),
    st.booleans(),
    st.booleans(),
)
def test_text_with_or_without_a_head_or_a_mark_and_binary_are_one(tmp_path_factory, pairs, form, mark, head):
    folder = tmp_path_factory.mktemp("v")
    n = f"{len(pairs)} 2\n"
    spelled = "".join(f"{word} {a!r} {b!r}\n" for word, (a, b) in pairs)
    text = "\ufeff" * mark + unicodedata.normalize(form, n * head + spelled)
    (folder / "v.vec").write_bytes(text.encode())
    packed = [word.encode() + b" " + np.array(numbers, "<f4").tobytes() + b"\n" for word, numbers in pairs]
    (folder / "v.bin").write_bytes(n.encode() + b"".join(packed))
    for name in ("v.vec", "v.bin"):
        found = vectors_file.read(folder / name, 2)
        assert found.source.index_to_key == [word for word, _ in pairs]
        np.testing.assert_array_equal(found.source.vectors, np.array([numbers for _, numbers in pairs], np.float32))
        assert found.notes == ()


def test_numbers_are_those_that_gensim_reads(source, tmp_path):
    source.save_word2vec_format(str(tmp_path / "v.vec"))
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "v.vec"))
    ours = read(tmp_path / "v.vec", DIM)
    assert ours.index_to_key == theirs.index_to_key
    assert ours.vectors.tobytes() == theirs.vectors.tobytes()


def test_a_head_that_announces_too_few_loses_none(tmp_path):
    found = written(tmp_path, ["3 3", *FILE[1:]])
    assert len(found.source.index_to_key) == 7
    assert found.notes == ("v.vec announces 3 words and has 7: all are read",)


def test_words_with_spaces_are_words(tmp_path):
    found = written(tmp_path, ["2 3", "두 단어 1 2 3", ". . . 1 2 4"]).source
    assert found.index_to_key == ["두 단어", ". . ."]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["2 3", "a 0,1 0,2 0,3", "b 0,1 0,2 0,3"], "decimal commas; write points"),
        (["a 0,1 0,2 0,3", "b 0,1 0,2 0,3"], "decimal commas; write points"),
        (["1 3", "a nan nan nan"], "not finite"),
    ],
)
def test_a_file_of_which_nothing_is_left_is_refused(tmp_path, lines, cause):
    with pytest.raises(BadText, match=cause):
        written(tmp_path, lines)


def test_numbers_that_are_not_finite_in_binary_cost_their_word_alone(tmp_path):
    rows = [(b"a", [1, 2, 3]), (b"b", [np.nan, 0, 1]), (b"c", [3, 2, 1])]
    data = b"3 3\n" + b"".join(word + b" " + np.array(row, "<f4").tobytes() for word, row in rows)
    (tmp_path / "v.bin").write_bytes(data)
    found = vectors_file.read(tmp_path / "v.bin", 3)
    assert found.source.index_to_key == ["a", "c"]
    assert found.notes == ("of v.bin 1 of 3 vectors is left out: 1 with a number that is not finite",)
    (tmp_path / "v.bin").write_bytes(b"2" + data[1:])
    with pytest.raises(BadText, match="announces 2 words and more follow"):
        vectors_file.read(tmp_path / "v.bin", 3)


@pytest.mark.parametrize("binary", [False, True])
def test_a_file_that_is_cut_off(source, tmp_path, binary):
    source.save_word2vec_format(str(tmp_path / "whole"), binary=binary)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(BadText, match=r"cannot be read as word vectors .*cut off; fetch it again") as error:
        read(tmp_path / "cut", DIM)
    assert "\n" not in str(error.value)


def test_a_fasttext_file_that_is_cut_off(tmp_path):
    model = FastText(LINES, vector_size=DIM, min_count=1, epochs=1, bucket=50, workers=1)
    save_facebook_model(model, str(tmp_path / "whole"))
    whole = (tmp_path / "whole").read_bytes()
    for share in (0.02, 0.3):  # the last half is what training alone needs, and is not read
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadText, match="cannot be read as word vectors"):
            read(tmp_path / "cut", DIM)


def test_a_damaged_gzip(tmp_path):
    (tmp_path / "v.vec.gz").write_bytes(gzip.compress(b"2 2\na 1 0\nb 0 1\n" * 99)[:40])
    with pytest.raises(BadText, match="cut off"):
        read(tmp_path / "v.vec.gz", 2)


def test_neighbours_are_by_cosine_and_never_the_word_itself():
    space = Space(["a", "b", "c", "d"], np.array([[1, 0], [3, 3], [0, 2], [-1, 0]], np.float32))
    assert [word for word, _ in space.neighbours("a", 3)] == ["b", "c", "d"]
    assert [cosine for _, cosine in space.neighbours("a", 3)] == pytest.approx([0.5**0.5, 0, -1], abs=1e-6)
    assert len(space.neighbours("a", 2)) == 2
    assert space.neighbours("z", 2) == []


def test_words_of_a_fasttext_file_are_in_nfc_too(tmp_path):
    lines = [[unicodedata.normalize("NFD", word) for word in row] for row in LINES]
    model = FastText(lines, vector_size=DIM, min_count=1, epochs=1, bucket=50, workers=1)
    save_facebook_model(model, str(tmp_path / "v.bin"))
    found = read(tmp_path / "v.bin", DIM)
    assert {"나는", "고프다"} <= set(found.key_to_index)
    np.testing.assert_allclose(found["나는"], model.wv[unicodedata.normalize("NFD", "나는")], rtol=1e-6)
    assert [found.key_to_index[word] for word in found.index_to_key] == list(range(len(found.index_to_key)))
