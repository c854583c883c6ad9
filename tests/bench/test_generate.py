"""Drawing sentences from a model."""

from collections import defaultdict

import numpy as np
import pytest
from scipy.stats import chi2
from toy import toy

from lmbench.bench import generate
from lmbench.bench.generate import sentences
from lmbench.errors import BadConfig
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS


@pytest.fixture(scope="module")
def model():
    train, valid, _ = toy()
    return NGram(order=3, smoothing="witten_bell").fit(train, valid)


def draw(model, n=5, seed=0, **options):
    return sentences(model, n, rng=np.random.default_rng(seed), **options)


def test_temperature_0_takes_the_likeliest_each_time(model):
    rows = draw(model, n=2, temperature=0.0, max_tokens=8)
    row = []
    for _ in range(8):
        best = int(model.next_log_probs(Sentences.of_rows([row], model.vocab_))[0].argmax())
        if best == EOS:
            break
        row.append(best)
    assert rows == [row, row]


def test_a_seed_gives_the_same_rows_and_another_others(model):
    assert draw(model, n=20) == draw(model, n=20)
    assert draw(model, n=20) != draw(model, n=20, seed=1)


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_frequencies_agree_with_p(model, temperature):
    n = 20_000
    rows = draw(model, n=n, max_tokens=1, temperature=temperature)
    first = np.array([row[0] if row else EOS for row in rows])
    p = np.exp(model.next_log_probs(Sentences.of_rows([[]], model.vocab_))[0] / temperature)
    p /= p.sum()
    share = np.bincount(first, minlength=len(p)) / n
    assert np.all(np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / n) + 1e-12)


def test_the_second_word_depends_on_the_first(model):
    prefix = model.vocab_.encode(["나는", "매우"])
    n = 5_000
    rows = draw(model, n=n, max_tokens=1, prefix=prefix)
    assert all(row[:2] == prefix for row in rows)
    p = np.exp(model.next_log_probs(Sentences.of_rows([prefix], model.vocab_))[0])
    share = np.bincount([row[2] if len(row) > 2 else EOS for row in rows], minlength=len(p)) / n
    assert np.all(np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / n) + 1e-12)


@pytest.mark.parametrize("cells", [100, 10**6])
@pytest.mark.parametrize(
    "fields", [{"order": 3, "smoothing": "witten_bell"}, {"order": 4}, {"order": 2, "smoothing": "mle"}]
)
def test_each_next_word_is_drawn_as_next_log_probs_says(fields, cells, monkeypatch):
    """Chi-square over the words after each prefix that was drawn often, of 2,000 sentences."""
    monkeypatch.setattr(generate, "CELLS", cells)
    train, valid, _ = toy()
    model = NGram(**fields).fit(train, valid)
    after = defaultdict(list)
    for row in draw(model, n=2_000, seed=4, max_tokens=4):
        for i, event in enumerate([*row, EOS][:4]):
            after[tuple(row[:i])].append(event)
    statistic, freedom = 0.0, 0
    for prefix, events in after.items():
        expected = len(events) * np.exp(model.next_log_probs(Sentences.of_rows([prefix], model.vocab_))[0])
        seen = np.bincount(events, minlength=len(expected))
        assert not seen[expected == 0].any()
        rare = expected < 5  # are one cell together
        cells_seen, cells_expected = (
            np.append(seen[~rare], seen[rare].sum()),
            np.append(expected[~rare], expected[rare].sum()),
        )
        if cells_expected[-1] < 5:
            cells_seen, cells_expected = cells_seen[:-1], cells_expected[:-1]
        statistic += ((cells_seen - cells_expected) ** 2 / cells_expected).sum()
        freedom += max(len(cells_seen) - 1, 0)
    assert freedom > 20
    assert chi2.sf(statistic, freedom) > 0.001


def test_max_tokens_counts_what_follows_the_prefix(model):
    rows = draw(model, n=50, max_tokens=3, prefix=[2, 3], temperature=3.0)
    assert max(map(len, rows)) == 5
    assert all(EOS not in row for row in rows)


@pytest.mark.parametrize(
    "options",
    [{"n": 0}, {"max_tokens": 0}, {"temperature": -1.0}, {"temperature": np.nan}, {"temperature": np.inf}],
)
def test_what_cannot_be_drawn(model, options):
    with pytest.raises(BadConfig):
        draw(model, **options)
