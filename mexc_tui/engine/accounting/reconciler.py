"""Reconciles ledger and exchange: first at start, then periodically, and after each stream gap.

It queries both sides, calls the pure comparison and applies the corrections. It never trades.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.exchange_snapshot import ExchangeReader
from mexc_tui.engine.accounting.ledger_snapshot import baseline_of, newest_entry_number, read_ledger
from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.recovery_report import OpenAtStart, open_at_start, publish_recovery
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.engine.runtime.start_retry import StartRetry
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.engine.runtime.weight_allowance import WeightAllowance
from mexc_tui.ledger.accounts import start_entry
from mexc_tui.ledger.comparison import (
    ApplyEvidence,
    ComparisonResult,
    Correction,
    ExchangeSnapshot,
    LedgerSnapshot,
    PostEntry,
    ReconcileRules,
    RestoreWrittenOff,
    StoreForeignOrder,
    UnconfirmedDifference,
    WriteOffMissing,
)
from mexc_tui.ledger.confirmation import CONFIRM_EVERY_S, describe, needs_history
from mexc_tui.ledger.reconcile import reconcile
from mexc_tui.model.account import Balance
from mexc_tui.model.errors import ExchangeError, RequestRefused
from mexc_tui.model.event import Reconciled
from mexc_tui.model.intent import Order, OrderState
from mexc_tui.model.outcome import SETTLE_MS
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)
QUOTES = frozenset({QUOTE})
ASKED_FOR = (Trigger.MANUAL, Trigger.PRACTICE_END)
FIRST_ANSWERS = 5
"""Attempts to get two equal balance responses before the ledger is opened."""
GIVE_UP_S = 30.0
"""How long a start without positions or orders waits for the exchange."""
UNLISTED_EVERY_S = 15.0
"""Interval of retries for pairs whose orders could not be listed."""
FEE_ASSET = "MX"
HISTORY_BURST, HISTORY_PER_S = 120, 10
"""Request weight of histories: at once, and per second after that; a third of the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileParameters:
    """Reconciliation settings."""

    every_s: float
    steps: tuple[Decimal, ...]
    explained_below: Decimal
    recv_window_ms: int


