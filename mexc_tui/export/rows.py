"""Exported rows: one type per table, one field per column. Amounts are exact."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One position, from its first fill until it is closed."""

    position_id: str
    symbol: str
    base_asset: str
    quote_asset: str
    state: str
    opened: str
    """UTC, ISO 8601."""
    closed: str
    """Empty: open."""
    opened_ms: int
    closed_ms: int | None
    bought_quantity: Decimal
    bought_value: Decimal
    """In the quote asset, before fees."""
    entry_price: Decimal | None
    sold_quantity: Decimal
    sold_value: Decimal
    exit_price: Decimal | None
    fees: Decimal
    """All fees, in the quote asset when charged."""
    realised: Decimal
    """Profit net of all fees, first in, first out, in the quote asset."""
    remaining_quantity: Decimal
    remaining_cost: Decimal
    written_off_quantity: Decimal
    """Dust and missing coins, written off at 0."""
    close_reason: str
    snipe_id: str
    signal_id: str
    settings: str
    """Hash of the settings in force."""


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One booked fill with its fee. A fee that was booked later is a row of its own, without quantity."""

    time: str
    """UTC, ISO 8601."""
    at_ms: int
    symbol: str
    side: str
    """`buy`, `sell`, or `fee`."""
    base_asset: str
    quote_asset: str
    quantity: Decimal
    price: Decimal | None
    value: Decimal
    """In the quote asset, before fees."""
    fee_asset: str
    fee: Decimal
    fee_value: Decimal | None
    """Value of the fee in the quote asset when charged; None: unknown."""
    order_id: str
    """Of the exchange."""
    client_order_id: str
    position_id: str
    entry_id: str


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the journal."""

    number: int
    time: str
    at_ms: int
    kind: str
    about: str
    event: str
    """The whole event as JSON."""


class FigureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the performance with its sample and its interval."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    sample: int
    smallest_sample: int
    text: str


def iso_time(at_ms: int | None) -> str:
    """Return a time in UTC as ISO 8601 with milliseconds; empty: none."""
    if at_ms is None:
        return ""
    return (
        datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
