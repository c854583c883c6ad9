"""From a benchmark file to what its rows are trained on and measured with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench import sources
from lmbench.bench.audit import audit
from lmbench.bench.benchmark import Benchmark
from lmbench.bench.blanks import blanks
from lmbench.bench.evaluate import Yardstick
from lmbench.bench.laboratory import laboratory
from lmbench.bench.probes import by_hand, probes_of, thinned
from lmbench.bench.results import remembered
from lmbench.bench.specs import CorpusSpec
from lmbench.bench.texts import EmbeddingText
from lmbench.bench.unseen import WHOLE, Part, Unseen, unseen
from lmbench.errors import BadConfig, choose, suggestion
from lmbench.ngrams.speller import spelling_bits
from lmbench.storage import sha256
from lmbench.text import corpus as corpora
from lmbench.text import hungry
from lmbench.text.corpus import Corpus
from lmbench.text.files import normalise
from lmbench.text.probes import Probes, Story
from lmbench.text.reading import start_of
from lmbench.text.tokenizers import TOKENIZERS

DATA = "LMBENCH_DATA"


@dataclass(frozen=True)
class Prepared:
    """A corpus, its yardstick, and what is found of it before any row is fitted, as facts.

    find: where the file is that a field names; a text that vectors are learnt from is cut as train is
    parts: what rows are trained on without each group of words of [unseen]
    """

    corpus: Corpus
    yardstick: Yardstick
    facts: dict[str, Any]
    find: Callable[[str], Path]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Gathered:
    """What a benchmark is about, before anything is measured.

    texts: that rows learn word vectors from instead of train, and that extra words are counted in
    find:  where the file is that a field names
    how:   facts of how the probes were found
    omitted: what rows are trained without, of which corpus is the control
    """

    corpus: Corpus
    texts: tuple[EmbeddingText, ...]
    probes: Probes
    find: Callable[[str], Path]
    how: dict[str, Any]
    omitted: Unseen | None = None


def gather(benchmark: Benchmark, data: Path | None, cache: Path, texts: Iterable[str] = ()) -> Gathered:
    """Read or sample the corpus, read the texts beside it, find or make the probes."""
    spec, blank = benchmark.corpus, benchmark.blanks
    choose(TOKENIZERS, spec.tokenizer, "tokenizer")
    found = partial(find, folder=benchmark.folder, data=data)
    named = [*texts, spec.embedding_text, None if blank is None else blank.embedding_text]
    read = {
        name: EmbeddingText.read(name, spec.tokenizer, found, cache)
        for name in dict.fromkeys(named)
        if name is not None and not (name == WHOLE and benchmark.unseen is not None)
    }
    load = partial(corpus_of, benchmark, data, cache, _extra_words(spec, read))
    corpus = load()
    omitted: Unseen | None = None
    if benchmark.unseen is not None:
        read[WHOLE] = EmbeddingText.of_train(WHOLE, corpus)
        omitted = unseen(benchmark.unseen, corpus)
        corpus = omitted.control
    corpus, probes, how = _with_probes(benchmark, corpus, load, found, cache)
    return Gathered(corpus, tuple(read.values()), probes, found, how, omitted)


def prepare(benchmark: Benchmark, data: Path | None, cache: Path, texts: Iterable[str] = ()) -> Prepared:
    """Gather, audit, count the corpus' n-grams once.

    texts: what rows learn word vectors from instead of train. No test sentence may be in one.
    """
    for name in benchmark.sparsity.tokenizers:
        choose(TOKENIZERS, name, "tokenizer")
    blank = benchmark.blanks
    gathered = gather(benchmark, data, cache, texts)
    corpus, probes, omitted = gathered.corpus, gathered.probes, gathered.omitted
    for text in gathered.texts:
        text.refuse_test(corpus)
    stored = {text.name: text.store(cache) for text in gathered.texts}
    found = partial(_find, texts=stored, elsewhere=gathered.find)
    sparse = laboratory(corpus, benchmark.sparsity.tokenizers, cache)
    yardstick = Yardstick(
        valid=corpus.valid,
        test=corpus.test,
        unseen=sparse.unseen,
        strata=sparse.strata,
        spelling_bits=spelling_bits(corpus) if corpus.lossless else None,
        characters=corpus.characters,
        extra=corpus.extra,
        probes=probes,
        unigram=corpora.unigram_log_probs(corpus.train),
        places=None if omitted is None else omitted.places,
        start=start_of(corpus.unit),
    )
    facts = sparse.facts if blank is None else {**sparse.facts, "blanks": blanks(blank, corpus, found, cache)}
    facts = {**facts, **gathered.how, "audit": audited(benchmark, gathered, cache)}
    if omitted is None:
        return Prepared(corpus, yardstick, facts, found)
    return Prepared(corpus, yardstick, {**facts, "unseen": omitted.facts}, found, omitted.parts)


def audited(benchmark: Benchmark, gathered: Gathered, cache: Path) -> dict[str, Any]:
    """facts["audit"], kept in the folder `cache`: nobody waits for it twice."""
    about = {
        "benchmark": [benchmark.corpus.quoted, benchmark.files("vector_file")],
        "corpus": gathered.corpus.fingerprint,
        "lines": [sha256("\n".join(lines).encode()) for lines in gathered.corpus.lines.values()],
        "texts": [[text.name, sha256("\n".join(text.lines).encode())] for text in gathered.texts],
        "probes": repr(gathered.probes),
        "code": sources.code(audit.__module__),
    }
    return remembered(cache, "audit", about, lambda: audit(benchmark, gathered.corpus, gathered.texts, gathered.probes))


def _extra_words(spec: CorpusSpec, texts: Mapping[str, EmbeddingText]) -> tuple[str, ...]:
    """Words that are events though train lacks them, as the benchmark declares them; never of test."""
    if isinstance(spec.extra_words, int):
        assert spec.embedding_text is not None  # parse() lets no number through without a text
        return tuple(texts[spec.embedding_text].words(spec.extra_words))
    return spec.extra_words or ()


def _find(name: str, texts: Mapping[str, Path], elsewhere: Callable[[str], Path]) -> Path:
    return texts[name] if name in texts else elsewhere(name)


def corpus_of(
    benchmark: Benchmark,
    data: Path | None,
    cache: Path,
    extra_words: tuple[str, ...],
    train_rows: npt.NDArray[np.int64] | None = None,
) -> Corpus:
    """The built-in corpus, or the one in the files the benchmark names; of train these rows, or all."""
    spec = benchmark.corpus
    if spec.builtin is not None:
        if spec.builtin != "hungry":
            raise BadConfig(f"no built-in corpus {spec.builtin!r}{suggestion({'hungry': None}, spec.builtin)}")
        splits: dict[str, list[list[str]]] = dict(hungry.splits(spec.seed))
        for split in ("train", "valid", "test"):
            splits[split] = splits[split][: getattr(spec, f"{split}_lines")]
        return corpora.from_tokens(
            benchmark.name,
            splits,
            min_count=spec.min_count,
            vocab_size=spec.vocab_size,
            unit=spec.unit,
            extra_words=extra_words,
        )
    assert spec.train is not None  # parse() lets no corpus through without builtin or train

    def given(name: str | None) -> Path | None:
        return None if name is None else find(name, benchmark.folder, data)

    return corpora.load(
        name=benchmark.name,
        train=find(spec.train, benchmark.folder, data),
        valid=given(spec.valid),
        test=given(spec.test),
        test_documents=given(spec.test_documents),
        cache=cache,
        extra_words=extra_words,
        train_rows=train_rows,
        **{name: getattr(spec, name) for name in _LOADED},
    )


_LOADED = (
    "tokenizer",
    "pieces",
    "min_count",
    "vocab_size",
    "unit",
    "train_lines",
    "valid_lines",
    "test_lines",
    "seed",
)


def data_folder(given: Path | None) -> Path | None:
    """The folder of corpora: the one given (--data), else $LMBENCH_DATA, if there is any."""
    named = os.environ.get(DATA)
    return Path(named) if given is None and named else given


def find(name: str, folder: Path, data: Path | None) -> Path:
    """Where a file of a benchmark is: in the data folder (--data, else $LMBENCH_DATA), else beside its own file."""
    if Path(name).is_absolute():
        return Path(name)
    data = data_folder(data)
    beside = folder / name
    if data is None or (beside.exists() and not (data / name).exists()):
        if not beside.exists() and data is None and "/" in name:
            raise BadConfig(
                f"no file {name}: this benchmark's text does not come with lmbench; say where it is "
                f"with --data FOLDER or the environment variable {DATA}"
            )
        return beside
    return data / name


def _with_probes(
    benchmark: Benchmark, corpus: Corpus, load: Callable[..., Corpus], find: Callable[[str], Path], cache: Path
) -> tuple[Corpus, Probes, dict[str, Any]]:
    """The corpus and its probes: its own, those the benchmark names, and the sentences its file tells; and facts."""
    spec = benchmark.probes
    if benchmark.corpus.builtin is not None:
        train = [list(row) for row in corpus.train_tokens]
        return corpus, hungry.probes(train, benchmark.corpus.seed), {}
    probes, facts = Probes(), {}
    if spec is not None and spec.remove is not None:
        corpus, probes, how = thinned(spec.remove, corpus, lambda rows: load(train_rows=rows))
        facts = {"mining": {**how, "show": spec.show}}
    elif spec is not None:
        probes, facts = probes_of(spec, corpus, find, cache)
    if spec is not None and spec.substitutions is not None:
        probes = replace(probes, substitutions=tuple(by_hand(find(spec.substitutions), corpus)))
    if benchmark.story:
        told = corpus.cutter.tokenize([normalise(line) for line in benchmark.story])
        probes = replace(probes, story=Story(tuple(tuple(row) for row in told)))
    return corpus, probes, facts
