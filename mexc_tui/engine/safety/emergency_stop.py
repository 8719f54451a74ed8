"""Halt, reduce-only, flatten, emergency stop and resume; each returns its result in numbers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_result import CloseResult
from mexc_tui.engine.orders.cancel_sweep import CancelResult, CancelSweep, Wanted
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.safety.trading_state import WRITE_S, TradingStateOwner
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import CloseReason, Order, OrderRole, OrderState
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.model.text import many
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import Achieved
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)
T = TypeVar("T")

SELL_S = 20.0
RETRY_S = 0.5
POLL_S = 0.05
NOT_DURABLE = "NOT STORED: check manually before a restart"


class Closer(Protocol):
    """Sells positions of the desk. A repeated call sells the remainder; no coin is ever sold twice."""

    async def close(
        self,
        position: Position,
        share_pct: Decimal | None,
        role: OrderRole,
        *,
        reason: CloseReason,
        text: str,
    ) -> CloseResult:
        """Sell `share_pct` of a position now (None: all) with a slippage cap; return the observed result."""
        ...


class EmergencyStop:
    """Commands that stop and resume trading. A running action completes even if its caller is cancelled."""

    def __init__(
        self,
        trading: TradingPort,
        *,
        ledger: LedgerWriter,
        execution: Execution,
        resolution: OrderResolution,
        trading_state: TradingStateOwner,
        disarm_all: Callable[[str], Awaitable[int]],
        on_loss_resumed: Callable[[], Awaitable[None]],
        on_stop: Callable[[str], Coroutine[Any, Any, None]],
        closer: Closer | None,
    ) -> None:
        """`on_loss_resumed`: resets the loss counters, called when the user resumes after a loss.

        `on_stop`: called with the user at once on an emergency stop or flatten; it raises nothing.
        """
        self._trading = trading
        self._ledger = ledger
        self._sweep = CancelSweep(trading=trading, ledger=ledger, execution=execution, resolution=resolution)
        self._trading_state = trading_state
        self._disarm_all = disarm_all
        self._on_loss_resumed = on_loss_resumed
        self._on_stop = on_stop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stop: asyncio.Task[CommandResult[Achieved]] | None = None
        self._dust: list[str] = []
        """Quantities written off as dust since the last flatten began."""
        ledger.on_change(self._record_dust)
        self.closer = closer
        """Sells positions; None: the exit monitor is not running, which results report."""

    async def halt(self, by: str, text: str, cause: Cause = Cause.MANUAL) -> CommandResult[Achieved]:
        """Stop entries until the user resumes: cancel entry orders, disarm snipes. Exits continue."""
        self._trading_state.restrict(TradingState.HALTED, cause, text, by=by)
        return await self._complete(self._halt(text, _is_entry))

    async def reduce_only(self, by: str, text: str) -> CommandResult[Achieved]:
        """Allow no entries until the user resumes. Raises CommandRefused if a stricter state applies."""
        change = self._trading_state.restrict(TradingState.REDUCE_ONLY, Cause.MANUAL, text, by=by)
        if not change.changed:
            raise CommandRefused(f"Not changed: {change.refused}.")
        durable = await self._trading_state.persist()
        return self._acted("no entries until you resume; snipes stay armed", is_durable=durable)

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Allow entries again. Raises CommandRefused with the blockers."""
        before, memory = self._trading_state.kept, self._ledger.state
        if before.state is TradingState.ACTIVE and not memory.trading.state.allows_entries:
            text = memory.trading.text
            raise CommandRefused(f"Trading was not stopped: entries are paused until this clears: {text}.")
        change = await self._trading_state.resume(by, typed, self.blockers())
        if not change.changed:
            raise CommandRefused(f"Trading stays {memory.trading.state}: {change.refused}.")
        is_active = memory.trading.state.allows_entries
        text = "trading is active"
        if not is_active:
            text = f"resumed; entries are paused until this clears: {memory.trading.text}"
        if before.cause.is_loss:
            text += "; loss counters reset"
            await self._on_loss_resumed()
        if self._trading_state.problem:
            text += f"; {self._trading_state.problem}"
        return self._acted(text)

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        """Halt, cancel all orders of the desk, and sell every position."""
        return await self.stop_all(by, "manual flatten", Cause.MANUAL)

    async def emergency_stop(
        self, by: str, text: str = "emergency stop", *, sells: bool = True
    ) -> CommandResult[Achieved]:
        """Halt durably, cancel until no order of the desk remains open, then flatten if it `sells`."""
        if sells:
            return await self.stop_all(by, text, Cause.EMERGENCY)
        self._trading_state.restrict(TradingState.HALTED, Cause.EMERGENCY, text, by=by)
        self._begin(self._on_stop(by))
        return await self._complete(self._halt(text, _is_any))

    async def stop_all(self, by: str, text: str, cause: Cause) -> CommandResult[Achieved]:
        """Halt, cancel all orders and sell all positions; a call during a running stop joins it."""
        self._trading_state.restrict(TradingState.FLATTENING, cause, text, by=by)
        if self._stop is None or self._stop.done():
            self._dust.clear()
            self._stop = asyncio.ensure_future(self._stop_all(text, by))
        return await asyncio.shield(self._stop)

    async def cancel_entries(self) -> CancelResult:
        """Cancel every entry order until none remains open."""
        return await self._complete(self._sweep.cancel(_is_entry, 1))

    async def sell_all(
        self, role: OrderRole, reason: CloseReason, text: str, *, share_pct: Decimal | None = None
    ) -> tuple[int, int, str]:
        """Sell all positions, or a share of each, once.

        Return how many closed, how many are left, and why.
        """
        return await self._complete(self._sell_once(role, reason, text, share_pct=share_pct))

    async def sell_out(
        self, role: OrderRole, reason: CloseReason, text: str, *, deadline_s: float
    ) -> tuple[int, int, str]:
        """Sell until no position is left or the deadline passes; return as `sell_all`."""
        return await self._complete(self._sell_out(role, reason, text, deadline_s=deadline_s))

    async def settle(self, deadline_s: float) -> None:
        """Wait up to `deadline_s` for running actions, then cancel them: the next start continues them."""
        tasks: set[asyncio.Task[Any]] = set(self._tasks)
        if self._stop is not None:
            tasks.add(self._stop)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline_s)
            for task in late:
                task.cancel()

    # ---- internals

    async def _halt(self, text: str, wanted: Wanted) -> CommandResult[Achieved]:
        """Cancel at once, without waiting for the halt file or the store."""
        durable, (disarmed, trouble), cancelled = await asyncio.gather(
            self._trading_state.persist(), self._disarm(text), self._sweep.cancel(wanted)
        )
        said = f"halted: {text}{trouble}"
        noun = "entry order" if wanted is _is_entry else "order"
        return self._acted(said, cancelled, disarmed=disarmed, is_durable=durable, noun=noun)

    async def _stop_all(self, text: str, by: str) -> CommandResult[Achieved]:
        self._begin(self._on_stop(by))
        cancelling = self._begin(self._sweep.cancel(_is_no_sale, 1))
        sale = (OrderRole.FLATTEN, CloseReason.FLATTEN, text)
        selling = self._begin(self._sell_out(*sale, deadline_s=SELL_S, cancelling=cancelling))
        await self._trading_state.persist()
        disarmed, trouble = await self._disarm(text)
        cancelled = await cancelling
        closed, left, why = await selling
        late = await self._sweep.cancel(_is_any)
        cancelled = CancelResult(cancelled.cancelled + late.cancelled, late.remaining, late.text)
        self._trading_state.complete_flattening()
        durable = await self._trading_state.persist()
        said = f"{text}{trouble}" + (f"; {why}" if why else "")
        return self._acted(said, cancelled, (closed, left), disarmed=disarmed, is_durable=durable)

    async def _disarm(self, text: str) -> tuple[int, str]:
        """Disarm waiting snipes; if that cannot be stored, the check before each send still blocks them."""
        try:
            async with asyncio.timeout(WRITE_S):
                return await self._disarm_all(text), ""
        except (StorageError, TimeoutError) as error:
            log.error("snipes cannot be disarmed in the store: %s", error)
            return 0, "; snipes could not be disarmed in the database, and cannot fire meanwhile"

    async def _sell_out(
        self,
        role: OrderRole,
        reason: CloseReason,
        text: str,
        *,
        deadline_s: float,
        cancelling: "asyncio.Future[CancelResult] | None" = None,
    ) -> tuple[int, int, str]:
        """Sell each position in its own task until none is left or the deadline passes.

        `cancelling`: cancels that run concurrently; until they finish an order may still fill.
        """
        clock, said = asyncio.get_running_loop(), dict[str, str]()
        until_s = clock.time() + deadline_s
        seen = set[str]()
        while True:
            held, is_buying = self._held(), cancelling is not None and not cancelling.done()
            for position in held:
                if position.id not in seen:
                    seen.add(position.id)
                    self._begin(self._sell_one(position, (role, reason, text), until_s, said=said))
            if not is_buying and (not held or self.closer is None or clock.time() >= until_s):
                break
            await asyncio.sleep(POLL_S)
        left = self._held()
        why = (f"{position.symbol}: {said[position.id]}" for position in left if said.get(position.id))
        return len(seen) - len(left), len(left), "; ".join(why)

    async def _sell_one(
        self,
        position: Position,
        sale: tuple[OrderRole, CloseReason, str],
        until_s: float,
        *,
        said: dict[str, str],
    ) -> None:
        """Sell a position until it is closed or time is up; record the latest problem in `said`."""
        clock, now = asyncio.get_running_loop(), self._ledger.state.positions.get(position.id)
        role, reason, text = sale
        while now is not None and now.remaining and clock.time() < until_s:
            closer = self.closer
            if closer is None:
                said[position.id] = "the exit monitor is not running"
                return
            try:
                done = await closer.close(now, None, role, reason=reason, text=text)
                said[position.id] = done.text if done.left else ""
            except Exception as error:
                log.exception("%s could not be sold", position.symbol)
                said[position.id] = str(error)
            await asyncio.sleep(RETRY_S)
            now = self._ledger.state.positions.get(position.id)

    async def _sell_once(
        self, role: OrderRole, reason: CloseReason, text: str, *, share_pct: Decimal | None
    ) -> tuple[int, int, str]:
        held, closer = self._held(), self.closer
        if closer is None:
            return 0, len(held), "the exit monitor is not running" if held else ""
        done = await asyncio.gather(
            *(closer.close(position, share_pct, role, reason=reason, text=text) for position in held),
            return_exceptions=True,
        )
        why: list[str] = []
        for position, result in zip(held, done, strict=True):
            if isinstance(result, BaseException):
                log.error("%s could not be sold", position.symbol, exc_info=result)
                why.append(f"{position.symbol}: {result}")
            elif result.left and result.text:
                why.append(f"{position.symbol}: {result.text}")
        left = len(self._held())
        return len(held) - left, left, "; ".join(why)

    def _held(self) -> list[Position]:
        return [position for position in self._ledger.state.positions.values() if position.remaining]

    def blockers(self) -> tuple[str, ...]:
        """Return the reasons why trading cannot resume."""
        memory = self._ledger.state
        unknown = [order.symbol for order in memory.orders.values() if order.state is OrderState.UNKNOWN]
        problem = self._ledger.problem
        return (
            *(f"the outcome of an order for {symbol} is unknown" for symbol in unknown),
            *((f"the ledger cannot be written: {problem}",) if problem else ()),
        )

    def _acted(
        self,
        text: str,
        cancelled: CancelResult | None = None,
        positions: tuple[int, int] | None = None,
        *,
        disarmed: int = 0,
        is_durable: bool = True,
        noun: str = "order",
    ) -> CommandResult[Achieved]:
        orders = cancelled or CancelResult(0, 0)
        closed, left = positions or (0, len(self._held()))
        counts = [f"{many(orders.cancelled, noun)} cancelled, {orders.remaining} left"] if cancelled else []
        counts += [f"{many(closed, 'position')} closed, {left} left"] if positions else []
        counts += self._of_positions() if positions else []
        counts += [f"{many(disarmed, 'snipe')} disarmed"] if disarmed else []
        counts += [orders.text] if orders.text else []
        if ban := (self._trading.ban() if positions or cancelled else ""):
            counts += [f"{ban}: emergency requests are sent one by one"]
        counts += [] if is_durable else [f"{NOT_DURABLE} ({self._trading_state.problem})"]
        achieved = Achieved(
            state=self._ledger.state.trading.state,
            orders_cancelled=orders.cancelled,
            orders_left=orders.remaining,
            positions_closed=closed,
            positions_left=left,
            snipes_disarmed=disarmed,
            is_durable=is_durable,
        )
        is_all = is_durable and not orders.remaining and not orders.text and not (positions and left)
        return CommandResult("; ".join([text, *counts]) + ".", achieved, is_all)

    def _of_positions(self) -> list[str]:
        """Return the remaining quantities and those written off as dust."""
        held = ", ".join(f"{plain(position.remaining)} {position.base_asset}" for position in self._held())
        said = [f"still held: {held}"] if held else []
        return said + ([f"written off as dust: {', '.join(self._dust)}"] if self._dust else [])

    def _record_dust(self, changes: LedgerChanges) -> None:
        self._dust += [
            f"{plain(position.dust)} {position.base_asset}"
            for position in changes.positions
            if position.dust and not position.is_open
        ]

    async def _complete(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.shield(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _is_entry(order: Order) -> bool:
    return order.role is OrderRole.ENTRY


def _is_any(_: Order) -> bool:
    return True


def _is_no_sale(order: Order) -> bool:
    """Return whether no running sale sent the order: sales cancel their own orders."""
    return order.role in (OrderRole.ENTRY, OrderRole.TAKE_PROFIT) or not order.intent_id
