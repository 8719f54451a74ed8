"""Amounts, gains and prices as people read them. Pure."""

from decimal import Decimal

from mexc_tui.model.digits import exact, quantity_number, quote_number
from mexc_tui.wording.moments import NONE


def amount(value: Decimal | None) -> str:
    """Return quote units: cents, or four digits of what is below one."""
    found = exact(value)
    return NONE if found is None else str(quote_number(found))


def signed(value: Decimal | None) -> str:
    """Return a gain with its sign."""
    if value is None:
        return NONE
    return f"+{amount(value)}" if value > 0 else amount(value)


def price(value: Decimal | None) -> str:
    """Return a price or a quantity in eight digits, or in whole units if it has more; no exponent."""
    found = exact(value)
    return NONE if found is None else str(quantity_number(found))
