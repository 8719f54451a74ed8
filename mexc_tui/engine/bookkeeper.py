"""Keeps the books of trading: what is told is booked in one unit of work, and memory follows the commit."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import msgspec

from mexc_tui.engine import open_books
from mexc_tui.engine.bookings import Desk, Written
from mexc_tui.engine.open_books import OpenBooks
from mexc_tui.engine.ports import Books, Unit
from mexc_tui.engine.supervisor import Started
from mexc_tui.ledger import booking, ids
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.ledger.orders import RESTARTED, advance, doubted, suspect
from mexc_tui.model.event import AttemptMade, TradingChanged
from mexc_tui.model.intent import Intent, Order
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.storage import Durability, StorageError
from mexc_tui.model.trading import Trading

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_S = 0.5
EXIT_ATTEMPTS = 24
"""Client ids that stand ready in a stop's intent, so that it fires without a word to the disk."""

Listener = Callable[[Written], None]


@dataclass(frozen=True, slots=True)
class _Told:
    client_order_id: str
    evidence: tuple[Evidence, ...]


class Bookkeeper:
    """The only writer of trading's rows. Methods return after the commit and raise StorageError."""

    def __init__(
        self,
        books: Books,
        scope: str,
        ids_of: tuple[str, int],
        now_ms: Callable[[], int],
        prices: Callable[[], Mapping[str, Decimal]],
    ) -> None:
        """`scope`: account and world; `ids_of`: instance and start (ms), which client ids are made of.

        `prices`: quote units for one of each asset that fees are paid in.
        """
        self._books = books
        self.scope = scope
        self.instance, self._boot_ms = ids_of
        self._now_ms = now_ms
        self._prices = prices
        self._counter = 0
        self._unbooked: deque[_Told] = deque()
        self._sent: dict[str, Order] = {}
        self._listeners: list[Listener] = []
        self._ours: set[str] = set()
        self._fresh: set[str] = set()
        self._is_loaded = False
        self.open = OpenBooks()
        self.problem = ""
        """Why what was told cannot be stored at present; empty: it can."""

    async def load(self) -> None:
        """Read all that is open. A trading state that memory has already is newer than the stored one."""
        scope, before, is_first = self.scope, self.open.trading, not self._is_loaded
        self.open = await self._books.read(
            "open books", lambda stored: open_books.load(stored.trading(scope))
        )
        self._is_loaded = True
        if not is_first:
            self.open.trading = before

    def on_change(self, listener: Listener) -> None:
        """Call with what each commit changed, on the engine's loop; it must be quick."""
        self._listeners.append(listener)

    def off_change(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    @property
    def is_behind(self) -> bool:
        """Whether something told is not booked yet: orders in memory know more than positions."""
        return bool(self._unbooked)

    def client_ids(self, attempts: int) -> tuple[str, ...]:
        """Return ids for the attempts of a new intent, never used before."""
        self._counter += 1
        made = ids.make(self.instance, self._boot_ms, self._counter, attempts)
        self._ours.update(made)
        self._fresh.update(made)
        return made

    def next_id(self, intent: Intent) -> str:
        """Return an id of this intent that this engine has not used; empty: `add_ids` first."""
        for name in intent.client_ids:
            if name in self._fresh:
                self._fresh.discard(name)
                return name
        return ""

    async def add_ids(self, intent: Intent, attempts: int = EXIT_ATTEMPTS) -> Intent:
        """Give an intent more attempts, durably."""
        more = self.client_ids(attempts)
        after = msgspec.structs.replace(intent, client_ids=(*intent.client_ids, *more))
        await self.save_intent(after)
        return after

    async def owns(self, client_order_id: str) -> bool:
        """Whether an id was ever made for an intent of these books. Raises StorageError."""
        if client_order_id not in self._ours:
            scope = self.scope
            intent = await self._books.read(
                "whose order", lambda stored: stored.trading(scope).intents.by_client_id(client_order_id)
            )
            if intent is None:
                return False
            self._ours.add(client_order_id)
        return True

    async def run(self, started: Started) -> None:
        """Book, again and again, what could not be booked when it was told."""
        started()
        while True:
            await asyncio.sleep(RETRY_S)
            while self._unbooked and await self._book(self._unbooked[0]):
                self._unbooked.popleft()

    # ---- orders

    def sent(self, order: Order) -> None:
        """Remember an order whose bytes are about to leave; its intent is durable already."""
        self._sent[order.client_order_id] = order
        self.open.put_order(order)

    def suspect(self, order: Order) -> None:
        """Begin with this row if evidence comes of an attempt that has none: it may have been sent."""
        if order.client_order_id not in self.open.orders:
            self.sent(order)

    async def take(self, client_order_id: str, *evidence: Evidence) -> Order | None:
        """Book what was told of an order; None: it is at its end, or not ours. Told again, nothing happens.

        If the store cannot take it now, memory does, and it is booked later: nothing is raised.
        """
        told = _Told(client_order_id, evidence)
        if self._unbooked or not await self._book(told):
            self._unbooked.append(told)
            self._advance_in_memory(told)
        return self.open.orders.get(client_order_id)

    async def save_order(self, order: Order, words: str) -> None:
        """Store an order that our own doing changed, or a foreign one."""
        await self.write("order", lambda desk: desk.save_order(order, words))

    async def doubt(
        self, client_order_id: str, now_ms: int, recv_window_ms: int, words: str = RESTARTED
    ) -> None:
        """Make a live order UNKNOWN, as it is stored by then: what was booked meanwhile stays."""

        def work(desk: Desk) -> None:
            stored = desk.tables.orders.get(client_order_id)
            if stored is None:
                return
            after = doubted(stored, now_ms, recv_window_ms, words)
            if after != stored:
                desk.save_order(after, "doubt")

        await self.write("doubt", work)

    async def revalue(self, order: Order) -> None:
        """Book fees that had no price when they were told, if they have one now."""
        prices = self._prices()
        if not any(fee.unvalued and fee.asset in prices for fee in order.fees):
            return

        def work(desk: Desk) -> None:
            stored = desk.tables.orders.get(order.client_order_id)
            if stored is not None:
                desk.revalue(stored, prices)

        await self.write("fees that have a price now", work)

    # ---- intents, snipes, positions, state

    async def save_intent(self, intent: Intent) -> None:
        """Make a wish durable: after this its first byte may be sent."""
        await self.write("intent", lambda desk: desk.save_intent(intent))

    async def end_intent(self, intent_id: str, words: str) -> None:
        """Note that nothing more is sent for it and nothing of it is unsettled; its reservation is free."""

        def work(desk: Desk) -> None:
            intent = desk.tables.intents.get(intent_id)
            if intent is None or not intent.is_open:
                return
            ended = msgspec.structs.replace(intent, ended_ms=desk.now_ms, reserved=Decimal(0), reason=words)
            desk.save_intent(ended)
            position = desk.tables.positions.get(intent.position_id) if intent.position_id else None
            if position is not None:
                desk.save_booking(booking.resettle(desk.books_of(position), desk.now_ms), position)

        await self.write("intent ended", work)

    async def save_snipe(self, snipe: Snipe) -> None:
        """Store a snipe in another state; what was bought meanwhile stays."""

        def work(desk: Desk) -> None:
            stored = desk.tables.snipes.get(snipe.id)
            bought = stored or snipe
            desk.save_snipe(
                msgspec.structs.replace(
                    snipe, filled_quantity=bought.filled_quantity, filled_value=bought.filled_value
                )
            )

        await self.write("snipe", work)

    async def save_attempt(self, attempt: Attempt, symbol: str) -> None:
        """Store what one attempt of a snipe did."""

        def work(desk: Desk) -> None:
            desk.tables.attempts.save(attempt)
            desk.unit.record(AttemptMade(at_ms=desk.now_ms, about=symbol, attempt=attempt))

        await self.write("attempt", work, durability=Durability.NORMAL)

    async def save_exits(self, position: Position, words: str = "") -> None:
        """Store what exits decided of a position: its stop, its highest price, why it is trapped.

        Without words no fact is told. The books' own numbers stay as they are in the store.
        """

        def work(desk: Desk) -> None:
            stored = desk.tables.positions.get(position.id)
            if stored is not None:
                after = msgspec.structs.replace(
                    stored,
                    stop_price=position.stop_price,
                    high_price=position.high_price,
                    low_price=position.low_price,
                    rungs_done=position.rungs_done,
                    trapped=position.trapped,
                    plan=position.plan,
                )
                desk.save_position(after, words, is_loud=bool(words))

        await self.write("exits", work, durability=Durability.FULL if words else Durability.NORMAL)

    async def save_trading(self, trading: Trading, profile: str) -> None:
        """Store the trading state, durably. Memory has it before: its owner put it there."""

        def work(desk: Desk) -> None:
            desk.tables.state.save(trading)
            desk.unit.record(TradingChanged(at_ms=trading.since_ms, about=profile, trading=trading))

        await self.write("trading state", work)

    async def write_off(self, position_id: str, words: str, *, gone: Decimal | None = None) -> None:
        """Close a position's rest as dust, or take off it what the account does not hold (`gone`)."""

        def work(desk: Desk) -> None:
            stored = desk.tables.positions.get(position_id)
            if stored is None or not stored.is_open:
                return
            rows, now_ms = desk.books_of(stored), desk.now_ms
            if gone is None:
                done = booking.write_off_dust(rows, now_ms, words)
            else:
                done = booking.write_off_gone(rows, gone, now_ms, words)
            desk.save_booking(done, stored, words)

        await self.write("write-off", work)

    async def write(
        self, name: str, work: Callable[[Desk], T], *, durability: Durability = Durability.FULL
    ) -> T:
        """Run one unit of work on the books of this scope; memory and listeners follow its commit."""
        now_ms, scope = self._now_ms(), self.scope

        def job(unit: Unit) -> tuple[T, Written]:
            desk = Desk(unit, unit.trading(scope), Written(), now_ms)
            return work(desk), desk.written

        result, written = await self._books.write(name, job, durability=durability)
        self._follow(written)
        return result

    # ---- inside

    async def _book(self, told: _Told) -> bool:
        """Book what was told; False: the store does not take it now."""
        name, prices = told.client_order_id, self._prices()
        fresh = self._sent.get(name)
        known = fresh or self.open.orders.get(name)
        is_entry = known is not None and known.side is Side.BUY
        spare = self.client_ids(EXIT_ATTEMPTS) if is_entry else ()

        def work(desk: Desk) -> None:
            order = desk.tables.orders.get(name) or fresh
            intent = None if order is not None else desk.tables.intents.by_client_id(name)
            if intent is not None:  # sent by an engine that ended before it could store the row
                order = suspect(intent, name, None)
            if order is None:
                return
            for evidence in told.evidence:
                order = desk.book_evidence(order, evidence, prices)
            desk.protect(spare)

        try:
            await self.write("what was told of an order", work)
        except StorageError as error:
            log.error("%s cannot be booked yet: %s", name, error)
            self.problem = str(error)
            return False
        self.problem = ""
        self._sent.pop(name, None)
        return True

    def _advance_in_memory(self, told: _Told) -> None:
        order = self.open.orders.get(told.client_order_id)
        for evidence in told.evidence if order is not None else ():
            assert order is not None
            order = advance(order, evidence).order
            self.open.put_order(order)

    def _follow(self, written: Written) -> None:
        self.open.take(written)
        for listener in tuple(self._listeners):
            listener(written)
