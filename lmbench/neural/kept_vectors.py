"""Word vectors learnt once for all the rows of a benchmark that start from them, and kept on disk."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmbench import sources
from lmbench.neural.embeddings import Space, Vectors, align, learn, sentences_in, sentences_of
from lmbench.storage import kept, read_sealed, sha256, write_sealed
from lmbench.text.sentences import Sentences


@dataclass(frozen=True, eq=False)
class Learnt:
    """vectors: float32 (V + 1, D), as align() has them
    space:   all the words that they were learnt with; None of no text
    spared:  seconds that learning them took whoever did it before; 0 for those who do it now
    """

    vectors: Vectors
    space: Space | None
    spared: float = 0.0


def learnt(train: Sentences, text: Path | None, method: str, folder: Path | None, **asked: int) -> Learnt:
    """Vectors of train's events from train, or from a text beside it; asked: see embeddings.learn().

    folder: where they are kept under the SHA-256 of all that decides them; None: nowhere. A file that is damaged is
    made again; deleting any of them is safe.
    """
    path = None if folder is None else folder / f"{_key(train, text, method, asked)}.vectors.npz"
    if path is not None and (known := kept(path, _read)) is not None:
        return known
    start = time.perf_counter()
    source = learn(sentences_of(train) if text is None else sentences_in(text), method, **asked)
    found = Learnt(align(source, train.vocab, asked["dim"]), None if source is None else Space.of(source))
    if path is not None:
        _write(path, found, time.perf_counter() - start)
    return found


def _key(train: Sentences, text: Path | None, method: str, asked: dict[str, int]) -> str:
    deciding = {
        "events": train.vocab.events,
        "text": sha256(train.content if text is None else text),
        "beside train": text is not None,
        "method": method,
        "asked": asked,
        "code": sources.code(__name__),
        "libraries": sources.libraries(__name__),
    }
    return sha256(json.dumps(deciding, sort_keys=True).encode())


def _write(path: Path, found: Learnt, seconds: float) -> None:
    words: list[str] = [] if found.space is None else list(found.space.words)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vectors=found.vectors,
        words=np.frombuffer(json.dumps(words).encode(), np.uint8),
        of_words=np.empty((0, 0), np.float32) if found.space is None else found.space.vectors,
        seconds=np.array(seconds),
    )
    write_sealed(path, buffer.getvalue())


def _read(path: Path) -> Learnt:
    """What _write() wrote."""
    with np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as arrays:
        words = json.loads(arrays["words"].tobytes())
        space = Space(words, arrays["of_words"]) if words else None
        return Learnt(arrays["vectors"], space, float(arrays["seconds"]))
