"""Single flipped bits in every kind of file that lmbench reads back, and what comes of each."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from toy import TEXT

from lmbench import storage
from lmbench.bench import benchmark, runner, store
from lmbench.bench.prepare import prepare
from lmbench.bench.probes import mined
from lmbench.bench.results import (
    DIAGNOSIS,
    SCHEMA,
    asdict_without_arrays,
    benchmark_facts,
    load_diagnosis,
    load_generated,
    load_one,
    load_sentences,
    remembered,
    save_pair,
)
from lmbench.cli import main
from lmbench.errors import LMBenchError
from lmbench.neural.descent import Descent
from lmbench.neural.kept_vectors import learnt
from lmbench.neural.network import Network
from lmbench.text import hungry
from lmbench.text.sentences import Sentences
from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import Vocabulary

BENCHMARK = """
[corpus]
train = "train.txt"
[rows.two]
kind = "ngram"
order = 2
[rows.net]
kind = "recurrent"
cell = "rnn"
dim = 4
hidden = 4
epochs = 1
embeddings = "word2vec"
embedding_text = "other.txt"
vector_epochs = 1
[rows.mix]
kind = "mixture"
components = ["two", "net"]
[blanks]
dim = 4
epochs = 1
[generated]
sentences = 30
rows = ["two"]
rounds = 1
"""
PIECES = """
[corpus]
train = "train.txt"
tokenizer = "bpe"
pieces = 60
[rows.two]
kind = "ngram"
order = 2
"""
MINED = """
[corpus]
train = "some.txt"
[rows.two]
kind = "ngram"
[probes.mine]
reserve = "rest.txt"
min_count = 5
attested = 2
documents = 2
expected = 2.0
match = 0.5
closed = 15
most = 10
"""
DESCENT = {
    "optimiser": "adam", "epochs": 10, "lr": 0.1, "schedule": "constant", "decay": 0.5, "hold": 2, "averaging": 0,
    "clip": 1.0, "weight_decay": 0.0, "patience": 3, "seed": 0,
}  # fmt: skip
ASKED = {"dim": 4, "window": 2, "epochs": 1, "seed": 1}
SAME, SAID, SILENT, TRACEBACK = "unchanged", "said", "SILENT", "TRACEBACK"


@dataclass(frozen=True)
class Kind:
    """Files of one kind, and what is made of one of them: arrays, numbers and texts that decide what comes out."""

    name: str
    files: list[Path]
    read: Callable[[Path], Any]


def write_texts(folder: Path) -> None:
    """The benchmarks and their texts."""
    (folder / "tiny.toml").write_text(BENCHMARK, "utf-8")
    (folder / "pieces.toml").write_text(PIECES, "utf-8")
    (folder / "mined.toml").write_text(MINED, "utf-8")
    drawn = list(dict.fromkeys(" ".join(row) for row in hungry.splits()["train"]))
    parts = {"train": map(" ".join, TEXT), "other": drawn[:50], "some": drawn[:900], "rest": drawn[900:6000]}
    for name, lines in parts.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def run(folder: Path, name: str = "tiny") -> int:
    """A benchmark run by the command line; the exit code."""
    out = ["--out", str(folder / "out"), "--jobs", "1"]
    return main(["run", "all", "--benchmark", str(folder / f"{name}.toml"), *out])


def kinds(folder: Path) -> list[Kind]:
    """Every kind of file, each there at least once."""
    write_texts(folder)
    facts, models, cache = folder / "out/tiny/facts", folder / "out/tiny/models", folder / "out/.cache"
    assert run(folder) == 0
    found = list(cache.glob("*.json"))
    assert run(folder, "pieces") == 0
    spec = benchmark.load(str(folder / "tiny.toml"))
    prepared = partial(prepare, spec, None, cache, ["other.txt"])
    rows = [path for path in facts.glob("*.*") if path.stem not in ("benchmark", "sentences")]
    return [
        Kind("row facts", rows, lambda path: result(path.with_suffix(".json"))),
        Kind("benchmark.json", [facts / "benchmark.json"], lambda path: benchmark_facts(path.parent)),
        Kind("sentences.npz", [facts / "sentences.npz"], lambda path: load_sentences(path.parent)),
        Kind("generated", list((facts / "generated").glob("*.*")), lambda _: load_generated(facts)),
        Kind("models", [path for stem in ("two", "net.seed0") for path in models.glob(f"{stem}.*")], weights),
        Kind(
            "tokenizer.model",
            [folder / "out/pieces/models/tokenizer.model"],
            lambda path: runner.tokenizer(path.parent.parent).state,
        ),
        Kind("audit and blanks", found, lambda _: prepared().facts),
        Kind("cut texts", list(cache.glob("*.text.txt")), lambda _: prepared().find("other.txt").read_text("utf-8")),
        *kept_apart(folder),
    ]


def kept_apart(folder: Path) -> list[Kind]:
    """Kinds that a smaller thing than a run writes."""
    apart = folder / "apart"
    slow = replace(TOKENIZERS["syllables"], slow=True)
    lines = [" ".join(words) for words in TEXT]
    train = Sentences.encode(TEXT, Vocabulary.build(TEXT))
    spec = benchmark.load(str(folder / "mined.toml"))
    corpus = prepare(replace(spec, probes=None), None, apart).corpus

    def vectors(_: Path) -> Any:
        found = learnt(train, None, "word2vec", apart, **ASKED)
        return [found.vectors, list(found.space.words), found.space.vectors]

    def probes(_: Path) -> Any:
        made = mined(spec.probes.mine, corpus, lambda name: folder / name, apart)
        return repr((made.probes, made.fingerprint, made.about))

    def small(_: Path) -> Any:
        return remembered(apart, "small", {"of": "flips"}, lambda: {"number": 0.1, "words": ["배가", "고프다"]})

    for write in (lambda _: tokenize(slow, lines, apart), vectors, probes, small):
        write(apart)
    descended(apart / "net.checkpoint")
    save_pair(apart / DIAGNOSIS / "rows", {"schema": SCHEMA, "rates": [0.25, 1.5]}, {"gates": np.linspace(0, 1, 50)})
    return [
        Kind("diagnosis", list((apart / DIAGNOSIS).glob("*.*")), lambda _: load_diagnosis(apart)),
        Kind("tokens", list(apart.glob("*.tokens.txt")), lambda _: tokenize(slow, lines, apart)),
        Kind("vectors", list(apart.glob("*.vectors.npz")), vectors),
        Kind("probes", list(apart.glob("*.probes.jsonl")), probes),
        Kind("remembered", list(apart.glob("*.small.json")), small),
        Kind("checkpoint", [apart / "net.checkpoint"], taken_up),
    ]


def result(path: Path) -> Any:
    found = load_one(path)
    return [asdict_without_arrays(found), found.arrays]


def weights(path: Path) -> Any:
    model, tokenizer = store.load_with_tokenizer(path.with_suffix(""))
    return [model.state(), model.config(), model.vocab_.events, tokenizer]


def descended(path: Path) -> None:
    """A checkpoint after two epochs of one step."""
    one = Descent(Network(8, 3, 3, tied=False), SimpleNamespace(**DESCENT))
    for nats in (2.0, 1.5):
        for parameter in one.net.parameters():
            parameter.grad = torch.full_like(parameter, nats)
        one.step(0.0, torch.tensor(nats))
        one.end_epoch(lambda nats=nats: nats)
    one.save(path, "key")


def taken_up(path: Path) -> Any:
    one = Descent(Network(8, 3, 3, tied=False), SimpleNamespace(**DESCENT))
    torch.manual_seed(0)
    there = one.restore(path, "key")
    states = one.optimiser.state_dict()["state"]
    return [
        there, one.history, one.best, one.worse, one.averaged, dict(one.rng.bit_generator.state), states,
        [dict(weights) for weights in (one.kept, one.mean, dict(one.net.named_parameters()))],
        torch.get_rng_state() if there else None,
    ]  # fmt: skip


def plain(value: Any) -> Any:
    """The value as something that == compares, to the bit."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else repr(value)


