"""Which contexts are continued alike: Jensen-Shannon divergence between rows of a sparse table, in blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, csr_matrix  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS = 2_000_000  # pairs compared at a time: what bounds the memory


def nearest(rows: csr_matrix, k: int) -> tuple[Ints, Floats]:
    """The k rows that diverge least from each, itself apart: int64 (R, k) and nats (R, k), nearest first.

    rows is (R, V), each row a distribution or empty. Rows with no event in common (J = ln 2) are no neighbours:
    the places they would take are id 0 at divergence inf. Of rows equally near the first come first.

    J(p, q) = ln 2 + 1/2 sum over the events of both of p ln p + q ln q - (p + q) ln(p + q), so only events that two
    rows share cost anything: the time goes with the sum over events of (rows that have it) squared.
    """
    n_rows = rows.shape[0]
    k = min(k, n_rows - 1)
    columns = rows.tocsc()
    n_sharing = np.diff(columns.indptr).astype(np.int64)
    row = np.repeat(np.arange(n_rows), np.diff(rows.indptr))
    pairs = np.concatenate([[0], np.cumsum(n_sharing[rows.indices])])[rows.indptr]
    near, divergence = np.zeros((n_rows, k), np.int64), np.full((n_rows, k), np.inf)
    start = 0
    while start < n_rows and k:
        fits = int(np.searchsorted(pairs, pairs[start] + CELLS, side="right")) - 1
        stop = min(max(fits, start + 1), start + max(CELLS // n_rows, 1), n_rows)
        block = slice(rows.indptr[start], rows.indptr[stop])
        shared = _shared(row[block] - start, rows.indices[block], rows.data[block], columns, n_sharing, stop - start)
        shared[np.arange(stop - start), np.arange(start, stop)] = 0
        # 1e-12 a row orders equal divergences, which are equal to rounding only, and no others.
        ranked = shared + 1e-12 * np.arange(n_rows) / n_rows
        top = np.argpartition(ranked, k - 1, axis=1)[:, :k]
        top = np.take_along_axis(top, np.argsort(np.take_along_axis(ranked, top, 1), axis=1), 1)
        sums = np.take_along_axis(shared, top, 1)
        divergence[start:stop] = np.where(sums < 0, np.maximum(np.log(2) + sums / 2, 0), np.inf)
        near[start:stop] = np.where(sums < 0, top, 0)
        start = stop
    return near, divergence


def _shared(row: Ints, event: Ints, p: Floats, columns: csc_matrix, n_sharing: Ints, n_rows: int) -> Floats:
    """float64 (n_rows, R): sum over shared events of p ln p + q ln q - (p + q) ln(p + q), never above 0."""
    many = n_sharing[event]
    first = np.cumsum(many) - many
    cell = np.arange(many.sum()) + np.repeat(columns.indptr[event] - first, many)
    q = columns.data[cell]
    both = q + np.repeat(p, many)
    part = np.repeat(p * np.log(p), many) + (columns.data * np.log(columns.data))[cell] - both * np.log(both)
    width = columns.shape[0]
    place = np.repeat(row * width, many) + columns.indices[cell]
    return np.bincount(place, part, n_rows * width).astype(np.float64).reshape(n_rows, width)
