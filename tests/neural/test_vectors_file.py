"""Files of word vectors: three formats, one meaning; what is wrong with a file is said in a line."""

import gzip

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models.fasttext import save_facebook_model

from lmbench.errors import BadConfig, BadText
from lmbench.neural.embeddings import Space, align, learn
from lmbench.neural.network import EMBEDDING_NORM
from lmbench.neural.vectors_file import read
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

LINES = [["<s>", "나는", a, s, "고프다", "</s>"] for a in ("엄청", "매우", "무지") for s in ("배가", "목이")] * 5
VOCAB = Vocabulary.build([["나는", "매우", "배가", "고프다", "<unk>", "낯선"]])
DIM = 7


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
    (tmp_path / "glove.txt").write_text("the 0.1 0.2\nof 0.3 0.4\n", "utf-8")
    with pytest.raises(BadText, match=r"no file of word vectors: .*GloVe.*write it above"):
        read(tmp_path / "glove.txt", 2)


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