@contextmanager
def heard():
    """What the log of lmbench says meanwhile."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    storage.LOG.addHandler(handler)
    storage.LOG.propagate = False
    try:
        yield lines
    finally:
        storage.LOG.removeHandler(handler)
        storage.LOG.propagate = True


def flip(kind: Kind, path: Path, bit: int, expected: Any) -> str:
    """Flip one bit of a file, read it, put the file back; what came of it."""
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        with heard() as lines:
            found = plain(kind.read(path))
    except LMBenchError as error:
        return SAID if "\n" not in str(error) and path.stem in str(error) else TRACEBACK
    except Exception:
        return TRACEBACK
    finally:
        path.write_bytes(whole)
    said = any(path.stem in line and line.startswith("warning: ") for line in lines)
    return SILENT if found != expected else SAID if said else SAME


def flips(files: list[Kind], n: int, seed: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """n flips, the kinds by turns, each of a random bit of a random file.

    Kind -> how often what came of them; and where nothing was said though something changed, or a traceback ended it.
    """
    rng = np.random.default_rng(seed)
    expected = {kind.name: {path: plain(kind.read(path)) for path in kind.files} for kind in files}
    found, bad = {kind.name: Counter[str]() for kind in files}, []
    for turn in range(n):
        kind = files[turn % len(files)]
        path = kind.files[rng.integers(len(kind.files))]
        bit = int(rng.integers(8 * path.stat().st_size))
        outcome = flip(kind, path, bit, expected[kind.name][path])
        found[kind.name][outcome] += 1
        if outcome in (SILENT, TRACEBACK):
            bad.append(f"{outcome}: {kind.name}, {path.name}, bit {bit}")
    return found, bad
