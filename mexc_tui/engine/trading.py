"""Composition of the trading components of one engine, and the start order of their workers."""

from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.accounting.unrecorded_orders import UnrecordedOrderSearch
from mexc_tui.engine.entries.arming import Arming
from mexc_tui.engine.entries.entry_context import EntryContext, EntryParameters
from mexc_tui.engine.entries.sniper import Sniper
from mexc_tui.engine.exits.dust_conversion import DustConverter
from mexc_tui.engine.exits.exit_connection import ExitConnection
from mexc_tui.engine.exits.exit_execution import ExitExecution
from mexc_tui.engine.exits.exit_monitor import ExitMonitor
from mexc_tui.engine.exits.exits_edit import ExitsEditor
from mexc_tui.engine.exits.sellability import SellabilityTracker
from mexc_tui.engine.exits.take_profits import TakeProfits
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.key_rights import KeyRightsWorker
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.engine.orders.user_stream_worker import UserStreamWorker
from mexc_tui.engine.parts import EngineContext, TradingParameters, TradingSetup
from mexc_tui.engine.runtime.start_retry import PROCEED_AFTER_S
from mexc_tui.engine.runtime.supervisor import Worker
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.engine.safety.live_unlock import LOCKED, LiveUnlock
from mexc_tui.engine.safety.safety import Safety, SafetyContext
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.mode import Mode
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store

NOT_COMPARED = "take-profits wait for the first reconciliation"
NO_RESTING = "after an emergency stop take-profits wait until you resume"
IN_FLIGHT_S = 5.0
"""How long a stop waits for outstanding responses (reliability H2)."""


@dataclass(frozen=True, slots=True)
class ExitComponents:
    """Components that sell positions."""

    execution: ExitExecution
    monitor: ExitMonitor
    editor: ExitsEditor


