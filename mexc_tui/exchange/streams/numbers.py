"""Converts numbers in stream messages; implausible ones raise `BadStreamMessage` (reliability M7)."""

from decimal import Decimal

from mexc_tui.model.number import is_signed_number, version_number
from mexc_tui.model.order import Side
from mexc_tui.model.stream import MAX_PRICE, MAX_QUANTITY, MIN_PRICE, BadStreamMessage

_MIN_PRICE = Decimal(str(MIN_PRICE))
_MAX_PRICE = Decimal(int(MAX_PRICE))
_MAX_QUANTITY = Decimal(int(MAX_QUANTITY))
MAX_TIME_MS = 10**14


def decimal_of(text: str, name: str) -> Decimal:
    """Parse a plain decimal number. NaN, infinity, underscores and spaces are invalid."""
    if is_signed_number(text) is None:
        raise BadStreamMessage(f"{name} is not a decimal number: {text[:40]!a}")
    return Decimal(text)


def price_of(text: str, name: str = "price") -> Decimal:
    """Parse a price within MIN_PRICE and MAX_PRICE."""
    value = decimal_of(text, name)
    if not _MIN_PRICE <= value <= _MAX_PRICE:
        raise BadStreamMessage(f"{name} is out of range: {text[:40]!a}")
    return value


def price_or_zero_of(text: str, name: str) -> Decimal:
    """Parse an optional price. The exchange and proto3 write an absent one as "" or "0"."""
    return Decimal(0) if is_nothing(text) else price_of(text, name)


def quantity_of(text: str, name: str = "quantity") -> Decimal:
    """Parse an amount of zero or more; "" is zero (proto3 omits defaults)."""
    value = signed_of(text, name)
    if value < 0:
        raise BadStreamMessage(f"{name} is negative: {text[:40]!a}")
    return value


def positive_of(text: str, name: str = "quantity") -> Decimal:
    """Parse an amount above zero."""
    value = quantity_of(text, name)
    if not value:
        raise BadStreamMessage(f"{name} is zero")
    return value


def signed_of(text: str, name: str) -> Decimal:
    """Parse a signed amount; "" is zero."""
    value = decimal_of(text or "0", name)
    if abs(value) > _MAX_QUANTITY:
        raise BadStreamMessage(f"{name} is out of range: {text[:40]!a}")
    return value


def is_nothing(text: str) -> bool:
    """Return whether a number is absent or zero."""
    return not text.strip("0.") and (not text or "0" in text)


def version_of(text: str) -> int:
    """Parse a version; 0 if absent."""
    if not text:
        return 0
    version = version_number(text)
    if version is None:
        raise BadStreamMessage(f"version is not a number: {text[:40]!a}")
    return version


def time_of(value: int, name: str = "time", limit: int = MAX_TIME_MS) -> int:
    """Return a time in milliseconds that is at least 0 and below `limit`."""
    if not 0 <= value < limit:
        raise BadStreamMessage(f"{name} is out of range: {value}")
    return value


def side_of(trade_type: int) -> Side | None:
    """Return the side of a trade type: 1 buy, 2 sell, None if unknown (reliability M8)."""
    return {1: Side.BUY, 2: Side.SELL}.get(trade_type)
