"""Compute all rows that booking one order update writes: entries, lots, position, intents, day.

Input rows are read inside the unit of work. Lots and the position are recomputed from all
orders (positions.py); entries book the difference, so that account balances match the orders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.ledger.arithmetic import exactly, plain, rounded
from mexc_tui.ledger.days import updated_day
from mexc_tui.ledger.orders import Advanced
from mexc_tui.ledger.positions import PositionHolding, holding, recompute_position, spent, with_bookable_fees
from mexc_tui.model.errors import DeskError
from mexc_tui.model.intent import ZERO, Fee, Intent, Order, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import (
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    Lot,
    Position,
    PositionState,
    Posting,
    TradingDay,
)


class StaleOrder(DeskError, ValueError):
    """Evidence was merged into an outdated row of the order.

    Raised by `book` inside a transaction. Read the order again, merge again, book again.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRows:
    """The rows of one position, read inside the unit of work."""

    position: Position
    """`positions.open_position(...)` before the first fill."""
    orders: tuple[Order, ...]
    """All orders of the position; the updated one may be missing."""
    intents: tuple[Intent, ...]
    """All intents of the position, closed ones included."""
    day: TradingDay
    """The day of booking; empty if nothing was booked on it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Rows to write in one transaction."""

    position: Position | None
    """None: nothing was ever bought, so there is no position to store."""
    lots: tuple[Lot, ...]
    entries: tuple[LedgerEntry, ...]
    intents: tuple[Intent, ...]
    """Changed intents: reservations shrink, stops follow the remainder, sales close with the position."""
    day: TradingDay
    realised: Decimal
    """Realised profit of this booking, in quote units."""
    order: Order | None = None
    """The order with valued fees."""
    notes: tuple[str, ...] = ()
    """Texts of alerts: fees without a price, coins sold beyond the desk's own."""


@exactly
def book(rows: LedgerRows, advanced: Advanced, prices: Mapping[str, Decimal], *, at_ms: int) -> Booking:
    """Book an order update, with or without a fill. `prices`: quote units per fee asset, where known.

    Raises StaleOrder if the stored order differs from the one that was updated.
    """
    position = rows.position
    others = tuple(order for order in rows.orders if order.client_order_id != advanced.order.client_order_id)
    before = _stored(rows, advanced.before)
    order = value_fees(advanced.order, position, prices)
    orders = (*others, order)
    after, sums = recompute_position(position, orders, rows.intents, at_ms=at_ms)
    sums_before = holding(position, (*others, before))
    entries = (
        *_trade_entry(position, before, order, at_ms=at_ms),
        *_fee_entries(position, before, order, at_ms=at_ms),
        *_oversold_entry(position, order, sums_before, after=sums, at_ms=at_ms),
    )
    text = (*_fee_texts(order), *_oversold_texts(position, sums_before, sums))
    return _booking(rows, after, sums, orders=orders, entries=entries, text=text, at_ms=at_ms, order=order)


def revalue(rows: LedgerRows, order: Order, prices: Mapping[str, Decimal], *, at_ms: int) -> Booking:
    """Book fees that had no price when they were paid and have one in `prices`."""
    return book(rows, Advanced(before=order, order=order), prices, at_ms=at_ms)


@exactly
def write_off_dust(rows: LedgerRows, at_ms: int, text: str) -> Booking:
    """Close a position whose remainder is too small to sell: the user owns its coins (reliability O8)."""
    dust = holding(rows.position, rows.orders).remaining
    position = msgspec.structs.replace(rows.position, dust=rows.position.dust + dust)
    entry = _moved(
        position,
        EntryKind.DUST,
        f"dust/{plain(position.dust)}",
        target=LedgerAccount.OWN,
        quantity=dust,
        at_ms=at_ms,
        text=text,
    )
    return _written_off(rows, position, entry, at_ms=at_ms)


@exactly
def write_off_missing(rows: LedgerRows, quantity: Decimal, at_ms: int, *, text: str) -> Booking:
    """Write off coins of a position that are missing from the account; `text` is the evidence."""
    missing = min(quantity, holding(rows.position, rows.orders).remaining)
    position = msgspec.structs.replace(rows.position, gone=rows.position.gone + missing)
    key = f"gone/{plain(position.gone)}/{at_ms}"
    entry = _moved(
        position,
        EntryKind.CORRECTION,
        key,
        target=LedgerAccount.EXTERNAL,
        quantity=missing,
        at_ms=at_ms,
        text=text,
    )
    return _written_off(rows, position, entry, at_ms=at_ms)


