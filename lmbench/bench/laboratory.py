"""The sparsity laboratory of a benchmark: what of its text train never says, measured once for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.measures import sparsity
from lmbench.measures.strata import ways
from lmbench.model import Strata
from lmbench.ngrams.table import NGramTable
from lmbench.text.corpus import Corpus
from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS

LIMIT = 1_000_000
"""Characters of a split that are cut into other units: a text of any size costs seconds."""

Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Laboratory:
    """What was found.

    unseen: order -> bool (N,) over test: tokens whose n-gram never occurs in train
    strata: ways to sort test's tokens, by name
    facts:  the tables, as facts/benchmark.json holds them
    """

    unseen: sparsity.Masks
    strata: dict[str, Strata]
    facts: dict[str, Any]


def laboratory(corpus: Corpus, tokenizers: Sequence[str], cache: Path | None) -> Laboratory:
    """Count train once and look at every test set; cut the text into the units of these tokenizers too."""
    order = max(sparsity.ORDERS)
    table = NGramTable.count(corpus.train, order)
    sets = {"test": corpus.test} | corpus.extra
    longest = {name: sparsity.longest_seen(text, table) for name, text in sets.items()}
    masks = {name: sparsity.unseen_masks(text, longest[name]) for name, text in sets.items()}
    facts = {
        "sparsity": [
            {"set": name, **vars(line)} for name, text in sets.items() for line in sparsity.sparsity(text, masks[name])
        ],
        "laboratory": {
            "counts": [vars(line) for line in sparsity.counts_of_counts(table, corpus.test, masks["test"])],
            "growth": [vars(line) for line in sparsity.growth(corpus.train, corpus.test, masks["test"])],
            "longest": [
                {"set": name, **vars(line)}
                for name, text in sets.items()
                for line in sparsity.lengths(text, longest[name], order)
            ],
            "units": _units(corpus, list(dict.fromkeys([corpus.tokenizer, *tokenizers])), cache),
        },
    }
    return Laboratory(masks["test"], ways(corpus.test, table, longest["test"]), facts)


def _units(corpus: Corpus, names: list[str], cache: Path | None) -> Lines:
    """The same lines of train and of test under each tokenizer; nothing where there is one only."""
    if len(names) < 2:
        return []
    sizes = {split: _within(corpus.lines[split]) for split in ("train", "test")}
    lines = {split: corpus.lines[split][:size] for split, size in sizes.items()}
    about = {
        "train_sentences": sizes["train"],
        "train_characters": _characters(lines["train"]),
        "characters": _characters(lines["test"]),
    }
    found: Lines = []
    for name in names:
        cutter = corpus.cutter if name == corpus.tokenizer else TOKENIZERS[name].learnt(corpus.lines["train"])
        tokens = {}
        for split, part in lines.items():
            # what takes long is in the cache, where the whole split was put
            cut = tokenize(cutter, corpus.lines[split], cache) if cutter.slow else cutter.tokenize(part)
            tokens[split] = cut[: sizes[split]]
        found += [{"tokenizer": name, **about, **vars(line)} for line in sparsity.unit(tokens["train"], tokens["test"])]
    return found


def _within(lines: Sequence[str]) -> int:
    """How many lines, one at least, come to no more than LIMIT characters, line ends counted."""
    ends = np.cumsum([len(line) + 1 for line in lines])
    return max(1, int(np.searchsorted(ends, LIMIT, side="right")))


def _characters(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines)
