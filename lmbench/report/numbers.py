"""Numbers as a reader sees them. Exact 0 and 1 are told from what only rounds to them; nothing is a dash."""

from __future__ import annotations

import math

DASH = "–"


def _special(value: float | None) -> str | None:
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return None


def perplexity(value: float | None) -> str:
    """Four or five digits: 8.914, 98.53, 985.32, 12,345."""
    if special := _special(value):
        return special
    assert value is not None
    digits = 3 if value < 10 else 2 if value < 1000 else 0
    return f"{value:,.{digits}f}"


def bits(value: float | None) -> str:
    """Three decimals, with a true minus sign."""
    return _special(value) or _minus(f"{value:.3f}").replace("−0.000", "0.000")


def gain(value: float | None) -> str:
    """Three decimals, always with a sign but for 0: a difference."""
    shown = _special(value) or _minus(f"{value:+.3f}")
    return "0.000" if shown in ("+0.000", "−0.000") else shown


def share(value: float | None) -> str:
    """A share between 0 and 1 by three decimals; 0 and 1 only where they are exact."""
    if special := _special(value):
        return special
    assert value is not None
    if value in (0, 1):
        return str(int(value))
    shown = f"{value:.3f}"
    return {"0.000": "<0.001", "1.000": ">0.999"}.get(shown, shown)


def percent(value: float | None) -> str:
    """A share as a percentage by one decimal."""
    return _special(value) or f"{100 * float(value or 0):.1f} %"


def difference(value: float) -> str:
    """How far a number is from another, as a share of that one."""
    if value != value:
        return DASH
    shown = _minus(f"{100 * value:+.2f} %")
    return "0.00 %" if shown in ("+0.00 %", "−0.00 %") else shown


def probability(value: float) -> str:
    """Three digits, however small; 0 only where it is exact."""
    if value == 0:
        return "0"
    return f"{value:.3f}" if value >= 0.01 else f"{value:.4f}" if value >= 0.001 else power(value)


def cosine(value: float) -> str:
    """Two decimals."""
    return _minus(f"{value:.2f}").replace("−0.00", "0.00")


def power(value: float, digits: int = 2) -> str:
    """2.34e-07 as 2.3e-7."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def count(value: float | None) -> str:
    """A whole number with separators."""
    return _special(value) or f"{float(value or 0):,.0f}"


def seconds(value: float | None) -> str:
    """0.04, 3.1, 251."""
    if special := _special(value):
        return special
    assert value is not None
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def milliseconds(median: float | None, tail: float | None) -> str:
    """A median and, in brackets, what few are above."""
    return DASH if median is None or tail is None else f"{median:.3g} ({tail:.3g})"


def size(value: float | None) -> str:
    """Bytes as kB, MB or GB of 1000."""
    if special := _special(value):
        return special
    assert value is not None
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def rank(value: float) -> str:
    """A rank; halves come from ties."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def span(low: float, high: float, show: str = "perplexity") -> str:
    """[low, high], or nothing where there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    styles = {"perplexity": perplexity, "share": share, "gain": gain, "bits": bits}
    return f"[{styles[show](low)}, {styles[show](high)}]"


def _minus(text: str) -> str:
    return text.replace("-", "−")