@exactly
def restore_written_off(rows: LedgerRows, quantity: Decimal, at_ms: int, *, text: str) -> Booking:
    """Restore written-off coins to a position; it opens again."""
    back = min(quantity, rows.position.gone)
    position = msgspec.structs.replace(rows.position, gone=rows.position.gone - back)
    key = f"back/{plain(position.gone)}/{at_ms}"
    entry = _moved(
        position,
        EntryKind.CORRECTION,
        key,
        target=LedgerAccount.EXTERNAL,
        quantity=-back,
        at_ms=at_ms,
        text=text,
    )
    return _written_off(rows, position, entry, at_ms=at_ms)


@exactly
def recompute(rows: LedgerRows, at_ms: int) -> Booking:
    """Recompute a position after an intent changed (an entry ended, for example); no entry is booked."""
    after, sums = recompute_position(rows.position, rows.orders, rows.intents, at_ms=at_ms)
    return _booking(rows, after, sums, orders=rows.orders, entries=(), text=(), at_ms=at_ms, order=None)


@exactly
def value_fees(order: Order, position: Position, prices: Mapping[str, Decimal]) -> Order:
    """Return the order with its fees valued, once, at the price when they became known."""
    return msgspec.structs.replace(order, fees=tuple(_valued(fee, position, prices) for fee in order.fees))


@exactly
def remaining_reservation(intent: Intent, orders: tuple[Order, ...]) -> Decimal:
    """Return an intent's remaining reservation: its cap less the amount spent; 0 once it is closed."""
    if not intent.is_open or intent.side is Side.SELL:
        return ZERO
    return max(intent.spend_cap - spent(intent, orders), ZERO)


def _booking(
    rows: LedgerRows,
    after: Position,
    sums: PositionHolding,
    *,
    orders: tuple[Order, ...],
    entries: tuple[LedgerEntry, ...],
    text: tuple[str, ...],
    at_ms: int,
    order: Order | None,
) -> Booking:
    intents = tuple(_followed(intent, after, orders, at_ms=at_ms) for intent in rows.intents)
    exists = after.bought_quantity > 0
    # A position counts for the day once it is stored: a sale may be reported before its buy.
    known = after if exists else rows.position
    return Booking(
        position=after if exists else None,
        lots=sums.lots,
        entries=entries,
        intents=tuple(intent for intent in intents if intent not in rows.intents),
        day=updated_day(rows.day, rows.position, known),
        realised=known.realised - rows.position.realised,
        order=order,
        notes=text,
    )


def _stored(rows: LedgerRows, advanced: Order) -> Order:
    """Return the order as booked so far; fields other than the numbers do not matter here."""
    name = advanced.client_order_id
    stored = next((order for order in rows.orders if order.client_order_id == name), None)
    if stored is None:
        return msgspec.structs.replace(advanced, filled_quantity=ZERO, filled_value=ZERO, fees=())
    numbers = (stored.filled_quantity, stored.filled_value, stored.fees)
    if numbers != (advanced.filled_quantity, advanced.filled_value, advanced.fees):
        raise StaleOrder(f"{name} changed since the evidence was merged")
    return stored


def _written_off(rows: LedgerRows, position: Position, entry: LedgerEntry, *, at_ms: int) -> Booking:
    after, sums = recompute_position(position, rows.orders, rows.intents, at_ms=at_ms)
    return _booking(
        rows, after, sums, orders=rows.orders, entries=(entry,), text=(entry.text,), at_ms=at_ms, order=None
    )


def _followed(intent: Intent, position: Position, orders: tuple[Order, ...], *, at_ms: int) -> Intent:
    if not intent.is_open:
        return intent
    if intent.side is Side.BUY:
        return msgspec.structs.replace(intent, reserved=remaining_reservation(intent, orders))
    if position.state is PositionState.CLOSED:
        text = f"{intent.reason}; the position is closed"
        return msgspec.structs.replace(intent, quantity=ZERO, ended_ms=at_ms, reason=text)
    if intent.role is OrderRole.STOP:
        return msgspec.structs.replace(intent, quantity=position.remaining)
    return intent


def _valued(fee: Fee, position: Position, prices: Mapping[str, Decimal]) -> Fee:
    if fee.asset == position.quote_asset:
        return Fee(asset=fee.asset, amount=fee.amount, value=fee.amount)
    if fee.asset == position.base_asset:
        return Fee(asset=fee.asset, amount=fee.amount)
    price = prices.get(fee.asset)
    if price is None or not fee.unvalued:
        return fee
    return Fee(asset=fee.asset, amount=fee.amount, value=fee.value + rounded(fee.unvalued * price))


