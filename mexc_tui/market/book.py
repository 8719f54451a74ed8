"""Order book with version tracking (protocol 8.2). Pure: messages, snapshots and time are arguments.

Levels are floats, converted once; orders use the exchange's text. A gap in the versions is closed by the
late message or by a snapshot. A book that is not VALID returns no price.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

from mexc_tui.market.book_side import BookSide, check_levels, read_versions
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.stream import (
    MAX_PRICE,
    MAX_QUANTITY,
    MIN_PRICE,
    NS_PER_S,
    BadStreamMessage,
    DepthDelta,
    Strikes,
)

Level = tuple[float, float]
"""(price, quantity)."""


class BookState(Enum):
    """Whether an order book may be used for prices."""

    VALID = "valid"
    CATCHING_UP = "catching up"
    """A message is missing, or no snapshot has arrived."""
    STALE = "stale"
    """No message for too long, or too many invalid ones."""


class Applied(Enum):
    """Result of applying a message."""

    APPLIED = "applied"
    OLD = "old"
    """Duplicate or late: its versions are already included."""
    BUFFERED = "buffered"
    """Buffered until earlier messages arrive."""


@dataclass(frozen=True, slots=True)
class Top:
    """Best levels; an empty side is None."""

    bid: Level | None
    ask: Level | None


@dataclass(slots=True, kw_only=True)
class BookCounts:
    """Counters of an order book, for display."""

    applied: int = 0
    old: int = 0
    gaps: int = 0
    rejected: int = 0
    overflowed: int = 0
    snapshots: int = 0


@dataclass(frozen=True, slots=True)
class BookLimits:
    """Limits of an order book. `stale_after_s`: 3 for a symbol with a position (reliability M2)."""

    stale_after_s: float = 60
    keep_levels: int = 2_000
    """Per side; levels beyond twice this number are pruned (protocol 8.2, point 8)."""
    max_buffered: int = 2_000


class _Waiting(NamedTuple):
    """A checked message that waits for earlier ones."""

    from_version: int
    to_version: int
    delta: DepthDelta


_first_version = attrgetter("from_version")


class OrderBook:
    """Order book of one symbol. Feed it with `apply` and `load`; check `state(now_ns)` before use."""

    def __init__(self, symbol: str, limits: BookLimits | None = None) -> None:
        """Start empty, waiting for a snapshot."""
        self.symbol = symbol
        self.version = 0
        self.counts = BookCounts()
        self._limits = limits or BookLimits()
        self._stale_after_ns = int(self._limits.stale_after_s * NS_PER_S)
        self._asks = BookSide(1)
        self._bids = BookSide(-1)
        self._buffer: list[_Waiting] = []
        self._strikes = Strikes()
        self._is_loaded = False
        self._is_whole = False
        self._received_ns: int | None = None

    # ---- state

    def state(self, now_ns: int) -> BookState:
        """Return whether prices may be used at `now_ns`."""
        if self._strikes.are_out(now_ns):
            return BookState.STALE
        if self._received_ns is not None and now_ns - self._received_ns > self._stale_after_ns:
            return BookState.STALE
        return BookState.VALID if self._is_whole else BookState.CATCHING_UP

    @property
    def needs_snapshot(self) -> bool:
        """Whether the book waits for a snapshot or a missing message."""
        return not self._is_whole

    @property
    def buffered(self) -> int:
        """Number of buffered messages."""
        return len(self._buffer)

    @property
    def best_bid(self) -> float | None:
        """Highest bid; None while catching up or empty."""
        return self._bids.best if self._is_whole else None

    @property
    def best_ask(self) -> float | None:
        """Lowest ask; None while catching up or empty."""
        return self._asks.best if self._is_whole else None

    def top(self, now_ns: int) -> Top | None:
        """Return the best levels with their quantities; None unless VALID."""
        if self.state(now_ns) is not BookState.VALID:
            return None
        return Top(self._bids.best_level(), self._asks.best_level())

    def asks(self, limit: int | None = None) -> list[Level]:
        """Return asks, best first; empty while catching up."""
        return self._asks.levels(limit) if self._is_whole else []

    def bids(self, limit: int | None = None) -> list[Level]:
        """Return bids, best first; empty while catching up."""
        return self._bids.levels(limit) if self._is_whole else []

    # ---- updates

    def apply(self, delta: DepthDelta, now_ns: int) -> Applied:
        """Apply one message, ignore a duplicate, or buffer it until earlier messages arrive.

        Raises BadStreamMessage for an invalid message or one that crosses the book. Its content is then lost,
        and a book that needed it waits for a snapshot.
        """
        try:
            from_version, to_version = self._versions(delta)
            if self._is_loaded and to_version <= self.version:
                self.counts.old += 1
                return Applied.OLD
            if self._is_whole:
                if from_version <= self.version + 1:
                    self._merge(delta, to_version)
                    self._received_ns = now_ns
                    return Applied.APPLIED
                self._is_whole = False
                self.counts.gaps += 1
            check_levels(delta.asks)
            check_levels(delta.bids)
            return self._keep(_Waiting(from_version, to_version, delta), now_ns)
        except BadStreamMessage:
            self._reject(now_ns)
            raise

    def load(self, snapshot: DepthSnapshot, now_ns: int) -> bool:
        """Load a snapshot; return whether the book is complete.

        A snapshot older than the book or than the first buffered message has no effect: request another a
        little later. Raises BadStreamMessage for an invalid or crossed one.
        """
        version = snapshot.last_update_id
        if self._is_loaded and version < self.version:
            return self._is_whole
        try:
            asks, bids = _read_levels(snapshot.asks), _read_levels(snapshot.bids)
            if asks and bids and max(bids) > min(asks):
                raise BadStreamMessage(f"crossed snapshot of {self.symbol}: bid above ask")
        except BadStreamMessage:
            self._reject(now_ns)
            raise
        self._asks.replace(asks)
        self._bids.replace(bids)
        self.version = version
        self._is_loaded = True
        self._received_ns = now_ns
        self._strikes.clear()
        self.counts.snapshots += 1
        return self._drain()

    def reset(self) -> None:
        """Clear the book, as after a lost connection: nothing is replayed (protocol 8.2, point 9)."""
        self._asks.replace({})
        self._bids.replace({})
        self._buffer.clear()
        self._strikes.clear()
        self.version = 0
        self._is_loaded = self._is_whole = False
        self._received_ns = None

    def _versions(self, delta: DepthDelta) -> tuple[int, int]:
        """Return the versions of a message. Raises BadStreamMessage if they are unreadable."""
        try:
            return read_versions(delta)
        except BadStreamMessage:
            self._is_whole = False
            raise

    def _reject(self, now_ns: int) -> None:
        self.counts.rejected += 1
        self._strikes.add(now_ns)

    def _keep(self, waiting: _Waiting, now_ns: int) -> Applied:
        """Buffer a message in version order and apply what has become contiguous."""
        insort(self._buffer, waiting, key=_first_version)
        if len(self._buffer) > self._limits.max_buffered:
            del self._buffer[0]
            self.counts.overflowed += 1
        if self._is_loaded and self._drain():
            self._received_ns = now_ns
            return Applied.APPLIED
        return Applied.BUFFERED

    def _drain(self) -> bool:
        """Apply contiguous buffered messages; return whether none is missing."""
        buffer = self._buffer
        while buffer and buffer[0].from_version <= self.version + 1:
            waiting = buffer.pop(0)
            if waiting.to_version > self.version:
                self._merge(waiting.delta, waiting.to_version)
        self._is_whole = not buffer
        return self._is_whole

    def _merge(self, delta: DepthDelta, to_version: int) -> None:
        """Apply a contiguous message. Discard the book if the message is invalid or crosses it."""
        asks, bids = self._asks, self._bids
        try:
            asks.merge(delta.asks)
            bids.merge(delta.bids)
        except BadStreamMessage:
            self._discard()
            raise
        ask, bid = asks.best, bids.best
        if ask is not None and bid is not None and ask < bid:
            self._discard()
            raise BadStreamMessage(f"{self.symbol}: bid {bid} is above ask {ask}")
        self.version = to_version
        self.counts.applied += 1
        keep = self._limits.keep_levels
        if len(asks) > 2 * keep or len(bids) > 2 * keep:
            asks.prune(keep)
            bids.prune(keep)

    def _discard(self) -> None:
        """Discard the levels and wait for a snapshot; buffered messages remain."""
        self._asks.replace({})
        self._bids.replace({})
        self._is_loaded = self._is_whole = False
        self.version = 0


def _read_levels(levels: Sequence[tuple[str, str]]) -> dict[float, float]:
    """Return one side of a snapshot as floats, without empty levels."""
    side: dict[float, float] = {}
    for price_text, quantity_text in levels:
        price, quantity = float(price_text), float(quantity_text)
        if not (MIN_PRICE <= price <= MAX_PRICE and 0 <= quantity <= MAX_QUANTITY):
            raise BadStreamMessage(f"snapshot with an invalid level: {price:g}, {quantity:g}")
        if quantity:
            side[price] = quantity
    return side
