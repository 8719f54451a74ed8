"""MEXC's number formats: REST pads quotes and trades, everything else is trimmed (protocol 4.3)."""

from decimal import Decimal

from mexc_tui.practice.matching.values import PracticeLevel


def trimmed(value: Decimal) -> str:
    """Format without trailing zeros and without an exponent."""
    text = f"{value:f}"
    if "." not in text:
        return text
    return text.rstrip("0").rstrip(".") or "0"


def padded(value: Decimal, decimals: int) -> str:
    """Format with exactly this many decimals."""
    return f"{value:.{decimals}f}"


def padded_levels(
    levels: list[PracticeLevel], price_decimals: int, quantity_decimals: int
) -> list[list[str]]:
    """Return levels of a book in the format of REST."""
    return [
        [f"{price:.{price_decimals}f}", f"{quantity:.{quantity_decimals}f}"] for price, quantity in levels
    ]