def _trade_entry(position: Position, before: Order, order: Order, *, at_ms: int) -> tuple[LedgerEntry, ...]:
    sign = 1 if order.side is Side.BUY else -1
    quantity = sign * (order.filled_quantity - before.filled_quantity)
    value = sign * (order.filled_value - before.filled_value)
    if not (quantity or value):
        return ()
    postings = (
        *_pair(LedgerAccount.EXCHANGE, LedgerAccount.DESK, position.base_asset, amount=quantity),
        *_pair(LedgerAccount.DESK, LedgerAccount.EXCHANGE, position.quote_asset, amount=value),
    )
    what = "bought" if sign > 0 else "sold"
    text = (
        f"{what} {plain(abs(quantity))} {position.base_asset} for {plain(abs(value))} {position.quote_asset}"
    )
    return (
        _entry(
            position, order, EntryKind.TRADE, key=_so_far(order), postings=postings, at_ms=at_ms, text=text
        ),
    )


def _fee_entries(position: Position, before: Order, order: Order, *, at_ms: int) -> tuple[LedgerEntry, ...]:
    known = {fee.asset: fee for fee in with_bookable_fees(before, position.base_asset).fees}
    entries: list[LedgerEntry] = []
    for fee in with_bookable_fees(order, position.base_asset).fees:
        old = known.get(fee.asset, Fee(asset=fee.asset, amount=ZERO))
        is_desks = fee.asset in (position.base_asset, position.quote_asset)
        flow = ZERO if is_desks else fee.value - old.value
        more = fee.amount - old.amount
        if not (more or flow):
            continue
        payer = LedgerAccount.DESK if is_desks else LedgerAccount.OWN
        key = f"fee/{fee.asset}/{plain(fee.amount)}/{plain(fee.value)}"
        text = f"fee of {plain(more)} {fee.asset}" if more else f"value of a fee in {fee.asset} now known"
        postings = _pair(payer, LedgerAccount.FEES, fee.asset, amount=more)
        entries.append(
            _entry(
                position, order, EntryKind.FEE, key=key, postings=postings, at_ms=at_ms, text=text, flow=flow
            )
        )
    return tuple(entries)


def _oversold_entry(
    position: Position, order: Order, before: PositionHolding, *, after: PositionHolding, at_ms: int
) -> tuple[LedgerEntry, ...]:
    more = after.oversold - before.oversold
    if not more:
        return ()
    postings = _pair(LedgerAccount.OWN, LedgerAccount.DESK, position.base_asset, amount=more)
    key = f"over/{_so_far(order)}/{plain(order.fee_in(position.base_asset))}"
    text = _oversold_texts(position, before, after)
    return (
        _entry(
            position,
            order,
            EntryKind.CORRECTION,
            key=key,
            postings=postings,
            at_ms=at_ms,
            text="; ".join(text),
        ),
    )


def _oversold_texts(position: Position, before: PositionHolding, after: PositionHolding) -> tuple[str, ...]:
    more = after.oversold - before.oversold
    asset = position.base_asset
    if more > 0:
        return (f"{plain(more)} {asset} more sold than the desk owned: own coins of the user",)
    return (f"{plain(-more)} {asset} first booked as own coins belong to the desk",) if more else ()


def _fee_texts(order: Order) -> tuple[str, ...]:
    open_fees = (fee for fee in order.fees if fee.unvalued)
    return tuple(
        f"{order.client_order_id}: the value of a fee of {plain(fee.unvalued)} {fee.asset} is unknown"
        for fee in open_fees
    )


def _so_far(order: Order) -> str:
    return f"{plain(order.filled_quantity)}/{plain(order.filled_value)}"


def _pair(
    source: LedgerAccount, target: LedgerAccount, asset: str, *, amount: Decimal
) -> tuple[Posting, ...]:
    """Return the postings of a transfer between accounts."""
    return (Posting(source, asset, -amount), Posting(target, asset, amount)) if amount else ()


def _entry(
    position: Position,
    order: Order,
    kind: EntryKind,
    *,
    key: str,
    postings: tuple[Posting, ...],
    at_ms: int,
    text: str,
    flow: Decimal = ZERO,
) -> LedgerEntry:
    return LedgerEntry(
        id=f"{order.client_order_id}/{key}",
        kind=kind,
        at_ms=at_ms,
        postings=postings,
        client_order_id=order.client_order_id,
        position_id=position.id,
        text=text,
        flow=flow,
    )


def _moved(
    position: Position,
    kind: EntryKind,
    key: str,
    *,
    target: LedgerAccount,
    quantity: Decimal,
    at_ms: int,
    text: str,
) -> LedgerEntry:
    """Return the entry of a transfer from the desk's account."""
    return LedgerEntry(
        id=f"{position.id}/{key}",
        kind=kind,
        at_ms=at_ms,
        postings=_pair(LedgerAccount.DESK, target, position.base_asset, amount=quantity),
        position_id=position.id,
        text=text,
    )
