"""Time lmbench's networks beside the plain PyTorch recipe (plain.py) in one run, by turns, and print Markdown.

    python benchmarks/speed/neural.py --train ptb.train.txt --test ptb.test.txt
    python benchmarks/speed/neural.py --train ptb.train.txt --test ptb.test.txt --epochs 1 --widths 200

Texts are white-space tokens, one sentence a line. Every figure is the median of --runs turns on --threads threads; with
--epochs both train on the whole text as one stream with the same steps, and their test perplexity is printed.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import time
from copy import deepcopy
from datetime import date
from pathlib import Path

import numpy as np
import torch
from plain import PlainLSTM, perplexity, score_rows, train

from lmbench.models.recurrent import Recurrent
from lmbench.neural.device import PRECISIONS
from lmbench.neural.network import Network
from lmbench.text import bulk
from lmbench.text.sentences import Sentences

BATCH, BPTT, LR, CLIP = 20, 35, 1.0, 5.0


def stream(text: Sentences, n: int | None = None) -> Sentences:
    """The text, or its first n tokens, as one row."""
    tokens = text.tokens[:n]
    return Sentences(text.vocab, tokens, np.array([0, len(tokens)]))


def ours(width: int, layers: int, precision: str, epochs: int = 1) -> Twin:
    """The same network and steps. Our loss is per token, the recipe's too; the learning rates are the same."""
    model = Twin(
        dim=width, hidden=width, layers=layers, tied=False, dropout=0.0, optimiser="sgd", lr=LR, clip=CLIP,
        schedule="constant", batch_tokens=BATCH * BPTT, bptt=BPTT, epochs=epochs, precision=precision,
    )  # fmt: skip
    model.device = "cpu"
    return model


class Twin(Recurrent):
    """Ours, beginning with the weights of a plain one: what is left is how both compute."""

    plain: PlainLSTM

    @torch.no_grad()
    def start(self, net: Network, train: Sentences) -> None:
        super().start(net, train)
        theirs, mine = dict(self.plain.named_parameters()), dict(net.named_parameters())
        mine["embedding.weight"][:-1] = theirs["embedding.weight"]
        mine["output.weight"][:], mine["output.bias"][:] = theirs["linear.weight"], theirs["linear.bias"]
        for i in range(self.layers):
            layer = f"stack.layers.{i}."
            mine[layer + "kernel"][:] = theirs[f"lstm.weight_ih_l{i}"]
            mine[layer + "recurrent_kernel"][:] = theirs[f"lstm.weight_hh_l{i}"]
            mine[layer + "bias"][:] = theirs[f"lstm.bias_ih_l{i}"] + theirs[f"lstm.bias_hh_l{i}"]


def flops_per_token(n_events: int, width: int, layers: int) -> float:
    """Multiplications and additions in matrix products that a step of training cannot do without, a token."""
    return 3 * 2 * (layers * 2 * width * 4 * width + width * n_events)


def peak(threads: int) -> float:
    """FLOP/s of a large float32 product, the best of a few; asked for at every turn, since neighbours come and go."""
    torch.set_num_threads(threads)
    a, b = torch.randn(2, 1536, 1536)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        torch.mm(a, b)
        seconds.append(time.perf_counter() - start)
    return 2 * 1536**3 / min(seconds)


def seconds_of_an_epoch(model: Recurrent, train: Sentences, valid: Sentences) -> float:
    """The second of two, as the recipe's time too begins when there is a network."""
    ends: list[float] = []
    model.on_epoch = lambda *_: ends.append(time.perf_counter())
    model.fit(train, valid)
    return ends[1] - ends[0]


