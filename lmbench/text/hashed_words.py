"""The table of words that compiled loops use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.compiled import kernels

Ids = npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]


@dataclass(eq=False)
class HashedWords:
    """A WordTable by open addressing, of words numbered as they were learned.

    slots: int32 (2^b,), an id or -1; half of them are free, or more
    known: uint64, the keys by id, and room for more
    n:     how many words there are
    """

    slots: Ids
    known: Keys
    n: int

    @classmethod
    def empty(cls) -> HashedWords:
        """No words yet."""
        return cls(np.full(2, -1, np.int32), np.empty(1, np.uint64), 0)

    def find(self, keys: Keys) -> Ids:
        """WordTable.find."""
        ids: Ids = kernels.find_words(self.slots, self.known, keys)
        return ids

    def learn(self, keys: Keys) -> tuple[HashedWords, Ids, npt.NDArray[np.int64]]:
        """WordTable.learn; the table it gives is this one."""
        most = self.n + len(keys)
        if 2 * most > len(self.slots):
            self.slots = np.full(1 << ((4 * most).bit_length() - 1), -1, np.int32)
            known, self.known = self.known[: self.n], np.empty(len(self.slots) // 2, np.uint64)
            kernels.learn_words(self.slots, self.known, 0, known)
        ids, new = kernels.learn_words(self.slots, self.known, self.n, keys)
        self.n += len(new)
        return self, ids, new
