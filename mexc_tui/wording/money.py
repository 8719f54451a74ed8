"""Format amounts, P&L, prices and quantities."""

from decimal import Decimal

from mexc_tui.model.digits import exact, quantity_number, quote_number
from mexc_tui.wording.times import NONE


def amount(value: Decimal | None) -> str:
    """Format quote units with two decimals, or with four significant digits below one."""
    found = exact(value)
    return NONE if found is None else str(quote_number(found))


def signed(value: Decimal | None) -> str:
    """Format a P&L with its sign."""
    if value is None:
        return NONE
    return f"+{amount(value)}" if value > 0 else amount(value)


def price(value: Decimal | None) -> str:
    """Format a price or quantity with eight significant digits, or as an integer; no exponent."""
    found = exact(value)
    return NONE if found is None else str(quantity_number(found))
