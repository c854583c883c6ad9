"""A small synthetic run: plausible numbers, hostile names, every kind of row a report can meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.bench.keys import key_of
from lmbench.bench.results import SCHEMA, Result, dumps
from lmbench.measures.coverage import crossed_preference, would_say
from lmbench.storage import write_json

HOSTILE = ("=cmd|x", "a|b", "<img onerror=x>", "$\\frac$", "two\nlines")
STORY = [["나는", "엄청", "배가", "고프다"], ["나는", "매우", "배가", "고프다"], ["나는", "무지", "배가", "고프다"]]
ADVERBS = ("무지", "아주", "너무", "정말", "무척", "참")
STATES = (("배가", "배가 고프"), ("목이", "목이 마르"), ("기분이", "기분이 좋"), ("힘이", "힘이 없"))
STRATA = ("near", "far", "hard")
Edit = Callable[[Result], Result]
TEXT = {"vocabulary": {"events": 926, "sha256": "v"}, "test": {"rows": 120, "tokens": 700, "sha256": "t"}}
"""What all rows share of what decides their numbers."""

# row -> kind, family, bits above the floor, share of p(true) given to unseen pairs, preference in nats, config
MODELS: dict[str, tuple[str, str, float, float, float, dict[str, Any]]] = {
    "unigram": ("ngram", "ngram", 3.4, 0.10, 0.0, {"order": 1, "smoothing": "add_k"}),
    "mle-3": ("ngram", "ngram", np.inf, 0.0, 0.0, {"order": 3, "smoothing": "mle"}),
    "kn-2": ("ngram", "ngram", 1.0, 0.01, 0.0, {"order": 2, "smoothing": "kneser_ney"}),
    "kn-3": ("ngram", "ngram", 0.74, 0.005, 0.0, {"order": 3, "smoothing": "kneser_ney"}),
    "similarity": ("similarity", "similarity", 1.3, 0.2, 1.0, {}),
    "rnn": ("recurrent", "recurrent", 0.25, 0.5, 2.0, {"cell": "rnn", "embeddings": "random"}),
    "lstm": ("recurrent", "recurrent", 0.131, 0.55, 2.5, {"cell": "lstm", "embeddings": "random"}),
    "lstm-w2v": ("recurrent", "recurrent", 0.130, 0.6, 2.5, {"cell": "lstm", "embeddings": "word2vec"}),
    "mix": ("mixture", "mixture", 0.09, 0.3, 2.5, {"components": ["kn-3", "lstm"]}),
    "cache": ("cache", "cache", 0.5, 0.01, 0.3, {}),
    "stupid": ("ngram", "ngram", 0.9, 0.01, 0.0, {"order": 3, "smoothing": "stupid_backoff"}),
    "=cmd|x": ("ngram", "ngram", 0.8, 0.01, 0.0, {"order": 4, "smoothing": "katz"}),
    "floor": ("grammar", "reference", 0.0, 1.0, 3.0, {}),
    "truth": ("grammar", "reference", 0.0, 1.0, 3.0, {}),
}
SEEDED = ("rnn", "lstm", "lstm-w2v")
SENTENCES = 120


def bits_above(name: str, bits: float, **models: Any) -> dict[str, Any]:
    """MODELS with one row's distance from the floor changed."""
    kind, family, _, share, preference, config = MODELS[name]
    return MODELS | {name: (kind, family, bits, share, preference, config)} | models


def probes() -> dict[str, Any]:
    held = [
        {
            "context": ["나는", a],
            "target": b,
            "phrase": [b],
            "cell": [a, lemma],
            "held": True,
            "stratum": STRATA[(i + j) % 3],
            "distractor": None,
            "true_log_prob": -2.5,
            "expected": 9.0,
        }
        for i, a in enumerate(ADVERBS)
        for j, (b, lemma) in enumerate(STATES)
    ]
    crossed = [
        {"left": ["나는"], "a1": a1, "b1": "배가", "a2": a2, "b2": "목이", "stratum": STRATA[(i + j) % 3]}
        for i, a1 in enumerate(ADVERBS)
        for j, a2 in enumerate(ADVERBS)
        if a1 != a2
    ]
    return {"probes": [*held, {**held[0], "cell": ["엄청", "배가 고프"], "held": False}], "crossed": crossed}


