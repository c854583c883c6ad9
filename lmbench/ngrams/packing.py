"""Arrays as they are stored: whole numbers in few bytes, bytes of equal weight side by side, deflated.

Deflate is left its codes by frequency and its runs of one byte. Longer repeats, which numbers do not have, it would
look for in vain: that takes twice the time and makes larger files.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Bytes = npt.NDArray[np.uint8]


def pack(values: Array) -> Bytes:
    """uint8: whole numbers (M,), none negative, or floats (M,), with every bit of theirs."""
    if values.dtype.kind in "iu":
        largest = int(values.max(initial=0))
        values = values.astype(next(f"<u{width}" for width in (1, 2, 4, 8) if largest < 256**width))
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.itemsize).T
    deflate = zlib.compressobj(strategy=zlib.Z_RLE)
    packed = values.dtype.str.encode() + deflate.compress(planes.tobytes()) + deflate.flush()
    return np.frombuffer(packed, np.uint8)


def unpack(packed: Array) -> Array:
    """What pack() was given; whole numbers as the narrowest unsigned type that holds them."""
    dtype = np.dtype(packed[:3].tobytes().decode())
    planes = np.frombuffer(zlib.decompress(packed[3:].tobytes()), np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes.T).view(dtype)[:, 0]


def pack_orders(name: str, arrays: Iterable[Array], first: int = 1) -> dict[str, Array]:
    """name_1, name_2, ...: one array an order, packed."""
    return {f"{name}_{n}": pack(values) for n, values in enumerate(arrays, start=first)}


def unpack_orders(name: str, state: Mapping[str, Array], first: int = 1) -> Iterator[Array]:
    """What pack_orders() was given."""
    for n in count(first):
        if f"{name}_{n}" not in state:
            return
        yield unpack(state[f"{name}_{n}"])
