"""What lets a text be compared in several units: bits and denominators of its sentences, and folders to join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench.bench.benchmark import Benchmark
from lmbench.bench.found import source
from lmbench.bench.prepare import Prepared
from lmbench.bench.results import SCHEMA, dumps
from lmbench.storage import write_json
from lmbench.text.vocabulary import EOS


def join(benchmark: Benchmark, folder: Path, quick: bool, command: str) -> None:
    """facts/benchmark.json of a benchmark in several units: where theirs are, in folders within its own."""
    facts = {
        "schema": SCHEMA,
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "description": benchmark.description,
        "quick": quick,
        "rows": [],
        "source": source(benchmark),
        "units": [one.name.partition("/")[2] for one in benchmark.units],
        "command": command,
    }
    write_json(folder / "facts" / "benchmark.json", dumps(facts))


def sentences(prepared: Prepared) -> dict[str, npt.NDArray[Any]]:
    """Of each of the S sentences of test, what its bits are divided by and what they cost beside the model's.

    characters:    int64 (S,), NFC code points, the line end counted
    words:         int64 (S,), between spaces (Korean: eojeol)
    spelling_bits: float64 (S,), of the words behind its <unk>; absent where the tokenizer is not lossless
    """
    lines, bits = prepared.corpus.lines["test"], prepared.yardstick.spelling_bits
    found: dict[str, npt.NDArray[Any]] = {
        "characters": np.array([len(line) + 1 for line in lines], np.int64),
        "words": np.array([len(line.split()) for line in lines], np.int64),
    }
    if bits is not None:
        ends = np.flatnonzero(prepared.corpus.test.tokens == EOS)
        found["spelling_bits"] = np.diff(np.cumsum(bits)[ends], prepend=0)
    return found
