"""Joins what stops trading to the other rooms of trading, and says how an engine ends with open positions."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

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
from mexc_tui.engine.safety.emergency_stop import EmergencyStop
from mexc_tui.engine.safety.invariants import Invariants
from mexc_tui.engine.safety.limit_tightening import LimitTightening
from mexc_tui.engine.safety.risk_monitor import RiskMonitor, RiskMonitorParameters
from mexc_tui.engine.safety.trading_state import HaltFile, TradingStateOwner
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.policy import OnStop
from mexc_tui.model.reconciliation import ExcludedCause, Trigger, lasting
from mexc_tui.model.storage import StoredAlert
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.ports.store import Store, Stored
from mexc_tui.ports.trading import TradingPort
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.tightening import TighteningRules

log = logging.getLogger(__name__)

OVER_S = 60.0
"""So long after a practice day positions may close by themselves."""
SETTLE_S = 5.0
"""A halt that has begun is written down within it."""
SELL_S = 20.0
"""Selling at the end takes no longer."""
STEP_S = 0.5
LAST_COMPARE_S = 45.0
"""So long the last comparison is repeated while something moves or waits for confirmation."""
NOT_COMPARED = tuple(f"books:{cause}" for cause in ExcludedCause)
PASSED_MS = 3_600_000
"""An alert about one refused order or entry is closed so long after the last one."""
RUNS = 10_000


@dataclass(frozen=True, slots=True)
class SafetyParameters:
    """Numbers of the settings."""

    guard: RiskMonitorParameters
    tightening: TighteningRules
    stale_ms: int
    """An older bid is no price."""
    on_stop: OnStop


@dataclass(frozen=True, slots=True)
class Watched:
    """What safety sees of the engine around trading."""

    profile: str
    workers: Callable[[], tuple[WorkerStatus, ...]]
    clock_problem: Callable[[], str]
    standstill: Callable[[], str]
    fee: Callable[[str], Decimal]
    """Of selling a pair, a ratio."""
    store_problem: Callable[[], str] = lambda: ""
    """Why nothing may be bought with the store as it is; empty: it may."""


class Safety:
    """Equity, invariants, the trading state, the guard and what it does."""

    def __init__(
        self,
        trading: TradingPort,
        keeper: LedgerWriter,
        books: Store,
        prices: PriceCache,
        execution: Execution,
        settling: OrderResolution,
        reconciler: Reconciler,
        sniper: Sniper,
        watched: Watched,
        file: HaltFile | None,
        numbers: Callable[[], SafetyParameters],
        limits: Callable[[], RiskLimits],
    ) -> None:
        """Join; nothing runs yet. `limits`: those of entries, as configured."""
        self._keeper = keeper
        self._books = books
        self._reconciler = reconciler
        self._numbers = numbers
        self.switch = TradingStateOwner(keeper, file, watched.profile, trading.now_ms, books.release_reserve)
        self.equity = EquityMonitor(
            keeper,
            books,
            prices,
            trading.now_ms,
            watched.fee,
            lambda: numbers().stale_ms,
            self.resumed_ms,
        )
        self.invariants = Invariants(keeper, self.equity, execution, reconciler, trading.now_ms)
        self.stopping = EmergencyStop(
            trading,
            keeper,
            execution,
            settling,
            self.switch,
            sniper.disarm_all,
            self.equity.reset_loss_limits,
        )
        self.tightening = LimitTightening(keeper, trading.now_ms, lambda: numbers().tightening)
        self.guard = RiskMonitor(
            trading,
            keeper,
            reconciler,
            self.equity,
            self.invariants,
            self.switch,
            self.stopping,
            self.tightening,
            watched.workers,
            watched.clock_problem,
            watched.store_problem,
            watched.standstill,
            lambda: numbers().guard,
            limits,
        )
        self._now_ms = trading.now_ms
        self._started_ms = trading.now_ms()

    def workers(self) -> tuple[Worker, ...]:
        """Return the workers; the trading state is known when these have started."""
        return Worker("guard", self.guard.run), Worker("equity", self.equity.run)

    def is_over(self, alert: StoredAlert) -> bool:
        """Whether what trading alerted of is so no more."""
        rule, about, memory = alert.alert.rule, alert.alert.about, self._keeper.state
        if rule.startswith("guard:"):
            return not self.guard.stands(about)
        if rule in (ORDER_FAILED, RISK_REFUSED):
            return self._now_ms() - alert.last_ms > PASSED_MS
        if rule in ("guardian", "selling"):
            return memory.position_of(about) is None
        if rule in NOT_COMPARED:
            run = memory.reconciled
            return run is not None and all(one.asset != about for one in run.excluded)
        if rule == "books:unconfirmed":
            return not self._reconciler.pause_reason
        if rule == "books:difference":
            run = memory.reconciled
            if run is None or run.problem or run.at_ms <= alert.last_ms:
                return False
            return all(one.about != about for one in run.unexplained)
        return False

    async def end(self) -> str:
        """Do with open positions what a stopping engine is told to; return what became of them, if any."""
        self.guard.stops = "the engine stops"
        self.switch.doubt(Cause.MANUAL, self.guard.stops)
        await self.stopping.settle(SETTLE_S)
        await self.switch.settle(SETTLE_S)
        memory = self._keeper.state
        if self._numbers().on_stop is OnStop.FLATTEN and memory.positions:
            closed, left, why = await self.stopping.sell_out(
                OrderRole.FLATTEN, CloseReason.FLATTEN, "the engine stops", SELL_S
            )
            return f"Closed {closed} positions at the stop, {left} left" + (f": {why}." if why else ".")
        return self._held()

    async def day_over(self, hurried: asyncio.Event) -> tuple[str, ...]:
        """Let positions close, close the rest, compare books; return every unexplained difference.

        `hurried`: wait for nothing more.
        """
        self.guard.stops = "the practice day is over"
        for _ in range(int(OVER_S / STEP_S)):
            if hurried.is_set() or not self._is_busy():
                break
            await asyncio.sleep(STEP_S)
        if self._keeper.state.positions:
            words = "the practice day is over"
            await self.stopping.sell_out(OrderRole.CLOSE, CloseReason.PRACTICE_END, words, SELL_S)
        problem = await self._compare_last()
        unexplained = await self._books.read("unexplained differences", self._unexplained)
        left = [one.symbol for one in self._keeper.state.positions.values() if one.remaining]
        if left:
            log.warning("open at the end: %s", ", ".join(left))
        return (*unexplained, *((problem,) if problem else ()))

    # ---- inside

    def _is_busy(self) -> bool:
        memory = self._keeper.state
        return bool(memory.positions or memory.live_orders())

    def _held(self) -> str:
        memory = self._keeper.state
        held = [one.symbol for one in memory.positions.values() if one.remaining]
        if not held:
            return ""
        resting = len(memory.live_orders())
        rest = f"{resting} orders stay open at the exchange;  " if resting else ""
        return (
            f"{len(held)} positions stay open, and their stops end with this engine: {', '.join(held)}; "
            f"{rest}the next start watches them again."
        )

    async def _compare_last(self) -> str:
        """Compare until nothing moves any more; return why that could not be done."""
        problem = "not reconciled"
        until_ms = self._now_ms() + int(LAST_COMPARE_S * 1_000)
        while self._now_ms() < until_ms:
            try:
                run = await self._reconciler.compare(Trigger.PRACTICE_END)
                problem = run.problem
            except ExchangeError as error:
                problem = str(error)
            if not problem:
                return ""
            await asyncio.sleep(2 * STEP_S)
        return f"last reconciliation: {problem}"

    def _unexplained(self, stored: Stored) -> tuple[str, ...]:
        runs = stored.trading(self._keeper.scope).reconciliations.page(limit=RUNS)
        return tuple(one.words for one in lasting(run for _, run in runs if run.at_ms >= self._started_ms))

    def resumed_ms(self) -> int:
        """Return when a person resumed trading last; 0: nobody did since a halt, or it never halted."""
        kept = self.switch.kept
        return kept.since_ms if kept.state is TradingState.ACTIVE else 0
