"""Composition of the safety components, and the handling of open positions when an engine stops."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mexc_tui.engine.accounting.equity_monitor import EquityMonitor
from mexc_tui.engine.accounting.ledger_transaction import ORDER_FAILED
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.entries.arming import RISK_REFUSED
from mexc_tui.engine.entries.sniper import Sniper
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.engine.runtime.supervisor import Worker, WorkerStatus
from mexc_tui.engine.safety.emergency_stop import Closer, EmergencyStop
from mexc_tui.engine.safety.entry_pauses import EntryPauses
from mexc_tui.engine.safety.invariants import Invariants
from mexc_tui.engine.safety.limit_tightening import LimitTightening
from mexc_tui.engine.safety.risk_actions import RiskActions
from mexc_tui.engine.safety.risk_monitor import RiskMonitor, RiskMonitorParameters
from mexc_tui.engine.safety.trading_state import HaltFile, TradingStateOwner
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.policy import OnStop
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import ExcludedCause, Trigger, lasting
from mexc_tui.model.storage import StoredAlert
from mexc_tui.model.text import many
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.ports.store import Store, Stored
from mexc_tui.ports.trading import TradingPort
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.tightening import TighteningRules

log = logging.getLogger(__name__)

CLOSE_S = 60.0
"""Time for positions to close through their own exits after a practice day."""
SETTLE_S = 5.0
"""Time limit for persisting a halt during a stop."""
SELL_S = 20.0
"""Time limit for selling during a stop."""
POLL_S = 0.5
LAST_RECONCILE_S = 45.0
"""Time limit for the last reconciliation, repeated while orders change or differences need confirmation."""
NOT_COMPARED = tuple(f"books:{cause}" for cause in ExcludedCause)
RESOLVED_MS = 3_600_000
"""An alert about a refused order or entry closes this long after the last one."""
MAX_RUNS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyParameters:
    """Settings of the safety components."""

    risk_monitor: RiskMonitorParameters
    tightening: TighteningRules
    stale_ms: int
    """Maximum age of a usable bid."""
    on_stop: OnStop


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyContext:
    """Parts of the engine that the safety components depend on."""

    profile: str
    workers: Callable[[], tuple[WorkerStatus, ...]]
    clock_problem: Callable[[], str]
    standstill: Callable[[], str]
    fee: Callable[[str], Decimal]
    """Fee of selling a symbol, as a ratio."""
    store_problem: Callable[[], str]
    """Why the store blocks entries; empty: it does not."""
    closer: Closer
    on_stop: Callable[[str], Coroutine[Any, Any, None]]
    """Called with the user on a flatten or emergency stop."""
    exit_heartbeat_ms: Callable[[Position], int | None]
    """Exchange time of the last exit check of a position."""


class Safety:
    """Equity, invariants, trading state, emergency stop and risk monitor of one engine."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        store: Store,
        prices: PriceCache,
        execution: Execution,
        order_resolution: OrderResolution,
        reconciler: Reconciler,
        sniper: Sniper,
        context: SafetyContext,
        halt_file: HaltFile | None,
        parameters: Callable[[], SafetyParameters],
        limits: Callable[[], RiskLimits],
    ) -> None:
        """Build the components; nothing runs yet. `limits`: the configured entry limits."""
        self._ledger = ledger
        self._store = store
        self._reconciler = reconciler
        self._parameters = parameters
        self._now_ms = trading.now_ms
        self._started_ms = trading.now_ms()
        self.trading_state = TradingStateOwner(
            ledger,
            file=halt_file,
            profile=context.profile,
            now_ms=trading.now_ms,
            free_reserve=store.release_reserve,
        )
        self.equity = EquityMonitor(
            ledger=ledger,
            store=store,
            prices=prices,
            now_ms=trading.now_ms,
            fee=context.fee,
            stale_ms=lambda: parameters().stale_ms,
            resumed_ms=self.resumed_ms,
        )
        self.invariants = Invariants(
            ledger,
            equity=self.equity,
            execution=execution,
            reconciler=reconciler,
            now_ms=trading.now_ms,
            heartbeat_ms=context.exit_heartbeat_ms,
        )
        self.emergency_stop = EmergencyStop(
            trading,
            ledger=ledger,
            execution=execution,
            resolution=order_resolution,
            trading_state=self.trading_state,
            disarm_all=sniper.disarm_all,
            on_loss_resumed=self.equity.reset_loss_limits,
            on_stop=context.on_stop,
            closer=context.closer,
        )
        self.tightening = LimitTightening(ledger, trading.now_ms, lambda: parameters().tightening)
        self.risk_monitor = self._build_risk_monitor(trading, context, limits)

    def _build_risk_monitor(
        self, trading: TradingPort, context: SafetyContext, limits: Callable[[], RiskLimits]
    ) -> RiskMonitor:
        actions = RiskActions(
            ledger=self._ledger,
            emergency_stop=self.emergency_stop,
            tightening=self.tightening,
            limits=limits,
        )
        pauses = EntryPauses(
            trading=trading,
            ledger=self._ledger,
            reconciler=self._reconciler,
            workers=context.workers,
            clock_problem=context.clock_problem,
            store_problem=context.store_problem,
            standstill=context.standstill,
            reconcile_ms=lambda: self._parameters().risk_monitor.reconcile_ms,
        )
        return RiskMonitor(
            now_ms=trading.now_ms,
            ledger=self._ledger,
            reconciler=self._reconciler,
            equity=self.equity,
            invariants=self.invariants,
            trading_state=self.trading_state,
            actions=actions,
            pauses=pauses,
            workers=context.workers,
            rules=lambda: self._parameters().risk_monitor.rules,
        )

    def workers(self) -> tuple[Worker, ...]:
        """Return the workers; once they have started, the trading state is loaded."""
        return Worker(name="risk monitor", run=self.risk_monitor.run), Worker(
            name="equity", run=self.equity.run
        )

    def is_over(self, alert: StoredAlert) -> bool:
        """Return whether the condition behind a trading alert has cleared."""
        rule, about, memory = alert.alert.rule, alert.alert.about, self._ledger.state
        if rule.startswith("guard:"):
            return not self.risk_monitor.is_alert_active(about)
        if rule in (ORDER_FAILED, RISK_REFUSED):
            return self._now_ms() - alert.last_ms > RESOLVED_MS
        if rule in ("guardian", "selling"):
            return memory.position_of(about) is None
        if rule in NOT_COMPARED:
            run = memory.reconciled
            return run is not None and all(excluded.asset != about for excluded in run.excluded)
        if rule == "books:unconfirmed":
            return not self._reconciler.pause_reason
        if rule == "books:difference":
            run = memory.reconciled
            if run is None or run.problem or run.at_ms <= alert.last_ms:
                return False
            return all(difference.about != about for difference in run.unexplained)
        return False

    async def end(self) -> str:
        """Stop entries, then hold or flatten as configured; return a message about open positions."""
        self.risk_monitor.stopping_reason = "the engine is stopping"
        self.trading_state.pause(Cause.MANUAL, self.risk_monitor.stopping_reason)
        await self.emergency_stop.settle(SETTLE_S)
        await self.trading_state.settle(SETTLE_S)
        memory = self._ledger.state
        if self._parameters().on_stop is OnStop.FLATTEN and memory.positions:
            closed, left, why = await self.emergency_stop.sell_out(
                OrderRole.FLATTEN, CloseReason.FLATTEN, "the engine is stopping", deadline_s=SELL_S
            )
            return f"{many(closed, 'position')} closed before the stop, {left} left" + (
                f": {why}." if why else "."
            )
        return self._open_positions_text()

    async def close_day(self, hurried: asyncio.Event) -> tuple[str, ...]:
        """Wait for positions to close, sell the rest, reconcile; return every unexplained difference.

        `hurried`: skip the wait.
        """
        self.risk_monitor.stopping_reason = "the practice day is over"
        for _ in range(int(CLOSE_S / POLL_S)):
            if hurried.is_set() or not self._is_busy():
                break
            await asyncio.sleep(POLL_S)
        if self._ledger.state.positions:
            text = "the practice day is over"
            await self.emergency_stop.sell_out(
                OrderRole.CLOSE, CloseReason.PRACTICE_END, text, deadline_s=SELL_S
            )
        problem = await self._reconcile_last()
        unexplained = await self._store.read("unexplained differences", self._unexplained)
        left = [position.symbol for position in self._ledger.state.positions.values() if position.remaining]
        if left:
            log.warning("positions still open at the end of the day: %s", ", ".join(left))
        return (*unexplained, *((problem,) if problem else ()))

    # ---- internals

    def _is_busy(self) -> bool:
        memory = self._ledger.state
        return bool(memory.positions or memory.live_orders())

    def _open_positions_text(self) -> str:
        memory = self._ledger.state
        held = [position.symbol for position in memory.positions.values() if position.remaining]
        if not held:
            return ""
        resting = len(memory.live_orders())
        orders = f"{many(resting, 'order')} left open on the exchange; " if resting else ""
        return (
            f"{many(len(held), 'position')} left open without stops until the next start: "
            f"{', '.join(held)}; {orders}the next start monitors them again."
        )

    async def _reconcile_last(self) -> str:
        """Reconcile until a run completes; return the problem if none did."""
        problem = "not reconciled"
        until_ms = self._now_ms() + int(LAST_RECONCILE_S * 1_000)
        while self._now_ms() < until_ms:
            try:
                run = await self._reconciler.compare(Trigger.PRACTICE_END)
                problem = run.problem
            except ExchangeError as error:
                problem = str(error)
            if not problem:
                return ""
            await asyncio.sleep(2 * POLL_S)
        return f"last reconciliation: {problem}"

    def _unexplained(self, stored: Stored) -> tuple[str, ...]:
        runs = stored.trading(self._ledger.scope).reconciliations.page(limit=MAX_RUNS)
        return tuple(
            difference.text for difference in lasting(run for _, run in runs if run.at_ms >= self._started_ms)
        )

    def resumed_ms(self) -> int:
        """Return when the user last resumed trading; 0: never halted, or not resumed since."""
        kept = self.trading_state.kept
        return kept.since_ms if kept.state is TradingState.ACTIVE else 0
