"""The reports that are published: every row that is ranked, tested or mixed there has one text, and its key says so."""

from pathlib import Path

import pytest

from lmbench.bench.keys import key_of, stem
from lmbench.report.facts import read

PUBLISHED = Path(__file__).parent.parent.parent / "reports" / "published"
FOLDERS = sorted(path.parent.parent for path in PUBLISHED.glob("**/facts/benchmark.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(PUBLISHED).as_posix())
def test_results_of_a_published_report_belong_together(folder):
    facts = read(folder)
    plan = facts.benchmark.get("deciding", {})
    rows = (*facts.rows, *facts.smaller, *facts.trials)
    assert [row.name for row in rows if row.stale] == []
    for row in rows:
        for result in (*row.results, *row.parts, *row.failed):
            assert result.deciding["text"] == plan["text"]
            assert result.key == key_of(plan["text"], plan["rows"][stem(row.name, result.without)])
            tokens = result.metrics.get("n_tokens")
            assert tokens is None or tokens == plan["text"]["test"]["tokens"] == facts.corpus["n_test_tokens"]


def test_there_are_published_reports():
    assert len(FOLDERS) > 20
