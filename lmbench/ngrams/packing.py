"""Arrays as they are stored: as they are, whole numbers as narrow as they go, or, for the smallest file, deflated.

To be deflated, bytes of equal weight stand side by side. Deflate is left its codes by frequency and its runs of one
byte: longer repeats, which numbers do not have, it would look for in vain, in twice the time and for larger files. It
takes 100 MB a second all the same, ten times as long as writing, so large models are not deflated unasked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Bytes = npt.NDArray[np.uint8]
DEFLATED = ".z"
"""Ends the names of deflated arrays."""


def narrowed(values: Array) -> Array:
    """Whole numbers (M,), none negative, as the narrowest unsigned type that holds them; others as they are."""
    if values.dtype.kind not in "iu":
        return values
    largest = int(values.max(initial=0))
    return values.astype(next(f"<u{width}" for width in (1, 2, 4, 8) if largest < 256**width))


def deflate(values: Array) -> Bytes:
    """uint8: whole numbers (M,), none negative, or floats (M,), with every bit of theirs."""
    values = narrowed(values)
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.itemsize).T
    packer = zlib.compressobj(strategy=zlib.Z_RLE)
    packed = values.dtype.str.encode() + packer.compress(planes.tobytes()) + packer.flush()
    return np.frombuffer(packed, np.uint8)


def inflate(packed: Array) -> Array:
    """What deflate() was given, narrowed()."""
    dtype = np.dtype(packed[:3].tobytes().decode())
    planes = np.frombuffer(zlib.decompress(packed[3:].tobytes()), np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes.T).view(dtype)[:, 0]


def pack_orders(name: str, arrays: Iterable[Array], first: int = 1, *, deflated: bool = False) -> dict[str, Array]:
    """name_1, name_2, ...: one array an order, narrowed or deflated."""
    numbered = enumerate(arrays, start=first)
    if deflated:
        return {f"{name}_{n}{DEFLATED}": deflate(values) for n, values in numbered}
    return {f"{name}_{n}": narrowed(values) for n, values in numbered}


def unpack_orders(name: str, state: Mapping[str, Array], first: int = 1) -> Iterator[Array]:
    """What pack_orders() was given, narrowed()."""
    for n in count(first):
        if f"{name}_{n}{DEFLATED}" in state:
            yield inflate(state[f"{name}_{n}{DEFLATED}"])
        elif f"{name}_{n}" in state:
            yield state[f"{name}_{n}"]
        else:
            return
