"""Fitted rows speak: free samples and continuations of the probes, measured beside the text of test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmbench import sources
from lmbench.bench import store
from lmbench.bench.generate import GeneratedSpec, draw, sample
from lmbench.bench.results import GENERATED, SCHEMA, Result, file_stem, load_one, load_pair, save_pair
from lmbench.measures import generated as measures
from lmbench.measures.coverage import ROUNDS, would_say
from lmbench.measures.generated import Train
from lmbench.model import Floats, LanguageModel
from lmbench.models.grammar import Grammar
from lmbench.storage import kept, sha256
from lmbench.text.probes import Probe, Probes
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

if TYPE_CHECKING:
    from lmbench.bench.runner import Plan

TEST = "%test"
"""In place of a row: a name that no row's file has."""


def generate(planned: Plan) -> Iterator[str]:
    """Let each row that the benchmark names speak, where it is fitted and has not yet; says what it does.

    A row with seeds speaks under the first. What was found is in facts/generated, a pair of files for each row.
    """
    spec, bench = planned.benchmark.generated, planned.bench
    if not spec.sentences:
        return
    place = planned.folder / "facts" / GENERATED
    made = [(row, result) for row in spec.rows if (result := _fitted(planned, row))]
    wanted = {file_stem(result.row, None): _key(spec, result.key) for _, result in made}
    todo = [(row, result) for row, result in made if not _is_there(place, file_stem(row, None), wanted)]
    if not todo:
        return
    yield "what rows say by themselves: train is sorted"
    speech = Speech(Train.of(bench.train), bench.yardstick.probes, bench.yardstick.test, spec, _grammar(planned))
    save_pair(
        place / TEST,
        {"schema": SCHEMA, "key": "", "fitted": "", "row": TEST, **speech.of_text(bench.yardstick.test)},
        {},
    )
    for row, result in todo:
        yield f"{row}: {spec.sentences:,} sentences"
        model = store.load(bench.models / file_stem(row, result.seed))
        facts, arrays = speech.of_model(model, row)
        stem = file_stem(row, None)
        about = {"schema": SCHEMA, "key": wanted[stem], "fitted": result.key, "row": row}
        save_pair(place / stem, {**about, **facts}, arrays)


