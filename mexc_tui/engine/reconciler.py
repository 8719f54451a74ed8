"""Compares our books with the exchange's: at the start before anything else, in a rhythm, after every hole.

It asks, hands everything to the ledger's pure comparison, and carries out the corrections. It never trades.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.bookings import Desk
from mexc_tui.engine.bookkeeper import Bookkeeper
from mexc_tui.engine.ports import Books, Clock, Stored
from mexc_tui.engine.prices import QUOTE, Prices
from mexc_tui.engine.supervisor import Started
from mexc_tui.engine.taken_up import Left, left_open, tell_taken_up
from mexc_tui.engine.trading_ports import Trading
from mexc_tui.ledger.accounts import START_ENTRY, start_entry
from mexc_tui.ledger.agreement import (
    Correction,
    Gone,
    Ours,
    Outcome,
    Post,
    Rules,
    Show,
    Tell,
    Theirs,
    moving_symbols,
)
from mexc_tui.ledger.orders import must_ask_trades
from mexc_tui.ledger.reconcile import reconcile
from mexc_tui.model.account import Balance
from mexc_tui.model.errors import ExchangeError, Refused
from mexc_tui.model.event import Reconciled
from mexc_tui.model.intent import Order
from mexc_tui.model.outcome import SETTLE_MS, Purpose
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.storage import StorageDamaged

log = logging.getLogger(__name__)
QUOTES = frozenset({QUOTE})
AGAIN_S = 1.0
LATELY_MS = 900_000
"""Orders that ended so long ago are still compared."""
RECENT_ORDERS = 200
FEE_ASSET = "MX"


@dataclass(frozen=True, slots=True)
class ReconcileNumbers:
    """Numbers of the settings."""

    every_s: float
    steps: tuple[Decimal, ...]
    explained_below: Decimal
    recv_window_ms: int


class Reconciler:
    """One worker. `compare` may be called by anybody; one comparison runs at a time."""

    def __init__(
        self,
        trading: Trading,
        keeper: Bookkeeper,
        books: Books,
        prices: Prices,
        clock: Clock,
        numbers: Callable[[], ReconcileNumbers],
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
        self._agreed_ms = 0
        self.balances = tuple[Balance, ...]()
        """Balances as the exchange told them last: for display, never for a decision about money."""
        self.compared = tuple[Balance, ...]()
        """Those that the last run which came to its end held the books against."""
        self.problem = ""
        """Why books could not be compared; empty: they were."""
        self.refused_code: int | None = None
        """The code with which the exchange refused the last comparison; None: it did not."""
        self.is_done = False
        """Whether everything that an engine before this one may have sent is known: no entry before that."""
        self.damage = ""
        """What of the stored books is not what was written: then nothing is bought. Empty: all of it is."""
        self.taken_up = tuple[str, ...]()
        """What an engine before this one left open, and what became of it; empty: there was none."""
        self.is_taken_up = asyncio.Event()
        """Set once all of that is known."""

    def hurry(self) -> None:
        """Compare soon: pushes were lost, or somebody else traded."""
        self._wake.set()

    async def run(self, started: Started) -> None:
        """Doubt what is open, compare, then again and again. Nothing starts before the first is done."""
        await self._keeper.load()
        is_new, left = not self._keeper.open.balances, left_open(self._keeper.open)
        await self._verify()
        await self._until_answered(self._open_books)
        fence_ms = self._trading.now_ms() + self._numbers().recv_window_ms + SETTLE_MS
        is_doubtful = bool(self._keeper.open.intents or self._keeper.open.orders)
        await self._doubt()
        runs: list[Reconciliation] = []
        await self._until_answered(lambda: self.compare(Trigger.START, runs))
        started()
        if is_doubtful:
            await asyncio.sleep(max(fence_ms - self._trading.now_ms() + 1, 0) / 1_000)
            self._wake.clear()  # what asked for a comparison meanwhile gets this one
            await self._compare_or_note(Trigger.START, runs)
        self.is_done = not self.damage
        if not self.is_taken_up.is_set():
            await self._tell(left, runs, is_new=is_new)
        while True:
            trigger = Trigger.TIMER
            try:
                async with asyncio.timeout(self._numbers().every_s):
                    await self._wake.wait()
                    trigger = Trigger.HOLE
            except TimeoutError:
                pass
            self._wake.clear()
            await self._compare_or_note(trigger)

    async def _until_answered(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask until the exchange answers: an engine before this one may have used up its limits."""
        while True:
            try:
                await ask()
            except ExchangeError as error:
                self._note_problem(error)
                log.warning("the start waits for the exchange: %s", error)
                await asyncio.sleep(AGAIN_S)
            else:
                return

    async def _tell(self, left: Left, runs: list[Reconciliation], *, is_new: bool) -> None:
        """Say once what was found of an engine before this one, and what became of it; new books had none."""
        if not is_new:
            self.taken_up = await tell_taken_up(left, runs, self._keeper, self._books)
        self.is_taken_up.set()

    async def _compare_or_note(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> None:
        try:
            await self.compare(trigger, runs)
        except ExchangeError as error:
            self._note_problem(error)
            log.warning("books could not be compared: %s", error)

    def _note_problem(self, error: ExchangeError) -> None:
        self.problem = str(error)
        self.refused_code = error.refusal.code if isinstance(error, Refused) else None

    async def compare(self, trigger: Trigger, runs: list[Reconciliation] | None = None) -> Reconciliation:
        """Compare, put right, store the run, add it to `runs`. Raises ExchangeError, StorageError."""
        async with self.lock:
            began_ns = self._clock.monotonic_ns()
            await self._learn_fee_asset()
            theirs = await self._ask(trigger)
            ours = await self._books.read("our books", lambda stored: self._ours(stored, theirs))
            outcome = reconcile(ours, theirs, self._rules(), trigger)
            for correction in outcome.corrections:
                await self._apply(correction)
            for name in outcome.strangers:
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
        """Begin the books of a new world with what its account holds."""
        if self._keeper.open.balances:
            return
        self.balances = (await self._trading.account()).balances
        entry = start_entry(self.balances, QUOTES, self._trading.now_ms())
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
        for order in list(keeper.open.live_orders()):
            await keeper.doubt(order.client_order_id, now_ms, window_ms)
        for intent in list(keeper.open.intents.values()):
            await keeper.add_ids(intent)

    # ---- asking

    async def _ask(self, trigger: Trigger) -> Theirs:
        books, now_ms = self._keeper.open, self._trading.now_ms()
        symbols = self._doubtful() if trigger is Trigger.TIMER else books.touched(now_ms)
        before = await self._orders(symbols)
        self.balances = (await self._trading.account(purpose=Purpose.EXIT)).balances
        at_ms = self._trading.now_ms()
        after = await self._orders(symbols)
        return Theirs(
            at_ms=at_ms,
            balances=self.balances,
            orders=after,
            trades=await self._trades(),
            listed=self._keeper.open.symbols() | {report.symbol for report in after},
            moving=moving_symbols(before, after),
        )

    def _doubtful(self) -> frozenset[str]:
        """Return pairs with an order that is not at its end: their history is worth its weight each time."""
        orders = self._keeper.open.orders.values()
        return frozenset(order.symbol for order in orders if not order.state.is_terminal)

    async def _orders(self, symbols: Iterable[str]) -> tuple[OrderReport, ...]:
        """Return open orders of every pair, and all recent ones of these pairs."""
        found = {report.order_id: report for report in await self._trading.open_orders(purpose=Purpose.EXIT)}
        start_ms = self._since_ms()
        for symbol in sorted(symbols):
            for report in await self._trading.all_orders(symbol, start_ms=start_ms, purpose=Purpose.EXIT):
                found[report.order_id] = report
        return tuple(found.values())

    def _since_ms(self) -> int:
        memory = self._keeper.open
        began = [one.created_ms for one in (*memory.orders.values(), *memory.intents.values())]
        return min(began, default=self._trading.now_ms()) - 60_000

    async def _trades(self) -> tuple[TradeReport, ...]:
        """Return trades of the orders whose fees are not all known."""
        found: list[TradeReport] = []
        for order in [one for one in self._keeper.open.orders.values() if must_ask_trades(one)]:
            found += await self._trading.my_trades(order.symbol, order_id=order.order_id)
        return tuple(found)

    async def _learn_fee_asset(self) -> None:
        """Ask what the asset is worth that fees may be taken in, if no stream tells it."""
        if FEE_ASSET in self._prices.in_quote():
            return
        try:
            self._prices.note_asked(FEE_ASSET, await self._trading.price(FEE_ASSET + QUOTE))
        except ExchangeError as error:
            log.info("%s has no price: %s", FEE_ASSET, error)

    # ---- our side

    def _ours(self, stored: Stored, theirs: Theirs) -> Ours:
        tables = stored.trading(self._keeper.scope)
        since_ms = theirs.at_ms - LATELY_MS
        orders = dict[str, Order]()
        for order in (
            *tables.orders.page(limit=RECENT_ORDERS),
            *tables.orders.open(),
            *tables.orders.foreign(),
        ):
            if order.updated_ms >= since_ms or not order.state.is_terminal:
                orders[order.client_order_id] = order
        positions = tables.positions.open()
        for position in positions:
            orders |= {one.client_order_id: one for one in tables.orders.of_position(position.id)}
        for name, order in self._keeper.open.orders.items():
            orders.setdefault(name, order)  # on its way, or suspected: no row yet
        intents = {one.id: one for one in tables.intents.open()}
        for report in theirs.orders:
            name = report.client_order_id or ""
            intent = tables.intents.by_client_id(name) if name else None
            if intent is not None:
                intents[intent.id] = intent
                row = tables.orders.get(name)
                if row is not None:
                    orders[name] = row
        agreed = tables.reconciliations.latest() or tables.entries.get(START_ENTRY)
        return Ours(
            orders=tuple(orders.values()),
            intents=tuple(intents.values()),
            positions=tuple(positions),
            held={(one.account, one.asset): one.amount for one in tables.entries.balances()},
            agreed_ms=self._agreed_ms or (0 if agreed is None else agreed.at_ms),
        )

    def _rules(self) -> Rules:
        numbers = self._numbers()
        return Rules(
            quote_assets=QUOTES,
            steps=numbers.steps,
            explained_below=numbers.explained_below,
            prices=self._prices.in_quote(),
        )

    # ---- putting right

    async def _apply(self, correction: Correction) -> None:
        keeper = self._keeper
        match correction:
            case Tell(order=order, evidence=evidence):
                keeper.suspect(order)
                await keeper.take(order.client_order_id, evidence)
            case Show(order=order):
                await keeper.save_order(order, "reconciliation")
            case Post(entry=entry):
                await keeper.write("correction", lambda desk: desk.add_entry(entry, "books"))
            case Gone(position_id=position_id, quantity=quantity, words=words):
                await keeper.write_off(position_id, words, gone=quantity)

    async def _store(self, outcome: Outcome, duration_ms: int) -> Reconciliation:
        run = msgspec.structs.replace(outcome.run, duration_ms=duration_ms)

        def work(desk: Desk) -> None:
            desk.tables.reconciliations.add(run)
            desk.tables.reconciliations.forget_clean_before(run.at_ms - 7 * 86_400_000)
            if run.explained or run.unexplained:
                desk.unit.record(Reconciled(at_ms=run.at_ms, about="books", run=run))
            for one in run.unexplained:
                desk.alert("books:difference", one.about, one.words)

        await self._keeper.write("reconciliation", work)
        self._keeper.open.reconciled, self.compared = run, self.balances
        if not outcome.postponed:
            self._agreed_ms = run.at_ms
        self.problem, self.refused_code = "", None
        return run
