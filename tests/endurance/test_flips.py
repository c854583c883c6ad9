"""A thousand flipped bits over every kind of file; docs/reliability.md has the figures of the last time."""

import sys

from flips import flips, kinds

from lmbench import storage

FLIPS = 1000


def test_a_thousand_flipped_bits(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(storage, "PATIENCE", ())
    found, bad = flips(kinds(tmp_path), FLIPS, seed=1)
    with capsys.disabled():
        sys.stderr.writelines(f"{kind:20} {dict(outcomes)}\n" for kind, outcomes in found.items())
    assert not bad