class TradingComponents:
    """Every component of one engine that handles orders and money."""

    def __init__(
        self,
        *,
        setup: TradingSetup,
        store: Store,
        clock: Clock,
        parameters: TradingParameters,
        context: EngineContext,
    ) -> None:
        """Build the components; nothing runs yet."""
        self._setup, self._store, self._clock = setup, store, clock
        self._parameters, self._context = parameters, context
        self.port = port = setup.port
        self.prices = PriceCache(clock, port.now_ms)
        self.ledger = self._build_ledger_writer()
        self.execution = Execution(
            trading=port, ledger=self.ledger, gate=self.refusal, window_ms=parameters.window_ms
        )
        self.order_resolution = OrderResolution(
            trading=port, ledger=self.ledger, execution=self.execution, window_ms=parameters.window_ms
        )
        exits = self._build_exits()
        self.exit_execution = exits.execution
        self.exit_monitor = exits.monitor
        self.exits_editor = exits.editor
        self.reconciler = self._build_reconciler()
        self.dust = DustConverter(port, self.ledger, self.reconciler)
        self.suspend_detector = self._build_suspend_detector()
        self.user_stream = UserStreamWorker(
            trading=port,
            ledger=self.ledger,
            on_gap=self.reconciler.request_comparison,
            on_unrecorded_order=self._on_unrecorded_order,
        )
        self.unrecorded_orders = UnrecordedOrderSearch(
            trading=port,
            ledger=self.ledger,
            rng=context.rng,
            on_unrecorded_order=self._on_unrecorded_order,
            resumed_ms=lambda: self.safety.resumed_ms(),
        )
        self.entry_context = self._build_entry_context()
        self.key_rights = self._build_key_rights()
        self.live_unlock = self._build_live_unlock()
        self.arming = Arming(
            knowledge_store=context.knowledge_store,
            ledger=self.ledger,
            store=store,
            context=self.entry_context,
            parameters=self._entry_parameters,
            now_ms=port.now_ms,
        )
        self.sniper = self._build_sniper()
        self.safety = self._build_safety()

    # ---- builders, in the order of construction

    def _build_ledger_writer(self) -> LedgerWriter:
        desk = self._setup.desk_id, self._clock.now_ms()
        return LedgerWriter(
            store=self._store,
            scope=self._setup.scope,
            ids_of=desk,
            now_ms=self.port.now_ms,
            prices=self.prices.in_quote,
        )

    def _build_exits(self) -> ExitComponents:
        port, ledger, context = self.port, self.ledger, self._context
        filters = SymbolFilters(lambda: context.knowledge_store.knowledge.pairs)
        connection = ExitConnection(port, self.execution, self._parameters.window_ms)
        sellability = SellabilityTracker(
            ledger=ledger, prices=self.prices, stale_ms=self._stale_ms, now_ms=port.now_ms
        )
        execution = ExitExecution(
            trading=port,
            ledger=ledger,
            execution=self.execution,
            order_resolution=self.order_resolution,
            prices=self.prices,
            symbol_filters=filters,
            connection=connection,
            sellability=sellability,
            on_sale=self._end_buying,
        )
        take_profits = TakeProfits(
            trading=port,
            ledger=ledger,
            execution=self.execution,
            order_resolution=self.order_resolution,
            exit_execution=execution,
            symbol_filters=filters,
        )
        monitor = ExitMonitor(
            trading=port,
            ledger=ledger,
            prices=self.prices,
            exit_execution=execution,
            take_profits=take_profits,
            symbol_filters=filters,
            connection=connection,
            sellability=sellability,
            stale_ms=self._stale_ms,
        )
        editor = ExitsEditor(
            trading=port,
            ledger=ledger,
            prices=self.prices,
            symbol_filters=filters,
            exit_execution=execution,
            take_profits=take_profits,
            monitor=monitor,
            stale_ms=self._stale_ms,
            bounds=self._parameters.exits,
        )
        return ExitComponents(execution, monitor, editor)

    def _build_reconciler(self) -> Reconciler:
        return Reconciler(
            trading=self.port,
            ledger=self.ledger,
            store=self._store,
            prices=self.prices,
            clock=self._clock,
            parameters=self._parameters.reconcile,
            on_unrecorded_order=self._on_unrecorded_order,
        )

    def _build_suspend_detector(self) -> SuspendDetector:
        return SuspendDetector(
            clock=self._clock,
            now_ms=self.port.now_ms,
            invalidate_prices=self.prices.invalidate,
            sync_clock=self._context.sync_clock,
            reconcile=self.reconciler.request_comparison,
            reconciled_ms=self._reconciled_ms,
        )

    def _build_entry_context(self) -> EntryContext:
        context = self._context
        return EntryContext(
            knowledge_store=context.knowledge_store,
            trading=self.port,
            prices=self.prices,
            ledger_state=lambda: self.ledger.state,
            parameters=self._entry_parameters,
            workers=context.workers,
            stream_age_ms=context.stream_age_ms,
            is_reconciled=lambda: self.reconciler.is_done and self.unrecorded_orders.is_done,
            is_unlocked=lambda: not self.live_unlock.is_locked,
            key=lambda: self.key_rights.facts,
            day_equity=lambda: self.safety.equity.limit_equity,
        )

    def _build_key_rights(self) -> KeyRightsWorker:
        return KeyRightsWorker(
            self.port,
            self._setup.key_validity,
            lambda: bool(self.ledger.state.positions or self.ledger.state.intents),
            is_live=self._parameters.entry().mode is Mode.LIVE,
            expires_ms=self._setup.key_expires_ms,
        )

    def _build_live_unlock(self) -> LiveUnlock:
        return LiveUnlock(
            store=self._store,
            clock=self._clock,
            rng=self._context.rng,
            profile=self._context.profile,
            now_ms=self.port.now_ms,
            desk=self.entry_context.desk,
            parameters=lambda: (self._entry_parameters(), self._parameters.live()),
        )

    def _build_sniper(self) -> Sniper:
        return Sniper(
            knowledge_store=self._context.knowledge_store,
            trading=self.port,
            ledger=self.ledger,
            execution=self.execution,
            prices=self.prices,
            store=self._store,
            clock=self._clock,
            arming=self.arming,
            reconciler=self.reconciler,
            suspend_detector=self.suspend_detector,
            parameters=self._entry_parameters,
            window_ms=self._parameters.window_ms,
            streams=self._context.streams,
        )

    def _build_safety(self) -> Safety:
        context, parameters = self._context, self._parameters
        return Safety(
            trading=self.port,
            ledger=self.ledger,
            store=self._store,
            prices=self.prices,
            execution=self.execution,
            order_resolution=self.order_resolution,
            reconciler=self.reconciler,
            sniper=self.sniper,
            context=SafetyContext(
                profile=context.profile,
                workers=context.worker_statuses,
                clock_problem=context.clock_problem,
                standstill=lambda: self.suspend_detector.entry_block,
                fee=self.entry_context.fee,
                store_problem=context.store_problem,
                closer=self.exit_execution,
                on_stop=self.live_unlock.lock_on_stop,
                exit_heartbeat_ms=self.exit_monitor.heartbeat_ms,
            ),
            halt_file=self._setup.halt_file,
            parameters=parameters.safety,
            limits=lambda: parameters.entry().limits,
        )

    # ---- workers

    def workers(self, *, has_exposure: bool = False) -> tuple[Worker, ...]:
        """Return the workers in start order: no entry is made before the first reconciliation.

        `has_exposure`: positions or unknown orders exist, so exits start without waiting for the exchange.
        """
        deadline_s, proceed_after_s = (None, PROCEED_AFTER_S) if has_exposure else (60.0, None)
        key_rights = self.key_rights
        key = (
            (
                Worker(
                    name="key",
                    run=key_rights.run,
                    start_deadline_s=deadline_s,
                    proceed_after_s=proceed_after_s,
                ),
            )
            if key_rights.is_live
            else ()
        )
        return (
            Worker(name="user stream", run=self.user_stream.run),
            Worker(name="suspend detector", run=self.suspend_detector.run),
            Worker(
                name="reconciler",
                run=self.reconciler.run,
                start_deadline_s=deadline_s,
                proceed_after_s=proceed_after_s,
            ),
            Worker(name="ledger", run=self.ledger.run),
            *key,
            Worker(name="order resolution", run=self.order_resolution.run),
            Worker(name="exit monitor", run=self.exit_monitor.run),
            *self.safety.workers(),
            Worker(name="unrecorded orders", run=self.unrecorded_orders.run),
            Worker(name="sniper", run=self.sniper.run),
        )

    async def stop(self) -> str:
        """Hold or flatten, then wait for outstanding responses; call before stopping the workers.

        Return the treatment of the open positions, as text.
        """
        text = await self.safety.end()
        await self.execution.wait_in_flight(IN_FLIGHT_S)
        await self.dust.settle(IN_FLIGHT_S)
        return text

    # ---- checks before each order

    def refusal(self, role: OrderRole, symbol: str) -> str:
        """Return why an order is refused, or "" (reliability I11). Exits always pass (architecture 2.4)."""
        if role.reduces_risk and role is not OrderRole.TAKE_PROFIT:
            return ""
        self.safety.trading_state.reread()
        if not self.safety.trading_state.is_loaded:
            return "trading state not loaded yet"
        if role is OrderRole.TAKE_PROFIT:
            return self._take_profit_refusal(symbol)
        return self._entry_refusal(symbol)

    def _take_profit_refusal(self, symbol: str) -> str:
        if not self.reconciler.has_compared:
            return NOT_COMPARED
        if self.ledger.state.trading.no_resting:
            return NO_RESTING
        return self.exit_execution.forbids_resting(symbol)

    def _entry_refusal(self, symbol: str) -> str:
        memory = self.ledger.state
        if self.live_unlock.is_locked:
            return LOCKED
        if self.key_rights.refusal:
            return self.key_rights.refusal
        if not memory.trading.state.allows_entries:
            return f"trading is {memory.trading.state}: {memory.trading.text}"
        problem = self._ledger_problem()
        if problem:
            return problem
        if memory.has_unknown(symbol):
            return f"the outcome of an order for {symbol} is unknown"
        return ""

    def _ledger_problem(self) -> str:
        if self.reconciler.refusal:
            return self.reconciler.refusal
        if self.ledger.problem:
            return f"the ledger cannot be written: {self.ledger.problem}"
        return (
            self.unrecorded_orders.refusal
            or self._context.store_problem()
            or self.suspend_detector.entry_block
        )

    # ---- callbacks of the components

    def _entry_parameters(self) -> EntryParameters:
        return self.safety.tightening.of(self._parameters.entry())

    def _stale_ms(self) -> int:
        return self._parameters.safety().stale_ms

    def _reconciled_ms(self) -> int | None:
        run = self.ledger.state.reconciled
        return None if run is None or run.problem else run.at_ms

    def _end_buying(self, symbol: str, text: str) -> None:
        self.sniper.end_buying(symbol, text)

    def _on_unrecorded_order(self, client_order_id: str) -> None:
        self.safety.risk_monitor.on_unrecorded_order(client_order_id)