def training(text: Sentences, widths: list[int], tokens: int, runs: int, threads: int) -> None:
    print("\n| network | who | precision | tokens/s | ratio | GFLOP/s | of peak |\n|---|---|---|---:|---:|---:|---:|")
    native = PRECISIONS["bfloat16"](torch.device("cpu")) is torch.bfloat16
    for width in widths:
        n = max(BATCH * BPTT * 8, int(tokens * 200 / width))
        part, little = stream(text, n), stream(text, 1)
        ids = torch.from_numpy(part.tokens.astype(np.int64))
        seconds: dict[tuple[str, str], list[float]] = {}
        peaks: list[float] = []
        for run in range(runs + 1):
            peaks.append(peak(threads))
            for precision in ("float32", "bfloat16") if native else ("float32",):
                plain = PlainLSTM(len(text.vocab), width, 2)
                took = train(plain, ids, lr=LR, clip=CLIP, batch=BATCH, bptt=BPTT, bfloat16=precision == "bfloat16")
                model = ours(width, 2, precision, epochs=2)
                model.plain = plain
                own = seconds_of_an_epoch(model, part, little)
                if run:  # the first turn warms up
                    seconds.setdefault(("plain recipe", precision), []).append(took)
                    seconds.setdefault(("lmbench", precision), []).append(own)
        base, best = statistics.median(seconds["plain recipe", "float32"]), statistics.median(peaks)
        for (who, precision), values in seconds.items():
            speed = n / statistics.median(values)
            rate = speed * flops_per_token(len(text.vocab), width, 2)
            print(
                f"| LSTM 2x{width} | {who} | {precision} | {speed:,.0f} | {base / statistics.median(values):.2f} "
                f"| {rate / 1e9:.0f} | {100 * rate / best:.0f} % of {best / 1e9:.0f} |"
            )
    print(f"\nPeak: a float32 product of 1536 x 1536 matrices on {threads} threads, median of the turns.")
    if not native:
        print("This CPU has no bfloat16 arithmetic, so lmbench trains in float32 whatever is asked.")


def quality(text: Sentences, test: Sentences, widths: list[int], epochs: int) -> None:
    print("\n| network | who | epochs | seconds | test perplexity |\n|---|---|---:|---:|---:|")
    whole, held = stream(text), stream(test)
    ids, held_ids = (torch.from_numpy(part.tokens.astype(np.int64)) for part in (whole, held))
    for width in widths:
        torch.manual_seed(0)
        plain = PlainLSTM(len(text.vocab), width, 2)
        model = ours(width, 2, "float32", epochs)
        model.plain = deepcopy(plain)
        took = sum(train(plain, ids, lr=LR * BPTT, clip=CLIP / BPTT, batch=BATCH, bptt=BPTT) for _ in range(epochs))
        print(
            f"| LSTM 2x{width} | plain recipe | {epochs} | {took:.0f} | {perplexity(plain, held_ids):.2f} |", flush=True
        )
        model.lr, model.clip = LR * BPTT, CLIP / BPTT
        start = time.perf_counter()
        model.fit(whole, stream(test, 1000))
        took = time.perf_counter() - start
        found = math.exp(-float(model.log_probs(held).mean()))
        print(f"| LSTM 2x{width} | lmbench | {epochs} | {took:.0f} | {found:.2f} |", flush=True)


def scoring(text: Sentences, test: Sentences, width: int, runs: int) -> None:
    """Rows from fresh states, and the latency of one sentence."""
    model = ours(width, 2, "float32")
    model.plain = PlainLSTM(len(text.vocab), width, 2)
    model.fit(stream(text, 7000), stream(text, 100))
    plain = PlainLSTM(len(text.vocab) + 1, width, 2)
    rows = [torch.from_numpy(row.astype(np.int64)) for row in test]
    mine, theirs = [], []
    for _ in range(runs + 1):
        start = time.perf_counter()
        model.log_probs(test)
        mine.append(time.perf_counter() - start)
        theirs.append(score_rows(plain, rows, len(text.vocab))[1])
    own, other = (test.n_tokens / statistics.median(values[1:]) for values in (mine, theirs))
    one = []
    for i in range(min(300, len(test))):
        asked = test.take([i])
        start = time.perf_counter()
        model.log_probs(asked)
        one.append(1000 * (time.perf_counter() - start))
    print("\n| scoring in rows | tokens/s | ratio |\n|---|---:|---:|")
    print(f"| plain recipe, batches of 32 | {other:,.0f} | 1.00 |\n| lmbench | {own:,.0f} | {own / other:.2f} |")
    low, high = np.percentile(one, [50, 95])
    print(f"\nOne sentence: {low:.1f} ms (median), {high:.1f} ms (95th percentile).")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--widths", type=int, nargs="+", default=[200, 650])
    parser.add_argument("--tokens", type=int, default=14_000, help="of a timed turn at width 200; fewer at others")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, default=0, help="also train for so many epochs and compare perplexity")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    text = bulk.read(options.train)
    test = bulk.read(options.test, text.vocab)
    print(
        f"{date.today()}, {platform.machine()}, {options.threads} threads, Python {platform.python_version()}, "
        f"torch {torch.__version__}, V = {len(text.vocab):,}"
    )
    training(text, options.widths, options.tokens, options.runs, options.threads)
    scoring(text, test, options.widths[0], options.runs)
    if options.epochs:
        quality(text, test, options.widths, options.epochs)


if __name__ == "__main__":
    main()
