"""A test set cut up by what is known of contexts."""

import numpy as np
import pytest

from lmbench.measures.sparsity import longest_seen
from lmbench.measures.strata import agreement, by_stratum, ways
from lmbench.model import Strata
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary


def test_buckets_begin_where_they_say():
    strata = Strata.cut(np.array([0, 1, 2, 4, 5, 8, 9, 70]), (1, 2, 5, 9), "suffix")
    assert strata.names == ("suffix 0", "suffix 1", "suffix 2-4", "suffix 5-8", "suffix 9+")
    assert strata.of.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    one = Strata.cut(np.array([3, 0]), (), "context")
    assert (one.of.tolist(), one.names) == ([0, 0], ("context 0+",))


def test_agreement_counts_what_is_likelier_than_all_else_together():
    assert agreement(np.log([0.51, 0.5, 0.9, 0.1])) == 0.5
    assert np.isnan(agreement(np.array([])))


def test_numbers_of_each_stratum_by_hand():
    strata = Strata(np.array([0, 2, 2, 2]), ("long 0", "long 1", "long 2+"))
    p = np.array([0.25, 0.75, 0.5, 1 / 3])
    # (3/4 * 1/2 * 1/3) = 1/8, so the perplexity of the last is 8 ** (1/3) = 2
    expected = {
        "share_long_0": 0.25, "ppl_long_0": 4, "agreement_long_0": 0,
        "share_long_2+": 0.75, "ppl_long_2+": 2, "agreement_long_2+": 1 / 3,
    }  # fmt: skip
    assert by_stratum(np.log(p), strata) == pytest.approx(expected)


def test_an_impossible_token_makes_its_stratum_impossible():
    found = by_stratum(np.array([-np.inf, 0.0]), Strata(np.array([0, 1]), ("a", "b")))
    assert (found["ppl_a"], found["ppl_b"]) == (np.inf, 1)


def test_every_way_to_sort_tokens_by_hand():
    """Train is 'a b', three times, and 'a': a 4 times, b and so 'a b' 3 times, </s> 4 times."""
    vocab = Vocabulary.build([["a", "b"]])
    train = Sentences.encode([["a", "b"], ["a", "b"], ["a", "b"], ["a"]], vocab)
    text = Sentences.encode([["a", "b"], ["b", "z", "a"]], vocab)
    table = NGramTable.count(train, 3)
    found = {name: (s.of.tolist(), s.names) for name, s in ways(text, table, longest_seen(text, table)).items()}
    a, b = vocab.encode("ab")
    assert text.tokens.tolist() == [a, b, EOS, b, UNK, a, EOS]
    assert found["frequency"][0] == [1, 1, 1, 1, 0, 1, 1]
    # a, a b, b </s> occur; <s> b, b <unk>, <unk> a do not, a </s> does
    assert found["bigram"] == ([1, 1, 1, 0, 0, 0, 1], ("bigram 0", "bigram 1+"))
    # <s> a, <s> a b, a b </s>; of the second sentence nothing: <unk> a </s> was never seen either
    assert found["trigram"] == ([1, 1, 1, 0, 0, 0, 0], ("trigram 0", "trigram 1+"))
    assert found["position"][0] == [0, 1, 2, 0, 1, 2, 2]  # 0, 1, 2-4
    assert found["length"] == ([0] * 7, ("length 0-4", "length 5-9", "length 10-19", "length 20-39", "length 40+"))
    # <s>: 4 rows; <s> a: 4; a b: 3; <s>: 4; <s> b and b <unk>: never; <unk> a: never
    assert found["count"][0] == [1, 1, 1, 1, 0, 0, 0]


def test_places_in_a_stream_begin_anew_with_each_sentence():
    vocab = Vocabulary.build([["a"]])
    rows = Sentences.encode([["a"] * 6, ["a"]], vocab)
    stream = Sentences(vocab, rows.tokens, np.array([0, rows.n_tokens]))
    table = NGramTable.count(stream, 3)
    found = ways(stream, table, longest_seen(stream, table))
    assert found["position"].of.tolist() == [0, 1, 2, 2, 2, 3, 3, 0, 1]
    assert found["length"].of.tolist() == [1] * 7 + [0] * 2


@pytest.mark.parametrize("way", ["count", "frequency", "bigram", "trigram", "position", "length"])
def test_strata_add_up_to_the_total(way):
    rng = np.random.default_rng(0)
    sentences = [[f"w{word}" for word in rng.zipf(1.4, rng.integers(1, 50)) % 300] for _ in range(300)]
    vocab = Vocabulary.build(sentences[:200], min_count=2)
    train, text = (Sentences.encode(part, vocab) for part in (sentences[:200], sentences[200:]))
    table = NGramTable.count(train, 3)
    strata = ways(text, table, longest_seen(text, table))[way]
    log_probs = -rng.exponential(4, text.n_tokens)
    numbers = by_stratum(log_probs, strata)
    names = [name.removeprefix("share_") for name in numbers if name.startswith("share_")]
    assert len(names) > 1
    bits = sum(numbers[f"share_{name}"] * np.log2(numbers[f"ppl_{name}"]) for name in names)
    assert bits == pytest.approx(-log_probs.mean() * np.log2(np.e))
