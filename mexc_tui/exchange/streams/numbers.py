"""Converts numbers of stream messages to `Decimal`; absurd ones raise `BadStreamMessage` (reliability M7)."""

from decimal import Decimal

from mexc_tui.model.number import is_signed_number, version_number
from mexc_tui.model.order import Side
from mexc_tui.model.stream import MAX_PRICE, MAX_QUANTITY, MIN_PRICE, BadStreamMessage

_MIN_PRICE = Decimal(str(MIN_PRICE))
_MAX_PRICE = Decimal(int(MAX_PRICE))
_MAX_QUANTITY = Decimal(int(MAX_QUANTITY))
MAX_TIME_MS = 10**14


def decimal_of(text: str, name: str) -> Decimal:
    """Read a plain decimal number; no NaN, no infinity, no underscore, no space."""
    if is_signed_number(text) is None:
        raise BadStreamMessage(f"{name} is not a decimal number: {text[:40]!a}")
    return Decimal(text)


def price_of(text: str, name: str = "price") -> Decimal:
    """Read a price above zero and below the absurd."""
    value = decimal_of(text, name)
    if not _MIN_PRICE <= value <= _MAX_PRICE:
        raise BadStreamMessage(f"{name} is out of range: {text[:40]!a}")
    return value


def price_or_zero_of(text: str, name: str) -> Decimal:
    """Read a price that may be absent, which proto3 and the exchange write as "" or "0"."""
    return Decimal(0) if is_nothing(text) else price_of(text, name)


def quantity_of(text: str, name: str = "quantity") -> Decimal:
    """Read an amount from zero up; "" is zero (proto3 leaves defaults out)."""
    value = signed_of(text, name)
    if value < 0:
        raise BadStreamMessage(f"{name} is negative: {text[:40]!a}")
    return value


def positive_of(text: str, name: str = "quantity") -> Decimal:
    """Read an amount above zero."""
    value = quantity_of(text, name)
    if not value:
        raise BadStreamMessage(f"{name} is zero")
    return value


def signed_of(text: str, name: str) -> Decimal:
    """Read an amount of either sign; "" is zero."""
    value = decimal_of(text or "0", name)
    if abs(value) > _MAX_QUANTITY:
        raise BadStreamMessage(f"{name} is out of range: {text[:40]!a}")
    return value


def is_nothing(text: str) -> bool:
    """Return whether a number is absent or zero."""
    return not text.strip("0.") and (not text or "0" in text)


def version_of(text: str) -> int:
    """Read a version; 0 when absent."""
    if not text:
        return 0
    version = version_number(text)
    if version is None:
        raise BadStreamMessage(f"version is not a number: {text[:40]!a}")
    return version


def time_of(value: int, name: str = "time", limit: int = MAX_TIME_MS) -> int:
    """Check a time in milliseconds (or what `limit` bounds)."""
    if not 0 <= value < limit:
        raise BadStreamMessage(f"{name} is out of range: {value}")
    return value


def side_of(trade_type: int) -> Side | None:
    """Return the side of a trade type: 1 buy, 2 sell, None when unknown (reliability M8)."""
    return {1: Side.BUY, 2: Side.SELL}.get(trade_type)
