"""From a benchmark file to what its rows are trained on and measured with."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lmbench.bench.benchmark import Benchmark, CorpusSpec
from lmbench.bench.evaluate import Yardstick
from lmbench.bench.laboratory import laboratory
from lmbench.errors import BadConfig, choose, suggestion
from lmbench.text import corpus as corpora
from lmbench.text import hungry
from lmbench.text.corpus import Corpus
from lmbench.text.files import normalise
from lmbench.text.probes import Probes, Story
from lmbench.text.tokenizers import TOKENIZERS

DATA = "LMBENCH_DATA"


@dataclass(frozen=True)
class Prepared:
    """A corpus, its yardstick, and what the sparsity laboratory found, as facts."""

    corpus: Corpus
    yardstick: Yardstick
    sparsity: dict[str, Any]


def prepare(benchmark: Benchmark, data: Path | None, cache: Path) -> Prepared:
    """Read or sample the corpus, count its n-grams once, find or make its probes."""
    for name in benchmark.sparsity.tokenizers:
        choose(TOKENIZERS, name, "tokenizer")
    corpus = corpus_of(benchmark, data, cache)
    sparse = laboratory(corpus, benchmark.sparsity.tokenizers, cache)
    probes = _probes(benchmark, corpus)
    yardstick = Yardstick(
        valid=corpus.valid,
        test=corpus.test,
        unseen=sparse.unseen,
        familiar=sparse.familiar,
        spelling_bits=corpus.spelling_bits,
        characters=corpus.characters,
        extra=corpus.extra,
        probes=probes,
        unigram=corpora.unigram_log_probs(corpus.train),
    )
    return Prepared(corpus, yardstick, sparse.facts)


def corpus_of(benchmark: Benchmark, data: Path | None, cache: Path) -> Corpus:
    """The built-in corpus, or the one in the files the benchmark names."""
    spec = benchmark.corpus
    if spec.builtin is not None:
        if spec.builtin != "hungry":
            raise BadConfig(f"no built-in corpus {spec.builtin!r}{suggestion({'hungry': None}, spec.builtin)}")
        splits: dict[str, list[list[str]]] = dict(hungry.splits(spec.seed))
        for split in ("train", "valid", "test"):
            splits[split] = splits[split][: getattr(spec, f"{split}_lines")]
        return corpora.from_tokens(
            benchmark.name, splits, min_count=spec.min_count, vocab_size=spec.vocab_size, unit=spec.unit
        )
    assert spec.train is not None  # parse() lets no corpus through without builtin or train

    def given(name: str | None) -> Path | None:
        return None if name is None else find(name, benchmark.folder, data)

    return corpora.load(
        name=benchmark.name,
        train=find(spec.train, benchmark.folder, data),
        valid=given(spec.valid),
        test=given(spec.test),
        cache=cache,
        **{name: getattr(spec, name) for name in _LOADED},
    )


_LOADED = (
    "tokenizer",
    "min_count",
    "vocab_size",
    "unit",
    "train_lines",
    "valid_lines",
    "test_lines",
    "seed",
)


def find(name: str, folder: Path, data: Path | None) -> Path:
    """Where a file of a benchmark is: in the data folder (--data, else $LMBENCH_DATA), else beside its own file."""
    if Path(name).is_absolute():
        return Path(name)
    if data is None and os.environ.get(DATA):
        data = Path(os.environ[DATA])
    beside = folder / name
    if data is None or (beside.exists() and not (data / name).exists()):
        if not beside.exists() and data is None and "/" in name:
            raise BadConfig(
                f"no file {name}: this benchmark's text does not come with lmbench; say where it is "
                f"with --data FOLDER or the environment variable {DATA}"
            )
        return beside
    return data / name


def _probes(benchmark: Benchmark, corpus: Corpus) -> Probes:
    """The built-in corpus' probes; for other text only the sentences the benchmark file tells."""
    if benchmark.corpus.builtin is not None:
        train = [list(row) for row in corpus.train_tokens]
        return hungry.probes(train, benchmark.corpus.seed)
    if not benchmark.story:
        return Probes()
    cutter = TOKENIZERS[corpus.tokenizer]
    told = cutter.tokenize([normalise(line) for line in benchmark.story])
    return Probes(story=Story(tuple(tuple(row) for row in told)))


def own_text(benchmark: Benchmark, spec: CorpusSpec, name: str) -> Benchmark:
    """The same rows on another corpus, whose paths are read from where the command runs."""
    return replace(benchmark, name=name, corpus=spec, folder=Path(), title=f"{name}: a text of one's own")
