"""Stops: halting, cancelling until nothing of ours is seen, flattening; each says in numbers what it did."""

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
from mexc_tui.ledger.numbers import plain
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
LOOK_S = 0.5
LOOKS = 10
NOT_DURABLE = "NOT DURABLE: do not restart before a manual check"


class Closer(Protocol):
    """Sells what the desk owns. Asked again it sells what is left; two calls never sell the same coin."""

    async def close(
        self,
        position: Position,
        share_pct: Decimal | None,
        role: OrderRole,
        reason: CloseReason,
        words: str,
    ) -> CloseResult:
        """Sell so many per cent of a position now (None: all) with a slippage cap; return what was seen."""
        ...


class EmergencyStop:
    """What stops trading. What has begun goes on when its caller is cancelled."""

    def __init__(
        self,
        trading: TradingPort,
        keeper: LedgerWriter,
        execution: Execution,
        settling: OrderResolution,
        switch: TradingStateOwner,
        disarm_all: Callable[[str], Awaitable[int]],
        on_loss_resumed: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_loss_resumed`: count losses anew, called when a person resumed after one."""
        self._trading = trading
        self._keeper = keeper
        self._sweep = CancelSweep(trading, keeper, execution, settling)
        self._switch = switch
        self._disarm_all = disarm_all
        self._on_loss_resumed = on_loss_resumed
        self._running: set[asyncio.Task[Any]] = set()
        self._stop: asyncio.Task[CommandResult[Achieved]] | None = None
        self._dust: list[str] = []
        """What was written off as dust since everything began to be sold."""
        keeper.on_change(self._note)
        self.closer: Closer | None = None
        """Who sells; None: nobody, and it is said."""
        self.on_stop: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """Told who stops all, at once; it raises nothing."""

    async def halt(self, by: str, words: str, cause: Cause = Cause.MANUAL) -> CommandResult[Achieved]:
        """Stop entries until a person resumes: cancel entries, disarm snipes. Exits go on."""
        self._switch.restrict(TradingState.HALTED, cause, words, by)
        return await self._to_its_end(self._halt(words, _is_entry))

    async def reduce_only(self, by: str, words: str) -> CommandResult[Achieved]:
        """Let nothing be bought until a person resumes. Raises CommandRefused if less is allowed already."""
        change = self._switch.restrict(TradingState.REDUCE_ONLY, Cause.MANUAL, words, by)
        if not change.changed:
            raise CommandRefused(f"Not changed: {change.refused}.")
        durable = await self._switch.write_down()
        return self._acted("no entries until you resume; snipes stay armed", is_durable=durable)

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Let entries be made again. Raises CommandRefused with what stands against it."""
        before, memory = self._switch.kept, self._keeper.state
        if before.state is TradingState.ACTIVE and not memory.trading.state.allows_entries:
            words = memory.trading.words
            raise CommandRefused(
                f"Nobody stopped trading: entries wait by themselves until this is over: {words}."
            )
        change = await self._switch.resume(by, typed, self.blockers())
        if not change.changed:
            raise CommandRefused(f"Trading stays {memory.trading.state}: {change.refused}.")
        is_active = memory.trading.state.allows_entries
        words = "trading is active"
        if not is_active:
            words = f"resumed; entries wait by themselves until this is over: {memory.trading.words}"
        if before.cause.is_loss:
            words += "; loss counters reset"
            await self._on_loss_resumed()
        if self._switch.problem:
            words += f"; {self._switch.problem}"
        return self._acted(words)

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        """Halt, cancel all orders of ours, and sell every position."""
        return await self.stop_all(by, "manual flatten", Cause.MANUAL)

    async def emergency_stop(
        self, by: str, words: str = "emergency stop", *, sells: bool = True
    ) -> CommandResult[Achieved]:
        """Halt durably, cancel until no order of ours is seen, then flatten, unless nothing is to be sold."""
        if sells:
            return await self.stop_all(by, words, Cause.EMERGENCY)
        self._switch.restrict(TradingState.HALTED, Cause.EMERGENCY, words, by)
        self._tell_stop(by)
        return await self._to_its_end(self._halt(words, _is_any))

    async def stop_all(self, by: str, words: str, cause: Cause) -> CommandResult[Achieved]:
        """Do all of it; who asks while it runs hears what comes of it."""
        self._switch.restrict(TradingState.FLATTENING, cause, words, by)
        if self._stop is None or self._stop.done():
            self._dust.clear()
            self._stop = asyncio.ensure_future(self._stop_all(words, by))
        return await asyncio.shield(self._stop)

    async def cancel_entries(self) -> CancelResult:
        """Cancel every buy of ours until none is seen."""
        return await self._to_its_end(self._sweep.cancel(_is_entry, 1))

    async def sell_all(
        self, role: OrderRole, reason: CloseReason, words: str, share_pct: Decimal | None = None
    ) -> tuple[int, int, str]:
        """Sell all positions, or a share of each, once; return how many closed and are left, and why."""
        return await self._to_its_end(self._sell_once(role, reason, words, share_pct))

    async def sell_out(
        self, role: OrderRole, reason: CloseReason, words: str, deadline_s: float
    ) -> tuple[int, int, str]:
        """Sell again and again until nothing is left or the time is up; return the same."""
        return await self._to_its_end(self._sell_out(role, reason, words, deadline_s))

    async def settle(self, deadline_s: float) -> None:
        """Wait so long for what has begun, then let it be: a start goes on with it."""
        tasks: set[asyncio.Task[Any]] = set(self._running)
        if self._stop is not None:
            tasks.add(self._stop)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline_s)
            for task in late:
                task.cancel()

    # ---- inside

    async def _halt(self, words: str, wanted: Wanted) -> CommandResult[Achieved]:
        """Cancel at once: neither the halt file nor the store is waited for."""
        durable, (disarmed, trouble), cancelled = await asyncio.gather(
            self._switch.write_down(), self._disarm(words), self._sweep.cancel(wanted)
        )
        said = f"halted: {words}{trouble}"
        noun = "entry order" if wanted is _is_entry else "order"
        return self._acted(said, cancelled, disarmed=disarmed, is_durable=durable, noun=noun)

    async def _stop_all(self, words: str, by: str) -> CommandResult[Achieved]:
        self._tell_stop(by)
        cancelling = self._begin(self._sweep.cancel(_is_no_sale, 1))
        sale = (OrderRole.FLATTEN, CloseReason.FLATTEN, words)
        selling = self._begin(self._sell_out(*sale, SELL_S, cancelling))
        await self._switch.write_down()
        disarmed, trouble = await self._disarm(words)
        cancelled = await cancelling
        closed, left, why = await selling
        late = await self._sweep.cancel(_is_any)
        cancelled = CancelResult(cancelled.cancelled + late.cancelled, late.remaining, late.text)
        self._switch.flattened()
        durable = await self._switch.write_down()
        said = f"{words}{trouble}" + (f"; {why}" if why else "")
        return self._acted(said, cancelled, (closed, left), disarmed, is_durable=durable)

    def _tell_stop(self, by: str) -> None:
        if self.on_stop is not None:
            self._begin(self.on_stop(by))

    async def _disarm(self, words: str) -> tuple[int, str]:
        """Disarm what does not fire yet; if that cannot be stored, the gate before each byte holds."""
        try:
            async with asyncio.timeout(WRITE_S):
                return await self._disarm_all(words), ""
        except (StorageError, TimeoutError) as error:
            log.error("snipes cannot be disarmed in the store: %s", error)
            return 0, "; snipes could not be disarmed in the database, and cannot fire meanwhile"

    async def _sell_out(
        self,
        role: OrderRole,
        reason: CloseReason,
        words: str,
        deadline_s: float,
        cancelling: "asyncio.Future[CancelResult] | None" = None,
    ) -> tuple[int, int, str]:
        """Sell each position on its own until none is left or the time is up.

        `cancelling`: cancels that run beside it; until they are over an order may still buy something.
        """
        clock, said = asyncio.get_running_loop(), dict[str, str]()
        until_s = clock.time() + deadline_s
        seen = set[str]()
        while True:
            held, is_buying = self._held(), cancelling is not None and not cancelling.done()
            for position in held:
                if position.id not in seen:
                    seen.add(position.id)
                    self._begin(self._sell_one(position, (role, reason, words), until_s, said))
            if not is_buying and (not held or self.closer is None or clock.time() >= until_s):
                break
            await asyncio.sleep(LOOK_S / LOOKS)
        left = self._held()
        why = (f"{one.symbol}: {said[one.id]}" for one in left if said.get(one.id))
        return len(seen) - len(left), len(left), "; ".join(why)

    async def _sell_one(
        self,
        position: Position,
        sale: tuple[OrderRole, CloseReason, str],
        until_s: float,
        said: dict[str, str],
    ) -> None:
        """Sell a position again and again until it is gone or the time is up; note in `said` what hinders."""
        clock, now = asyncio.get_running_loop(), self._keeper.state.positions.get(position.id)
        while now is not None and now.remaining and clock.time() < until_s:
            closer = self.closer
            if closer is None:
                said[position.id] = "the exit monitor is not running"
                return
            try:
                done = await closer.close(now, None, *sale)
                said[position.id] = done.words if done.left else ""
            except Exception as error:
                log.exception("%s could not be sold", position.symbol)
                said[position.id] = str(error)
            await asyncio.sleep(LOOK_S)
            now = self._keeper.state.positions.get(position.id)

    async def _sell_once(
        self, role: OrderRole, reason: CloseReason, words: str, share_pct: Decimal | None
    ) -> tuple[int, int, str]:
        held, closer = self._held(), self.closer
        if closer is None:
            return 0, len(held), "the exit monitor is not running" if held else ""
        done = await asyncio.gather(
            *(closer.close(one, share_pct, role, reason, words) for one in held), return_exceptions=True
        )
        why: list[str] = []
        for position, result in zip(held, done, strict=True):
            if isinstance(result, BaseException):
                log.error("%s could not be sold", position.symbol, exc_info=result)
                why.append(f"{position.symbol}: {result}")
            elif result.left and result.words:
                why.append(f"{position.symbol}: {result.words}")
        left = len(self._held())
        return len(held) - left, left, "; ".join(why)

    def _held(self) -> list[Position]:
        return [one for one in self._keeper.state.positions.values() if one.remaining]

    def blockers(self) -> tuple[str, ...]:
        """Return what stands against trading again, in words; nothing: nothing does."""
        memory = self._keeper.state
        unknown = [one.symbol for one in memory.orders.values() if one.state is OrderState.UNKNOWN]
        problem = self._keeper.problem
        return (
            *(f"the outcome of an order for {symbol} is unknown" for symbol in unknown),
            *((f"the ledger cannot be written: {problem}",) if problem else ()),
        )

    def _acted(
        self,
        words: str,
        cancelled: CancelResult | None = None,
        positions: tuple[int, int] | None = None,
        disarmed: int = 0,
        *,
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
        counts += [] if is_durable else [f"{NOT_DURABLE} ({self._switch.problem})"]
        achieved = Achieved(
            state=self._keeper.state.trading.state,
            orders_cancelled=orders.cancelled,
            orders_left=orders.remaining,
            positions_closed=closed,
            positions_left=left,
            snipes_disarmed=disarmed,
            is_durable=is_durable,
        )
        is_all = is_durable and not orders.remaining and not orders.text and not (positions and left)
        return CommandResult("; ".join([words, *counts]) + ".", achieved, is_all)

    def _of_positions(self) -> list[str]:
        """Return which coins the desk still holds, and which were written off."""
        held = ", ".join(f"{plain(one.remaining)} {one.base_asset}" for one in self._held())
        said = [f"still held: {held}"] if held else []
        return said + ([f"written off as dust: {', '.join(self._dust)}"] if self._dust else [])

    def _note(self, written: LedgerChanges) -> None:
        self._dust += [
            f"{plain(one.dust)} {one.base_asset}" for one in written.positions if one.dust and not one.is_open
        ]

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.shield(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _is_entry(order: Order) -> bool:
    return order.role is OrderRole.ENTRY


def _is_any(_: Order) -> bool:
    return True


def _is_no_sale(order: Order) -> bool:
    """Whether no sale that runs now sent it: those see their orders to the end themselves."""
    return order.role in (OrderRole.ENTRY, OrderRole.TAKE_PROFIT) or not order.intent_id
