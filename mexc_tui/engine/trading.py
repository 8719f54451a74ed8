"""Joins the rooms of trading to an engine: books, sending, settling, comparing; the order of their start."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import ReconcileParameters, Reconciler
from mexc_tui.engine.accounting.unknown_orders import UnknownOrders
from mexc_tui.engine.entries.arming import Arming
from mexc_tui.engine.entries.entry_context import EntryContext, EntryParameters
from mexc_tui.engine.entries.readiness import PairWatch
from mexc_tui.engine.entries.sniper import Sniper
from mexc_tui.engine.exits.dust_conversion import DustConverter
from mexc_tui.engine.exits.exit_connection import ExitConnection
from mexc_tui.engine.exits.exit_execution import ExitExecution
from mexc_tui.engine.exits.exit_monitor import ExitMonitor
from mexc_tui.engine.exits.exits_edit import ExitsEditor
from mexc_tui.engine.exits.sellability import SellabilityTracker
from mexc_tui.engine.exits.take_profits import TakeProfits
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.key_rights import KeyRightsWorker
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.engine.orders.user_stream_worker import UserStreamWorker
from mexc_tui.engine.runtime.start_patience import GO_ON_S
from mexc_tui.engine.runtime.supervisor import Worker, WorkerStatus
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.engine.safety.live_unlock import LOCKED, LiveParameters, LiveUnlock
from mexc_tui.engine.safety.safety import Safety, SafetyParameters, Watched
from mexc_tui.engine.safety.trading_state import HaltFile
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.mode import Mode
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.exit_edit import ExitBounds
from mexc_tui.sniping.request import WorkerFact

NOT_COMPARED = "take-profits wait for the first reconciliation"
NO_RESTING = "after an emergency stop take-profits wait until you resume"
IN_FLIGHT_S = 5.0
"""How long a stop waits for answers that are on their way (reliability H2)."""


@dataclass(frozen=True, slots=True)
class TradingSetup:
    """Parts of a trading engine. `scope`: account and exchange session; `instance`: id of this desk."""

    port: TradingPort
    scope: str
    instance: str
    halt_file: HaltFile | None = None
    """Keeps a halt beside the store."""
    key_words: str = ""
    """How long a live key lasts."""


@dataclass(frozen=True, slots=True)
class TradingParameters:
    """Parameters of the components, from the settings; call them each time."""

    reconcile: Callable[[], ReconcileParameters]
    entry: Callable[[], EntryParameters]
    safety: Callable[[], SafetyParameters]
    live: Callable[[], LiveParameters]
    exits: ExitBounds
    """What a person may wish for an open position."""
    window_ms: Callable[[], int]
    """Validity of an order request (`recvWindow`)."""


@dataclass(frozen=True, slots=True)
class EngineContext:
    """What trading sees of the rest of the engine."""

    known: KnowledgeStore
    workers: Callable[[], tuple[WorkerFact, ...]]
    """Those that firing rests on."""
    stream_age_ms: Callable[[], int | None]
    """Of the market's streams; None: nothing is heard."""
    streams: PairWatch
    resync: Callable[[], None]
    """Have the exchange's clock measured."""
    profile: str
    statuses: Callable[[], tuple[WorkerStatus, ...]]
    """Of every worker."""
    clock_problem: Callable[[], str]
    """Why the exchange's time is in doubt; empty: it is not."""
    rng: Random
    store_problem: Callable[[], str] = lambda: ""
    """Why nothing may be bought with the store as it is; empty: it may."""


