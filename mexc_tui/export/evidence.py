"""Collects what is stored about one snipe: its orders, fills, prices, events and decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.export.fills import fill_rows
from mexc_tui.model.intent import Intent, Order
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.pair_names import typed_name
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.view import FactRow
from mexc_tui.ports.store import Stored
from mexc_tui.ports.trading_store import TradingTables

BEFORE_MS, AFTER_MS = 3_600_000, 600_000
"""Events around a snipe: from an hour before it was armed to ten minutes after its end."""
PAGE = 1_000
MOST_EVENTS = 50_000
MOST_POINTS = 10_000
GENERAL_KINDS = frozenset(
    {
        *("engine_started", "engine_stopped", "setting_changed", "worker_failed", "worker_recovered"),
        *("alert", "trading_changed", "guard_acted", "live_lock_changed", "reconciled", "taken_up"),
        *("command_begun", "command_done"),
    }
)
"""Kinds of events that concern every snipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything stored about one snipe."""

    snipe: Snipe
    from_ms: int
    to_ms: int
    names: frozenset[str]
    """Pair, ids and client order ids: what log lines about it contain."""
    files: dict[str, object]
    """Content by name of the file, encodable as JSON."""


class PricePoint(msgspec.Struct, frozen=True):
    """Stored bid of the pair."""

    at_ms: int
    bid: str


def collect(stored: Stored, name: str, now_ms: int, *, detection: DetectionSettings) -> Evidence | None:
    """Return the evidence of a snipe, named by its id or its pair (the newest one); None: not found."""
    tables = stored.trading(stored.newest_scope())
    snipe = _snipe(tables, name)
    if snipe is None:
        return None
    intents = tables.intents.of_snipe(snipe.id)
    position = tables.positions.of_snipe(snipe.id)
    if position is not None:
        known = {intent.id for intent in intents}
        intents += [one for one in tables.intents.of_position(position.id) if one.id not in known]
    orders = [order for intent in intents for order in tables.orders.of_intent(intent.id)]
    attempts = tables.attempts.of_snipe(snipe.id)
    entries = [] if position is None else tables.entries.of_position(position.id)
    from_ms, to_ms = _window(snipe, position, orders, now_ms=now_ms)
    listing = stored_queries.why(stored, snipe.symbol, now_ms, settings=detection)
    return Evidence(
        snipe=snipe,
        from_ms=from_ms,
        to_ms=to_ms,
        names=_names(snipe, position, intents),
        files={
            "snipe.json": snipe,
            "attempts.json": attempts,
            "intents.json": intents,
            "orders.json": orders,
            "position.json": position,
            "entries.json": entries,
            "fills.json": _fills(entries, position, orders),
            "prices.json": _prices(stored, tables, snipe, attempts=attempts, window=(from_ms, to_ms)),
            "listing.json": listing,
            "events.json": _events(stored, snipe.symbol, from_ms, to_ms=to_ms),
        },
    )


def _snipe(tables: TradingTables, name: str) -> Snipe | None:
    found = tables.snipes.get(name)
    if found is not None:
        return found
    return next(iter(tables.snipes.of_symbol(typed_name(name), 1)), None)


def _window(
    snipe: Snipe, position: Position | None, orders: Sequence[Order], *, now_ms: int
) -> tuple[int, int]:
    """Return the period that concerns a snipe, from its arming to the end of its position."""
    is_open = not snipe.state.is_over or (position is not None and position.is_open)
    closed_ms = None if position is None else position.closed_ms
    ends = [snipe.ended_ms, closed_ms, *(order.updated_ms for order in orders), snipe.opens_ms]
    end_ms = now_ms if is_open else max(end for end in ends if end is not None)
    return snipe.armed_ms - BEFORE_MS, end_ms + AFTER_MS


def _names(snipe: Snipe, position: Position | None, intents: Iterable[Intent]) -> frozenset[str]:
    client_ids = (client_id for intent in intents for client_id in intent.client_ids)
    of_position = () if position is None else (position.id,)
    return frozenset((snipe.symbol, snipe.id, snipe.listing_id, *of_position, *client_ids))


def _fills(entries: Sequence[LedgerEntry], position: Position | None, orders: Sequence[Order]) -> object:
    order_ids = {order.client_order_id: order.order_id for order in orders}
    return fill_rows(entries, lambda _: position, lambda client_id: order_ids.get(client_id, ""))


class _Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a snipe that are stored."""

    outcome: ListingOutcome | None
    attempts: list[Attempt]
    """Each with the best ask when it was sent."""
    bids: list[PricePoint]


def _prices(
    stored: Stored, tables: TradingTables, snipe: Snipe, *, attempts: list[Attempt], window: tuple[int, int]
) -> _Prices:
    points = tables.equity.between(*window, MOST_POINTS)
    return _Prices(
        outcome=stored.outcomes.newest(snipe.listing_id),
        attempts=attempts,
        bids=[
            PricePoint(point.at_ms, f"{price.bid:f}")
            for point in points
            for price in point.prices
            if price.symbol == snipe.symbol
        ],
    )


def _events(stored: Stored, symbol: str, from_ms: int, *, to_ms: int) -> list[FactRow]:
    """Return the events about the pair and those that concern every snipe, oldest first."""
    found, before = list[FactRow](), 2**62
    while len(found) < MOST_EVENTS and (
        page := stored_queries.journal(stored, before, PAGE, about="", kind="", since_ms=from_ms)
    ):
        found += [
            fact
            for fact in page
            if fact.at_ms <= to_ms and (fact.about == symbol or fact.kind in GENERAL_KINDS)
        ]
        before = page[-1].sequence
    return found[::-1]
