"""Listings on the exchange's web site: unofficial, optional, never decisive (protocol 10)."""

from dataclasses import dataclass

EARLIEST_MS = 1_500_000_000_000
"""The exchange did not exist before; a smaller number is in seconds or invalid."""
LATEST_MS = 10_000_000_000_000
MAX_AHEAD_MS = 30 * 86_400_000
"""Maximum lead time of a credible opening (reliability C5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One coin of the new-coin calendar."""

    coin_id: str
    """Joins with `WebSymbol.coin_id`."""
    base: str
    full_name: str
    opens_ms: int
    """Planned opening; it can move in either direction until the last moment."""
    zone: str = ""
    introduction: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar as read at one moment."""

    entries: tuple[CalendarEntry, ...]
    skipped: int
    """Entries that are malformed or whose time is not credible."""
    origin: str
    """Mirror that responded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSymbol:
    """One pair of the web site's list. The meaning of its states is undocumented (protocol 10.3)."""

    symbol_id: str
    coin_id: str
    base: str
    quote: str
    full_name: str = ""
    status: int | None = None
    """`sts`: usually 1 announced, 2 ready (undocumented)."""
    state: int | None = None
    """`st`"""
    trading_type: int | None = None
    """`tt`: usually 4 while trading (undocumented)."""
    opens_ms: int | None = None
    price_precision: int | None = None
    quantity_precision: int | None = None
    contract_address: str = ""


@dataclass(frozen=True, slots=True)
class WebSymbols:
    """The list as read at one moment."""

    symbols: tuple[WebSymbol, ...]
    skipped: int
    origin: str


def opening_ms(value: object) -> int | None:
    """Return an opening time from a number or numeric text; None for anything else, and for seconds."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= LATEST_MS else None
    if isinstance(value, int) and EARLIEST_MS <= value <= LATEST_MS:
        return value
    return None


def is_credible_opening(opens_ms: int, now_ms: int) -> bool:
    """Whether a planned opening is at most 30 days ahead (reliability C5)."""
    return opens_ms - now_ms <= MAX_AHEAD_MS
