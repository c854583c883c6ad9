"""Pairs taken out of train: what goes, what stays, and the control that loses as much."""

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
    # Each sentence that is gone had one of the pairs; 8 is the rarest that a pair may be.
    often = {gram for gram, n in counts.items() if n >= REMOVAL.rarest}
    assert len(often) >= REMOVAL.pairs
    assert all(sum(occurrences([row], often).values()) for row in gone)


def test_the_control_loses_as_many_sentences_and_keeps_the_pairs(filtered):
    stay, mined = filtered
    rows, control = removed(ROWS, Removal(**{**vars(REMOVAL), "control": True}), MINING, known=KNOWN)
    assert len(rows) == len(stay)
    assert set(rows) >= set(range(len(ROWS))) - set(stay)  # the sentences with a pair are in it
    assert not control.crossed
    assert not any(probe.held for probe in control.probes)
    assert [p.cell for p in control.probes] == [p.cell for p in mined.probes]
    check(Probes(control.probes), [ROWS[i] for i in rows])


def test_too_few_pairs_are_an_error():
    with pytest.raises(BadText, match="pairs that could be removed and 9,999 are asked for"):
        removed(ROWS, Removal(pairs=9999), MINING, known=KNOWN)
