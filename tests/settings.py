"""Every kind of model in every way it can be set that takes another path through the code, small and quick.

A row is the fields of one model; a part of a mixture is {"kind": ..., "fields": {...}}.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from lmbench.ngrams.smoothing import METHODS

Fields = dict[str, Any]

SMALL: Fields = {"dim": 6, "epochs": 3, "lr": 0.05, "dropout": 0.1, "bptt": 4, "batch_tokens": 16, "seed": 3}
"""bptt is shorter than most rows, so that state crosses windows in training too."""
RECURRENT: Fields = {**SMALL, "hidden": 5}
BIGRAM: Fields = {"kind": "ngram", "fields": {"order": 2, "smoothing": "witten_bell"}}
INFINITY: Fields = {"kind": "infinity", "fields": {}}
GRU: Fields = {"kind": "recurrent", "fields": {**RECURRENT, "cell": "gru"}}

DATA = Path(__file__).parent / "data"
UNTIED: Fields = {"tied": False}
MAPPED: Fields = {"tied": True, "mapped": True}
OUTPUTS = ({}, UNTIED, MAPPED)
VECTORS: Fields = {"embeddings": "skipgram", "embedding_text": str(DATA / "toy.txt"), "vector_epochs": 1}

SETTINGS: dict[str, list[Fields]] = {
    "ngram": [
        *({"smoothing": method, "order": order} for method, order in product(METHODS, (1, 2, 3, 5))),
        {"smoothing": "add_k", "order": 3, "k": 0.1},
        {"smoothing": "modified_kneser_ney", "order": 4, "cutoffs": [0, 0, 1]},
        {"smoothing": "modified_kneser_ney", "order": 4, "entropy": 0.003},
        {"order": 3, "smoothing": "witten_bell", "cutoffs": [0, 1], "entropy": 0.001, "bits": 8, "counts": False},
        {"order": 3, "smoothing": "mle", "bits": 8},
        {"smoothing": "modified_kneser_ney", "order": 5, "bits": 8},
        {"smoothing": "modified_kneser_ney", "order": 5, "bits": 32},
        {"smoothing": "katz", "order": 3, "cutoffs": [0, 1], "entropy": 0.001, "bits": 8},
        {"smoothing": "stupid_backoff", "order": 3, "bits": 32},
        {"smoothing": "dirichlet", "order": 3, "mu": [8.0, 2.0]},
        *(
            {"smoothing": method, "order": 3, "cutoffs": [0, 1]}
            for method in ("witten_bell", "katz", "kneser_ney_backoff", "stupid_backoff")
        ),
    ],
    "class_bigram": [{"classes": 3}, {"classes": 4, "words": 7, "sweeps": 2}, {"classes": 50}],
    "infinity": [{}, {"longest": 2}, {"longest": 0}],
    "infini_gram": [{"longest": 4}],
    "cache": [{}, {"window": 3}, {"window": None, "mu": 20.0}],
    "arpa": [{"path": str(DATA / "toy.arpa")}],
    "similarity": [{}, {"neighbours": 2, "beta": 4.0, "gamma": 0.3}],
    "recurrent": [
        *({**RECURRENT, "cell": cell, **output} for cell, output in product(("rnn", "lstm", "gru"), OUTPUTS)),
        {**RECURRENT, "cell": "lstm", "layers": 2, "schedule": "plateau", "weight_decay": 0.01},
        {**RECURRENT, "cell": "gru", "embeddings": "word2vec", "vector_epochs": 1},
        {**RECURRENT, "tied": False, "softmax": "adaptive", "optimiser": "sgd", "lr": 1.0, "averaging": 1},
        {**RECURRENT, "cell": "rnn", "embeddings": "fasttext", "vector_epochs": 1},
        *({**RECURRENT, "cell": "gru", **VECTORS, "frozen": True, **output} for output in OUTPUTS),
        {**RECURRENT, "cell": "rnn", "frozen": True, **MAPPED, "weight_decay": 0.1},
        {**RECURRENT, "embeddings": "file", "vector_file": str(DATA / "toy.vec"), **MAPPED},
        {**RECURRENT, "cell": "gru", "reset_after": False, "use_bias": False, "recurrent_dropout": 0.2},
        {**RECURRENT, "cell": "lstm", "activation": "softsign", "activity_regularizer": "l2(1e-3)"}
        | {"recurrent_initializer": "identity(0.5)", "unit_forget_bias": False, "kernel_constraint": "max_norm(2)"},
        {**RECURRENT, "cell": "lstm", "layers": 2, "weight_drop": 0.2, "variational": True}
        | {"dropout_input": 0.2, "dropout_output": 0.0, "dropout_embedding": 0.1},
    ],
    "cbow": [
        {**SMALL, "window": 3},
        {**SMALL, "window": 1, "tied": True},
        {**SMALL, "window": 6, "embeddings": "word2vec", "vector_epochs": 1},
        {**SMALL, **VECTORS, "frozen": True, **MAPPED},
    ],
    "mixture": [
        {"components": {"two": BIGRAM, "one": {"kind": "ngram", "fields": {"order": 1, "smoothing": "mle"}}}},
        {"components": {"two": BIGRAM, "gru": GRU}},
        {"components": {"two": BIGRAM, "infinity": INFINITY}, "by": "infinity"},
        {"components": {"two": BIGRAM, "cache": {"kind": "cache", "fields": {"mu": 2.0}}}, "by": "two"},
        {"components": {"two": BIGRAM, "infinity": INFINITY}, "by": "two", "contexts": "count"},
    ],
    "grammar": [{"conditioned": True}, {"conditioned": False}],
}