class Speech:
    """What measures of generated text share: train sorted, the probes, the grammar of a built-in text."""

    def __init__(
        self, train: Train, probes: Probes, test: Sentences, spec: GeneratedSpec, grammar: Grammar | None
    ) -> None:
        self.train, self.spec, self.test, self.grammar = train, spec, test, grammar
        self.held: list[Probe] = [probe for probe in probes.probes if probe.held]
        known = test.vocab.ids
        cells = dict.fromkeys(
            (a, b)
            for probe in self.held
            for a, b in [(probe.context[-1], probe.target)]
            if a in known and b in known and probe.span == 1  # what does not stand side by side is not counted
        )
        self.pairs = np.array([test.vocab.encode(pair) for pair in cells], np.int64).reshape(-1, 2)
        headline = probes.headline
        of_headline = {(p.context[-1], p.target) for p in self.held if p.cell == headline and p.span == 1}
        self.headline = np.array([pair in of_headline for pair in cells], bool)
        adjacent = grammar.grammar_.adjacent if grammar is not None else frozenset()
        ids = [test.vocab.encode(pair) for pair in adjacent]
        self.licensed = np.unique(np.array([a * len(test.vocab) + b for a, b in ids], np.int64))

    def of_text(self, text: Sentences) -> dict[str, Any]:
        """Every measure of a text that somebody or something has said."""
        shares, masks = measures.novelty(text, self.train)
        ended = np.bincount(text.rows, text.tokens == EOS, len(text)) > 0
        found: dict[str, Any] = {
            "sentences": len(text),
            "words": float((text.tokens != EOS).sum() / len(text)),
            "cut_off": float(1 - ended.mean()),
            **shares,
            **measures.copies(text, self.train),
            **measures.repetition(text, min(len(self.test), self.spec.sentences)),
        }
        if len(self.pairs):
            counts = measures.said(text, self.pairs)
            found |= {"pairs": len(counts), "pairs_said": int((counts > 0).sum()), "times_said": int(counts.sum())}
            found |= {"headline_said": int(counts[self.headline].sum())} if self.headline.any() else {}
        if self.grammar is not None:
            found |= self._precision(text, ended, masks[2])
        return found

    def _precision(self, text: Sentences, ended: Any, novel: Any) -> dict[str, float]:
        """Shares that the grammar allows: of the sentences, of those train does not have, of the bigrams it lacks.

        A sentence that was cut off is of none of them.
        """
        assert self.grammar is not None
        allowed = np.isfinite(text.row_sums(self.grammar.log_probs(text)))
        new = np.fromiter((row.tobytes() not in self.train.rows for row in text), bool, len(text)) & ended
        words = novel & (text.positions > 0) & (text.tokens != EOS)
        grams = text.previous[words].astype(np.int64) * len(text.vocab) + text.tokens[words]
        found = {"licensed": float(allowed[ended].mean()) if ended.any() else 0.0}
        found |= {"licensed_new": float(allowed[new].mean())} if new.any() else {}
        found |= {"licensed_bigrams": float(np.isin(grams, self.licensed).mean())} if len(grams) else {}
        return found

    def of_model(self, model: LanguageModel, row: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every measure of a free sample, and the rounds after the probes' contexts.

        The draws hang on the row's name too: with the same uniform numbers all rows would be lucky together.
        """
        rng = np.random.Generator(np.random.PCG64([self.spec.seed, *row.encode()]))
        text = sample(model, self.spec.sentences, max_tokens=self.spec.max_tokens, rng=rng)
        facts, arrays = self.of_text(text), {}
        if self.held:
            asked = list(dict.fromkeys((probe.context, probe.target) for probe in self.held))
            shares, log_probs = drawn(model, asked, self.spec.rounds, rng)
            of_probe = [asked.index((probe.context, probe.target)) for probe in self.held]
            facts |= {"rounds": self.spec.rounds, "drawn": float(shares[of_probe].mean())}
            facts |= {"computed": float(would_say(log_probs)[of_probe].mean())}
            facts |= {"apart": measures.apart(shares, log_probs, self.spec.rounds)}
            arrays = {"drawn": shares, "log_probs": log_probs}
        return facts, arrays


def drawn(
    model: LanguageModel, asked: Sequence[tuple[tuple[str, ...], str]], rounds: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """For each context and target, float64 (P,): the share of rounds of 100 draws that say the target; and ln p of it.

    The target is the first token of a continuation, so a continuation need not be drawn further. Targets of one
    context share its draws.
    """
    targets = model.vocab_.encode(target for _, target in asked)
    own: dict[tuple[str, ...], list[int]] = {}
    for i, (context, _) in enumerate(asked):
        own.setdefault(context, []).append(i)
    table = model.next_log_probs(Sentences.encode_prefixes(own, model.vocab_))
    shares, log_probs, first = np.empty(len(asked)), np.empty(len(asked)), np.zeros(rounds * ROUNDS, np.int64)
    for row, places in enumerate(own.values()):
        events = draw(table[row : row + 1], first, rng.random(len(first))).reshape(rounds, ROUNDS)
        for i in places:
            shares[i] = (events == targets[i]).any(axis=1).mean()
            log_probs[i] = table[row, targets[i]]
    return shares, log_probs


def _grammar(planned: Plan) -> Grammar | None:
    """The full language of a built-in corpus."""
    name, train = planned.benchmark.corpus.builtin, planned.bench.train
    return None if name is None else Grammar(conditioned=False, corpus=name).fit(train, train)


def _fitted(planned: Plan, row: str) -> Result | None:
    """The result of a row, under its first seed, whose model is there."""
    key = planned.key(row)

    def path_of(seed: int | None) -> Path:
        return planned.bench.models / file_stem(row, seed)

    for seed in (0, None):
        path = planned.folder / "facts" / f"{file_stem(row, seed)}.json"
        if path.is_file():
            result = load_one(path)
            if result.error is None and result.key == key and store.intact(path_of(seed), key):
                return result
    return None


def _key(spec: GeneratedSpec, row: str) -> str:
    """Of all that decides what a row says: the row's own key, the settings, the code here."""
    return sha256(json.dumps([row, asdict(spec), sources.code(__name__)]).encode())


def _is_there(place: Path, stem: str, wanted: dict[str, str]) -> bool:
    known = kept(place / f"{stem}.json", load_pair)
    return known is not None and known[0].get("key") == wanted[stem]
