"""Keeps order books whole: buffers, asks for snapshots at a measured pace, mends on holes (protocol 8.2)."""

import asyncio
import logging
from dataclasses import dataclass
from random import Random

from mexc_tui.market.book import Applied, BookLimits, BookState, OrderBook
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.stream import BadStreamMessage, DepthDelta
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import SnapshotSource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotPace:
    """How snapshots are asked for. They cost weight, and the exchange blocks who asks too often."""

    levels: int = 1000
    gap_s: float = 0.1
    """Between any two: 10 a second were clean for long periods (protocol 3.1)."""
    retry_s: float = 0.3
    """After one that was too old for its buffer (protocol 8.2, point 3)."""
    failure_s: float = 2
    """After one that could not be had; grows to `failure_cap_s`."""
    failure_cap_s: float = 60
    too_old_limit: int = 5
    """So many too old ones in a row mean that the versions began anew: forget ours."""


@dataclass(slots=True)
class _Keeping:
    """A book and what is being done about it. `serves` is False while its subscription is down."""

    book: OrderBook
    serves: bool = False
    is_asked: bool = False
    due_s: float = 0
    failures: int = 0
    too_old: int = 0
    holes: int = 0


class OrderBookSync:
    """Books by symbol. Tell it deltas and holes; it fetches what they need while `run` runs."""

    def __init__(
        self,
        source: SnapshotSource,
        clock: Clock,
        rng: Random,
        *,
        pace: SnapshotPace | None = None,
        limits: BookLimits | None = None,
    ) -> None:
        """Start without books."""
        self.snapshots_asked = 0
        self.snapshots_failed = 0
        self._source = source
        self._clock = clock
        self._rng = rng
        self._pace = pace or SnapshotPace()
        self._limits = limits
        self._books: dict[str, _Keeping] = {}
        self._changed = asyncio.Event()

    def keep(self, symbol: str) -> OrderBook:
        """Return the symbol's book, from now on kept."""
        if symbol not in self._books:
            self._books[symbol] = _Keeping(OrderBook(symbol, self._limits))
        return self._books[symbol].book

    def forget(self, symbol: str) -> None:
        """Keep this book no longer."""
        self._books.pop(symbol, None)

    def book(self, symbol: str) -> OrderBook | None:
        """Return the symbol's book if it is kept."""
        keeping = self._books.get(symbol)
        return keeping.book if keeping else None

    def state(self, symbol: str) -> BookState:
        """Return whether the symbol's book may be priced from now; STALE if it is not kept."""
        book = self.book(symbol)
        return book.state(self._clock.monotonic_ns()) if book else BookState.STALE

    def apply(self, symbol: str, delta: DepthDelta, received_ns: int) -> Applied | None:
        """Take one depth message.

        Raises BadStreamMessage for one to be rejected; None if the book is not kept.
        """
        keeping = self._books.get(symbol)
        if keeping is None:
            return None
        keeping.serves = True
        try:
            return keeping.book.apply(delta, received_ns)
        finally:
            if keeping.book.needs_snapshot and not keeping.is_asked:
                self._ask(keeping)

    def lose(self, symbol: str) -> None:
        """Note that messages are being lost: the book is forgotten until its subscription runs again."""
        keeping = self._books.get(symbol)
        if keeping is not None:
            keeping.book.reset()
            keeping.serves = keeping.is_asked = False
            keeping.holes += 1

    def resume(self, symbol: str) -> None:
        """Note that the subscription runs (again): nothing is replayed, so start from a new snapshot."""
        keeping = self._books.get(symbol)
        if keeping is not None:
            keeping.book.reset()
            keeping.serves = True
            keeping.holes += 1
            keeping.due_s = 0
            self._ask(keeping)

    async def run(self) -> None:
        """Fetch snapshots, one at a time, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._revive_stale()
            waiting = [keeping for keeping in self._books.values() if keeping.is_asked]
            waiting.sort(key=lambda keeping: keeping.due_s)
            if waiting and waiting[0].due_s <= loop.time():
                await self._fetch(waiting[0])
                await asyncio.sleep(self._pace.gap_s)
                continue
            pause_s = min(max(waiting[0].due_s - loop.time(), 0.001), 1.0) if waiting else 1.0
            await self._wait(pause_s)

    def _revive_stale(self) -> None:
        """A book that hears nothing it can use, or only nonsense, starts again from a snapshot."""
        now_ns = self._clock.monotonic_ns()
        for keeping in self._books.values():
            is_stale = keeping.book.state(now_ns) is BookState.STALE
            if is_stale and keeping.serves and not keeping.is_asked:
                keeping.book.reset()
                self._ask(keeping)

    async def _fetch(self, keeping: _Keeping) -> None:
        """Ask for one snapshot and load it, or say when to ask again."""
        book, holes = keeping.book, keeping.holes
        self.snapshots_asked += 1
        try:
            snapshot = await self._source.depth(book.symbol, self._pace.levels)
            if keeping.holes != holes:
                return  # it is from before the hole: another one is asked for
            is_whole = book.load(snapshot, self._clock.monotonic_ns())
        except (ExchangeError, BadStreamMessage) as error:
            self._note_failure(keeping, error)
            return
        keeping.failures = 0
        if is_whole:
            keeping.is_asked, keeping.too_old = False, 0
            return
        keeping.too_old += 1
        if keeping.too_old >= self._pace.too_old_limit:
            log.warning("%s: every snapshot is older than the stream; starting anew", book.symbol)
            book.reset()
            keeping.too_old = 0
        self._postpone(keeping, self._pace.retry_s)

    def _note_failure(self, keeping: _Keeping, error: Exception) -> None:
        self.snapshots_failed += 1
        keeping.failures += 1
        log.info("no snapshot of %s: %s", keeping.book.symbol, error)
        longest_s = self._pace.failure_s * 2 ** min(keeping.failures - 1, 10)
        self._postpone(keeping, min(self._pace.failure_cap_s, longest_s))

    def _postpone(self, keeping: _Keeping, seconds: float) -> None:
        jittered_s = seconds * (0.5 + 0.5 * self._rng.random())
        keeping.due_s = asyncio.get_running_loop().time() + jittered_s

    def _ask(self, keeping: _Keeping) -> None:
        keeping.is_asked = True
        self._changed.set()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
