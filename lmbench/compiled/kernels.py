"""What is compiled. Nothing here decides anything: each loop says which function of numpy's it stands for."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]
Keys = npt.NDArray[np.uint64]

MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / the golden ratio: the high bits of a product with it depend on many of a key's (Knuth, vol. 3, 6.4)."""
AT_ONCE = 128
ABSENT, ALONE = -1, -2
"""In place of a key, that there is no n-gram; in place of a guess, that its context occurs once."""
_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def _home(slots: Whole, key: np.integer) -> Any:
    """The slot where a key is looked for first, from the middle of its product with MIX."""
    return np.int64((np.uint64(key) * MIX) >> np.uint64(32)) & (len(slots) - 1)


@_compiled
def _slot(slots: Whole, keys: Ints | Keys, key: np.integer) -> Any:
    """The slot that holds the number of a key, or the free one where it belongs. keys are by number."""
    slot = _home(slots, key)
    while slots[slot] >= 0 and keys[slots[slot]] != key:
        slot = (slot + 1) & (len(slots) - 1)
    return slot


@_compiled
def _rehashed(slots: Whole, keys: Ints) -> Whole:
    """Twice as many slots for the same numbers."""
    more = np.full(2 * len(slots), -1, slots.dtype)
    for number in slots:
        if number >= 0:
            more[_slot(more, keys, keys[number])] = number
    return more


@_compiled
def _doubled(array: Whole) -> Whole:
    """The array and as much room again."""
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@_compiled
def words_of(data: npt.NDArray[np.uint8], is_space: Bools, p: np.uint64) -> tuple[Keys, Ints, Ints]:
    """lmbench.text.words.words_of: keys, begins and ends."""
    most = len(data) // 2 + 1
    keys, begin, end = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.int64)
    n, at = 0, 0
    while at < len(data):
        if is_space[data[at]]:
            at += 1
            continue
        begin[n] = at
        key, power = np.uint64(0), np.uint64(1)
        while at < len(data) and not is_space[data[at]]:
            key += (np.uint64(data[at]) + np.uint64(1)) * power
            power *= p
            at += 1
        keys[n], end[n] = key, at
        n += 1
    return keys[:n], begin[:n], end[:n]


@_compiled
def find_words(slots: Ids, known: Keys, keys: Keys) -> Ids:
    """lmbench.text.words.WordTable.find by open addressing: slots of 2^b ids, -1 where free, known by id."""
    ids = np.empty(len(keys), np.int32)
    number, guess = np.empty(AT_ONCE, np.int64), np.empty(AT_ONCE, np.uint64)
    for start in range(0, len(keys), AT_ONCE):
        many = min(AT_ONCE, len(keys) - start)
        for i in range(many):
            number[i] = slots[_home(slots, keys[start + i])]
        for i in range(many):
            guess[i] = known[max(number[i], 0)]
        for i in range(many):
            if number[i] >= 0 and guess[i] != keys[start + i]:
                number[i] = slots[_slot(slots, known, keys[start + i])]
            ids[start + i] = number[i]
    return ids


@_compiled
def learn_words(slots: Ids, known: Keys, n_known: int, keys: Keys) -> tuple[Ids, Ints]:
    """lmbench.text.words.WordTable.learn: ids, and where new words are; slots and known are filled up."""
    ids, new = np.empty(len(keys), np.int32), np.empty(len(keys), np.int64)
    n = n_known
    for i in range(len(keys)):
        slot = _slot(slots, known, keys[i])
        if slots[slot] < 0:
            slots[slot], known[n], new[n - n_known] = n, keys[i], i
            n += 1
        ids[i] = slots[slot]
    return ids, new[: n - n_known]


