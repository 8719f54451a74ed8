"""Exact decimal sums: precision beyond any balance, and an error instead of rounding."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])


def plus(first: Decimal, second: Decimal) -> Decimal:
    """Return the exact sum."""
    return _EXACT.add(first, second)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of all amounts; 0 without any."""
    result = Decimal(0)
    for amount in amounts:
        result = plus(result, amount)
    return result
