"""The only writer of the ledger: applies evidence in memory at once and books it in a unit of work after.

Nothing waits for the disk to learn that an order is closed. If the engine ends before the commit, the
next one queries the order again. Positions, lots and balances follow the commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

from mexc_tui.engine.accounting import ledger_state
from mexc_tui.engine.accounting.client_ids import MAX_IDS, ClientIds
from mexc_tui.engine.accounting.ledger_state import LedgerState, OrderEvidence
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, LedgerTransaction
from mexc_tui.engine.runtime.recent_keys import RecentKeys
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.ledger.orders import RESTARTED, unknown_attempt
from mexc_tui.model.event import AttemptMade, TradingChanged
from mexc_tui.model.intent import Intent, Order, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.storage import Durability, StorageError, StorageFull
from mexc_tui.model.trading import Trading
from mexc_tui.ports.store import Store, UnitOfWork
from mexc_tui.ports.trading_store import TradingTables

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_S = 0.5
EXIT_ATTEMPTS = 24
"""Client order ids prepared in a stop's intent, so that it fires without a disk write."""

Listener = Callable[[LedgerChanges], None]


class LedgerWriter:
    """Writes all ledger rows. Methods return after the commit and raise StorageError."""

    def __init__(
        self,
        *,
        store: Store,
        scope: str,
        ids_of: tuple[str, int],
        now_ms: Callable[[], int],
        prices: Callable[[], Mapping[str, Decimal]],
    ) -> None:
        """`scope`: account and exchange session; `ids_of`: desk id and start (ms), part of client order ids.

        `prices`: quote units for one of each fee asset.
        """
        self._store = store
        self.scope = scope
        self._ids = ClientIds(*ids_of)
        self.desk_id = self._ids.desk_id
        self._now_ms = now_ms
        self._prices = prices
        self._unbooked: deque[OrderEvidence] = deque()
        self._sent: dict[str, Order] = {}
        self._listeners: list[Listener] = []
        self._ours = RecentKeys[str](MAX_IDS)
        self._stop_ids: dict[str, tuple[str, ...]] = {}
        self._is_loaded = False
        self._settled = asyncio.Event()
        self.state = LedgerState()
        self.problem = ""
        """Why evidence cannot be stored at present; empty: it can."""

    async def load(self) -> None:
        """Load all open rows. State that is not stored yet is kept."""
        before, is_first = self.state, not self._is_loaded
        self.state = await self.read("open ledger rows", ledger_state.load)
        self._is_loaded = True
        if not is_first:
            self.state.carry_over(before, tuple(self._sent))

    def on_change(self, listener: Listener) -> None:
        """Call `listener` with the changes of each commit, and before it with orders changed by evidence.

        It is called on the engine's loop and must be quick.
        """
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Remove a listener."""
        self._listeners.remove(listener)

    @property
    def is_behind(self) -> bool:
        """Whether evidence is not booked yet: orders in memory are ahead of positions."""
        return bool(self._unbooked or self.state.unbooked)

    def client_ids(self, attempts: int) -> tuple[str, ...]:
        """Create client order ids for the attempts of a new intent."""
        made = self._ids.make(attempts)
        self._ours.update(made)
        return made

    def next_id(self, intent: Intent) -> str:
        """Return an unused id of this intent; empty: call `add_ids` first."""
        return self._ids.next_unused(intent)

    async def add_ids(self, intent: Intent, attempts: int = EXIT_ATTEMPTS) -> Intent:
        """Add attempts to an intent, durably."""
        more = self.client_ids(attempts)
        after = msgspec.structs.replace(intent, client_ids=(*intent.client_ids, *more))
        await self.save_intent(after)
        return after

    async def owns(self, client_order_id: str) -> bool:
        """Whether a client order id belongs to an intent of this ledger. Raises StorageError."""
        if client_order_id not in self._ours:
            intent = await self.read(
                "owner of an order", lambda tables: tables.intents.by_client_id(client_order_id)
            )
            if intent is None:
                return False
            self._ours.add(client_order_id)
        return True

    async def run(self, started: Started) -> None:
        """Retry evidence that could not be booked when it arrived."""
        started()
        while True:
            await asyncio.sleep(RETRY_S)
            while self._unbooked and await self._book(self._unbooked[0], is_late=True):
                self._unbooked.popleft()

    # ---- orders

    def register_sent(self, order: Order) -> None:
        """Register an order about to be sent; its intent is durable already."""
        self._sent[order.client_order_id] = order
        self.state.put_order(order)

    def register_attempt(self, order: Order) -> None:
        """Register an attempt that may have been sent and has no row."""
        if order.client_order_id not in self.state.orders:
            self.register_sent(order)

    def apply_evidence(self, client_order_id: str, *evidence: Evidence) -> None:
        """Apply evidence in memory at once; the caller books it later with `book_evidence`."""
        self._apply(OrderEvidence(client_order_id, evidence))

    async def book_evidence(self, client_order_id: str, *evidence: Evidence) -> Order | None:
        """Book evidence of an order. Idempotent. None: the order is closed, or not this desk's.

        If storing fails, the evidence stays in memory and is booked later: nothing is raised.
        """
        reported = OrderEvidence(client_order_id, evidence)
        self._apply(reported)
        try:
            if self._unbooked or not await self._book(reported):
                self._unbooked.append(reported)
                self._apply_unstored(reported)
        except asyncio.CancelledError:
            self._unbooked.append(reported)
            raise
        except Exception:
            self.state.mark_booked(reported)  # a defect of the desk: drop half-applied evidence
            raise
        finally:
            self._settled.set()
        return self.state.orders.get(client_order_id)

    async def wait_until_booked(self) -> None:
        """Wait until all evidence is booked, or storing failed."""
        while self.state.unbooked and not self._unbooked:
            self._settled.clear()
            await self._settled.wait()

    async def save_order(self, order: Order, text: str) -> None:
        """Store an order that the desk changed, or a foreign one."""
        await self.write("order", lambda desk: desk.save_order(order, text))

    async def mark_order_unknown(
        self, client_order_id: str, now_ms: int | None, recv_window_ms: int, *, text: str = RESTARTED
    ) -> None:
        """Mark a live order as UNKNOWN in its stored row; what was booked meanwhile stays."""

        await self.write(
            "unknown order",
            lambda desk: desk.mark_order_unknown(client_order_id, now_ms, recv_window_ms, text=text),
        )

    async def revalue(self, order: Order) -> None:
        """Book fees that have a price now and had none before."""
        prices = self._prices()
        if not any(fee.unvalued and fee.asset in prices for fee in order.fees):
            return

        await self.write("value fees", lambda desk: desk.revalue(order.client_order_id, prices))

    # ---- intents, snipes, positions, state

    async def save_intent(self, intent: Intent) -> None:
        """Store an intent durably: after this its first byte may be sent."""
        await self.write("intent", lambda desk: desk.save_intent(intent))

    async def end_intent(self, intent_id: str, text: str) -> None:
        """Close an intent and release its reservation: nothing more is sent, nothing is unsettled."""

        await self.write("intent ended", lambda desk: desk.end_intent(intent_id, text))

    async def save_snipe(self, snipe: Snipe) -> None:
        """Store a snipe's state; its stored fills stay."""

        await self.write("snipe", lambda desk: desk.move_snipe(snipe))

    async def save_attempt(self, attempt: Attempt, symbol: str) -> None:
        """Store the result of one attempt of a snipe."""

        def work(desk: LedgerTransaction) -> None:
            desk.tables.attempts.save(attempt)
            desk.unit.record(AttemptMade(at_ms=desk.now_ms, about=symbol, attempt=attempt))

        await self.write("attempt", work, durability=Durability.NORMAL)

    async def save_exits(self, position: Position, text: str = "") -> None:
        """Store exit decisions about a position: stop, highest price, why it is trapped.

        Without a text no event is recorded. The ledger's own numbers stay as stored.
        """

        durability = Durability.FULL if text else Durability.NORMAL
        await self.write("exits", lambda desk: desk.save_exits(position, text), durability=durability)

    async def save_trapped(self, position_id: str, text: str) -> None:
        """Store why a position cannot be sold; empty: it can."""

        def work(desk: LedgerTransaction) -> None:
            stored = desk.tables.positions.get(position_id)
            if stored is not None and stored.is_open and stored.trapped != text:
                message = f"trapped: {text}" if text else "it can be sold again"
                desk.save_position(msgspec.structs.replace(stored, trapped=text), message)

        await self.write("trapped", work)

    async def save_trading(self, trading: Trading, profile: str) -> None:
        """Store the trading state durably. Its owner has put it into memory before."""

        def work(desk: LedgerTransaction) -> None:
            desk.tables.state.save(trading)
            desk.unit.record(TradingChanged(at_ms=trading.since_ms, about=profile, trading=trading))

        await self.write("trading state", work)

    async def write_off(
        self, position_id: str, text: str, *, left: Decimal | None = None, missing: Decimal | None = None
    ) -> None:
        """Write off a position's remainder as dust, or `missing` coins as missing from the account.

        `left`: expected remainder; if the stored one differs, nothing is written off.
        """
        await self.write("write-off", lambda desk: desk.write_off(position_id, text, left, missing=missing))

    async def restore_written_off(self, position_id: str, text: str, quantity: Decimal) -> None:
        """Restore written-off coins to a position, with a stop."""
        stop_ids = self._ids_of_stop(position_id)
        await self.write(
            "restore written-off coins",
            lambda desk: desk.restore_written_off(position_id, text, quantity, stop_ids=stop_ids),
        )

    async def write(
        self,
        name: str,
        work: Callable[[LedgerTransaction], T],
        *,
        durability: Durability = Durability.FULL,
        booked: OrderEvidence | None = None,
    ) -> T:
        """Run one unit of work on the ledger of this scope; memory and listeners follow its commit.

        `booked`: evidence in memory that this unit stores.
        """
        now_ms, scope = self._now_ms(), self.scope

        def job(unit: UnitOfWork) -> tuple[T, LedgerChanges]:
            desk = LedgerTransaction(
                unit=unit, tables=unit.trading(scope), changes=LedgerChanges(), now_ms=now_ms
            )
            return work(desk), desk.changes

        try:
            result, written = await self._store.write(name, job, durability=durability)
        except StorageFull:
            if not await self._release_reserve():
                raise
            result, written = await self._store.write(name, job, durability=durability)
        self._follow(written, booked)
        return result

    async def read(self, name: str, work: Callable[[TradingTables], T]) -> T:
        """Run a read on the committed ledger. Raises StorageError."""
        scope = self.scope
        return await self._store.read(name, lambda stored: work(stored.trading(scope)))

    # ---- internals

    async def _release_reserve(self) -> bool:
        """Release the disk reserve for exits; False: already released, or failed."""
        try:
            return await asyncio.to_thread(self._store.release_reserve)
        except OSError as error:
            log.error("cannot release the disk reserve: %s", error)
            return False

    async def _book(self, reported: OrderEvidence, *, is_late: bool = False) -> bool:
        """Book evidence; False: storing failed. `is_late`: it failed before."""
        name, prices = reported.client_order_id, self._prices()
        fresh = self._sent.get(name)
        known = fresh or self.state.orders.get(name)
        spare = () if known is None or known.side is Side.SELL else self._ids_of_stop(known.position_id)

        def work(desk: LedgerTransaction) -> None:
            order = desk.tables.orders.get(name) or fresh
            intent = None if order is not None else desk.tables.intents.by_client_id(name)
            if intent is not None:  # sent by a previous engine that ended before storing the row
                order = unknown_attempt(intent, name, None)
            if order is None:
                return
            for evidence in reported.evidence:
                order = desk.book_evidence(order, evidence, prices)
            desk.protect(spare)
            if is_late:
                desk.reload_late_order(order)

        try:
            await self.write("order evidence", work, booked=reported)
        except StorageError as error:
            log.error("%s cannot be booked yet: %s", name, error)
            self.problem = str(error)
            return False
        self.problem = ""
        self._sent.pop(name, None)
        return True

    def _ids_of_stop(self, position_id: str) -> tuple[str, ...]:
        """Return the client order ids of a position's stop: the same in memory and in the store."""
        if position_id not in self._stop_ids:
            self._stop_ids[position_id] = self.client_ids(EXIT_ATTEMPTS)
        return self._stop_ids[position_id]

    def _apply(self, reported: OrderEvidence, *, is_unstored: bool = False) -> None:
        changed = self.state.apply_evidence(reported, is_unstored=is_unstored)
        if changed is not None:
            self._notify(LedgerChanges(orders=[changed]))

    def _apply_unstored(self, reported: OrderEvidence) -> None:
        """Apply unstored evidence in memory, and protect what was bought."""
        self._apply(reported, is_unstored=True)
        order = self.state.orders.get(reported.client_order_id)
        if order is None or order.side is Side.SELL:
            return
        held = self.state.open_unstored_position(order, self._ids_of_stop(order.position_id), self._now_ms())
        if held is not None:
            log.error("%s: position and stop exist only in memory: %s", order.symbol, self.problem)
            self._notify(held)

    def _follow(self, written: LedgerChanges, reported: OrderEvidence | None) -> None:
        if reported is not None:
            self.state.mark_booked(reported)
        self.state.apply(written)
        for intent in written.intents:
            if intent.role is OrderRole.STOP:
                self._stop_ids.pop(intent.position_id, None)
        self._notify(written)

    def _notify(self, written: LedgerChanges) -> None:
        for listener in tuple(self._listeners):
            listener(written)
