"""Exact arithmetic of money: sums never round; divisions round once, and the last slice gets the rest."""

from collections.abc import Callable
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

EXACT = Context(prec=96, rounding=ROUND_HALF_EVEN)
"""Precision for the product of two valid numbers (model/answer.py: 30 digits before the point, 40 after)."""

SHORT = Context(prec=8, rounding=ROUND_HALF_EVEN)

SMALLEST = Decimal("1e-18")
"""Rounding unit of quotients and products, in quote units."""


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function to run in the `EXACT` context: the default one rounds sums at 28 digits."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return inside


def rounded(value: Decimal) -> Decimal:
    """Return a product or quotient rounded to the ledger's precision."""
    return value.quantize(SMALLEST, context=EXACT)


@exactly
def pro_rata(total: Decimal, share: Decimal, whole: Decimal) -> Decimal:
    """Return `share / whole` of `total`; exactly all of it if the share is the whole."""
    if share == whole:
        return total
    return rounded(total * share / whole) if whole else Decimal(0)


@exactly
def floored(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the quantity floored to a step; a step of 0 leaves it as it is."""
    if step <= 0:
        return quantity
    return (quantity / step).to_integral_value(ROUND_FLOOR) * step


def plain(value: Decimal) -> str:
    """Return a number as plain text: no exponent, no trailing zeros."""
    return f"{value.normalize(EXACT):f}" if value else "0"


def short(value: Decimal) -> str:
    """Return a number with eight significant digits, no exponent, no trailing zeros."""
    return plain(SHORT.plus(value))
