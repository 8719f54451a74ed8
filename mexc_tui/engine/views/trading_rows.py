"""Rows of trading from the ledger and current prices. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.ledger.equity import PriceMark, market_value, unrealised
from mexc_tui.model.digits import SHOWN
from mexc_tui.model.intent import ZERO, Intent, Order, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import Reconciliation, delisted_text
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.trading_view import OrderRow, PositionRow, ReconciliationRow, RungRow, SnipeRow
from mexc_tui.sniping.ladder import RestingRung, RungPlace, RungPlan, rungs, rungs_done
from mexc_tui.sniping.protection import ProtectionFacts, protection
from mexc_tui.sniping.rounding import Grid

HUNDRED = Decimal(100)
MS = 1_000
NOWHERE = "nowhere"
"""Place of a rung without an order when no engine runs."""
UNKNOWN = "unknown"
"""The same when the running engine does not answer."""
FINE = Decimal("1e-18")
UNKNOWN_GRID = Grid(
    price_tick=FINE,
    quantity_step=FINE,
    min_quantity=ZERO,
    min_value=ZERO,
    max_value=None,
    min_value_market=ZERO,
    max_value_market=None,
    maker_fee=ZERO,
    taker_fee=ZERO,
)
"""For a symbol with unknown filters: no rounding, no minimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BidQuote:
    """Best bid of a symbol, and the age of its last message."""

    bid: Decimal | None = None
    age_ms: int | None = None
    received_ms: int | None = None
    """Exchange time of the last message."""
    last: Decimal | None = None
    """Price of the last trade."""


@dataclass(frozen=True, slots=True)
class SymbolPrecision:
    """Decimals of a symbol's prices and quantities; None: not on the exchange."""

    price: int | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowContext:
    """Context of the rows besides the ledger."""

    quote: Callable[[str], BidQuote]
    grid: Callable[[str], Grid | None]
    stale_ms: int
    """Maximum age of a usable bid."""
    blind: str = ""
    """Why the stops are not monitored, or unknown; empty: they are monitored."""
    is_silent: bool = False
    """An engine holds the profile without answering: it may still monitor the stops."""
    precision: Callable[[str], SymbolPrecision] = lambda _: SymbolPrecision()
    blocked_reason: Callable[[Position], str] = lambda _: ""
    """Why a position cannot be sold at any price; empty: its stop can sell it."""
    delisted: Callable[[str], str] = lambda _: ""
    """Why an asset has no current price, its symbol being unknown to the exchange; empty: it has one."""


def offline_context(text: str, run: Reconciliation | None = None, *, is_silent: bool = False) -> RowContext:
    """Return the context without a responding engine: no prices, no filters; `text` states why.

    `run`: the last reconciliation. `is_silent`: an engine runs without answering.
    """
    gone = partial(delisted_text, run)
    return RowContext(
        quote=lambda _: BidQuote(),
        grid=lambda _: None,
        stale_ms=0,
        blind=text,
        is_silent=is_silent,
        delisted=gone,
    )


def snipe_rows(ledger: LedgerState, context: RowContext) -> list[SnipeRow]:
    """Return the unfinished snipes, soonest opening first."""
    ordered = sorted(ledger.snipes.values(), key=lambda snipe: (snipe.opens_ms, snipe.id))
    return [snipe_row(snipe, context) for snipe in ordered]


def snipe_row(snipe: Snipe, context: RowContext) -> SnipeRow:
    """Return the row of one snipe."""
    precision = context.precision(snipe.symbol)
    return SnipeRow(
        id=snipe.id,
        symbol=snipe.symbol,
        listing_id=snipe.listing_id,
        state=snipe.state,
        reason=snipe.reason,
        by=snipe.by,
        opens_ms=snipe.opens_ms,
        type=snipe.type,
        spend_cap=snipe.spend_cap,
        reference_price=snipe.reference_price,
        price_cap=snipe.price_cap,
        attempts=snipe.attempts,
        filled_quantity=snipe.filled_quantity,
        filled_value=snipe.filled_value,
        armed_ms=snipe.armed_ms,
        ended_ms=snipe.ended_ms,
        price_decimals=precision.price,
        quantity_decimals=precision.quantity,
        priced_ms=_second(context.quote(snipe.symbol).received_ms),
    )


