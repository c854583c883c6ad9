"""Write a report: a pure function of a folder's facts, which may be run again for nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lmbench.report import (
    across_page,
    audit,
    conventions,
    curve,
    document,
    effort,
    figures,
    gates,
    generated,
    learning,
    pairs,
    significance,
    sparsity,
    strata,
    tables,
    unseen_word,
    vectors,
)
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts, read
from lmbench.storage import atomic_write


def write(folder: Path) -> list[Path]:
    """Make folder/report.md, folder/*.csv and folder/figures/ from folder/facts; the paths written.

    The same facts give the same bytes. Of the files that reports are made of, those that these facts no longer
    support (a figure of probes that were removed, say) are deleted; nothing else in the folder is touched.
    """
    facts = read(folder)
    comparison = Comparison(facts)
    if facts.units:
        return _joined(folder, facts, comparison)
    frames = {
        "main.csv": tables.main(facts, comparison),
        "significance.csv": significance.table(facts, comparison),
        "conventions.csv": conventions.table(facts),
        "seeds.csv": tables.seeds(facts),
        "statistics.csv": tables.statistics(facts),
        **sparsity.tables(facts),
        **learning.tables(learning.Curves(facts)),
        **strata.tables(facts),
        **effort.tables(facts),
        **vectors.tables(facts),
        **generated.tables(facts),
        **audit.tables(facts),
        **unseen_word.tables(facts),
        "coverage.csv": tables.coverage(facts, comparison),
        "coverage_strata.csv": pairs.frame(facts, comparison),
        "story.csv": tables.story(facts),
        "costs.csv": tables.costs(facts),
        "timings.csv": tables.timings(facts),
        "timings_curve.csv": curve.table(facts),
        **gates.tables(facts),
    }
    drawn = figures.draw(facts, comparison)
    names = [name.removesuffix(".png") for name in drawn if name.endswith(".png")]
    contents: dict[str, bytes | str] = {name: tables.csv(frame) for name, frame in frames.items() if len(frame)}
    contents |= {f"figures/{name}": content for name, content in drawn.items()}
    contents["report.md"] = document.render(facts, comparison, names)

    possible = [*frames, *(f"figures/{name}.{suffix}" for name in figures.FIGURES for suffix in figures.SUFFIXES)]
    for name, content in contents.items():
        atomic_write(folder / name, content)
    for name in possible:
        if name not in contents:
            (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / "figures").rmdir()  # only where it is empty
    return [folder / name for name in contents]


def _joined(folder: Path, facts: Facts, comparison: Comparison) -> list[Path]:
    """write() for a benchmark in several units: one page for all; each has its own in a folder of its own."""
    drawn = figures.draw(facts, comparison)
    names = [name.removesuffix(".png") for name in drawn if name.endswith(".png")]
    contents: dict[str, bytes | str] = {
        **across_page.contents(facts, names),
        **{f"figures/{name}": content for name, content in drawn.items()},
    }
    for name, content in contents.items():
        atomic_write(folder / name, content)
    return [folder / name for name in contents]