class Reconciler:
    """Reconciliation worker. `compare` may be called from anywhere; one comparison runs at a time."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        store: Store,
        prices: PriceCache,
        clock: Clock,
        parameters: Callable[[], ReconcileParameters],
        on_unrecorded_order: Callable[[str], None],
    ) -> None:
        self._trading = trading
        self._ledger = ledger
        self._store = store
        self._prices = prices
        self._clock = clock
        self._parameters = parameters
        self._on_unrecorded_order = on_unrecorded_order
        self.lock = asyncio.Lock()
        """Held during a comparison, and while coins move without an order until that is booked."""
        self._wake = asyncio.Event()
        self._again = asyncio.Event()
        self._agreed_ms = 0
        allowance = WeightAllowance(clock, HISTORY_BURST, HISTORY_PER_S)
        self._exchange = ExchangeReader(trading, ledger, allowance)
        self._first: ExchangeSnapshot | None = None
        """Snapshot at the opening of the ledger, used by the first comparison."""
        self._unconfirmed = tuple[UnconfirmedDifference, ...]()
        self.compared_balances = tuple[Balance, ...]()
        """Balances of the last completed comparison."""
        self.has_compared = False
        """Whether a comparison was completed since this engine started."""
        self.problem = ""
        """Why the last comparison failed; empty: it did not."""
        self.refused_code: int | None = None
        """Error code of the last failed comparison; None: not rejected."""
        self.is_done = False
        """Whether all orders of the previous engine are resolved: no entries before that."""
        self.damage = ""
        """Damage of the stored ledger; entries are blocked. Empty: none."""
        self.recovery_lines = tuple[str, ...]()
        """Lines of the recovery report; empty: the previous engine left nothing open."""
        self.recovery_reported = asyncio.Event()
        """Set once the recovery report is complete."""

    @property
    def balances(self) -> tuple[Balance, ...]:
        """Return the balances of the last response: for display, never for a decision about money."""
        return self._exchange.balances

    @property
    def pause_reason(self) -> str:
        """Return why entries pause until the next comparison; empty: no reason."""
        return describe(difference for difference in self._unconfirmed if difference.pauses_entries)

    @property
    def refusal(self) -> str:
        """Return why reconciliation blocks entries; empty: it does not."""
        if not self.is_done:
            return self.damage or f"not reconciled with the exchange yet{_why(self.problem)}"
        return f"balances are being confirmed: {self.pause_reason}" if self.pause_reason else ""

    @property
    def unlisted(self) -> frozenset[str]:
        """Return the pairs whose orders the last reading could not list."""
        return self._exchange.unlisted

    @property
    def is_confirming(self) -> bool:
        """Return whether a difference awaits another comparison, which follows automatically."""
        return bool(self._unconfirmed)

    async def wait_for_comparison(self) -> None:
        """Wait for the next completed comparison."""
        self._again.clear()
        await self._again.wait()

    def request_comparison(self) -> None:
        """Request a comparison: updates were lost, or others traded."""
        self._wake.set()

    async def run(self, started: Started) -> None:
        """Mark open orders unknown, then compare periodically. Other workers wait for the first run."""
        await self._ledger.load()
        is_new, left = not self._ledger.state.balances, open_at_start(self._ledger.state)
        await self._verify()
        await self._until_answered(self._open_ledger)
        is_doubtful = bool(self._ledger.state.intents or self._ledger.state.orders)
        fence_ns = await self._mark_unknown(lambda _: True, self._measured_ms())
        for intent in list(self._ledger.state.intents.values()):
            await self._ledger.add_ids(intent)
        runs: list[Reconciliation] = []
        await self._until_answered(lambda: self.compare(Trigger.START, runs))
        started()
        if any(_is_without_fence(order) for order in self._ledger.state.live_orders()):
            # The exchange accepted the timestamps of the comparison, so this clock serves, measured or not.
            fence_ns = await self._mark_unknown(_is_without_fence, self._trading.now_ms())
        if is_doubtful:
            await asyncio.sleep(max(fence_ns - self._clock.monotonic_ns(), 0) / 1e9)
            self._wake.clear()  # covers requests made meanwhile
            while not await self._try_compare(Trigger.START, runs):
                await self._woken_within(CONFIRM_EVERY_S)
        self.is_done = not self.damage
        if not self.recovery_reported.is_set():
            await self._report_recovery(left, runs, is_new=is_new)
        while True:
            await self._learn_fee_asset()
            every_s = CONFIRM_EVERY_S if self._unconfirmed else self._parameters().every_s
            if self.unlisted:
                every_s = min(every_s, UNLISTED_EVERY_S)
            is_woken = await self._woken_within(every_s)
            await self._try_compare(Trigger.STREAM_GAP if is_woken else Trigger.TIMER)

    async def _woken_within(self, seconds: float) -> bool:
        """Wait for a request for at most `seconds`; return whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        finally:
            self._wake.clear()
        return True

    async def _until_answered(self, query: Callable[[], Awaitable[object]]) -> None:
        """Retry until the exchange responds: the previous engine may have used up the limits.

        Raises WorkerFailure if nothing is open: at once for a rejected key, otherwise after a while.
        """
        patience = StartRetry(self._has_open_rows, GIVE_UP_S, self._set_waiting)
        while True:
            try:
                await patience.request(query())
            except ExchangeError as error:
                self._record_problem(error)  # its code too
                await patience.wait(error)
            else:
                return

    def _has_open_rows(self) -> bool:
        memory = self._ledger.state
        return bool(memory.positions or memory.intents or memory.live_orders())

    async def _report_recovery(self, left: OpenAtStart, runs: list[Reconciliation], *, is_new: bool) -> None:
        """Publish the recovery report once; a new ledger has none."""
        if not is_new:
            self.recovery_lines = await publish_recovery(left, runs, self._ledger, store=self._store)
        self.recovery_reported.set()

    async def _try_compare(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> bool:
        """Compare; return whether the exchange responded."""
        try:
            await self.compare(trigger, runs)
        except ExchangeError as error:
            self._record_problem(error)
            log.warning("reconciliation failed: %s", error)
            return False
        return True

    def _set_waiting(self, text: str) -> None:
        self.problem = text

    def _record_problem(self, error: ExchangeError) -> None:
        self.problem = str(error)
        self.refused_code = error.refusal.code if isinstance(error, RequestRefused) else None

    async def compare(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> Reconciliation:
        """Compare, correct, store the run and add it to `runs`. Raises ExchangeError, StorageError."""
        async with self.lock:
            began_ns = self._clock.monotonic_ns()
            newest = await self._ledger.read("newest entry", newest_entry_number)
            theirs = await self._read_exchange(trigger)
            ours = await self._read_ledger(theirs, newest)
            outcome = reconcile(ours, theirs, self._rules(), trigger=trigger)
            for correction in outcome.corrections:
                await self._apply(correction)
            for name in outcome.unrecorded_ids:
                self._on_unrecorded_order(name)
            duration_ms = (self._clock.monotonic_ns() - began_ns) // 1_000_000
            run = await self._save_run(outcome, duration_ms)
        if runs is not None:
            runs.append(run)
        return run

    # ---- the start

    async def _verify(self) -> None:
        """Verify the stored ledger against its hashes and sums. Damage blocks entries, never exits."""
        scope = self._ledger.scope
        try:
            await self._store.read("verify ledger", lambda stored: stored.trading(scope).verify())
        except StorageDamaged as error:
            self.damage = f"the stored ledger is damaged: {error}"
            log.error("%s", self.damage)

    async def _open_ledger(self) -> None:
        """Open the ledger of a new exchange session with the account's balances."""
        if self._ledger.state.balances:
            return
        self._first = await self._exchange.read_opening_balances(FIRST_ANSWERS)
        entry = start_entry(self._first.balances, QUOTES, self._trading.now_ms())
        await self._ledger.write("open ledger", lambda desk: desk.add_entry(entry, "books"))

    def _measured_ms(self) -> int | None:
        """Return the exchange's time; None before it is measured: this machine's clock may be hours off."""
        return None if self._trading.clock() is None else self._trading.now_ms()

    async def _mark_unknown(self, is_chosen: Callable[[Order], bool], now_ms: int | None) -> int:
        """Mark live orders as UNKNOWN; return the end of their fence on the monotonic clock.

        An attempt without a row may have been sent. After the fence, a listing shows it under an id of its
        intent, or it was never accepted.
        """
        window_ms = self._parameters().recv_window_ms
        fence_ns = self._clock.monotonic_ns() + (window_ms + SETTLE_MS + 1) * 1_000_000
        for order in filter(is_chosen, list(self._ledger.state.live_orders())):
            await self._ledger.mark_order_unknown(order.client_order_id, now_ms, window_ms)
        return fence_ns

    # ---- comparing

    async def _learn_fee_asset(self) -> None:
        """Query the price of the fee asset if no stream provides it."""
        if FEE_ASSET in self._prices.in_quote():
            return
        try:
            self._prices.set_polled_value(FEE_ASSET, await self._trading.price(FEE_ASSET + QUOTE))
        except ExchangeError as error:
            log.info("%s has no price: %s", FEE_ASSET, error)

    async def _read_exchange(self, trigger: Trigger) -> ExchangeSnapshot:
        """Read the exchange's side; for differences about to be booked, with the history of their pairs."""
        first, self._first = self._first, None
        if first is not None:
            return first
        if trigger is not Trigger.TIMER:
            return await self._exchange.read_snapshot(
                self._exchange.active_symbols(), at_once=trigger is Trigger.START
            )
        wanted = self._suspects(self._trading.now_ms())
        theirs = await self._exchange.read_snapshot(frozenset(), thorough=wanted)
        late = self._suspects(theirs.at_ms)  # the response took long enough to confirm one
        return theirs if late <= wanted else await self._exchange.read_snapshot(frozenset(), thorough=late)

    def _suspects(self, at_ms: int) -> frozenset[str]:
        """Return the pairs whose orders may explain a difference about to be booked."""
        assets = tuple(
            difference.asset for difference in self._unconfirmed if needs_history(difference, at_ms)
        )
        if not QUOTES.isdisjoint(assets):
            return self._exchange.active_symbols()
        return frozenset(symbol for symbol in self._exchange.active_symbols() if symbol.startswith(assets))

    async def _read_ledger(self, theirs: ExchangeSnapshot, newest: int) -> LedgerSnapshot:
        known = baseline_of(
            self._ledger.state,
            theirs,
            newest_entry=newest,
            agreed_ms=self._agreed_ms,
            unconfirmed=self._unconfirmed,
        )
        return await self._ledger.read("ledger snapshot", lambda tables: read_ledger(tables, known))

    def _rules(self) -> ReconcileRules:
        parameters = self._parameters()
        return ReconcileRules(
            quote_assets=QUOTES,
            severity_steps=parameters.steps,
            explained_below=parameters.explained_below,
            prices=self._prices.in_quote(),
        )

    # ---- corrections

    async def _apply(self, correction: Correction) -> None:
        ledger = self._ledger
        match correction:
            case ApplyEvidence(order=order, evidence=evidence):
                ledger.register_attempt(order)
                await ledger.book_evidence(order.client_order_id, evidence)
            case StoreForeignOrder(order=order):
                await ledger.save_order(order, "reconciliation")
            case PostEntry(entry=entry):
                await ledger.write("correction", lambda desk: desk.add_entry(entry, "books"))
            case WriteOffMissing(position_id=position_id, quantity=quantity, text=text):
                await ledger.write_off(position_id, text, missing=quantity)
            case RestoreWrittenOff(position_id=position_id, quantity=quantity, text=text):
                await ledger.restore_written_off(position_id, text, quantity)

    async def _save_run(self, outcome: ComparisonResult, duration_ms: int) -> Reconciliation:
        run = msgspec.structs.replace(outcome.run, duration_ms=duration_ms)

        known = {difference.asset for difference in self._unconfirmed}
        new_pauses = [
            difference
            for difference in outcome.unconfirmed
            if difference.pauses_entries and difference.asset not in known
        ]

        def work(desk: LedgerTransaction) -> None:
            desk.tables.reconciliations.add(run)
            if run.explained or run.unexplained:
                desk.unit.record(Reconciled(at_ms=run.at_ms, about="books", run=run))
            for difference in run.unexplained:
                desk.alert("books:difference", difference.about, difference.text)
            for excluded in outcome.run.excluded:
                desk.alert(f"books:{excluded.cause}", excluded.asset, excluded.text)
            for difference in new_pauses:
                desk.alert("books:unconfirmed", difference.asset, f"{difference.text}; no entries until then")

        await self._ledger.write("reconciliation", work)
        self._unconfirmed = outcome.unconfirmed
        if outcome.unconfirmed and run.trigger in ASKED_FOR:
            self._wake.set()  # the worker may be in a long wait
        self._ledger.state.reconciled, self.compared_balances = run, self.balances
        if not (outcome.postponed or outcome.unconfirmed):
            self._agreed_ms = run.at_ms
        self.problem, self.refused_code, self.has_compared = "", None, True
        self._again.set()
        return run


def _is_without_fence(order: Order) -> bool:
    return order.state is OrderState.UNKNOWN and order.fence_ms is None


def _why(problem: str) -> str:
    return f": {problem}" if problem else ""
