"""Compares our books with the exchange's: at the start before anything else, in a rhythm, after every hole.

It asks, hands everything to the ledger's pure comparison, and carries out the corrections. It never trades.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.exchange_side import ExchangeReader
from mexc_tui.engine.accounting.ledger_side import baseline_of, newest_entry_number, read_ledger
from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.recovery_report import OpenAtStart, open_at_start, publish_recovery
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.engine.runtime.start_patience import StartPatience
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.engine.runtime.weight_allowance import WeightAllowance
from mexc_tui.ledger.accounts import start_entry
from mexc_tui.ledger.agreement import (
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
from mexc_tui.ledger.confirming import CONFIRM_EVERY_S, describe, needs_history
from mexc_tui.ledger.reconcile import reconcile
from mexc_tui.model.account import Balance
from mexc_tui.model.errors import ExchangeError, RequestRefused
from mexc_tui.model.event import Reconciled
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
"""So often the account is asked for two equal answers before books are opened."""
GIVE_UP_S = 30.0
"""A start with nothing held waits no longer for the exchange."""
UNLISTED_EVERY_S = 15.0
"""How soon the orders of a pair are asked for again that could not be listed."""
FEE_ASSET = "MX"
HISTORY_BURST, HISTORY_PER_S = 120, 10
"""Weight of the histories that a comparison may ask for at once, and from then on: a third of the budget."""


@dataclass(frozen=True, slots=True)
class ReconcileParameters:
    """Numbers of the settings."""

    every_s: float
    steps: tuple[Decimal, ...]
    explained_below: Decimal
    recv_window_ms: int


class Reconciler:
    """One worker. `compare` may be called by anybody; one comparison runs at a time."""

    def __init__(
        self,
        trading: TradingPort,
        keeper: LedgerWriter,
        books: Store,
        prices: PriceCache,
        clock: Clock,
        numbers: Callable[[], ReconcileParameters],
        on_stranger: Callable[[str], None],
    ) -> None:
        self._trading = trading
        self._keeper = keeper
        self._books = books
        self._prices = prices
        self._clock = clock
        self._numbers = numbers
        self._on_stranger = on_stranger
        self.lock = asyncio.Lock()
        """One comparison at a time, and none while coins that no order moves are not booked yet."""
        self._wake = asyncio.Event()
        self._again = asyncio.Event()
        self._agreed_ms = 0
        allowance = WeightAllowance(clock, HISTORY_BURST, HISTORY_PER_S)
        self._exchange = ExchangeReader(trading, keeper, allowance)
        self._first: ExchangeSnapshot | None = None
        """What the account showed when the books were opened: the first comparison's other side."""
        self._unconfirmed = tuple[UnconfirmedDifference, ...]()
        self.compared_balances = tuple[Balance, ...]()
        """Those that the last run which came to its end held the books against."""
        self.has_compared = False
        """Whether a comparison of this engine came to its end."""
        self.problem = ""
        """Why books could not be compared; empty: they were."""
        self.refused_code: int | None = None
        """The code with which the exchange refused the last comparison; None: it did not."""
        self.is_done = False
        """Whether everything that an engine before this one may have sent is known: no entry before that."""
        self.damage = ""
        """What of the stored books is not what was written: then nothing is bought. Empty: all of it is."""
        self.recovery_lines = tuple[str, ...]()
        """What an engine before this one left open, and what became of it; empty: there was none."""
        self.recovery_reported = asyncio.Event()
        """Set once all of that is known."""

    @property
    def balances(self) -> tuple[Balance, ...]:
        """Balances as the exchange told them last: for display, never for a decision about money."""
        return self._exchange.balances

    @property
    def pause_reason(self) -> str:
        """Why nothing should be bought until balances were compared again; empty: no reason."""
        return describe(one for one in self._unconfirmed if one.pauses_entries)

    @property
    def refusal(self) -> str:
        """Why nothing may be bought as far as the books go; empty: it may."""
        if not self.is_done:
            return self.damage or f"not reconciled with the exchange yet{_why(self.problem)}"
        return f"balances are being confirmed: {self.pause_reason}" if self.pause_reason else ""

    @property
    def unlisted(self) -> frozenset[str]:
        """Pairs whose orders the last reading did not get: what happened in them is not known."""
        return self._exchange.unlisted

    @property
    def is_confirming(self) -> bool:
        """Whether a difference waits for another comparison, which follows by itself."""
        return bool(self._unconfirmed)

    async def wait_for_comparison(self) -> None:
        """Wait for the end of the next comparison."""
        self._again.clear()
        await self._again.wait()

    def request_comparison(self) -> None:
        """Compare soon: pushes were lost, or somebody else traded."""
        self._wake.set()

    async def run(self, started: Started) -> None:
        """Doubt what is open, compare, then again and again. Nothing starts before the first is done."""
        await self._keeper.load()
        is_new, left = not self._keeper.state.balances, open_at_start(self._keeper.state)
        await self._verify()
        await self._until_answered(self._open_books)
        fence_ms = self._trading.now_ms() + self._numbers().recv_window_ms + SETTLE_MS
        is_doubtful = bool(self._keeper.state.intents or self._keeper.state.orders)
        await self._doubt()
        runs: list[Reconciliation] = []
        await self._until_answered(lambda: self.compare(Trigger.START, runs))
        started()
        if is_doubtful:
            await asyncio.sleep(max(fence_ms - self._trading.now_ms() + 1, 0) / 1_000)
            self._wake.clear()  # what asked for a comparison meanwhile gets this one
            while not await self._compare_or_note(Trigger.START, runs):
                await self._woken_within(CONFIRM_EVERY_S)
        self.is_done = not self.damage
        if not self.recovery_reported.is_set():
            await self._tell(left, runs, is_new=is_new)
        while True:
            await self._learn_fee_asset()
            every_s = CONFIRM_EVERY_S if self._unconfirmed else self._numbers().every_s
            if self.unlisted:
                every_s = min(every_s, UNLISTED_EVERY_S)
            is_woken = await self._woken_within(every_s)
            await self._compare_or_note(Trigger.STREAM_GAP if is_woken else Trigger.TIMER)

    async def _woken_within(self, seconds: float) -> bool:
        """Wait so long at most; return whether somebody asked for a comparison."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        finally:
            self._wake.clear()
        return True

    async def _until_answered(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask until the exchange answers: an engine before this one may have used up its limits.

        Raises WorkerFailure if nothing is held, at once for a refused key, else after a while.
        """
        patience = StartPatience(self._holds, GIVE_UP_S, self._note_waiting)
        while True:
            try:
                await patience.request(ask())
            except ExchangeError as error:
                self._note_problem(error)  # its code too
                await patience.wait(error)
            else:
                return

    def _holds(self) -> bool:
        memory = self._keeper.state
        return bool(memory.positions or memory.intents or memory.live_orders())

    async def _tell(self, left: OpenAtStart, runs: list[Reconciliation], *, is_new: bool) -> None:
        """Say once what was found of an engine before this one, and what became of it; new books had none."""
        if not is_new:
            self.recovery_lines = await publish_recovery(left, runs, self._keeper, self._books)
        self.recovery_reported.set()

    async def _compare_or_note(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> bool:
        """Compare; return whether the exchange answered."""
        try:
            await self.compare(trigger, runs)
        except ExchangeError as error:
            self._note_problem(error)
            log.warning("books could not be compared: %s", error)
            return False
        return True

    def _note_waiting(self, words: str) -> None:
        self.problem = words

    def _note_problem(self, error: ExchangeError) -> None:
        self.problem = str(error)
        self.refused_code = error.refusal.code if isinstance(error, RequestRefused) else None

    async def compare(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> Reconciliation:
        """Compare, put right, store the run, add it to `runs`. Raises ExchangeError, StorageError."""
        async with self.lock:
            began_ns = self._clock.monotonic_ns()
            newest = await self._keeper.read("newest entry", newest_entry_number)
            theirs = await self._theirs(trigger)
            ours = await self._ours(theirs, newest)
            outcome = reconcile(ours, theirs, self._rules(), trigger)
            for correction in outcome.corrections:
                await self._apply(correction)
            for name in outcome.unknown_ids:
                self._on_stranger(name)
            duration_ms = (self._clock.monotonic_ns() - began_ns) // 1_000_000
            run = await self._store(outcome, duration_ms)
        if runs is not None:
            runs.append(run)
        return run

    # ---- the start

    async def _verify(self) -> None:
        """Hold what is stored against its hashes and sums. What is wrong stops entries, no exit."""
        scope = self._keeper.scope
        try:
            await self._books.read("verify books", lambda stored: stored.trading(scope).verify())
        except StorageDamaged as error:
            self.damage = f"the stored books are damaged: {error}"
            log.error("%s", self.damage)

    async def _open_books(self) -> None:
        """Begin the books of a new exchange session with what its account holds."""
        if self._keeper.state.balances:
            return
        self._first = await self._exchange.read_opening_balances(FIRST_ANSWERS)
        entry = start_entry(self._first.balances, QUOTES, self._trading.now_ms())
        await self._keeper.write("open books", lambda desk: desk.add_entry(entry, "books"))

    async def _doubt(self) -> None:
        """Make everything unsettled UNKNOWN, and use new ids from here on.

        An attempt that has no row may have been sent all the same. Once the fence is past, a listing shows it
        under its intent's id, or it never was.
        """
        keeper, now_ms, window_ms = (
            self._keeper,
            self._trading.now_ms(),
            self._numbers().recv_window_ms,
        )
        for order in list(keeper.state.live_orders()):
            await keeper.mark_order_unknown(order.client_order_id, now_ms, window_ms)
        for intent in list(keeper.state.intents.values()):
            await keeper.add_ids(intent)

    # ---- comparing

    async def _learn_fee_asset(self) -> None:
        """Ask what the asset is worth that fees may be taken in, if no stream tells it."""
        if FEE_ASSET in self._prices.in_quote():
            return
        try:
            self._prices.set_polled_value(FEE_ASSET, await self._trading.price(FEE_ASSET + QUOTE))
        except ExchangeError as error:
            log.info("%s has no price: %s", FEE_ASSET, error)

    async def _theirs(self, trigger: Trigger) -> ExchangeSnapshot:
        """Ask; a difference about to be booked is held against the history of the pairs it may be from."""
        first, self._first = self._first, None
        if first is not None:
            return first
        if trigger is not Trigger.TIMER:
            return await self._exchange.read_snapshot(
                self._exchange.active_symbols(), at_once=trigger is Trigger.START
            )
        wanted = self._suspects(self._trading.now_ms())
        theirs = await self._exchange.read_snapshot(wanted)
        late = self._suspects(theirs.at_ms)  # the answer took so long that it may decide
        return theirs if late <= wanted else await self._exchange.read_snapshot(late)

    def _suspects(self, at_ms: int) -> frozenset[str]:
        """Return the pairs whose orders may explain a difference that the next comparison may book."""
        assets = tuple(one.asset for one in self._unconfirmed if needs_history(one, at_ms))
        if not QUOTES.isdisjoint(assets):
            return self._exchange.active_symbols()
        return frozenset(symbol for symbol in self._exchange.active_symbols() if symbol.startswith(assets))

    async def _ours(self, theirs: ExchangeSnapshot, newest: int) -> LedgerSnapshot:
        known = baseline_of(
            self._keeper.state,
            theirs,
            newest_entry=newest,
            agreed_ms=self._agreed_ms,
            unconfirmed=self._unconfirmed,
        )
        return await self._keeper.read("our books", lambda tables: read_ledger(tables, known))

    def _rules(self) -> ReconcileRules:
        numbers = self._numbers()
        return ReconcileRules(
            quote_assets=QUOTES,
            severity_steps=numbers.steps,
            explained_below=numbers.explained_below,
            prices=self._prices.in_quote(),
        )

    # ---- putting right

    async def _apply(self, correction: Correction) -> None:
        keeper = self._keeper
        match correction:
            case ApplyEvidence(order=order, evidence=evidence):
                keeper.register_attempt(order)
                await keeper.book_evidence(order.client_order_id, evidence)
            case StoreForeignOrder(order=order):
                await keeper.save_order(order, "reconciliation")
            case PostEntry(entry=entry):
                await keeper.write("correction", lambda desk: desk.add_entry(entry, "books"))
            case WriteOffMissing(position_id=position_id, quantity=quantity, text=words):
                await keeper.write_off(position_id, words, gone=quantity)
            case RestoreWrittenOff(position_id=position_id, quantity=quantity, text=words):
                await keeper.restore_written_off(position_id, words, quantity)

    async def _store(self, outcome: ComparisonResult, duration_ms: int) -> Reconciliation:
        run = msgspec.structs.replace(outcome.run, duration_ms=duration_ms)

        known = {one.asset for one in self._unconfirmed}
        news = [one for one in outcome.unconfirmed if one.pauses_entries and one.asset not in known]

        def work(desk: LedgerTransaction) -> None:
            desk.tables.reconciliations.add(run)
            if run.explained or run.unexplained:
                desk.unit.record(Reconciled(at_ms=run.at_ms, about="books", run=run))
            for one in run.unexplained:
                desk.alert("books:difference", one.about, one.words)
            for one in outcome.run.excluded:
                desk.alert(f"books:{one.cause}", one.asset, one.words)
            for one in news:
                desk.alert("books:unconfirmed", one.asset, f"{one.text}; no entries until then")

        await self._keeper.write("reconciliation", work)
        self._unconfirmed = outcome.unconfirmed
        if outcome.unconfirmed and run.trigger in ASKED_FOR:
            self._wake.set()  # the worker may be waiting for long
        self._keeper.state.reconciled, self.compared_balances = run, self.balances
        if not (outcome.postponed or outcome.unconfirmed):
            self._agreed_ms = run.at_ms
        self.problem, self.refused_code, self.has_compared = "", None, True
        self._again.set()
        return run


def _why(problem: str) -> str:
    return f": {problem}" if problem else ""
