"""The command that mines probes for a benchmark's text."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from lmbench.commands import DONE
from lmbench.errors import BadConfig
from lmbench.wording import counted


def probes(options: argparse.Namespace, _: Sequence[str]) -> int:
    """find pairs of words that train lacks and a reserve attests, and write them to a file of probes

    What counts as one is said in the benchmark's [probes.mine] table (docs/coverage.md). No model is fitted.
    """
    from lmbench.bench.found import find as named
    from lmbench.bench.prepare import corpus_of, find
    from lmbench.bench.probes import mined
    from lmbench.storage import check_output, is_standard_output
    from lmbench.text import probes_file

    if options.out is not None:
        check_output(options.out)
    chosen = named(options.benchmark, options.cache.parent)
    if chosen.probes is None or chosen.probes.mine is None:
        raise BadConfig(
            f"{options.benchmark} has no [probes.mine] table: name a reserve there, a text that no model of the "
            "benchmark reads (docs/coverage.md)"
        )
    corpus = corpus_of(chosen, options.data, options.cache, ())
    found = partial(find, folder=chosen.folder, data=options.data)
    made = mined(chosen.probes.mine, corpus, found, options.cache)
    path = options.out or Path(f"{chosen.name}.probes.jsonl")
    probes_file.write(path, made)
    held = made.probes
    say = partial(print, file=sys.stderr if is_standard_output(path) else sys.stdout)
    say(f"{path}: {counted(len(held.probes), 'probe')} ({_strata(p.stratum for p in held.probes)}), ", end="")
    say(f"{len(held.crossed)} crossed ({_strata(c.stratum for c in held.crossed)})")
    for name, value in made.about["found"].items():
        say(f"  {name:14} {value:,.4g}" if isinstance(value, float) else f"  {name:14} {value:,}")
    return DONE


def _strata(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(Counter(names).items())) or "none"
