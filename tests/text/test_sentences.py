"""Every array of Sentences against rows handled one at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

VOCAB = Vocabulary.of_words(["a", "b", "c"])
V = len(VOCAB)
rows_of_ids = st.lists(st.lists(st.integers(0, V - 1), max_size=6), max_size=7)
fixed = settings(deadline=None, max_examples=60)


def of(rows):
    return Sentences.of_rows(rows, VOCAB)


def listed(batch):
    return [row.tolist() for row in batch]


@fixed
@given(rows_of_ids)
def test_rows_come_back(rows):
    batch = of(rows)
    assert listed(batch) == rows
    assert (len(batch), batch.n_tokens) == (len(rows), sum(map(len, rows)))
    assert batch.tokens.dtype == np.int32
    assert batch.offsets.dtype == np.int64


@fixed
@given(rows_of_ids)
def test_one_value_a_token(rows):
    batch = of(rows)
    assert batch.lengths.tolist() == [len(row) for row in rows]
    assert batch.rows.tolist() == [s for s, row in enumerate(rows) for _ in row]
    assert batch.positions.tolist() == [i for row in rows for i, _ in enumerate(row)]
    assert batch.previous.tolist() == [before for row in rows for before in [V, *row][:-1]]
    assert batch.last.tolist() == [[V, *row][-1] for row in rows]


@fixed
@given(rows_of_ids, st.data())
def test_take_and_token_index(rows, data):
    batch = of(rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)) if rows else []
    assert listed(batch.take(chosen)) == [rows[s] for s in chosen]
    assert listed(batch.take(np.array(chosen, np.int32))) == [rows[s] for s in chosen]
    starts = [sum(map(len, rows[:s])) for s in range(len(rows))]
    assert batch.token_index(chosen).tolist() == [starts[s] + i for s in chosen for i in range(len(rows[s]))]


@fixed
@given(rows_of_ids)
def test_extend_each(rows):
    assert listed(of(rows).extend_each()) == [[*row, event] for row in rows for event in range(V)]


@fixed
@given(rows_of_ids, st.integers(-1, V))
def test_padded(rows, fill):
    longest = max(map(len, rows), default=0)
    table = of(rows).padded(fill)
    assert table.shape == (len(rows), longest)
    assert table.tolist() == [row + [fill] * (longest - len(row)) for row in rows]


@fixed
@given(rows_of_ids, st.data())
def test_row_sums(rows, data):
    numbers = st.floats(-100, 0) | st.just(-np.inf)
    values = [data.draw(st.lists(numbers, min_size=len(row), max_size=len(row))) for row in rows]
    sums = of(rows).row_sums(np.array([value for row in values for value in row], np.float64))
    assert sums.dtype == np.float64
    np.testing.assert_allclose(sums, [sum(row) for row in values])


def test_encode_ends_rows_and_encode_prefixes_does_not():
    words = [["a", "z"], [], ["</s>"]]
    assert listed(Sentences.encode(words, VOCAB)) == [[2, UNK, EOS], [EOS], [UNK, EOS]]
    assert listed(Sentences.encode_prefixes(words, VOCAB)) == [[2, UNK], [], [UNK]]


@pytest.mark.parametrize(
    ("tokens", "offsets", "what"),
    [
        ([2, 3], [0, 1], "offsets"),
        ([2, 3], [1, 2], "offsets"),
        ([2, 3], [0, 2, 1, 2], "offsets"),
        ([2, V], [0, 2], "not an event"),
        ([-1], [0, 1], "not an event"),
    ],
)
def test_what_is_not_a_batch(tokens, offsets, what):
    with pytest.raises(ValueError, match=what):
        Sentences(VOCAB, np.array(tokens, np.int32), np.array(offsets, np.int64))


@fixed
@given(rows_of_ids)
def test_ended(rows):
    assert listed(of(rows).ended()) == [[*row, EOS] for row in rows]


SENTENCES = [[2, EOS], [EOS], [2, 2, EOS]]


def as_stream(rows):
    return Sentences(rows.vocab, rows.tokens, np.array([0, rows.n_tokens]))


def test_segments_are_sentences_in_rows_and_in_a_stream():
    rows = of(SENTENCES)
    assert rows.segments.tolist() == as_stream(rows).segments.tolist() == [0, 0, 1, 2, 2, 2]
    assert of([]).segments.tolist() == []


@pytest.mark.parametrize("many", range(5))
def test_the_beginning_has_whole_sentences_of_rows_and_of_a_stream(many):
    rows = of(SENTENCES)
    assert listed(rows.beginning(many)) == SENTENCES[:many]
    stream = as_stream(rows).beginning(many)
    assert len(stream) == (1 if many else 0)
    assert stream.tokens.tolist() == rows.beginning(many).tokens.tolist()
