"""An index of the infini-gram engine, made of a text of ours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lmbench.text.sentences import Sentences


def infini_index(text: Sentences, folder: Path, dtype: str = "u16") -> str:
    """The index of these rows, an id being an event's number; skips the test where the package is missing."""
    pytest.importorskip(
        "infini_gram.cpp_engine", reason="infini-gram (lmbench[infini], Python 3.11 on) is not installed"
    )
    width = np.dtype(dtype.replace("u", "uint"))
    separator = np.iinfo(width).max
    documents = [np.array([separator, *row], width) for row in text]
    starts = np.cumsum([0, *(document.nbytes for document in documents)])[:-1]
    np.concatenate([*documents, np.array([separator], width)]).tofile(folder / "tokenized.0")
    starts.astype(np.uint64).tofile(folder / "offset.0")
    (folder / "words.txt").write_text("\n".join(text.vocab.events), "utf-8")
    options = {"data_dir": folder, "save_dir": folder, "token_dtype": dtype, "mem": 1, "cpus": 1, "ulimit": 256}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    subprocess.run([sys.executable, "-m", "infini_gram.indexing", *words], check=True, capture_output=True)
    return str(folder)
