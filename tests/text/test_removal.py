"""Pairs taken out of train: what goes, what stays, and the control that loses as much."""

from dataclasses import replace

import numpy as np
import pytest

from lmbench.errors import BadText
from lmbench.text import hungry
from lmbench.text.mining import Mining
from lmbench.text.probes import Probes, check, occurrences
from lmbench.text.removal import Removal, removed

ROWS = hungry.splits()["train"][:3000]
KNOWN = {word for row in ROWS for word in row}
REMOVAL = Removal(pairs=10, rarest=8, commonest=60, low=0.5, share=0.5)
MINING = Mining(min_count=15, attested=4, documents=3, expected=3.0, match=0.5, closed=15)


def grams(probes):
    return {(*probe.context[-probe.span :], probe.target) for probe in probes}


@pytest.fixture(scope="module")
def filtered():
    return removed(ROWS, REMOVAL, MINING, known=KNOWN)


def test_every_sentence_with_a_pair_is_gone_and_no_other(filtered):
    stay, mined = filtered
    left = [ROWS[i] for i in stay]
    gone = [ROWS[i] for i in np.setdiff1d(np.arange(len(ROWS)), stay)]
    assert len(mined.probes) >= REMOVAL.pairs
    check(Probes(mined.probes, mined.crossed), left)
    assert mined.found["sentences_removed"] == len(gone)
    counts = occurrences(gone, grams(mined.probes))
    assert all(counts[gram] >= MINING.attested for gram in grams(mined.probes))
    # Each sentence that is gone had one of the pairs, if only without its spaces; 8 is the rarest that a pair may be.
    often = {gram for gram, n in counts.items() if n >= REMOVAL.rarest}
    assert len(often) >= REMOVAL.pairs
    glued = {"".join(gram) for gram in often}
    assert all(any(pair in "".join(row) for pair in glued) for row in gone)
    assert not any(pair in "".join(row) for pair in glued for row in left)
    assert mined.found["glued"] == 0


def test_a_pair_goes_without_its_space_too():
    rows = [["good", "bread"], ["good", "bread"], ["the", "goodbread"], ["good", "beer"], ["bad", "bread"]] * 12
    removal = Removal(pairs=1, rarest=20, commonest=30, low=-1.0, high=2.0, share=1.0)
    mining = Mining(min_count=10, attested=5, documents=1, closed=0)
    stay, mined = removed(rows, removal, mining, known={word for row in rows for word in row})
    assert [(probe.cell, probe.attested) for probe in mined.probes] == [(("good", "bread"), 24)]
    assert {tuple(rows[i]) for i in stay} == {("good", "beer"), ("bad", "bread")}


def test_pairs_that_cross_are_taken_out_first():
    """Warm things and old things never mix; good ones are of either kind, so no pair with good crosses another."""
    groups = {"warm": ["soup", "bread"], "old": ["king", "book"], "good": ["soup", "bread", "king", "book"]}
    rows = [[a, b] for a, things in groups.items() for b in things] * 30
    removal = Removal(pairs=2, rarest=20, commonest=30, low=-2.0, high=6.0, share=1.0)

    def found(crossing, seed):
        mining = Mining(min_count=10, attested=5, documents=1, expected=5.0, closed=0, seed=seed)
        known = {word for row in rows for word in row}
        return removed(rows, replace(removal, crossing=crossing), mining, known=known)

    assert not all(found(False, seed)[1].crossed for seed in range(6))
    for seed in range(6):
        stay, mined = found(True, seed)
        assert len(mined.probes) == 2
        assert len(mined.crossed) == 1
        assert {mined.crossed[0].a1, mined.crossed[0].a2} == {"warm", "old"}
        check(Probes(mined.probes, mined.crossed), [rows[i] for i in stay])


def test_the_control_loses_as_many_sentences_and_keeps_the_pairs(filtered):
    stay, mined = filtered
    rows, control = removed(ROWS, replace(REMOVAL, control=True), MINING, known=KNOWN)
    assert len(rows) == len(stay)
    assert set(rows) >= set(range(len(ROWS))) - set(stay)  # the sentences with a pair are in it
    assert not control.crossed
    assert not any(probe.held for probe in control.probes)
    assert [p.cell for p in control.probes] == [p.cell for p in mined.probes]
    check(Probes(control.probes), [ROWS[i] for i in rows])


def test_too_few_pairs_are_an_error():
    with pytest.raises(BadText, match="pairs that could be removed and 9,999 are asked for"):
        removed(ROWS, Removal(pairs=9999), MINING, known=KNOWN)