class TradingComponents:
    """Everything about money, of one engine."""

    def __init__(
        self,
        part: TradingSetup,
        books: Store,
        clock: Clock,
        numbers: TradingParameters,
        around: EngineContext,
    ) -> None:
        """Join the rooms; nothing runs yet."""
        port = part.port
        self._store_problem = around.store_problem

        def entry() -> EntryParameters:
            return self.safety.tightening.of(numbers.entry())

        window_ms = numbers.window_ms
        self.port = port
        self.prices = PriceCache(clock, port.now_ms)
        self.keeper = LedgerWriter(
            books, part.scope, (part.instance, clock.now_ms()), port.now_ms, self.prices.in_quote
        )
        self.execution = Execution(port, self.keeper, self.refusal, window_ms)
        self.settling = OrderResolution(port, self.keeper, self.execution, window_ms)
        grids, line = (
            SymbolFilters(lambda: around.known.knowledge.pairs),
            ExitConnection(port, self.execution, window_ms),
        )

        def stale_ms() -> int:
            return numbers.safety().stale_ms

        sellability = SellabilityTracker(self.keeper, self.prices, stale_ms, port.now_ms)
        self.selling = ExitExecution(
            port, self.keeper, self.execution, self.settling, self.prices, grids, line, sellability
        )
        profits = TakeProfits(port, self.keeper, self.execution, self.settling, self.selling, grids)
        self.guardian = ExitMonitor(
            port,
            self.keeper,
            self.prices,
            self.selling,
            profits,
            grids,
            line,
            sellability,
            stale_ms,
        )
        self.exits = ExitsEditor(
            port,
            self.keeper,
            self.prices,
            grids,
            self.selling,
            profits,
            self.guardian,
            stale_ms,
            numbers.exits,
        )
        self.reconciler = Reconciler(
            port,
            self.keeper,
            books,
            self.prices,
            clock,
            numbers.reconcile,
            self._on_stranger,
        )
        self.dust = DustConverter(port, self.keeper, self.reconciler)
        self.awake = SuspendDetector(
            clock=clock,
            now_ms=port.now_ms,
            invalidate_prices=self.prices.invalidate,
            sync_clock=around.resync,
            reconcile=self.reconciler.request_comparison,
            reconciled_ms=self._compared_ms,
        )
        self.private = UserStreamWorker(
            port, self.keeper, self.reconciler.request_comparison, self._on_stranger
        )
        self.other_engines = UnknownOrders(
            port, self.keeper, around.rng, self._on_stranger, lambda: self.safety.resumed_ms()
        )
        self.gates = EntryContext(
            around.known,
            port,
            self.prices,
            lambda: self.keeper.state,
            entry,
            around.workers,
            around.stream_age_ms,
            lambda: self.reconciler.is_done and self.other_engines.is_done,
            lambda: not self.unlocking.is_locked,
            lambda: self.key.facts,
            lambda: self.safety.equity.limit_equity,
        )
        self.key = KeyRightsWorker(
            port,
            part.key_words,
            lambda: bool(self.keeper.state.positions or self.keeper.state.intents),
            is_live=numbers.entry().mode is Mode.LIVE,
        )
        self.unlocking = LiveUnlock(
            books,
            clock,
            around.rng,
            around.profile,
            port.now_ms,
            self.gates.desk,
            lambda: (entry(), numbers.live()),
        )
        self.arming = Arming(around.known, self.keeper, books, self.gates, entry, port.now_ms)
        self.sniper = Sniper(
            around.known,
            port,
            self.keeper,
            self.execution,
            self.prices,
            books,
            clock,
            self.arming,
            self.reconciler,
            self.awake,
            entry,
            window_ms,
            around.streams,
        )
        self.selling.on_sale = self.sniper.end_buying
        self.safety = Safety(
            port,
            self.keeper,
            books,
            self.prices,
            self.execution,
            self.settling,
            self.reconciler,
            self.sniper,
            Watched(
                around.profile,
                around.statuses,
                around.clock_problem,
                lambda: self.awake.doubt,
                self.gates.fee,
                around.store_problem,
            ),
            part.halt_file,
            numbers.safety,
            lambda: numbers.entry().limits,
        )
        self.safety.stopping.closer = self.selling
        self.safety.stopping.on_stop = self.unlocking.lock_with
        self.safety.invariants.heartbeat_ms = self.guardian.heartbeat_ms

    def workers(self, *, holds: bool = False) -> tuple[Worker, ...]:
        """Return the workers in the order of their start: nothing is bought before books were compared.

        `holds`: something is held or unknown, so exits do not wait for answers of the exchange.
        """
        deadline_s, go_on_s = (None, GO_ON_S) if holds else (60.0, None)
        key = (Worker("key", self.key.run, deadline_s, go_on_s=go_on_s),) if self.key.is_live else ()
        return (
            Worker("private stream", self.private.run),
            Worker("awake", self.awake.run),
            Worker("reconciler", self.reconciler.run, deadline_s, go_on_s=go_on_s),
            Worker("books", self.keeper.run),
            *key,
            Worker("settling", self.settling.run),
            Worker("guardian", self.guardian.run),
            *self.safety.workers(),
            Worker("other engines", self.other_engines.run),
            Worker("sniper", self.sniper.run),
        )

    def refusal(self, role: OrderRole, symbol: str) -> str:
        """Return why an order is refused, or "" (reliability I11). Exits always pass (architecture 2.4)."""
        if role.reduces_risk and role is not OrderRole.TAKE_PROFIT:
            return ""
        self.safety.switch.reread()
        if not self.safety.switch.is_loaded:
            return "trading state not loaded yet"
        if role is OrderRole.TAKE_PROFIT:
            if not self.reconciler.has_compared:
                return NOT_COMPARED
            is_stopped = self.keeper.state.trading.no_resting
            return NO_RESTING if is_stopped else self.selling.forbids_resting(symbol)
        return self._entry_refusal(symbol)

    def _entry_refusal(self, symbol: str) -> str:
        memory = self.keeper.state
        if self.unlocking.is_locked:
            return LOCKED
        if self.key.refusal:
            return self.key.refusal
        if not memory.trading.state.allows_entries:
            return f"trading is {memory.trading.state}: {memory.trading.words}"
        problem = self._books_problem()
        if problem:
            return problem
        if memory.has_unknown(symbol):
            return f"the outcome of an order for {symbol} is unknown"
        return ""

    def _books_problem(self) -> str:
        if self.reconciler.refusal:
            return self.reconciler.refusal
        if self.keeper.problem:
            return f"the ledger cannot be written: {self.keeper.problem}"
        return self.other_engines.refusal or self._store_problem() or self.awake.doubt

    async def stop(self) -> str:
        """Hold or flatten, wait for answers that are on their way; call it before the workers are stopped.

        Returns what becomes of open positions.
        """
        words = await self.safety.end()
        await self.execution.wait_in_flight(IN_FLIGHT_S)
        await self.dust.settle(IN_FLIGHT_S)
        return words

    def _compared_ms(self) -> int | None:
        run = self.keeper.state.reconciled
        return None if run is None or run.problem else run.at_ms

    def _on_stranger(self, client_order_id: str) -> None:
        self.safety.guard.on_stranger(client_order_id)
