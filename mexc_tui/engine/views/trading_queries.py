"""Queries and commands of trading for the desk API: snipes, orders, positions, risk, stops, exits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

import msgspec

from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.engine.accounting.recent_activity import RecentActivity
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.entries.readiness import ReadinessCheck
from mexc_tui.engine.exits.exits_edit import exits_row, exits_text
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.previews import Previews
from mexc_tui.engine.views.risk_rows import RiskMonitorView, risk_book, risk_row
from mexc_tui.engine.views.trading_rows import (
    BidQuote,
    mark_of,
    order_rows,
    position_row,
    position_rows,
    reconciliation_row,
    snipe_row,
    snipe_rows,
)
from mexc_tui.engine.views.trading_symbols import TradingSymbols
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.model.errors import CommandRefused, ExchangeError
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.plan_view import ExitsRow, Preview, PreviewRow
from mexc_tui.model.reconciliation import Trigger
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
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.sniping.exit_edit import ExitUpdate
from mexc_tui.sniping.reference import price_bound_text
from mexc_tui.sniping.request import NO_TERMS, ArmTerms

T = TypeVar("T")

REPETITIONS = 5
"""Repetitions of a reconciliation while orders change or a difference needs confirmation."""
REPEAT_S = 3.0


@dataclass(frozen=True, slots=True)
class ViewParameters:
    """Settings of the rows."""

    limits: RiskLimits
    stale_ms: int
    """Maximum age of a usable bid."""


class TradingQueries:
    """Answers trading queries and carries out trading commands. `by`: the user, recorded in the ledger.

    Rows come from memory. Commands raise CommandRefused. They return once their result is observed, or
    after a deadline with `is_all` False; cancelling the caller does not stop a running command.
    """

    def __init__(
        self,
        components: TradingComponents,
        *,
        knowledge_store: KnowledgeStore,
        store: Store,
        parameters: Callable[[], ViewParameters],
    ) -> None:
        """Call `load` before the first query."""
        self._components = components
        self._knowledge_store = knowledge_store
        self._store = store
        self._parameters = parameters
        self._symbols = TradingSymbols(components, knowledge_store, lambda: parameters().stale_ms)
        self._recent = RecentActivity(
            ledger=components.ledger, store=store, now_ms=components.port.now_ms, resumed_ms=self._resumed_ms
        )
        self._closed = self._recent.closed
        self._rows_of_closed: Sequence[PositionRow] = ()

    async def load(self) -> None:
        """Load recent activity from the store. Raises StorageError."""
        await self._recent.load()

    # ---- rows

    def snipes(self) -> Sequence[SnipeRow]:
        """Return the unfinished snipes, soonest opening first."""
        return snipe_rows(self._components.ledger.state, self._symbols.context())

    def orders(self) -> Sequence[OrderRow]:
        """Return the open orders, including foreign ones, newest first."""
        return order_rows(self._components.ledger.state, self._symbols.context())

    def positions(self) -> Sequence[PositionRow]:
        """Return the open positions, oldest first, then the recently closed ones."""
        return [
            *position_rows(self._components.ledger.state, self._symbols.context()),
            *self._closed_rows(),
        ]

    def risk(self) -> RiskRow:
        """Return equity, exposure, limits and trading state."""
        guard = self._components.safety.risk_monitor
        day_equity = self._components.safety.equity.day_equity
        guarded = RiskMonitorView(
            level=guard.grade.level, text=guard.text, day=self._recent.day, day_equity=day_equity
        )
        limits, now_ms = self._parameters().limits, self._components.port.now_ms()
        equity = self._components.safety.equity.limit_equity
        book = risk_book(self._components.ledger.state, self._recent, equity)
        row = risk_row(
            self._components.ledger.state,
            book,
            guarded,
            limits=limits,
            context=self._symbols.context(),
            now_ms=now_ms,
        )
        unlocking = self._components.live_unlock
        return msgspec.structs.replace(
            row,
            is_locked=unlocking.is_locked,
            unlocked_until_ms=unlocking.until_ms,
            tightening=self._components.safety.tightening.now,
        )

    # ---- queries

    async def what_if(self, symbol: str, terms: ArmTerms = NO_TERMS) -> WhatIfRow:
        """Return the verdicts of all pre-trade checks for arming a symbol now; nothing is changed."""
        checked = await _stored(self._components.arming.what_if(self._symbols.pair(symbol), terms))
        proposal, judgement, now_ms = (
            checked.request.proposal,
            checked.judgement,
            self._components.port.now_ms(),
        )
        return WhatIfRow(
            symbol=proposal.symbol,
            at_ms=now_ms,
            approved=judgement.approved,
            verdicts=judgement.verdicts,
            spend_cap=proposal.spend or None,
            price_cap=checked.request.price_cap,
            bound=price_bound_text(
                checked.request.price_cap,
                checked.request.parameters.fire.premium_pct,
                is_ahead=proposal.opens_ms is not None and proposal.opens_ms > now_ms,
            ),
            text=judgement.reason or "all checks passed",
            plan=proposal.plan,
        )

    def checklist(self, snipe_id: str) -> ReadinessCheck:
        """Return the readiness checklist of a snipe, stored or as of now."""
        return self._components.sniper.readiness.of(snipe_id)

    async def preview(self, name: Preview, symbol: str, share_pct: Decimal | None) -> PreviewRow:
        """Return the effect of a command now; `text` is the reason if it would be refused."""
        previews = Previews(self._components, self._knowledge_store, lambda: self._parameters().stale_ms)
        match name:
            case Preview.ARM:
                return previews.arm(await self.what_if(symbol))
            case Preview.DISARM:
                return previews.disarm(self._symbols.armed(symbol))
            case Preview.CLOSE:
                return previews.close(self._symbols.held(symbol), share_pct)
            case Preview.RESUME:
                return previews.resume()
            case Preview.UNLOCK:
                return await _stored(previews.unlock())
            case _:
                return previews.stop(name)

    async def performance(self) -> PerformanceRow:
        """Return the performance of the desk. Raises StorageError."""
        scope, context = self._components.ledger.scope, self._symbols.context()
        marks = {
            position.id: mark_of(position, context)
            for position in self._components.ledger.state.positions.values()
        }
        return await self._store.read(
            "performance", lambda stored: performance_of(stored.trading(scope), scope, marks)
        )

    async def reconcile(self) -> ReconciliationRow:
        """Reconcile ledger and exchange now; `problem` is the reason if that cannot be completed."""
        try:
            run = await _stored(self._components.reconciler.compare(Trigger.MANUAL))
            for _ in range(REPETITIONS):
                if not run.problem:
                    break
                await asyncio.sleep(REPEAT_S)  # orders were changing
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
        """Return the written-off dust that the exchange would convert to MX now."""
        return await _stored(self._components.dust.offered())

    # ---- commands

    async def arm(self, symbol: str, by: str, terms: ArmTerms = NO_TERMS) -> CommandResult[SnipeRow]:
        """Arm a snipe of a listing."""
        snipe = await _stored(self._components.arming.arm(self._symbols.pair(symbol), by, terms))
        text = f"{snipe.symbol} armed: at most {plain(snipe.spend_cap)} {QUOTE}."
        return CommandResult(text, snipe_row(snipe, self._symbols.context()))

    async def disarm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        """Disarm a snipe that has not fired."""
        snipe = await _stored(self._components.sniper.disarm(self._symbols.armed(symbol), by))
        row = msgspec.structs.replace(snipe_row(snipe, self._symbols.context()), state=SnipeState.DISARMED)
        return CommandResult(f"{snipe.symbol} disarmed.", row)

    async def close(self, symbol: str, share_pct: Decimal | None, by: str) -> CommandResult[Achieved]:
        """Sell `share_pct` of a position now; None: all of it."""
        memory, closer = self._components.ledger.state, self._components.safety.emergency_stop.closer
        position = memory.position_of(self._symbols.held(symbol))
        if position is None:
            raise CommandRefused(f"No open position in {symbol}.")
        if closer is None:
            raise CommandRefused("Cannot sell: the exit monitor is not running.")
        text = f"closed by {by}"
        done = await _stored(
            closer.close(position, share_pct, OrderRole.CLOSE, reason=CloseReason.MANUAL, text=text)
        )
        left = f", {plain(done.left)} {position.base_asset} still held" if done.left else ""
        sold = f"{plain(done.sold)} {position.base_asset} sold" if done.sold else "Nothing sold"
        dust = f", {plain(done.dust)} {position.base_asset} written off as dust" if done.dust else ""
        why = f": {done.text}" if done.text else ""
        is_closed = memory.position_of(position.symbol) is None
        achieved = Achieved(
            state=memory.trading.state,
            positions_closed=int(is_closed),
            positions_left=len(memory.positions),
        )
        wanted_all = share_pct is None or share_pct == 100
        text = f"{sold}{dust}{left}{why}."
        return CommandResult(text, achieved, is_all=not done.text and (is_closed or not wanted_all))

    async def check_exits(self, symbol: str, request: ExitUpdate) -> str:
        """Return a description of the proceeds at the new stop.

        Raises CommandRefused if these exits are not possible.
        """
        return self._components.exits_editor.check(self._symbols.held(symbol), request)

    async def edit_exits(self, symbol: str, request: ExitUpdate, by: str) -> CommandResult[ExitsRow]:
        """Change the exits of a position; its take-profit orders are replaced."""
        changed = await _stored(self._components.exits_editor.change(self._symbols.held(symbol), request, by))
        memory, position = self._components.ledger.state, changed.position
        orders, intents = memory.orders_of(position.id), memory.intents_of(position.id)
        row = exits_row(
            changed,
            position_row(position, orders, intents, context=self._symbols.context()),
            self._symbols.grid(position.symbol),
        )
        return CommandResult(exits_text(changed), row, is_all=not changed.waiting)

    async def convert_dust(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        """Convert dust to MX; without assets: all convertible dust."""
        return await _stored(self._components.dust.convert(assets))

    async def halt(self, by: str, text: str) -> CommandResult[Achieved]:
        """Stop entries until the user resumes: cancel entry orders, disarm snipes. Exits continue."""
        return await _stored(self._components.safety.emergency_stop.halt(by, text or "manual"))

    async def reduce_only(self, by: str, text: str) -> CommandResult[Achieved]:
        """Allow no entries until the user resumes; snipes stay armed."""
        return await _stored(self._components.safety.emergency_stop.reduce_only(by, text or "manual"))

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Resume entries. `typed`: the word that some causes require."""
        acted = await _stored(self._components.safety.emergency_stop.resume(by, typed))
        await _stored(self._recent.load())  # loss counters restart
        return acted

    async def restore_limits(self, by: str) -> CommandResult[Achieved]:
        """Restore the configured entry limits after a warning tightened them."""
        if not await _stored(self._components.safety.tightening.restore(by)):
            raise CommandRefused("The configured limits already apply.")
        return self._result("The configured limits apply again.")

    async def unlock(self, by: str, typed: str) -> CommandResult[Achieved]:
        """Unlock live trading with the phrase of the last preview."""
        return self._result(await _stored(self._components.live_unlock.unlock(typed, by)))

    async def lock(self, by: str) -> CommandResult[Achieved]:
        """Lock live trading; positions keep their exits."""
        return self._result(await _stored(self._components.live_unlock.lock(by)))

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        """Halt, and sell every position of the desk with a slippage cap."""
        return await _stored(self._components.safety.emergency_stop.flatten(by))

    async def kill(self, by: str, *, sells: bool = True) -> CommandResult[Achieved]:
        """Halt durably, cancel until no order of the desk remains open, then flatten if it `sells`."""
        return await _stored(self._components.safety.emergency_stop.emergency_stop(by, sells=sells))

    # ---- helpers

    def _closed_rows(self) -> Sequence[PositionRow]:
        """Return the rows of closed positions, cached since they no longer change."""
        closed = self._recent.closed
        if closed is not self._closed:
            context = replace(self._symbols.context(), quote=_no_quote)
            self._closed, self._rows_of_closed = (
                closed,
                [position_row(position, (), (), context=context) for position in closed],
            )
        return self._rows_of_closed

    def _result(self, text: str) -> CommandResult[Achieved]:
        memory = self._components.ledger.state
        return CommandResult(text, Achieved(state=memory.trading.state, positions_left=len(memory.positions)))

    def _resumed_ms(self) -> int:
        kept = self._components.safety.trading_state.kept
        return kept.since_ms if kept.state is TradingState.ACTIVE else 0


def _no_quote(symbol: str) -> BidQuote:
    del symbol
    return BidQuote()


async def trading_queries(engine: Engine) -> TradingQueries | None:
    """Return the trading queries of a started engine; None: it does not trade. Raises StorageError."""
    components, numbers = engine.trading_components, engine.parts.parameters.trading
    if components is None:
        return None

    def view_parameters() -> ViewParameters:
        entry = components.safety.tightening.of(numbers.entry())
        return ViewParameters(entry.limits, numbers.safety().stale_ms)

    queries = TradingQueries(
        components,
        knowledge_store=engine.knowledge_store,
        store=engine.parts.store,
        parameters=view_parameters,
    )
    await queries.load()
    return queries


async def _stored(action: Awaitable[T]) -> T:
    """Return the result, or raise CommandRefused if it could not be stored."""
    try:
        return await action
    except StorageError as error:
        raise CommandRefused(f"Cannot be stored: {error}") from None
