"""Edit the exits of an open position: first the monitor, then the ledger, then the ladder."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_execution import ExitExecution
from mexc_tui.engine.exits.exit_monitor import ExitMonitor
from mexc_tui.engine.exits.take_profits import TakeProfits
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.ledger.arithmetic import exactly, plain, short
from mexc_tui.model.digits import SHOWN
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import ZERO, OrderRole
from mexc_tui.model.plan_view import ExitsRow
from mexc_tui.model.position import Position, PositionState
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.model.verdict import refusal_text, refusals
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.exit_decision import exit_fee, higher_stops
from mexc_tui.sniping.exit_edit import Edited, EditedPosition, ExitBounds, ExitUpdate, edit
from mexc_tui.sniping.ladder import RungPlace, rungs
from mexc_tui.sniping.rounding import Grid

log = logging.getLogger(__name__)

LADDER_S = 10.0
"""Seconds after which the command reports the state of the ladder; the ladder continues."""
CHECK_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitsChange:
    """Result of a change of exits."""

    position: Position
    stop_before: Decimal
    stop_next: Decimal
    """Stop after an immediate move by trailing stop or break-even; else the new stop."""
    plan_before: ExitPlan
    cancelled: int
    placed: int
    waiting: int
    """Orders still to cancel and rungs still to place."""


class ExitsEditor:
    """Applies manual changes of exits."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        prices: PriceCache,
        symbol_filters: SymbolFilters,
        exit_execution: ExitExecution,
        take_profits: TakeProfits,
        monitor: ExitMonitor,
        stale_ms: Callable[[], int],
        bounds: ExitBounds,
    ) -> None:
        """`stale_ms`: maximum age of a price."""
        self._trading = trading
        self._ledger = ledger
        self._prices = prices
        self._symbol_filters = symbol_filters
        self._exit_execution = exit_execution
        self._take_profits = take_profits
        self._monitor = monitor
        self._stale_ms = stale_ms
        self._bounds = bounds

    async def change(self, symbol: str, update: ExitUpdate, by: str) -> ExitsChange:
        """Change the exits of a position; return once its ladder is aligned.

        Raises CommandRefused, StorageError.
        """
        held, edited = self._edited(symbol, update)
        before = held.position
        resting = self._resting(before)
        await self._apply(before, held.memory.stop_price, edited, text=f"exits edited by {by}")
        self._take_profits.begin(before.id, anew=True)
        await self._until_aligned(before.id)
        after = self._ledger.state.positions.get(before.id, before)
        wanted = self._resting(after)
        waiting = self._count_misplaced(after)
        cancelled, placed = len(resting - wanted), len(wanted - resting)
        stop, moved = held.memory.stop_price, _moved_stop(held, edited)
        return ExitsChange(
            position=after,
            stop_before=stop,
            stop_next=moved,
            plan_before=before.plan,
            cancelled=cancelled,
            placed=placed,
            waiting=waiting,
        )

    def check(self, symbol: str, update: ExitUpdate) -> str:
        """Return the P&L of a position at its new stop, as text.

        Raises CommandRefused if it cannot have these exits.
        """
        held, edited = self._edited(symbol, update)
        stop = _moved_stop(held, edited)
        worst = worst_pnl(held.position, stop, exit_fee(held.position, held.grid))
        moved = ", moved to" if stop > edited.stop_price else ""
        return f"P&L at the stop{moved} {short(stop)}: {worst:+.2f} {QUOTE}."

    def _edited(self, symbol: str, update: ExitUpdate) -> tuple[EditedPosition, Edited]:
        held = self._editable_position(symbol)
        edited = edit(held, update, self._bounds, now_ms=self._trading.now_ms())
        refused = refusals(edited.verdicts)
        if refused:
            raise CommandRefused(f"Exits of {symbol} unchanged: {'; '.join(map(refusal_text, refused))}.")
        return held, edited

    def _editable_position(self, symbol: str) -> EditedPosition:
        """Return the current position. Raises CommandRefused if its exits cannot be changed now."""
        position = self._ledger.state.position_of(symbol)
        if position is None:
            raise CommandRefused(f"No open position in {symbol}.")
        memory, grid = self._monitor.memory_of(position), self._symbol_filters.of(symbol)
        if memory is None or grid is None:
            raise CommandRefused(
                f"{symbol} is not monitored yet, or its symbol filters are unknown: try again in a moment."
            )
        if position.state is PositionState.OPENING or not position.remaining:
            raise CommandRefused(f"{symbol} is still being bought: try again in a second.")
        if memory.fired or self._exit_execution.is_selling(position.id):
            raise CommandRefused(f"{symbol} is being sold: exits cannot be changed.")
        age_ms, bid = self._prices.age_ms(symbol), self._prices.of(symbol).bid
        if age_ms is None or age_ms > self._stale_ms() or bid is None:
            raise CommandRefused(
                f"No current price of {symbol}: cannot check whether the stop would sell immediately."
            )
        return EditedPosition(
            position=position, memory=memory, grid=grid, sold=self._take_profits.sold(position), bid=bid
        )

    async def _apply(self, before: Position, stop_before: Decimal, edited: Edited, *, text: str) -> None:
        """Monitor with the new exits immediately and store them; on failure restore the old ones."""

        def work(desk: LedgerTransaction) -> None:
            stored = desk.tables.positions.get(before.id)
            if stored is None or not stored.is_open:
                raise CommandRefused(f"{before.symbol} was closed in the meantime.")
            after = msgspec.structs.replace(stored, plan=edited.plan, stop_price=edited.stop_price)
            desk.save_position(after, text)
            for intent in desk.tables.intents.of_position(before.id):
                if intent.role is OrderRole.STOP and intent.is_open:
                    quantity = max(intent.quantity, stored.remaining)
                    reason = f"a stop at {short(edited.stop_price)}: {text}"
                    desk.save_intent(msgspec.structs.replace(intent, quantity=quantity, reason=reason))

        self._monitor.apply_exits(before.id, edited.plan, edited.stop_price)
        try:
            await self._ledger.write("exits edited", work)
        except (StorageError, CommandRefused):
            self._monitor.apply_exits(before.id, before.plan, stop_before)
            raise

    async def _until_aligned(self, position_id: str) -> None:
        """Wait until the ladder rests as planned, or a deadline passes."""
        try:
            async with asyncio.timeout(LADDER_S):
                while True:
                    position = self._ledger.state.positions.get(position_id)
                    is_aligned = not self._take_profits.is_aligning(position_id)
                    if position is None or (is_aligned and not self._count_misplaced(position)):
                        return
                    await asyncio.sleep(CHECK_INTERVAL_S)
        except TimeoutError:
            log.warning("the ladder of a position is not aligned with its new exits yet")

    def _count_misplaced(self, position: Position) -> int:
        """Return how many orders and rungs differ from the planned ladder: excess, or not resting yet."""
        grid = self._symbol_filters.of(position.symbol)
        if grid is None or not position.is_open:
            return 0
        resting = self._take_profits.resting(position)
        planned = {
            rung.number: rung.price
            for rung in rungs(position, grid, self._take_profits.sold(position))
            if rung.place is RungPlace.EXCHANGE
        }
        right = {order.rung for order in resting if planned.get(order.rung) == order.price}
        return sum(order.rung not in right for order in resting) + len(planned.keys() - right)

    def _resting(self, position: Position) -> set[str]:
        return {order.client_order_id for order in self._take_profits.resting(position)}


