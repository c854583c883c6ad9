"""Lines that texts share, by what Python's own strings and sets say of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.text import duplicates
from lmbench.text.duplicates import Runs, Signatures, alike, folded, same


def near(lines, text):
    return Signatures.of(lines).near(Signatures.of(text)).tolist()


def test_letters_are_what_is_left_without_case_space_and_punctuation():
    assert folded("Don't  배가-고프다 2번!_") == "dont배가고프다2번"


def test_alike_by_hand():
    # abcd: abc bcd; abce: abc bce -> 1 of 3
    assert alike("ab CD", "abce!") == pytest.approx(1 / 3)
    assert alike("a b c d", "ABCD.") == 1


def test_lines_alike_in_letters_are_always_found():
    text = [f"문장 {i} 번은 서로 다르다" for i in range(50)]
    assert near(["문장 7번은, 서로 다르다!", "전혀 다른 문장"], text) == [7, -1]


def test_a_line_is_not_near_itself():
    assert near(["a b c d e f"], ["a b c d e f"]) == [-1]
    assert near(["a b c d e f"], ["a b c d e f", "A b c d e f"]) == [1]


@pytest.mark.parametrize("nothing", ["", "...", "!?"])
def test_lines_without_a_letter_are_near_nothing(nothing):
    assert near([nothing, "..?"], ["…", "?.."]) == [-1, -1]


def test_nothing_is_near_nothing():
    assert near([], ["a"]) == []
    assert near(["a"], []) == [-1]
    assert Runs.of([]).holding(["a b c d e"]).tolist() == [-1]
    assert Runs.of(["a b c d e f"]).holding([]).tolist() == []


def test_of_lines_with_a_letter_changed_nearly_all_are_found():
    rng = np.random.default_rng(0)
    text = ["".join(rng.choice(list("abcdefghij"), 60)) for _ in range(300)]
    edited = [line[:30] + "x" + line[31:] for line in text]  # 55 of 61 runs, a share of 0.9: missed once in 2,500
    assert np.mean(np.array(near(edited, text)) == np.arange(300)) > 0.99


def test_whatever_is_near_is_so_by_the_definition():
    rng = np.random.default_rng(1)
    text = [" ".join(rng.choice(["가나다", "라마바", "사아자", "차카타"], 6)) for _ in range(200)]
    places = near(text[:100], text[100:])
    assert any(place >= 0 for place in places)
    for line, place in zip(text[:100], places, strict=True):
        assert place < 0 or (alike(line, text[100 + place]) >= duplicates.NEAR and line != text[100 + place])


WORD = st.sampled_from("abc")
LINE = st.lists(WORD, max_size=9).map(" ".join)


@settings(max_examples=300)
@given(st.lists(LINE, max_size=8), st.lists(LINE, max_size=8))
def test_lines_inside_longer_ones_are_those_that_strings_say(lines, text):
    held = Runs.of(text).holding(lines)
    for line, place in zip(lines, held.tolist(), strict=True):
        holders = [i for i, other in enumerate(text) if other != line and f" {line} " in f" {other} "]
        enough = len(line.split()) >= duplicates.WORDS
        assert (place in holders) if enough and holders else place == -1


def test_the_same_line():
    assert same(["a b", "a", ""], ["a b", "b"]).tolist() == [True, False, False]
