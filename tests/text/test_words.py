"""Words found and told apart in arrays, against str.split() and a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lmbench.text.words import WIDE_SPACES, WordTable, listed, ranking, spelled, words_of

letters = st.sampled_from("ab가나다\u00e9\U0001f600")
texts = st.text(letters | st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1f"), max_size=40)


def data_of(text):
    return np.frombuffer(text.encode(), np.uint8)


@given(texts)
def test_words_are_those_of_split(text):
    data = data_of(text)
    found = words_of(data)
    spellings = spelled(data, found.begin, found.end)
    assert spellings.tobytes() == "".join(f"{word}\0" for word in text.split()).encode()
    if text.split():
        assert listed(spellings, np.arange(len(found.keys))) == text.split()


@given(
    st.dictionaries(
        st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1), st.integers(1, 3)
    )
)
def test_words_are_ranked_by_count_and_code_point(counted):
    spellings = np.frombuffer("".join(f"{word}\0" for word in counted).encode(), np.uint8)
    order = ranking(spellings, np.array(list(counted.values()), np.int64))
    words = list(counted)
    assert [words[i] for i in order] == sorted(counted, key=lambda word: (-counted[word], word))


def test_long_words_with_one_beginning_are_told_apart():
    words = ["a" * n for n in range(1, 40)] + ["a" * 39 + letter for letter in "b가\U0001f600\uffff"]
    spellings = np.frombuffer("".join(f"{word}\0" for word in words[::-1]).encode(), np.uint8)
    assert listed(spellings, ranking(spellings, np.ones(len(words), np.int64))) == sorted(words)


@given(texts)
def test_equal_words_have_equal_keys_and_others_do_not(text):
    keys, words = words_of(data_of(text)).keys.tolist(), text.split()
    assert len(set(keys)) == len(set(words)) == len(set(zip(keys, words, strict=True)))


def test_keys_tell_a_hundred_thousand_short_words_apart():
    words = [f"{a}{b}" for a in range(317) for b in map(chr, range(0xAC00, 0xAC00 + 317))]
    assert len(np.unique(words_of(data_of(" ".join(words))).keys)) == len(set(words))


def test_where_a_word_stands_does_not_change_its_key():
    keys = words_of(data_of("ab " * 1000 + "ba")).keys
    assert len(set(keys[:-1].tolist())) == 1
    assert keys[-1] != keys[0]


@given(texts, texts)
def test_a_table_learns_words_as_they_first_occur(first, second):
    ids: dict[str, int] = {}
    table = WordTable.of([])
    for text in first, second:
        words = text.split()
        known = len(ids)
        for word in words:
            ids.setdefault(word, len(ids))
        table, found, new = table.learn(words_of(data_of(text)).keys)
        assert found.tolist() == [ids[word] for word in words]
        assert [words[i] for i in new] == list(ids)[known:]
    assert table.find(words_of(data_of("ab zz 가")).keys).tolist() == [ids.get(word, -1) for word in ("ab", "zz", "가")]


@given(st.lists(st.text(letters | st.sampled_from(" \n"), max_size=3), unique=True))
def test_a_table_of_words_finds_those_without_white_space(words):
    table = WordTable.of(words)
    for i, word in enumerate(words):
        if word.split() == [word]:
            assert table.find(words_of(data_of(word)).keys).tolist() == [i]


def test_wide_spaces_are_what_split_takes_for_space():
    assert "\u00a0" in WIDE_SPACES
    assert all(f"a{space}b".split() == ["a", "b"] and len(space.encode()) > 1 for space in WIDE_SPACES)
