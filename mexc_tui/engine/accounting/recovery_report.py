"""Recovery report: orders, snipes and positions left open by the previous engine, and their result."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.model.event import RecoveryReported
from mexc_tui.model.intent import Order
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.snipe import Snipe, SnipeState
from mexc_tui.model.text import many
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading_store import TradingTables

IN_DOUBT = (SnipeState.FIRING, SnipeState.UNKNOWN)
LOOKS, LOOK_S = 20, 0.25
MOST_DIFFERENCES = 20
"""Number of differences listed; all are stored with the comparison."""


@dataclass(frozen=True, slots=True)
class OpenAtStart:
    """Rows that were open when the engine started."""

    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    snipes: tuple[Snipe, ...] = ()


def open_at_start(state: LedgerState) -> OpenAtStart:
    """Return the rows that the previous engine left open, as stored."""
    return OpenAtStart(
        tuple(state.positions.values()), tuple(state.live_orders()), tuple(state.snipes.values())
    )


async def publish_recovery(
    left: OpenAtStart, runs: Iterable[Reconciliation], ledger: LedgerWriter, *, store: Store
) -> tuple[str, ...]:
    """Build the recovery report, record it in the journal and return its lines."""
    await _until_ended(left, ledger)
    scope = ledger.scope
    lines = await store.read("recovery", lambda stored: recovery_lines(left, stored.trading(scope), runs))

    def work(desk: LedgerTransaction) -> None:
        desk.unit.record(RecoveryReported(at_ms=desk.now_ms, about="books", lines=lines))

    await ledger.write("recovery", work)
    return lines


async def _until_ended(left: OpenAtStart, ledger: LedgerWriter) -> None:
    """Wait briefly for snipes that were firing to close: their attempts are settled by now."""
    firing = {snipe.id for snipe in left.snipes if snipe.state in IN_DOUBT}
    for _ in range(LOOKS):
        if all(snipe.state not in IN_DOUBT for snipe in ledger.state.snipes.values() if snipe.id in firing):
            return
        await asyncio.sleep(LOOK_S)


def recovery_lines(
    left: OpenAtStart, tables: TradingTables, runs: Iterable[Reconciliation]
) -> tuple[str, ...]:
    """Return the lines of the recovery report; `runs` are the comparisons of the start."""
    return (
        f"{many(len(left.positions), 'position')}, {many(len(left.orders), 'order')} and "
        f"{many(len(left.snipes), 'snipe')} were open",
        *(_position(position, tables.positions.get(position.id)) for position in left.positions),
        *(_order(order, tables.orders.get(order.client_order_id)) for order in left.orders),
        *(_snipe(snipe, tables.snipes.get(snipe.id)) for snipe in left.snipes),
        *_differences(tuple(runs)),
    )


def _position(then: Position, now: Position | None) -> str:
    found = f"position {then.symbol}: {plain(then.remaining)} open"
    if now is None or now.is_open:
        now = now or then
        held = "" if now.remaining == then.remaining else f", {plain(now.remaining)} now"
        return f"{found}{held}; monitoring its stop at {plain(now.stop_price)} again"
    why = now.close_reason.value or "the previous engine"
    return f"{found}; closed meanwhile by {why}, realised {plain(now.realised)}"


def _order(then: Order, now: Order | None) -> str:
    now = now or then
    at = "market" if then.price is None else plain(then.price)
    size = "" if then.quantity is None else f" {plain(then.quantity)}"
    found = f"order {then.symbol} {then.side.value.lower()}{size} at {at}: was {then.state.value}"
    filled = f", {plain(now.filled_quantity)} filled" if now.filled_quantity else ""
    return f"{found}, is {now.state.value}{filled}"


def _snipe(then: Snipe, now: Snipe | None) -> str:
    now = now or then
    bought = f", bought {plain(now.filled_quantity)}" if now.filled_quantity else ""
    is_same = "still is" if now.state is then.state else f"is {now.state.value}: {now.reason}"
    return f"snipe {then.symbol}: was {then.state.value}, {is_same}{bought}"


def _differences(runs: tuple[Reconciliation, ...]) -> Iterator[str]:
    found = [difference for run in runs for difference in (*run.unexplained, *run.explained)]
    explained = sum(difference.explained for difference in found)
    yield (
        f"reconciliations: {len(runs)}, explained differences: {explained}, "
        f"unexplained: {len(found) - explained}"
    )
    for difference in found[:MOST_DIFFERENCES]:
        about = "" if difference.text.startswith(difference.about) else f"{difference.about}: "
        yield f"{'explained' if difference.explained else 'UNEXPLAINED'}: {about}{difference.text}"
    if len(found) > MOST_DIFFERENCES:
        yield f"and {len(found) - MOST_DIFFERENCES} more: see mexc-tui journal --kind reconciled"
