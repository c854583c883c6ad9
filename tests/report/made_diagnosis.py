"""What `diagnose` might have found: an RNN that reaches far at first, gates that do once they are set for the lag."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.bench.results import DIAGNOSIS, SCHEMA, save_pair

LAGS = (10, 100)
NETS = {"rnn": 6.0, "lstm": 4.0, "gru": 1.5, "lstm-lag": 40.0, "gru-lag": 50.0}  # half-lives at the start
RIGHT = {"rnn": 0.5, "lstm": 0.13, "gru": 0.12, "lstm-lag": 0.7, "gru-lag": 0.95}  # accuracy at lag 100
ROWS = ("rnn", "lstm", "=gru|x")


def curve(half_life: float, steps: int, **about: Any) -> dict[str, Any]:
    """A norm that halves in so many steps (below 0: doubles), 2 at first."""
    rate = -math.log(2) / half_life
    return {**about, "rate": rate, "norms": [2 * math.exp(rate * k) for k in range(steps + 1)]}


def memory() -> dict[str, Any]:
    nets = [
        {
            "net": name,
            "cell": name[:4].rstrip("-"),
            "by_lag": name.endswith("-lag"),
            "units": 30,
            "parameters": 5900 + at,
            "radius": 1.0,
        }
        for at, name in enumerate(NETS)
    ]
    cells = ("rnn", "lstm", "gru")
    return {
        "key": "k",
        "task": {
            "symbols": 8, "parameters": 6000, "updates": 200, "rows": 64, "asked": 1000, "learnt": 0.02, "clip": 1.0,
            "chance": 0.125, "shown": 100,
        },
        "nets": nets,
        "curve": [
            {"net": n, "lag": lag, "accuracy": 1.0 if lag == 10 else RIGHT[n], "updates": 50 if lag == 10 else 200}
            for n in NETS
            for lag in LAGS
        ],
        "gradients": [
            curve(life * (2 if when == "trained" else 1), 100, net=name, when=when, state=state)
            for name, life in NETS.items()
            for when in ("start", "trained")
            for state in (("h", "c") if name.startswith("lstm") else ("h",))
        ],
        "exploding": [
            curve(6.0 if factor == 1 else -2.0 * (1 + at), 100, cell=cell, factor=factor, state="h")
            for at, cell in enumerate(cells)
            for factor in (1.0, 4.0)
        ],
        "strides": [
            {
                "cell": cell,
                "factor": factor,
                "lag": lag,
                "radius": factor,
                "free": 0.4 if factor == 1 else 1e9 / 10**at,
                "clipped": 0.4 if factor == 1 else 1.0,
            }
            for at, cell in enumerate(cells)
            for factor in (1.0, 4.0)
            for lag in (5, 100)
        ],
    }  # fmt: skip


def rows(names: tuple[str, ...] = ROWS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and arrays."""
    cells = dict(zip(names, ("rnn", "lstm", "gru"), strict=False))
    sentences = [["나는", "무지", "배가", "고프다"], ["<img onerror=x>", "$\\frac$"]]
    gates = {"rnn": (), "lstm": ("input", "forget", "output"), "gru": ("reset", "update")}
    nats = {1: 3.0, 2: 2.5, 5: 2.301, None: 2.3}
    facts = {
        "rows": [
            {"row": name, "cell": cell, "units": 6, "layers": 1, "n_params": 1000 * (1 + at)}
            for at, (name, cell) in enumerate(cells.items())
        ],
        "sentences": sentences,
        "gradients": [
            curve(3.0 if when == "start" else 9.0, 8, row=name, when=when, stretches=200, state="h")
            for name in names
            for when in ("start", "trained")
        ],
        "saturation": [
            {
                "row": name,
                "layer": 1,
                "gate": gate,
                "mean": 0.75,
                "low": 0.02 * (1 + at),
                "high": 0.3 if gate == "update" else 0.1,
            }
            for name, cell in cells.items()
            for at, gate in enumerate(gates[cell])
        ],
        "history": {
            "tokens": 1000,
            "longest": 9,
            "cut": [{"history": step, "tokens": 1000 // (1 + step)} for step in nats if step],
            "lines": [{"row": name, "history": step, "nats": value} for name in names for step, value in nats.items()]
            + [{"row": "kn-3", "history": step, "nats": 2.8 if step != 1 else 3.1} for step in nats],
        },
    }
    arrays = {
        f"gates_{at}_{number}_{gate}": np.linspace(0, 1, 6 * (len(words) + 1), dtype=np.float32).reshape(-1, 6)
        for at, cell in enumerate(cells.values())
        for number, words in enumerate(sentences)
        for gate in gates[cell]
    }
    return facts, arrays


def pace() -> dict[str, Any]:
    lines = [
        {"row": name, "what": what, "length": length, "rows": size, "tokens_per_second": 1000.0 * size * (1 + at)}
        for at, name in enumerate(ROWS)
        for what in ("score", "train")
        for length in (5, 80)
        for size in (1, 64)
    ]
    lines += [
        {"row": "kn-3", "what": "score", "length": length, "rows": size, "tokens_per_second": 2e6}
        for length in (5, 80)
        for size in (1, 64)
    ]
    lines += [
        {"row": "kn-3", "what": "train", "length": length, "rows": 0, "tokens_per_second": 1.5e6} for length in (5, 80)
    ]
    return {"lines": lines}


def build(folder: Path, **parts: Any) -> Path:
    """Write the parts beside the facts of made.build(); each may be changed, and None leaves it out."""
    found = {"memory": (memory(), {}), "rows": rows(), "pace": (pace(), {})} | parts
    for name, part in found.items():
        if part is not None:
            save_pair(folder / "facts" / DIAGNOSIS / name, {"schema": SCHEMA, **part[0]}, part[1])
    return folder