def order_rows(ledger: LedgerState, context: RowContext) -> list[OrderRow]:
    """Return the open orders, including foreign ones, newest first."""
    open_ones = (order for order in ledger.orders.values() if not order.state.is_terminal)
    ordered = sorted((*open_ones, *ledger.foreign.values()), key=lambda order: order.client_order_id)
    return [order_row(order, context) for order in sorted(ordered, key=lambda order: -order.created_ms)]


def order_row(order: Order, context: RowContext) -> OrderRow:
    """Return the row of one order."""
    precision = context.precision(order.symbol)
    return OrderRow(
        client_order_id=order.client_order_id,
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        role=order.role,
        state=order.state,
        price=order.price,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        average_price=order.average_price,
        fees=" + ".join(f"{plain(fee.amount)} {fee.asset}" for fee in order.fees if fee.amount),
        created_ms=order.created_ms,
        updated_ms=order.updated_ms or order.created_ms,
        reason=order.reason,
        snipe_id=order.snipe_id,
        position_id=order.position_id,
        price_decimals=precision.price,
        quantity_decimals=precision.quantity,
    )


def position_rows(ledger: LedgerState, context: RowContext) -> list[PositionRow]:
    """Return the open positions, oldest first."""
    ordered = sorted(ledger.positions.values(), key=lambda position: (position.opened_ms, position.id))
    return [
        position_row(position, ledger.orders_of(position.id), ledger.intents_of(position.id), context=context)
        for position in ordered
    ]


def mark_of(position: Position, context: RowContext) -> PriceMark:
    """Return the current sale price of a position; None without a fresh price."""
    grid, quote = context.grid(position.symbol), context.quote(position.symbol)
    is_recent = quote.age_ms is not None and quote.age_ms <= context.stale_ms
    is_fresh = is_recent and not context.delisted(position.base_asset)
    return PriceMark(position, quote.bid if is_fresh else None, ZERO if grid is None else grid.taker_fee)


@exactly
def position_row(
    position: Position, orders: Sequence[Order], intents: Sequence[Intent], *, context: RowContext
) -> PositionRow:
    """Return the row of one position; `orders` and `intents` are its own."""
    mark, quote = mark_of(position, context), context.quote(position.symbol)
    value, gain = market_value(mark), unrealised(mark)
    gone = context.delisted(position.base_asset) if position.is_open else ""
    blocked_reason = _unmonitored_text(context) if context.blind else context.blocked_reason(position)
    grid = context.grid(position.symbol)
    facts = ProtectionFacts(
        position=position,
        orders=orders,
        intents=intents,
        bid=mark.bid,
        grid=grid,
        last=quote.last,
        blocked_reason=gone or blocked_reason,
    )
    place, text = protection(facts)
    time_stop_s, precision = position.plan.time_stop_s, context.precision(position.symbol)
    return PositionRow(
        id=position.id,
        symbol=position.symbol,
        base_asset=position.base_asset,
        quote_asset=position.quote_asset,
        state=position.state,
        quantity=position.remaining,
        entry_price=_shown(position.entry_price),
        cost=position.remaining_cost,
        bid=mark.bid,
        bid_age_ms=quote.age_ms,
        value=value,
        unrealised=gain,
        unrealised_pct=_pct(gain, position.remaining_cost),
        realised=position.realised,
        fees=position.fees,
        initial_stop=position.initial_stop,
        stop_price=position.stop_price,
        high_price=_highest(position, orders),
        rungs=_rungs(position, orders, context),
        protection=place,
        protection_text=text,
        trapped=position.trapped,
        opened_ms=position.opened_ms,
        time_stop_ms=position.opened_ms + time_stop_s * MS if time_stop_s else None,
        closed_ms=position.closed_ms,
        close_reason=position.close_reason,
        dust=position.dust,
        snipe_id=position.snipe_id,
        signal_id=position.signal_id,
        price_decimals=precision.price,
        quantity_decimals=precision.quantity,
        priced_ms=_second(quote.received_ms),
        realised_pct=_pct(position.realised, position.bought_value),
        exit_price=_shown(position.sold_value / position.sold_quantity) if position.sold_quantity else None,
        delisted=gone,
    )


