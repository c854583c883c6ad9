"""The speller is a distribution over strings."""

from itertools import product
from math import isclose, log2

from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.text.speller import N_CODE_POINTS, Speller

words = st.lists(st.text(alphabet="abc나😀", max_size=4), max_size=6, unique=True)
fixed = settings(deadline=None, max_examples=40)


def p(speller, word):
    return 2.0 ** -speller.bits(word)


def test_by_hand():
    # Words ab, b: n(a) = 1, n(b) = 2, n_end = 2, T = 5, |A| = 2, total = 5 + 2 + 2 = 9.
    speller = Speller.train(["ab", "b"])
    assert (speller.counts, speller.n_words) == ({"a": 1, "b": 2}, 2)
    assert isclose(speller.bits(""), -log2(3 / 9))
    assert isclose(speller.bits("ab"), -log2(2 / 9 * 3 / 9 * 3 / 9))
    assert isclose(speller.bits("c"), -log2(1 / 9 / (N_CODE_POINTS - 2) * 3 / 9))


def test_it_knows_how_many_code_points_text_can_hold():
    # 17 planes of 65,536 less 2,048 surrogates: 1,114,112 - 2,048.
    assert N_CODE_POINTS == 17 * 65536 - 2048 == 1_112_064


@fixed
@given(words)
def test_all_strings_together_have_probability_one(given_words):
    """The next sign is the end, one of A, or one of the M - |A| others: p_end + q + e = 1.

    Strings of length k have p_end (q + e)^k in all, so those up to length L have 1 - (1 - p_end)^(L + 1), and all 1.
    """
    speller = Speller.train(given_words)
    alphabet = sorted(speller.counts)
    p_end = p(speller, "")
    q = sum(p(speller, sign) for sign in alphabet) / p_end
    e = (N_CODE_POINTS - len(alphabet)) * p(speller, "\U0010fffd") / p_end
    assert isclose(p_end + q + e, 1, rel_tol=1e-12)

    # Summed one string at a time, over A alone: p_end (1 + q + q^2 + ... ).
    length = 4
    strings = ["".join(signs) for k in range(length + 1) for signs in product(alphabet, repeat=k)]
    total = sum(p(speller, string) for string in strings)
    assert isclose(total, p_end * sum(q**k for k in range(length + 1)), rel_tol=1e-10)
    # With one more sign for all signs out of A (each stands for M - |A| strings), nothing is left out.
    known = p_end * sum((q + e) ** k for k in range(length + 1))
    assert isclose(known, 1 - (1 - p_end) ** (length + 1), rel_tol=1e-10)


@fixed
@given(words, st.text(max_size=6), st.text(max_size=6))
def test_bits_add_up_sign_by_sign(given_words, left, right):
    speller = Speller.train(given_words)
    assert isclose(
        speller.bits(left + right), speller.bits(left) + speller.bits(right) - speller.bits(""), rel_tol=1e-9
    )
    assert speller.bits(left) > 0


def test_a_word_given_twice_counts_twice():
    assert Speller.train(["a", "a"]) == Speller({"a": 2}, 2)