@_compiled
def count_order(tokens: Ids, offsets: Ints, n: int, gram: Whole, times: Whole, base: int) -> tuple[Ints, Whole, Whole]:
    """lmbench.ngrams.counting.count_order, by first occurrence: keys, counts, suffixes; gram becomes what ends here.

    A few tokens at a time: what is loaded for one of them does not wait for another's.
    """
    size = 1 << 16
    keys, counts, suffix = np.empty(size, np.int64), np.empty(size, times.dtype), np.empty(size, times.dtype)
    slots = np.full(4 * size, -1, times.dtype)
    key, guess, guessed = np.empty(AT_ONCE, np.int64), np.empty(AT_ONCE, np.int64), np.empty(AT_ONCE, np.int64)
    found, shared, row, position, bos = 0, 0, 0, 0, np.int64(base - 1)
    before = bos
    for start in range(0, len(tokens), AT_ONCE):
        stop = min(start + AT_ONCE, len(tokens))
        for at in range(start, stop):
            while at == offsets[row]:
                row, position, before = row + 1, 0, bos
            context, before = before, np.int64(gram[at])
            key[at - start] = context * base + tokens[at] if position >= n - 2 else ABSENT
            guess[at - start] = ALONE if position >= n - 2 and times[context] == 1 else _home(slots, key[at - start])
            position += 1
        for i in range(stop - start):
            guess[i] = slots[guess[i]] if guess[i] >= 0 else guess[i]
        for i in range(stop - start):
            guessed[i] = keys[max(guess[i], 0)]
        for i in range(stop - start):
            at = start + i
            number = guess[i]
            if key[i] == ABSENT:
                gram[at] = 0
                continue
            if number == ALONE:
                number = found
            elif number < 0 or guessed[i] != key[i]:
                slot = _slot(slots, keys, key[i])
                if slots[slot] < 0:
                    slots[slot] = found
                    shared += 1
                number = np.int64(slots[slot])
            if number < found:
                counts[number] += 1
                gram[at] = number
                continue
            keys[found], counts[found], suffix[found], gram[at] = key[i], 1, gram[at], found
            found += 1
            if found == len(keys):
                keys, counts, suffix = _doubled(keys), _doubled(counts), _doubled(suffix)
            if 2 * shared > len(slots):
                slots = _rehashed(slots, keys)
    return keys[:found], counts[:found], suffix[:found]


@_compiled
def renumber(gram: Whole, rank: Whole) -> None:
    """gram = rank[gram], in place."""
    for at in range(len(gram)):
        gram[at] = rank[gram[at]]


@_compiled
def hashed(keys: Ints, slots: Whole) -> None:
    """Number i into the free slots, 2^b of them and twice as many as keys or more, where keys[i] is looked for."""
    for number in range(len(keys)):
        slots[_slot(slots, keys, keys[number])] = number


@_compiled
def _find(slots: Whole, keys: Ints, key: Ints, place: Ints) -> None:
    """The numbers of AT_ONCE keys or fewer, -1 for what is not there: what is loaded for one waits for no other."""
    for i in range(len(key)):
        place[i] = slots[_home(slots, key[i])] if len(keys) else -1
    guess = np.empty(AT_ONCE, np.int64)
    for i in range(len(key)):
        guess[i] = keys[place[i]] if place[i] >= 0 else ABSENT
    for i in range(len(key)):
        if place[i] >= 0 and guess[i] != key[i]:
            place[i] = slots[_slot(slots, keys, key[i])]


@_compiled
def find_ngrams(slots: Whole, keys: Ints, key: Ints) -> Ints:
    """lmbench.ngrams.index.NGramIndex.find, of keys as they are in the index or below 0."""
    place = np.empty(len(key), np.int64)
    for start in range(0, len(key), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        _find(slots, keys, key[part], place[part])
    return place


@_compiled
def score_order(
    scores: Floats,
    at: Ints,
    context: Ints,
    tokens: Ids,
    is_start: Bools,
    slots: Whole,
    keys: Ints,
    log_p: Floats,
    log_gamma: Floats,
    base: int,
) -> tuple[Ints, Ints]:
    """One order of lmbench.ngrams.backoff.BackOff.log_probs, scores in place: at and context of the next order."""
    next_at, next_context, n = np.empty(len(at), np.int64), np.empty(len(at), np.int64), 0
    key, place = np.empty(AT_ONCE, np.int64), np.empty(AT_ONCE, np.int64)
    hit, miss = np.empty(AT_ONCE, np.int64), np.empty(AT_ONCE, np.int64)
    for start in range(0, len(at), AT_ONCE):
        many = min(AT_ONCE, len(at) - start)
        for i in range(many):
            key[i] = context[start + i] * base + tokens[at[start + i]]
        _find(slots, keys, key[:many], place)
        hits, misses = 0, 0
        for i in range(many):  # the branch is here, where nothing is waited for
            if place[i] >= 0:
                hit[hits] = i
                hits += 1
            else:
                miss[misses] = i
                misses += 1
        for i in miss[:misses]:
            scores[at[start + i]] += log_gamma[context[start + i]]
        for i in hit[:hits]:
            scores[at[start + i]] = log_p[place[i]]
        for i in hit[:hits]:
            next_at[n], next_context[n] = at[start + i] + 1, place[i]
            n += not is_start[at[start + i] + 1]
    return next_at[:n], next_context[:n]