def laboratory() -> dict[str, Any]:
    """What the sparsity laboratory might have found: shares fall with text, rise with order, and units differ."""
    growth = [
        {"train_sentences": n, "train_tokens": 5 * n, "order": order, "unseen": int(580 * s), "share": s}
        for n, shares in ((5000, (0.02, 0.2, 0.4)), (10000, (0.01, 0.1, 0.25)), (20000, (0.0, 0.031, 0.177)))
        for order, s in enumerate(shares, start=1)
    ]
    counts = [
        {
            "order": order,
            "tokens": 90000,
            "types": types,
            "n1": n1,
            "n2": 20,
            "n3": 10,
            "n4": 5,
            "n5_plus": 7,
            "once": n1 / types,
            "good_turing": n1 / 90000,
            "unseen": found,
        }
        for order, types, n1, found in ((1, 900, 90, 0.0), (2, 9000, 2700, 0.031), (3, 30000, 18000, 0.35))
    ]
    longest = [
        {"set": name, "length": length, "tokens": tokens, "share": tokens / 600, "from_start": tokens // 3}
        for name in ("test", "held")
        for length, tokens in enumerate((0, 60, 240, 180, 90, 30))
    ]
    units = [
        {
            "tokenizer": name,
            "train_sentences": 20000,
            "train_characters": 400000,
            "characters": 2400,
            "order": order,
            "types": types,
            "tokens": tokens,
            "oov_rate": oov,
            "unseen": int(tokens * s),
            "share": s,
        }
        for name, types, tokens, oov, shares in (
            ("whitespace", 900, 600, 0.05, (0.04, 0.2, 0.6)),
            ("a|b", 300, 1200, 0.0, (0.0, 0.01, 0.1)),
        )
        for order, s in enumerate(shares, start=1)
    ]
    return {"growth": growth, "counts": counts, "longest": longest, "units": units}


def deciding(row: str) -> dict[str, Any]:
    """A row's own part of what decides its numbers."""
    return {"kind": "ngram", "fields": {"of": row}}


def belonging(row: str) -> dict[str, Any]:
    """The fields of a result that belongs to the run."""
    return {
        "key": key_of(TEXT, deciding(row)),
        "deciding": {"text": TEXT, "row": deciding(row)},
        "command": "lmbench run toy",
        "environment": {"python": "3.11.7", "numpy": "2.4.6", "threads": "1", "jobs": "2"},
    }


def benchmark(rows: list[tuple[str, str, str]], **changes: Any) -> dict[str, Any]:
    tokens = int(_tokens().sum())
    return {
        "schema": SCHEMA,
        "benchmark": "toy",
        "title": "Toy: a <b>small</b> run",
        "description": "Synthetic numbers.\n# not a heading | not a cell",
        "quick": False,
        "rows": [{"row": row, "kind": kind, "family": family} for row, kind, family in rows],
        "seeds": [0, 1, 2],
        "headline": ["무지", "배가 고프"],
        "corpus": {
            "tokenizer": "whitespace", "lossless": True, "unit": "sentence", "n_events": 926, "fingerprint": "9f2c" * 8,
            "n_test_tokens": tokens, "warnings": ["3 sentences occur twice"], "literal_unk": False,
            "extra": ["held"], "extra_words": [],
        },
        "statistics": [
            {"split": split, "sentences": n, "tokens": 5 * n, "types": 900, "oov_tokens": 3, "oov_rate": 0.0006,
             "characters": 20 * n, "duplicates": 4, "also_in_train": 2}
            for split, n in (("train", 20000), ("valid", 2000), ("test", SENTENCES))
        ],
        "sparsity": [
            {"set": name, "order": n + 1, "tokens": tokens, "unseen": int(tokens * s), "share": s, "zero_sentences": z}
            for name, lines in (
                ("test", ((0.0, 0.0), (0.03, 0.157), (0.177, 0.597), (0.339, 0.754), (0.433, 0.776))),
                ("held", ((0.0, 0.0), (0.196, 1.0), (0.435, 1.0), (0.567, 1.0), (0.596, 1.0))),
            )
            for n, (s, z) in enumerate(lines)
        ],
        "laboratory": laboratory(),
        "story": {"sentences": STORY},
        "probes": probes(),
        "command": "lmbench run toy",
        "environment": {"python": "3.11.7", "numpy": "2.4.6", "threads": "1", "jobs": "2"},
        **changes,
    }  # fmt: skip


def _tokens() -> np.ndarray:
    return np.random.default_rng(5).integers(4, 9, size=SENTENCES)


def result(name: str, seed: int | None = None, models: Mapping[str, Any] = MODELS) -> Result:
    """What such a model would have scored: the floor's log-probabilities, worse by its distance, and noise."""
    kind, family, above, share, preference, config = models[name]
    rng = np.random.default_rng([sum(map(ord, name)), seed or 0])
    tokens = _tokens()
    base = -tokens * np.log(9.63) * np.random.default_rng(6).normal(1, 0.25, SENTENCES).clip(0.3)
    noise = rng.normal(0, 0.05 if above else 0, SENTENCES) * tokens
    row_log_probs = base - tokens * min(above, 1.0 if np.isinf(above) else above) * np.log(2) + noise - noise.mean()
    row_log_probs += 0.01 * (seed or 0)
    if np.isinf(above):
        row_log_probs[::3] = -np.inf
    asked = probes()
    n_probes, n_crossed = len(asked["probes"]), len(asked["crossed"])
    with np.errstate(divide="ignore"):
        probe = np.log(0.09 * share * rng.uniform(0.5, 1.5, n_probes))
        crossed = np.full((n_crossed, 4), np.log(0.01 * share))
        crossed[:, (0, 3)] += preference + (rng.normal(0, 1, (n_crossed, 2)) if preference else 0)
        words = np.log(np.tile([0.11, 0.06, 0.09, 0.7, 0.99], 3)) - 0.1 * (0 if np.isinf(above) else above)
        words[12] = np.log(0.0986 * share)
    ppl = float(np.exp(-row_log_probs.sum() / tokens.sum()))
    with_test, with_probes = name not in ("truth", "stupid"), name != "floor"
    metrics: dict[str, float] = {}
    arrays: dict[str, Any] = {}
    if with_test:
        metrics = {
            "n_tokens": float(tokens.sum()), "ppl": ppl, "ppl_no_unk": ppl * 1.01, "ppl_no_eos": ppl * 1.4,
            "bits_per_token": float(np.log2(ppl)), "bits_per_char": float(np.log2(ppl)) / 4,
            "impossible": float(np.isinf(row_log_probs).sum()), "ppl_held": ppl * 1.3,
        } | {f"ppl_unseen_{n}": ppl * (6 - n) for n in (2, 3, 4, 5)}  # fmt: skip
        arrays |= {"row_log_probs": row_log_probs, "row_tokens": tokens}
    if with_probes:
        said, wins = would_say(probe), crossed_preference(crossed)
        held = np.array([p["held"] for p in asked["probes"]])
        strata = np.array([p["stratum"] for p in asked["probes"]])
        kinds = np.array([c["stratum"] for c in asked["crossed"]])
        metrics |= {"c0": float(share > 0), "c4": said[held].mean(), "c4_headline": said[0], "c3_crossed": wins.mean()}
        metrics |= {f"c4_{s}": said[held & (strata == s)].mean() for s in STRATA}
        metrics |= {f"c3_crossed_{s}": wins[kinds == s].mean() for s in STRATA}
        metrics |= {"c1_share": 0.9, "c1_bits": -1.25, "c2_at_1": 0.0, "c2_at_10": 0.4, "c2_mrr": 0.2}
        metrics |= {"c5_held": -np.inf if share == 0 else float(np.log2(share)), "c5_seen": -0.1}
        arrays |= {
            "probe_log_probs": probe, "probe_ranks": np.full(n_probes, 4.5), "probe_phrase_log_probs": probe,
            "crossed_log_probs": crossed, "story_log_probs": words, "story_ranks": np.full(15, 3.0),
        }  # fmt: skip
    if family == "recurrent":
        arrays["curve"] = np.array([(60.0 * epoch, ppl * (1 + 1 / epoch**2)) for epoch in range(1, 6)])
    if name == "stupid":
        metrics = {k: v for k, v in metrics.items() if k.startswith(("c2", "c3"))}
    return Result(
        benchmark="toy", row=name, kind=kind, family=family, config=config, seed=seed, **belonging(name),
        track="adaptive" if name == "cache" else "static", normalised=name != "stupid", n_params=123456,
        metrics=metrics, arrays=arrays, notes=("order | 3",) if name == "kn-3" else (),
        costs={
            "fit_seconds": 1.5, "score_seconds": 0.2, "score_tokens_per_second": 3e5, "latency_ms": 1.2,
            "latency_95_ms": 3.4, "model_bytes": 2.5e6, "peak_mb": 120.0,
        },
    )  # fmt: skip


def build(folder: Path, models: Mapping[str, Any] = MODELS, edit: Edit = lambda result: result, **changes: Any) -> Path:
    """Write the facts of a run under folder; edit changes each result, changes are keys of benchmark.json."""
    listed = [(name, model[0], model[1]) for name, model in models.items()]
    listed += [("broken", "ngram", "ngram"), ("absent", "recurrent", "recurrent")]
    facts = folder / "facts"
    facts.mkdir(parents=True, exist_ok=True)
    about = {**benchmark(listed), **changes}
    rows = {row["row"]: deciding(row["row"]) for row in about["rows"]}
    write_json(facts / "benchmark.json", dumps({"deciding": {"text": TEXT, "rows": rows}, **about}))
    for name in models:
        for seed in (0, 1, 2) if name in SEEDED else (None,):
            edit(result(name, seed, models)).save(facts)
    failed = Result(
        benchmark="toy", row="broken", kind="ngram", family="ngram", config={}, error="no | discounts <b>",
        **belonging("broken"),
    )  # fmt: skip
    edit(failed).save(facts)
    return folder


def slower(result: Result) -> Result:
    """The same result from a slower machine."""
    timed = ("fit_seconds", "score_seconds", "score_tokens_per_second", "latency_ms", "latency_95_ms", "peak_mb")
    costs = {k: v * 3 + 1 if k in timed else v for k, v in result.costs.items()}
    arrays = {k: v * [3, 1] if k == "curve" else v for k, v in result.arrays.items()}
    return replace(result, costs=costs, arrays=arrays)
