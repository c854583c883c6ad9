"""The part of a report about gradients through time: vanishing and exploding, which are different things, apart.

Sentences are conditions on the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.gradients_figures import name_of
from lmbench.report.markdown import bullets, code, listed, number
from lmbench.wording import counted

CAPTIONS = {
    "vanishing": "Norm of the gradient that reaches back k steps, by cell, before and after training",
    "exploding": "Gradients that grow with the steps they go back, and steps of descent with and without clipping",
}
LEARNT = 0.9
"""Accuracy from which a lag counts as learnt."""

Line = Mapping[str, Any]


def vanishing(facts: Facts, drawn: Sequence[str]) -> str:
    """How far gradients reach."""
    memory, rows = facts.diagnosed("memory"), facts.diagnosed("rows")
    if not memory:
        return ""
    lag = memory["task"]["shown"]
    accuracy = {line["net"]: line["accuracy"] for line in memory["curve"] if line["lag"] == lag}
    nets = {net["net"]: net for net in memory["nets"]}
    curves = {(line["net"], line["when"], line["state"]): line for line in memory["gradients"]}
    plain = [name for name, net in nets.items() if not net["by_lag"]]
    paces = [f"{_pace_of(curves[name, 'start', 'h'])} ({name_of(nets[name])})" for name in plain]
    left = {name: _left(curves[name, "start", "h"], lag) for name in plain}
    kept = [f"{name_of(nets[name])} {_part(left[name])}" for name in plain]
    says = (
        "The gradient of the loss at step t with respect to the state k steps before, dL(t) / dh(t−k), tells a network "
        "what it should have remembered. Where it is too small to count, what is k steps away is never learnt, and no "
        "length of step helps. With the first weights of their cells, in networks of equal size, going back, the "
        f"norm {listed(paces)}; of the norm at k = 0, {listed(kept)} is left at k = {lag}."
    )
    far = max(plain, key=lambda name: left[name])
    if nets[far]["cell"] == "rnn":
        says += " So at the start the one cell without gates reaches farthest"
        if abs(nets[far]["radius"] - 1) < 0.01:
            says += (
                ": its recurrent kernel is orthogonal, so a step back shrinks the gradient by the slope of tanh alone"
            )
            says += ", while gates that begin half open shrink it further"
        says += "."
    else:
        says += f" {name_of(nets[far])} reaches farthest."
    guessed = 1.5 * memory["task"]["chance"]
    groups = {
        "in what learnt it": [name for name in nets if accuracy[name] >= LEARNT],
        "in what learnt it in part": [name for name in nets if guessed < accuracy[name] < LEARNT],
        "in what did no better than guess": [name for name in nets if accuracy[name] <= guessed],
    }
    reached = [f"{_reached(names, nets, curves, lag)} {what}" for what, names in groups.items() if names]
    says += f" After training on lag {lag}, what is left at k = {lag} is {'; '.join(reached)}."
    header = [
        "network", "units", "weights", "half-life at the start", f"left at k = {lag}", "trained: half-life",
        f"trained: left at k = {lag}", "accuracy",
    ]  # fmt: skip
    lines = []
    for name, net in nets.items():
        for state in ("h", "c") if net["cell"] == "lstm" else ("h",):
            start, trained = curves[name, "start", state], curves[name, "trained", state]
            lines.append(
                [
                    name_of(net) + (" (through c)" if state == "c" else ""),
                    numbers.count(net["units"]),
                    numbers.count(net["parameters"]),
                    _life(start),
                    _part(_left(start, lag)),
                    _life(trained),
                    _part(_left(trained, lag)),
                    number(numbers.share(accuracy[name])),
                ]
            )
    explained = [
        "**half-life**: steps in which the norm halves, by the slope of its logarithm over k from 1 on; “doubles” "
        "where it grows.",
        "**left at k**: the norm there as a part of that at k = 0, both means over rows of the task.",
        "An LSTM has two states. Through h means dL(t) / dh(t−k) with the cell state held; through c means "
        "dL(t) / dc(t−k), which includes what h makes of c. Its cell is the path that gates keep open.",
        "**gates set for the lag**: first biases such that units forget in 1 to lag steps (Tallec & Ollivier 2018).",
    ]
    fitted = _fitted(rows)
    return markdown.section(
        "Gradients that vanish",
        says,
        fitted,
        markdown.figure("vanishing", CAPTIONS["vanishing"], drawn),
        markdown.table(header, lines),
        bullets(explained),
        level=3,
    )


def _reached(names: Sequence[str], nets: Mapping[str, Line], curves: Mapping[Any, Line], lag: int) -> str:
    each = []
    for name in names:
        state = "c" if nets[name]["cell"] == "lstm" else "h"
        share = _part(_left(curves[name, "trained", state], lag))
        each.append(f"{share} ({name_of(nets[name])}{' through c' if state == 'c' else ''})")
    return listed(each)


def _fitted(rows: Line) -> str:
    """The rows of the benchmark on its test."""
    if not rows:
        return ""
    lines = {(line["row"], line["when"]): line for line in rows["gradients"] if line["state"] == "h"}
    said = []
    for name in (row["row"] for row in rows["rows"]):
        after, before = (_pace_of(lines[name, when]) for when in ("trained", "start"))
        said.append(f"{after} in {code(name)} ({before} before)")
    first = next(iter(lines.values()))
    sizes = [f"{code(row['row'])} {numbers.count(row['n_params'])}" for row in rows["rows"]]
    return (
        f"The rows of this benchmark ({listed(sizes)} parameters) on test, after training and before it: going back, "
        f"the norm {listed(said)}. That is over {counted(len(first['norms']) - 1, 'step')} back from one token of each "
        f"of {counted(first['stretches'], 'stretch', 'stretches')} of test."
    )


def exploding(facts: Facts, drawn: Sequence[str]) -> str:
    """Gradients that grow, and what clipping does."""
    memory = facts.diagnosed("memory")
    if not memory:
        return ""
    clip, lag = memory["task"]["clip"], max(line["lag"] for line in memory["strides"])
    factors = sorted({line["factor"] for line in memory["strides"]})
    strides = {(line["cell"], line["factor"], line["lag"]): line for line in memory["strides"]}
    curves = {(line["cell"], line["factor"]): line for line in memory["exploding"] if line["state"] == "h"}
    cells = list(dict.fromkeys(line["cell"] for line in memory["strides"]))
    most = factors[-1]
    grown = [
        f"{_pace_of(curves[cell, most])} ({cell.upper()}, spectral radius {strides[cell, most, lag]['radius']:.2f})"
        for cell in cells
    ]
    far = max(cells, key=lambda cell: strides[cell, most, lag]["free"])
    stride = strides[far, most, lag]
    calm = [strides[cell, factors[0], lag]["free"] for cell in cells]
    says = (
        "Exploding is another thing than vanishing: a recurrent kernel whose spectral radius is well above 1 makes the "
        f"gradient grow with every step back. With the kernel times {most:g}, its norm {listed(grown)}. "
    )
    says += (
        f"One step of plain gradient descent on rows of lag {lag} is then {_size(stride['free'])} lr long for "
        f"{far.upper()}; clipped at {clip:g} it is {_size(stride['clipped'])} lr, and never more than clip × lr. "
    )
    if max(calm) < clip:
        says += (
            f"With the kernels as they are, no step on that lag is longer than {_size(max(calm))} lr, so clipping "
            "changes nothing there: it mends explosions and leaves what vanishes as it is."
        )
    header = ["cell", "kernel ×", "spectral radius", "norm, going back", f"step at lag {lag} / lr", "clipped / lr"]
    lines = [
        [
            cell.upper(),
            f"{factor:g}",
            f"{strides[cell, factor, lag]['radius']:.2f}",
            _pace_of(curves[cell, factor]),
            _size(strides[cell, factor, lag]["free"]),
            _size(strides[cell, factor, lag]["clipped"]),
        ]
        for cell in cells
        for factor in factors
    ]
    explained = [
        "**spectral radius**: the largest eigenvalue, in absolute value, of the recurrent kernel of the new state "
        "(an LSTM's g, a GRU's n) with the first weights; all gates' kernels are scaled with it.",
        "**step**: the distance all parameters together move. Adam, which rows are trained with, divides by the recent "
        "size of gradients, so what an explosion does to it is less direct; rows are clipped all the same.",
    ]
    return markdown.section(
        "Gradients that explode",
        says,
        markdown.figure("exploding", CAPTIONS["exploding"], drawn),
        markdown.table(header, lines),
        bullets(explained),
        level=3,
    )


def _left(line: Line, k: int) -> float:
    """The norm at k as a part of that at 0."""
    norms = line["norms"]
    return float(norms[k] / norms[0]) if norms[0] else 0.0


def _part(share: float) -> str:
    return numbers.probability(share) if share < 1 else f"{share:.2f}"


def _life(line: Line) -> str:
    """'6.6 steps', or that it doubles."""
    rate = line["rate"]
    if rate is None:
        return numbers.DASH
    steps = math.log(2) / abs(rate) if rate else math.inf
    return f"{_steps(steps)} steps" if rate < 0 else f"never (doubles in {_steps(steps)})"


def _pace_of(line: Line) -> str:
    rate = line["rate"]
    if rate is None:
        return numbers.DASH
    return f"{'halves' if rate < 0 else 'doubles'} in {_steps(math.log(2) / abs(rate) if rate else math.inf)} steps"


def _steps(steps: float) -> str:
    return numbers.count(steps) if steps >= 100 else f"{steps:.1f}"


def _size(value: float) -> str:
    return f"{value:.2f}" if 0.01 <= value < 1000 else numbers.power(value)
