"""Reads the ledger's side of a reconciliation, and the changes in it during the exchange queries."""

from collections.abc import Iterable
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.ledger.accounts import START_ENTRY, unreversed_drifts
from mexc_tui.ledger.comparison import ExchangeSnapshot, LedgerSnapshot, UnconfirmedDifference
from mexc_tui.ledger.confirmation import REVERSED_WITHIN_MS
from mexc_tui.model.intent import Order
from mexc_tui.model.position import Position
from mexc_tui.ports.trading_store import TradingTables

LATELY_MS = 900_000
"""Orders closed within this time are still compared."""
RECENT_ORDERS = 200
MOVED_ENTRIES = 200
"""Limit of new entries during a reconciliation; beyond it no asset is compared."""
RECENT_ENTRIES = 2_000
"""Number of newest entries searched for a drift to reverse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonBaseline:
    """State before the ledger was read."""

    exchange: ExchangeSnapshot
    newest_entry: int
    """Number of the newest entry before the first query."""
    agreed_ms: int
    """Time of the last agreement; 0: none since this engine started."""
    unconfirmed: tuple[UnconfirmedDifference, ...]
    orders: tuple[Order, ...]
    """Orders in memory: those in flight or suspected have no row yet."""
    unbooked: frozenset[str]
    """Client order ids with evidence that is not stored yet."""


def baseline_of(
    memory: LedgerState,
    theirs: ExchangeSnapshot,
    *,
    newest_entry: int,
    agreed_ms: int,
    unconfirmed: tuple[UnconfirmedDifference, ...],
) -> ComparisonBaseline:
    """Capture the state in memory now; the store is read in another thread."""
    orders, unbooked = tuple(memory.orders.values()), frozenset(memory.unbooked)
    return ComparisonBaseline(
        exchange=theirs,
        newest_entry=newest_entry,
        agreed_ms=agreed_ms,
        unconfirmed=unconfirmed,
        orders=orders,
        unbooked=unbooked,
    )


def newest_entry_number(tables: TradingTables) -> int:
    """Return the number of the newest entry: later entries have higher numbers."""
    return next((number for number, _ in tables.entries.page(limit=1)), 0)


def read_ledger(tables: TradingTables, known: ComparisonBaseline) -> LedgerSnapshot:
    """Read the ledger snapshot in one transaction."""
    theirs = known.exchange
    since_ms = theirs.at_ms - LATELY_MS
    orders = dict[str, Order]()
    for order in (
        *tables.orders.page(limit=RECENT_ORDERS),
        *tables.orders.open(),
        *tables.orders.foreign(),
    ):
        if order.updated_ms >= since_ms or not order.state.is_terminal:
            orders[order.client_order_id] = order
    positions = tables.positions.open()
    for position in positions:
        orders |= {order.client_order_id: order for order in tables.orders.of_position(position.id)}
    for order in known.orders:
        orders.setdefault(order.client_order_id, order)
    intents = {intent.id: intent for intent in tables.intents.open()}
    for report in theirs.orders:
        name = report.client_order_id or ""
        intent = tables.intents.by_client_id(name) if name else None
        if intent is not None:
            intents[intent.id] = intent
            row = tables.orders.get(name)
            if row is not None:
                orders[name] = row
    agreed = tables.reconciliations.latest() or tables.entries.get(START_ENTRY)
    recent = tables.entries.page(limit=RECENT_ENTRIES) if known.unconfirmed else []
    return LedgerSnapshot(
        orders=tuple(orders.values()),
        intents=tuple(intents.values()),
        positions=tuple(positions),
        balances={(balance.account, balance.asset): balance.amount for balance in tables.entries.balances()},
        agreed_ms=known.agreed_ms or (0 if agreed is None else agreed.at_ms),
        changed_assets=_moved(tables, known),
        unconfirmed=known.unconfirmed,
        drifts=unreversed_drifts(entry for _, entry in recent),
        written_off=tuple(_written_off(tables, theirs.at_ms)) if known.unconfirmed else (),
    )


def _moved(tables: TradingTables, known: ComparisonBaseline) -> frozenset[str]:
    """Return assets booked since the first query, and assets of unbooked evidence."""
    newer = [
        entry for number, entry in tables.entries.page(limit=MOVED_ENTRIES) if number > known.newest_entry
    ]
    assets = {posting.asset for entry in newer for posting in entry.postings}
    if len(newer) == MOVED_ENTRIES:
        assets |= {balance.asset for balance in tables.entries.balances()}
    unbooked = {order.intent_id for order in known.orders if order.client_order_id in known.unbooked}
    for intent in filter(None, map(tables.intents.get, unbooked)):
        assets |= {intent.base_asset, intent.quote_asset}
    return frozenset(assets)


def _written_off(tables: TradingTables, at_ms: int) -> Iterable[Position]:
    """Yield positions with recently written-off coins."""
    since_ms = at_ms - REVERSED_WITHIN_MS
    for position in (*tables.positions.open(), *tables.positions.closed(since_ms)):
        entries = tables.entries.of_position(position.id) if position.gone else ()
        if any(entry.at_ms >= since_ms and "/gone/" in entry.id for entry in entries):
            yield position
