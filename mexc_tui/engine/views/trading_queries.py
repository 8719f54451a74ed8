"""Queries and commands of trading for the desk API, on the engine's own loop."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec

from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.engine.accounting.recent_activity import RecentActivity
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.entries.readiness import ReadinessCheck
from mexc_tui.engine.exits.exits_edit import exits_row, exits_words
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.previews import Previews
from mexc_tui.engine.views.risk_rows import RiskMonitorView, risk_row
from mexc_tui.engine.views.trading_rows import (
    BidQuote,
    RowContext,
    SymbolPrecision,
    mark_of,
    order_rows,
    position_row,
    position_rows,
    reconciliation_row,
    snipe_row,
    snipe_rows,
)
from mexc_tui.ledger.numbers import plain
from mexc_tui.model.errors import CommandRefused, ExchangeError
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.pair_names import AmbiguousName, resolve
from mexc_tui.model.plan_view import ExitsRow, Preview, PreviewRow
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import Trigger, delisted_words
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import TradingState
from mexc_tui.model.trading_view import (
    Achieved,
    DustConverted,
    DustRow,
    OrderRow,
    PerformanceRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)
from mexc_tui.ports.store import Store
from mexc_tui.risk.candidate import HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.sniping.exit_edit import ExitWish
from mexc_tui.sniping.protection import hindrance
from mexc_tui.sniping.reference import bound_words
from mexc_tui.sniping.rounding import Grid, grid_of

T = TypeVar("T")

COMPARISONS = 5
"""So often books are compared again while orders move or a difference waits for confirmation."""
AGAIN_S = 3.0


@dataclass(frozen=True, slots=True)
class ViewParameters:
    """Numbers of the settings."""

    limits: RiskLimits
    stale_ms: int
    """An older bid is no price."""


class TradingQueries:
    """Answer queries about money and take commands of trading. `by`: the user who asks, for the ledger.

    Rows come from memory. Commands raise CommandRefused. They return when their result was observed, or
    after a deadline with `is_all` False; cancelling the caller does not stop a command that has begun.
    """

    def __init__(
        self,
        components: TradingComponents,
        known: KnowledgeStore,
        books: Store,
        numbers: Callable[[], ViewParameters],
    ) -> None:
        """Call `load` before anybody looks."""
        self._components = components
        self._known = known
        self._books = books
        self._numbers = numbers
        self._closed: tuple[Position, ...] = ()
        self._rows_of_closed: Sequence[PositionRow] = ()
        self._recent = RecentActivity(
            ledger=components.ledger, store=books, now_ms=components.port.now_ms, resumed_ms=self._resumed_ms
        )

    async def load(self) -> None:
        """Read what memory does not hold yet. Raises StorageError."""
        await self._recent.load()

    # ---- what is seen

    def snipes(self) -> Sequence[SnipeRow]:
        """Return the snipes that are not over, soonest opening first."""
        return snipe_rows(self._components.ledger.state, self._sight())

    def orders(self) -> Sequence[OrderRow]:
        """Return orders that are not at their end, foreign ones too, newest first."""
        return order_rows(self._components.ledger.state, self._sight())

    def positions(self) -> Sequence[PositionRow]:
        """Return the open positions, oldest first, then those that were closed last."""
        return [*position_rows(self._components.ledger.state, self._sight()), *self._closed_rows()]

    def risk(self) -> RiskRow:
        """Return what the desk is worth, what it risks and what it may do."""
        guard = self._components.safety.risk_monitor
        day_equity = self._components.safety.equity.day_equity
        guarded = RiskMonitorView(guard.grade.level, guard.words, self._recent.day, day_equity)
        limits, now_ms = self._numbers().limits, self._components.port.now_ms()
        row = risk_row(
            self._components.ledger.state, self._risk_book(), guarded, limits, self._sight(), now_ms
        )
        unlocking = self._components.live_unlock
        return msgspec.structs.replace(
            row,
            is_locked=unlocking.is_locked,
            unlocked_until_ms=unlocking.until_ms,
            tightening=self._components.safety.tightening.now,
        )

    # ---- what is asked

    async def what_if(self, symbol: str) -> WhatIfRow:
        """Return what every validator would say if the pair were armed now; nothing is changed."""
        judged = await _stored(self._components.arming.what_if(self._pair(symbol)))
        wish, judgement, now_ms = judged.asked.wish, judged.judgement, self._components.port.now_ms()
        return WhatIfRow(
            symbol=wish.symbol,
            at_ms=now_ms,
            approved=judgement.approved,
            verdicts=judgement.verdicts,
            spend_cap=wish.spend or None,
            price_cap=judged.asked.price_cap,
            bound=bound_words(
                judged.asked.price_cap,
                judged.asked.numbers.fire.premium_pct,
                is_ahead=wish.opens_ms is not None and wish.opens_ms > now_ms,
            ),
            words=judgement.reason or "all checks passed",
            plan=judged.asked.numbers.plan,
        )

    def checklist(self, snipe_id: str) -> ReadinessCheck:
        """Return what the checklist said of a snipe, or would say now."""
        return self._components.sniper.readiness.of(snipe_id)

    async def preview(self, name: Preview, symbol: str, share_pct: Decimal | None) -> PreviewRow:
        """Return what a command would do now; `words` say why it would be refused, else nothing."""
        previews = Previews(self._components, self._known, lambda: self._numbers().stale_ms)
        match name:
            case Preview.ARM:
                return previews.arm(await self.what_if(symbol))
            case Preview.DISARM:
                return previews.disarm(self._armed(symbol))
            case Preview.CLOSE:
                return previews.close(self._held(symbol), share_pct)
            case Preview.RESUME:
                return previews.resume()
            case Preview.UNLOCK:
                return previews.unlock()
            case _:
                return previews.stop(name)

    async def performance(self) -> PerformanceRow:
        """Return how the desk has done in these books. Raises StorageError."""
        scope, sight = self._components.ledger.scope, self._sight()
        marks = {one.id: mark_of(one, sight) for one in self._components.ledger.state.positions.values()}
        return await self._books.read(
            "performance", lambda stored: performance_of(stored.trading(scope), scope, marks)
        )

    async def reconcile(self) -> ReconciliationRow:
        """Compare books with the exchange's now; if that cannot be finished, `problem` says why."""
        try:
            run = await _stored(self._components.reconciler.compare(Trigger.MANUAL))
            for _ in range(COMPARISONS):
                if not run.problem:
                    break
                await asyncio.sleep(AGAIN_S)  # orders were moving
                run = await _stored(self._components.reconciler.compare(Trigger.MANUAL))
        except ExchangeError as error:
            return ReconciliationRow(
                at_ms=self._components.port.now_ms(),
                trigger=Trigger.MANUAL.value,
                explained=(),
                unexplained=(),
                problem=str(error),
            )
        return reconciliation_row(run)

    async def dust(self) -> DustRow:
        """Return which of the desk's written-off rests the exchange would turn into MX now."""
        return await _stored(self._components.dust.offered())

    # ---- what is told

    async def arm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        """Arm a snipe of a listing."""
        snipe = await _stored(self._components.arming.arm(self._pair(symbol), by))
        words = f"{snipe.symbol} armed: at most {plain(snipe.spend_cap)} {QUOTE}."
        return CommandResult(words, snipe_row(snipe, self._sight()))

    async def disarm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        """Take back a pair's snipe that has not fired yet."""
        snipe = await _stored(self._components.sniper.disarm(self._armed(symbol), by))
        row = msgspec.structs.replace(snipe_row(snipe, self._sight()), state=SnipeState.DISARMED)
        return CommandResult(f"{snipe.symbol} disarmed.", row)

    async def close(self, symbol: str, share_pct: Decimal | None, by: str) -> CommandResult[Achieved]:
        """Sell so many per cent of a pair's position now; None: all of it."""
        memory, closer = self._components.ledger.state, self._components.safety.emergency_stop.closer
        position = memory.position_of(self._held(symbol))
        if position is None:
            raise CommandRefused(f"No open position in {symbol}.")
        if closer is None:
            raise CommandRefused("Cannot sell: the exit monitor is not running.")
        words = f"closed by {by}"
        done = await _stored(closer.close(position, share_pct, OrderRole.CLOSE, CloseReason.MANUAL, words))
        left = f", {plain(done.left)} {position.base_asset} still held" if done.left else ""
        sold = f"{plain(done.sold)} {position.base_asset} sold" if done.sold else "Nothing sold"
        dust = f", {plain(done.dust)} {position.base_asset} written off as dust" if done.dust else ""
        why = f": {done.words}" if done.words else ""
        is_closed = memory.position_of(position.symbol) is None
        achieved = Achieved(
            state=memory.trading.state,
            positions_closed=int(is_closed),
            positions_left=len(memory.positions),
        )
        wanted_all = share_pct is None or share_pct == 100
        said = f"{sold}{dust}{left}{why}."
        return CommandResult(said, achieved, is_all=not done.words and (is_closed or not wanted_all))

    async def check_exits(self, symbol: str, wish: ExitWish) -> str:
        """Say what a position would bring at its new stop.

        Raises CommandRefused if it cannot have these exits.
        """
        return self._components.exits_editor.check(self._held(symbol), wish)

    async def edit_exits(self, symbol: str, wish: ExitWish, by: str) -> CommandResult[ExitsRow]:
        """Give a pair's position other exits; the ladder on the exchange follows."""
        changed = await _stored(self._components.exits_editor.change(self._held(symbol), wish, by))
        memory, position = self._components.ledger.state, changed.position
        orders, intents = memory.orders_of(position.id), memory.intents_of(position.id)
        row = exits_row(
            changed, position_row(position, orders, intents, self._sight()), self._grid(position.symbol)
        )
        return CommandResult(exits_words(changed), row, is_all=not changed.waiting)

    async def convert_dust(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        """Turn these rests into MX; none named: all that may be."""
        return await _stored(self._components.dust.convert(assets))

    async def halt(self, by: str, words: str) -> CommandResult[Achieved]:
        """Stop entries until a person resumes: cancel entry orders, disarm snipes. Exits go on."""
        return await _stored(self._components.safety.emergency_stop.halt(by, words or f"requested by {by}"))

    async def reduce_only(self, by: str, words: str) -> CommandResult[Achieved]:
        """Let nothing be bought until a person resumes; armed snipes wait."""
        return await _stored(
            self._components.safety.emergency_stop.reduce_only(by, words or f"requested by {by}")
        )

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Let entries be made again. `typed` is what a person typed where the cause asks for a word."""
        acted = await _stored(self._components.safety.emergency_stop.resume(by, typed))
        await _stored(self._recent.load())  # losses are counted anew
        return acted

    async def restore_limits(self, by: str) -> CommandResult[Achieved]:
        """Let the configured limits apply again after a warning lowered them."""
        if not await _stored(self._components.safety.tightening.restore(by)):
            raise CommandRefused("The configured limits already apply.")
        return self._said("The configured limits apply again.")

    async def unlock(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Let live trading begin, by the phrase that the last preview of it made up."""
        return self._said(await _stored(self._components.live_unlock.unlock(typed, by)))

    async def lock(self, by: str) -> CommandResult[Achieved]:
        """Let nothing be bought live any more; what is held keeps its exits."""
        return self._said(await _stored(self._components.live_unlock.lock(by)))

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        """Halt, and sell every position of the desk with a slippage cap."""
        return await _stored(self._components.safety.emergency_stop.flatten(by))

    async def kill(self, by: str, *, sells: bool = True) -> CommandResult[Achieved]:
        """Emergency stop: halt durably, cancel until no order of ours is seen, then flatten if it `sells`."""
        return await _stored(self._components.safety.emergency_stop.emergency_stop(by, sells=sells))

    # ---- inside

    def _closed_rows(self) -> Sequence[PositionRow]:
        """Return rows of what is closed, made once: nothing of them changes any more."""
        closed = self._recent.closed
        if closed is not self._closed:
            sight = replace(self._sight(), quote=_no_quote)
            self._closed, self._rows_of_closed = closed, [position_row(one, (), (), sight) for one in closed]
        return self._rows_of_closed

    def _said(self, words: str) -> CommandResult[Achieved]:
        memory = self._components.ledger.state
        return CommandResult(
            words, Achieved(state=memory.trading.state, positions_left=len(memory.positions))
        )

    def _held(self, symbol: str) -> str:
        """Return the pair that a name means of those with an open position, else of all.

        Raises CommandRefused.
        """
        return self._named(symbol, {one.symbol for one in self._components.ledger.state.positions.values()})

    def _armed(self, symbol: str) -> str:
        """Return the pair that a name means of those with a snipe, else of all. Raises CommandRefused."""
        return self._named(symbol, {one.symbol for one in self._components.ledger.state.snipes.values()})

    def _pair(self, symbol: str) -> str:
        """Return the pair that a name means of those listed or to be listed. Raises CommandRefused."""
        return self._named(symbol, ())

    def _named(self, symbol: str, mine: Collection[str]) -> str:
        try:
            # Of several pairs that would be sold or disarmed none is chosen for a person.
            found = resolve(symbol, mine.__contains__, prefers_usual=False)
            return found or self._known.knowledge.named(symbol) or symbol
        except AmbiguousName as error:
            raise CommandRefused(str(error)) from None

    def _sight(self) -> RowContext:
        blind = (
            ""
            if self._components.safety.emergency_stop.closer is not None
            else "the exit monitor is not running"
        )
        gone = partial(delisted_words, self._components.ledger.state.reconciled)
        return RowContext(
            self._quote,
            self._grid,
            self._numbers().stale_ms,
            blind,
            precision=self._precision,
            hindrance=self._hindrance,
            delisted=gone,
        )

    def _hindrance(self, position: Position) -> str:
        components = self._components
        return hindrance(
            self._known.knowledge.pairs.get(position.symbol),
            components.ledger.state.trading,
            components.exit_monitor.heartbeat_ms(position),
            components.port.now_ms(),
        )

    def _quote(self, symbol: str) -> BidQuote:
        prices = self._components.prices
        price = prices.of(symbol)
        return BidQuote(price.bid, prices.age_ms(symbol), price.updated_ms, price.last)

    def _precision(self, symbol: str) -> SymbolPrecision:
        pair = self._known.knowledge.pairs.get(symbol)
        return (
            SymbolPrecision()
            if pair is None
            else SymbolPrecision(pair.price_precision, pair.quantity_precision)
        )

    def _grid(self, symbol: str) -> Grid | None:
        pair = self._known.knowledge.pairs.get(symbol)
        return None if pair is None else grid_of(pair)

    def _risk_book(self) -> RiskBook:
        """Return what entries are checked against, as memory has it."""
        memory, equity = self._components.ledger.state, self._components.safety.equity
        point = memory.equity
        opens_ms = {one.id: one.opens_ms for one in memory.snipes.values()}
        return RiskBook(
            equity=point.equity if point is not None and point.is_complete else None,
            peak=Decimal(0) if point is None else point.peak,
            free_cash=memory.cash(QUOTE) - memory.reserved(),
            day_equity=equity.limit_equity,
            held=tuple(HeldPosition(one.symbol, one.remaining_cost) for one in memory.positions.values()),
            reserved=tuple(
                Reserved(one.snipe_id, one.symbol, one.reserved, opens_ms.get(one.snipe_id, one.created_ms))
                for one in memory.intents.values()
                if one.role is OrderRole.ENTRY
            ),
            entries_ms=self._recent.entries_ms,
            losses_in_a_row=self._recent.losses.count,
            last_loss_ms=self._recent.losses.last_ms,
        )

    def _resumed_ms(self) -> int:
        kept = self._components.safety.trading_state.kept
        return kept.since_ms if kept.state is TradingState.ACTIVE else 0


def _no_quote(symbol: str) -> BidQuote:
    del symbol
    return BidQuote()


async def trading_queries(engine: Engine) -> TradingQueries | None:
    """Return the money side of an engine that has started; None: it only looks. Raises StorageError."""
    components, numbers = engine.trading_components, engine.parts.parameters.trading
    if components is None:
        return None

    def of_face() -> ViewParameters:
        entry = components.safety.tightening.of(numbers.entry())
        return ViewParameters(entry.limits, numbers.safety().stale_ms)

    face = TradingQueries(components, engine.known, engine.parts.store, of_face)
    await face.load()
    return face


async def _stored(doing: Awaitable[T]) -> T:
    """Return what was done, or refuse in plain words if it could not be written down."""
    try:
        return await doing
    except StorageError as error:
        raise CommandRefused(f"Cannot be stored: {error}") from None
