"""Arrays as they are stored: whole numbers in as few bytes as the largest needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def pack(values: npt.NDArray[np.integer]) -> npt.NDArray[np.unsignedinteger]:
    """Whole numbers (M,), none negative, in 1, 2, 3, 4 or 8 bytes each: unsigned (M,), or uint8 (M, 3)."""
    largest = int(values.max(initial=0))
    if 2**16 <= largest < 2**24:
        return np.ascontiguousarray(values.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3])
    width = next(width for width in (1, 2, 4, 8) if largest < 256**width)
    return values.astype(f"u{width}")


def unpack(packed: npt.NDArray[np.generic]) -> Ints:
    """int64 (M,): the inverse of pack()."""
    if packed.ndim == 1:
        return packed.astype(np.int64)
    whole = np.zeros((len(packed), 4), np.uint8)
    whole[:, :3] = packed
    return whole.view("<u4")[:, 0].astype(np.int64)