def _moved_stop(held: EditedPosition, edited: Edited) -> Decimal:
    """Return the stop after a trailing stop or break-even that applies immediately."""
    after = msgspec.structs.replace(held.position, plan=edited.plan)
    moves = [stop.price for stop in higher_stops(after, held.memory.high_price, held.grid)]
    return max([edited.stop_price, *moves])


@exactly
def exits_row(changed: ExitsChange, row: PositionRow, grid: Grid | None) -> ExitsRow:
    """Return the result of a change for front ends."""
    position = changed.position
    fee = ZERO if grid is None else exit_fee(position, grid)
    return ExitsRow(
        position=row,
        stop_before=changed.stop_before,
        stop_after=position.stop_price,
        time_stop_ms=row.time_stop_ms,
        orders_cancelled=changed.cancelled,
        orders_placed=changed.placed,
        rungs_waiting=changed.waiting,
        worst_pnl=worst_pnl(position, position.stop_price, fee),
    )


@exactly
def worst_pnl(position: Position, stop_price: Decimal, fee: Decimal) -> Decimal:
    """Return the P&L of a position sold at its stop, after the fee."""
    return SHOWN.plus(position.remaining * stop_price * (1 - fee) - position.remaining_cost)


def exits_text(changed: ExitsChange) -> str:
    """Return the result of a change as text."""
    position, stop = changed.position, f"{short(changed.position.stop_price)}"
    moved = changed.stop_before != position.stop_price
    parts = [f"stop {short(changed.stop_before)} -> {stop}" if moved else f"stop stays at {stop}"]
    if changed.stop_next > position.stop_price:
        parts.append(f"trailing stop now {short(changed.stop_next)}")
    parts += _changed_settings(changed.plan_before, position.plan)
    parts.append(f"{changed.cancelled} take-profits cancelled, {changed.placed} placed")
    if changed.waiting:
        parts.append(f"{changed.waiting} orders still being adjusted")
    return f"{position.symbol}: {'; '.join(parts)}."


def _changed_settings(before: ExitPlan, after: ExitPlan) -> list[str]:
    """Return the changed settings of trailing stop, break-even and time stop as text."""
    parts = list[str]()
    if _trailing_text(before) != _trailing_text(after):
        parts.append(_trailing_text(after))
    if before.break_even_rung != after.break_even_rung:
        rung = after.break_even_rung
        parts.append(f"break-even after take-profit {rung}" if rung else "no break-even")
    if before.time_stop_s != after.time_stop_s:
        parts.append(f"time stop after {after.time_stop_s} s" if after.time_stop_s else "no time stop")
    return parts


def _trailing_text(plan: ExitPlan) -> str:
    if not plan.trailing:
        return "no trailing stop"
    distance, gain = plain(plan.trailing_distance_pct), plain(plan.trailing_after_pct)
    return f"trailing stop {distance} % below the high, from a gain of {gain} %"
