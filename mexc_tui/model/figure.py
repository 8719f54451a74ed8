"""A statistic for display: its value or the reason for none, its sample, its interval (formulas E0)."""

import math
from enum import StrEnum

import msgspec

from mexc_tui.model.digits import money_text

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
_SPANS = ((3_600_000, "h"), (60_000, "min"), (1_000, "s"))


class FigureUnit(StrEnum):
    """Unit of a figure."""

    RATIO = "ratio"
    SHARE = "share"
    """1 is the whole; displayed in per cent."""
    QUOTE = "quote"
    """Units of the quote asset, usually USDT."""
    BPS = "bps"
    """Hundredths of a per cent."""
    MS = "ms"
    R = "R"
    """Multiples of the planned risk at entry."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One statistic. Without a value `text` states the reason; with one, a note."""

    value: float | None
    n: int
    """Sample size."""
    minimum: int
    """Minimum sample size for a value."""
    text: str = ""
    unit: FigureUnit = FigureUnit.RATIO
    low: float | None = None
    """Lower end of the interval, 95 % unless its function says otherwise."""
    high: float | None = None

    def __str__(self) -> str:
        """Return the displayed text: `1.23 (0.80 to 1.66), n 60`, or the reason for no value."""
        if self.value is None:
            return self.text
        shown = shown_in(self.value, self.unit)
        if self.low is not None and self.high is not None:
            shown += f" ({shown_in(self.low, self.unit)} to {shown_in(self.high, self.unit)})"
        return f"{shown}, n {self.n}" + (f", {self.text}" if self.text else "")


def too_few(n: int, minimum: int, unit: FigureUnit = FigureUnit.RATIO) -> Figure:
    """Return a figure without a value, because its sample is too small."""
    return Figure(value=None, n=n, minimum=minimum, text=f"not enough data ({n} of {minimum})", unit=unit)


def undefined(n: int, minimum: int, why: str, *, unit: FigureUnit = FigureUnit.RATIO) -> Figure:
    """Return a figure without a value, usually because its denominator is zero."""
    return Figure(value=None, n=n, minimum=minimum, text=f"n/a ({why})", unit=unit)


def shown_in(value: float, unit: FigureUnit) -> str:
    """Return a number with its unit, for display."""
    match unit:
        case FigureUnit.SHARE:
            return f"{money_text(value * 100, 1)}%"
        case FigureUnit.RATIO | FigureUnit.QUOTE:
            return money_text(value)
        case FigureUnit.BPS:
            return f"{money_text(value, 1)} {unit}"
        case FigureUnit.MS:
            return _span(value)
        case FigureUnit.R:
            return f"{money_text(value)} R"


def _span(value_ms: float) -> str:
    """Return a duration in the largest unit in which it is at least 1."""
    for unit_ms, unit in _SPANS:
        if abs(value_ms) >= unit_ms:
            return f"{money_text(value_ms / unit_ms, 1)} {unit}"
    return f"{money_text(value_ms, 1)} {FigureUnit.MS}"


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, `n` > 0 (Wilson 1927, formulas E5)."""
    share, z2 = hits / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At 0 and n hits the interval ends at the share itself, despite rounding.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
