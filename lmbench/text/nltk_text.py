"""Corpora of nltk's as files of sentences: words joined by spaces, parts made of whole documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lmbench.errors import BadText
from lmbench.storage import atomic_write
from lmbench.text.files import normalise

PARTS = {"test": (0,), "valid": (1,), "train": (2, 3, 4), "reserve": (5, 6, 7, 8, 9)}
"""Which documents of ten are in each part, so that each has every kind of text the corpus lists one after another."""


def write(name: str, folder: Path) -> dict[str, int]:
    """PART.txt and PART.documents.txt for each part, one sentence a line; the sentences of each part.

    name: of a corpus of nltk's that knows documents and sentences, such as 'brown' (Francis & Kucera 1964), 'reuters'
    BadText if nltk does not know it, or its data is not on this machine.
    """
    corpus = _corpus(name)
    documents = list(corpus.fileids())
    if len(documents) < 10:
        raise BadText(f"nltk's {name} has {len(documents)} documents, and five parts need 10: take one with more")
    sentences = [
        (at % 10, document, normalise(" ".join(words)))
        for at, document in enumerate(documents)
        for words in corpus.sents(document)
    ]
    found = {
        part: [(document, line) for digit, document, line in sentences if digit in digits and line]
        for part, digits in PARTS.items()
    }
    for part, rows in found.items():
        atomic_write(folder / f"{part}.txt", "".join(f"{line}\n" for _, line in rows))
        atomic_write(folder / f"{part}.documents.txt", "".join(f"{document}\n" for document, _ in rows))
    return {part: len(rows) for part, rows in found.items()}


def _corpus(name: str) -> Any:
    """A reader whose data is there."""
    import nltk.corpus

    try:
        reader = getattr(nltk.corpus, name)
        reader.ensure_loaded()
        if not hasattr(reader, "sents"):
            raise AttributeError(name)
    except AttributeError:
        raise BadText(f"nltk has no corpus {name!r} of sentences in documents; 'brown' and 'reuters' are two") from None
    except LookupError:
        raise BadText(f"nltk's data of {name!r} is not on this machine: python -m nltk.downloader {name}") from None
    return reader
