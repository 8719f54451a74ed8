"""Amounts, gains and prices as people read them. Pure."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from mexc_tui.wording.moments import NONE

ONE = Decimal(1)
CENT = Decimal("0.01")
_FEW = Context(prec=4)
_MANY = Context(prec=8)


def amount(value: Decimal | None) -> str:
    """Return quote units: cents, or four digits of what is below one."""
    if value is None:
        return NONE
    return f"{value:,.2f}" if abs(value) >= ONE or not value else f"{_FEW.plus(value):f}"


def signed(value: Decimal | None) -> str:
    """Return a gain with its sign."""
    if value is None:
        return NONE
    return f"+{amount(value)}" if value > 0 else amount(value)


def price(value: Decimal | None) -> str:
    """Return a price or a quantity in at most eight digits, without an exponent."""
    if value is None:
        return NONE
    shown = _MANY.plus(value) if abs(value) < 10**8 else value.quantize(CENT, ROUND_HALF_EVEN)
    text = f"{shown:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