def _unmonitored_text(context: RowContext) -> str:
    known = "stop monitoring unknown" if context.is_silent else "stop not monitored"
    return f"{context.blind}: {known}"


def reconciliation_row(run: Reconciliation) -> ReconciliationRow:
    """Return the row of one reconciliation."""
    return ReconciliationRow(
        at_ms=run.at_ms,
        trigger=run.trigger.value,
        explained=run.explained,
        unexplained=run.unexplained,
        problem=run.problem,
        excluded=run.excluded,
    )


# ---- the ladder


def _rungs(position: Position, orders: Sequence[Order], context: RowContext) -> tuple[RungRow, ...]:
    """Return the ladder; a rung with a resting order is on the exchange."""
    if not position.is_open or not position.bought_quantity:
        return ()
    grid = context.grid(position.symbol) or UNKNOWN_GRID
    of_rung = _by_rung(rungs(position, grid), orders)
    sold = tuple(
        (number, sum((order.filled_quantity for order in takes), ZERO)) for number, takes in of_rung.items()
    )
    resting = tuple(
        RestingRung(
            rung=number,
            client_order_id=order.client_order_id,
            price=order.price or ZERO,
            open_quantity=order.open_quantity,
        )
        for number, takes in of_rung.items()
        for order in takes
        if order.state.is_on_exchange
    )
    filled = rungs_done(position, sold, grid, resting=resting)
    plans = rungs(msgspec.structs.replace(position, rungs_done=filled), grid, sold, resting=resting)
    watched = RungPlace.ENGINE.value if not context.blind else UNKNOWN if context.is_silent else NOWHERE
    return tuple(_rung(plan, of_rung[plan.number], watched) for plan in plans)


def _by_rung(plans: Sequence[RungPlan], orders: Iterable[Order]) -> dict[int, list[Order]]:
    """Return the take-profits of each rung: at its price, or above it and below the next.

    Prices are rounded up to the tick size, which is unknown without an engine.

    """
    found: dict[int, list[Order]] = {plan.number: [] for plan in plans}
    for order in orders:
        if order.role is not OrderRole.TAKE_PROFIT or order.price is None:
            continue
        below = [plan.number for plan in plans if plan.price <= order.price]
        if below:
            found[max(below)].append(order)
    return found


def _rung(plan: RungPlan, takes: Sequence[Order], watched: str) -> RungRow:
    """Return a rung; `watched`: its place without a resting order."""
    resting = next((order for order in takes if order.state.is_on_exchange), None)
    where, price = plan.place.value, plan.price
    if resting is not None and resting.price is not None:
        price = resting.price
    elif plan.place is RungPlace.EXCHANGE:
        where = watched
    return RungRow(number=plan.number, price=_shown(price), quantity=_shown(plan.quantity), where=where)


def _highest(position: Position, orders: Sequence[Order]) -> Decimal:
    """Return the high since entry: as monitored, or as sold. 0: unknown."""
    sales = [order.average_price for order in orders if order.side is Side.SELL]
    if position.sold_quantity:
        sales.append(position.sold_value / position.sold_quantity)
    return _shown(max([position.high_price, *(price for price in sales if price is not None)]))


def _pct(part: Decimal | None, whole: Decimal) -> Decimal | None:
    return None if part is None or not whole else _shown(part * HUNDRED / whole)


def _shown(value: Decimal) -> Decimal:
    """Return a quotient rounded for display."""
    return SHOWN.plus(value)


def _second(at_ms: int | None) -> int | None:
    """Return the time of a price message to the second, so that otherwise equal rows are not sent again."""
    return None if at_ms is None else at_ms - at_ms % MS
