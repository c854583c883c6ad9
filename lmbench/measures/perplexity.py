"""Perplexity, bits, zeros: functions of one array of log-probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BITS = float(np.log2(np.e))
"""Bits in a nat."""


def perplexity(log_probs: Floats) -> float:
    """exp(-mean ln p) over the predictions given, inf if one of them was impossible; NaN for none."""
    return float(np.exp(-log_probs.mean())) if len(log_probs) else float("nan")


def bits_per_token(log_probs: Floats) -> float:
    """-mean log2 p over the predictions given."""
    return float(-log_probs.mean() * BITS) if len(log_probs) else float("nan")


def bits_per_character(log_probs: Floats, spelling_bits: Floats, characters: int) -> float:
    """(bits of all events, </s> included, plus the bits that spell each <unk>) / characters of the text.

    log_probs:     float64 (N,) nats
    spelling_bits: float64 (N,) bits, 0 where the event is not <unk>
    characters:    NFC code points of the lines, single spaces included, plus one per line end
    """
    return float((-log_probs.sum() * BITS + spelling_bits.sum()) / characters)


def impossible(log_probs: Floats) -> int:
    """Predictions given probability zero. They are never skipped: one makes the perplexity infinite."""
    return int(np.isneginf(log_probs).sum())
