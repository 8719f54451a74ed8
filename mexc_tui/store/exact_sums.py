"""Exact sums of money: more digits than any balance has, and an error rather than a rounded cent."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])


def plus(first: Decimal, second: Decimal) -> Decimal:
    """Return the sum, not one digit less."""
    return _EXACT.add(first, second)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of all, 0 of none."""
    result = Decimal(0)
    for amount in amounts:
        result = plus(result, amount)
    return result
