"""A corpus of nltk's as files: its own readers over a few documents made here."""

import nltk.data
import pytest
from nltk.corpus.reader import CategorizedTaggedCorpusReader
from nltk.corpus.util import LazyCorpusLoader

from lmbench.cli import main
from lmbench.errors import BadText
from lmbench.text import nltk_text

FILES = r"c[a-z]\d\d"


@pytest.fixture
def brown(tmp_path, monkeypatch):
    """Twenty documents in Brown's format, two sentences each, where nltk looks for its own."""
    folder = tmp_path / "nltk_data" / "corpora" / "brown"
    folder.mkdir(parents=True)
    names = [f"c{genre}{number:02}" for genre in "ab" for number in range(1, 11)]
    for name in names:
        (folder / name).write_text(f"\n\n\tThe/at {name}/nn sat/vbd ./.\n\n\n\tSo/rb it/pps did/dod ./.\n\n")
    (folder / "cats.txt").write_text("".join(f"{name} {name[1]}\n" for name in names))
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nltk_data")])
    loader = LazyCorpusLoader("brown", CategorizedTaggedCorpusReader, FILES, cat_file="cats.txt", encoding="ascii")
    monkeypatch.setattr("nltk.corpus.brown", loader)
    return names


def lines(path):
    return path.read_text("utf-8").splitlines()


def test_parts_are_whole_documents_of_every_kind(brown, tmp_path):
    counts = nltk_text.write("brown", tmp_path / "out")
    assert counts == {"test": 4, "valid": 4, "train": 12, "reserve": 20}
    seen = []
    for part in counts:
        text, documents = lines(tmp_path / f"out/{part}.txt"), lines(tmp_path / f"out/{part}.documents.txt")
        assert len(text) == len(documents) == counts[part]
        assert text[::2] == [f"The {document} sat ." for document in documents[::2]]
        assert {document[1] for document in documents} == {"a", "b"}
        seen += documents[::2]
    assert sorted(seen) == brown


@pytest.mark.usefixtures("brown")
def test_the_command_writes_where_benchmarks_look(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LMBENCH_DATA", str(tmp_path / "data"))
    assert main(["corpus", "brown"]) == 0
    assert "train.txt: 12 sentences" in capsys.readouterr().out
    assert (tmp_path / "data/brown/reserve.documents.txt").is_file()


def test_parts_need_ten_documents(tmp_path, monkeypatch):
    monkeypatch.setattr("nltk.corpus.brown", Few())
    with pytest.raises(BadText, match="has 9 documents"):
        nltk_text.write("brown", tmp_path / "out")


class Few:
    def ensure_loaded(self):
        """As nltk's readers have it."""

    def fileids(self):
        return list("abcdefghi")

    def sents(self, _):
        return [["a", "b"]]


@pytest.mark.parametrize("name", ["browm", "stopwords", "wordnet", "sys"])
def test_what_is_no_corpus_of_sentences_is_an_error(name, monkeypatch, tmp_path):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    with pytest.raises(BadText, match=r"no corpus '.*' of sentences|is not on this machine"):
        nltk_text.write(name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_its_data_the_error_says_how_to_get_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    loader = LazyCorpusLoader("brown", CategorizedTaggedCorpusReader, FILES, cat_file="cats.txt")
    monkeypatch.setattr("nltk.corpus.brown", loader)
    assert main(["corpus", "brown", "--data", str(tmp_path / "data")]) == 2
    assert "python -m nltk.downloader brown" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
