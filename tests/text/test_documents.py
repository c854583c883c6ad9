"""Documents of a test set: which sentence is of which, and what is said to files that do not fit."""

import numpy as np
import pytest

from lmbench.errors import BadText
from lmbench.text.corpus import load
from lmbench.text.documents import read_documents
from lmbench.text.files import read_lines


def read(tmp_path, ids, sentences, limit=None):
    (tmp_path / "ids.txt").write_text(ids, "utf-8")
    (tmp_path / "test.txt").write_text(sentences, "utf-8")
    text = read_lines(tmp_path / "test.txt", limit)
    return read_documents(tmp_path / "ids.txt", text, tmp_path / "test.txt", limit)


def test_documents_are_numbered_as_they_come(tmp_path):
    found = read(tmp_path, "film 9\n7\nfilm 9\n-3\n", "a\nb\nc\nd\n")
    assert found.tolist() == [0, 1, 0, 2]
    assert found.dtype == np.int64


def test_of_the_first_sentences_the_first_ids(tmp_path):
    assert read(tmp_path, "5\n5\n6\n7\n", "a\nb\nc\nd\n", limit=3).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("ids", "sentences", "limit", "said"),
    [
        ("1\n2\n", "a\nb\nc\n", None, "names the documents of 2 sentences and"),
        ("1\n2\n3\n4\n", "a\nb\nc\n", None, "names the documents of 4 sentences and"),
        ("1\n2\n3\n4\n", "a\nb\nc\n", 9, "names the documents of 4 sentences and"),  # no limit was reached
        ("1\n2\n", "a\nb\nc\n", 3, "names the documents of 2 sentences and"),
        ("1\n\n3\n", "a\nb\nc\n", None, "ids.txt has 1 empty lines"),
        ("1\n2\n3\n", "a\n\nb\n", None, "test.txt has 1 empty lines"),
    ],
)
def test_files_that_cannot_be_laid_side_by_side(tmp_path, ids, sentences, limit, said):
    with pytest.raises(BadText) as error:
        read(tmp_path, ids, sentences, limit)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_corpus_knows_the_documents_of_its_test(tmp_path):
    for name, content in (("train", "a b\na b\nb c\n"), ("test", "a\nb\nc a\n"), ("ids", "x\ny\nx\n")):
        (tmp_path / name).write_text(content, "utf-8")
    named = {"name": "toy", "train": tmp_path / "train", "valid": tmp_path / "train", "test": tmp_path / "test"}
    found = load(**named, test_documents=tmp_path / "ids")
    assert found.documents.tolist() == [0, 1, 0]
    other = load(**named)
    assert other.documents is None
    assert other.fingerprint == found.fingerprint  # no row's number hangs on it
