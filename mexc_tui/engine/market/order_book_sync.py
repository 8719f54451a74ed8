"""Keeps order books in sync: buffers deltas, fetches snapshots at a limited pace, resyncs (protocol 8.2)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPace:
    """Pace of snapshot requests. They cost weight, and the exchange blocks clients that request too often."""

    levels: int = 1000
    gap_s: float = 0.1
    """Pause between any two: 10 a second are accepted for long periods (protocol 3.1)."""
    retry_s: float = 0.3
    """Pause after a snapshot older than the buffered deltas (protocol 8.2, point 3)."""
    failure_s: float = 2
    """Pause after a failed request; doubles up to `failure_cap_s`."""
    failure_cap_s: float = 60
    too_old_limit: int = 5
    """Consecutive outdated snapshots that indicate restarted version numbers: reset the book."""


@dataclass(slots=True, kw_only=True)
class _Sync:
    """An order book and its sync state. `is_subscribed` is False while its subscription is down."""

    book: OrderBook
    is_subscribed: bool = False
    needs_snapshot: bool = False
    due_s: float = 0
    failures: int = 0
    too_old: int = 0
    resets: int = 0


class OrderBookSync:
    """Order books by symbol, updated by deltas; `run` fetches the snapshots that they need."""

    def __init__(
        self,
        source: SnapshotSource,
        clock: Clock,
        rng: Random,
        *,
        pace: SnapshotPace | None = None,
        limits: BookLimits | None = None,
    ) -> None:
        """Start without order books."""
        self.snapshots_requested = 0
        self.snapshots_failed = 0
        self._source = source
        self._clock = clock
        self._rng = rng
        self._pace = pace or SnapshotPace()
        self._limits = limits
        self._books: dict[str, _Sync] = {}
        self._changed = asyncio.Event()

    def add(self, symbol: str) -> OrderBook:
        """Start syncing the order book of a symbol and return it."""
        if symbol not in self._books:
            self._books[symbol] = _Sync(book=OrderBook(symbol, self._limits))
        return self._books[symbol].book

    def remove(self, symbol: str) -> None:
        """Stop syncing an order book."""
        self._books.pop(symbol, None)

    def book(self, symbol: str) -> OrderBook | None:
        """Return the order book of a symbol; None: not synced."""
        sync = self._books.get(symbol)
        return sync.book if sync else None

    def state(self, symbol: str) -> BookState:
        """Return the state of an order book; STALE if it is not synced."""
        book = self.book(symbol)
        return book.state(self._clock.monotonic_ns()) if book else BookState.STALE

    def apply(self, symbol: str, delta: DepthDelta, received_ns: int) -> Applied | None:
        """Apply a depth message; None: the book is not synced. Raises BadStreamMessage if it is invalid."""
        sync = self._books.get(symbol)
        if sync is None:
            return None
        sync.is_subscribed = True
        try:
            return sync.book.apply(delta, received_ns)
        finally:
            if sync.book.needs_snapshot and not sync.needs_snapshot:
                self._request_snapshot(sync)

    def invalidate(self, symbol: str) -> None:
        """Reset the book because messages are being lost; it resyncs on `resume`."""
        sync = self._books.get(symbol)
        if sync is not None:
            sync.book.reset()
            sync.is_subscribed = sync.needs_snapshot = False
            sync.resets += 1

    def resume(self, symbol: str) -> None:
        """Start from a new snapshot: the subscription is active again, and the exchange replays nothing."""
        sync = self._books.get(symbol)
        if sync is not None:
            sync.book.reset()
            sync.is_subscribed = True
            sync.resets += 1
            sync.due_s = 0
            self._request_snapshot(sync)

    async def run(self) -> None:
        """Fetch snapshots, one at a time, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._resync_stale()
            waiting = [sync for sync in self._books.values() if sync.needs_snapshot]
            waiting.sort(key=lambda sync: sync.due_s)
            if waiting and waiting[0].due_s <= loop.time():
                await self._fetch(waiting[0])
                await asyncio.sleep(self._pace.gap_s)
                continue
            pause_s = min(max(waiting[0].due_s - loop.time(), 0.001), 1.0) if waiting else 1.0
            await self._wait_for_change(pause_s)

    def _resync_stale(self) -> None:
        """Restart each subscribed but stale book from a snapshot."""
        now_ns = self._clock.monotonic_ns()
        for sync in self._books.values():
            is_stale = sync.book.state(now_ns) is BookState.STALE
            if is_stale and sync.is_subscribed and not sync.needs_snapshot:
                sync.book.reset()
                self._request_snapshot(sync)

    async def _fetch(self, sync: _Sync) -> None:
        """Fetch and load one snapshot, or schedule the next attempt."""
        book, resets = sync.book, sync.resets
        self.snapshots_requested += 1
        try:
            snapshot = await self._source.depth(book.symbol, self._pace.levels)
            if sync.resets != resets:
                return  # requested before the reset: a new one is scheduled
            is_whole = book.load(snapshot, self._clock.monotonic_ns())
        except (ExchangeError, BadStreamMessage) as error:
            self._record_failure(sync, error)
            return
        sync.failures = 0
        if is_whole:
            sync.needs_snapshot, sync.too_old = False, 0
            return
        sync.too_old += 1
        if sync.too_old >= self._pace.too_old_limit:
            log.warning("%s: every snapshot is older than the stream; resetting the order book", book.symbol)
            book.reset()
            sync.too_old = 0
        self._postpone(sync, self._pace.retry_s)

    def _record_failure(self, sync: _Sync, error: Exception) -> None:
        self.snapshots_failed += 1
        sync.failures += 1
        log.info("snapshot of %s failed: %s", sync.book.symbol, error)
        longest_s = self._pace.failure_s * 2 ** min(sync.failures - 1, 10)
        self._postpone(sync, min(self._pace.failure_cap_s, longest_s))

    def _postpone(self, sync: _Sync, seconds: float) -> None:
        jittered_s = seconds * (0.5 + 0.5 * self._rng.random())
        sync.due_s = asyncio.get_running_loop().time() + jittered_s

    def _request_snapshot(self, sync: _Sync) -> None:
        sync.needs_snapshot = True
        self._changed.set()

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
