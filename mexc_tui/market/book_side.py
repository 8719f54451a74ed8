"""One side of an order book, and parsing of message values. Hot path: every line runs per level."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, nsmallest

from mexc_tui.model.number import are_plain, is_number, version_number
from mexc_tui.model.stream import MAX_PRICE, MAX_QUANTITY, MIN_PRICE, BadStreamMessage, DepthDelta, TextLevel

_MAX_VERSION_STEP = 1_000_000
_MAX_PRICES_KNOWN = 16_384


def read_versions(delta: DepthDelta) -> tuple[int, int]:
    """Return first and last version of a message. Raises BadStreamMessage if they are invalid."""
    from_version, to_version = version_number(delta.from_version), version_number(delta.to_version)
    if from_version is None or to_version is None:
        raise BadStreamMessage("versions are not numbers")
    if not 0 < from_version <= to_version < from_version + _MAX_VERSION_STEP:
        raise BadStreamMessage("versions are not a range")
    return from_version, to_version


def check_levels(levels: Sequence[TextLevel]) -> None:
    """Raise BadStreamMessage if `BookSide.merge` would reject one of these levels."""
    for level in levels:
        read_price(level.price)
        check_quantity(level.quantity)


def read_price(text: str) -> float:
    """Return a price as a number. Raises BadStreamMessage unless it is plain and within the allowed range."""
    if is_number(text) is None or not MIN_PRICE <= (price := float(text)) <= MAX_PRICE:
        raise BadStreamMessage(f"price is not a number from {MIN_PRICE:g} to {MAX_PRICE:g}: {text[:40]!a}")
    return price


def check_quantity(text: str) -> None:
    """Raise BadStreamMessage for a quantity that is not a number, negative or out of range."""
    if is_number(text) is None or float(text) > MAX_QUANTITY:
        raise _bad_quantity(text)


def _bad_quantity(text: str) -> BadStreamMessage:
    return BadStreamMessage(f"quantity is not a number from 0 to {MAX_QUANTITY:g}: {text[:40]!a}")


class BookSide:
    """Prices and quantities of one side, with fast access to the best price.

    A heap holds every added price, including deleted ones, and is cleaned when its top is read: a change
    costs one dict update and sometimes a push.
    """

    __slots__ = ("_heap", "_known", "_levels", "_queued", "_sign", "_sorted", "best")

    def __init__(self, sign: int) -> None:
        """`sign`: 1 for asks (lowest is best), -1 for bids."""
        self.best: float | None = None
        """Best price; None when the side is empty."""
        self._sign = sign
        self._levels: dict[float, float] = {}
        self._heap: list[float] = []
        self._queued: set[float] = set()
        """Prices in the heap, each once."""
        self._known: dict[str, float] = {}
        self._sorted: list[tuple[float, float]] | None = None

    def __len__(self) -> int:
        """Return the number of levels."""
        return len(self._levels)

    def merge(self, changed: Sequence[TextLevel]) -> None:
        """Set absolute quantities; zero deletes. Raises BadStreamMessage, possibly after some changes."""
        levels, known, queued = self._levels, self._known, self._queued
        self._sorted = None
        seen: list[str] = []
        for level in changed:  # indexing would create a new object for each access
            text = level.price
            price = known.get(text) or self._learn(text)
            text = level.quantity
            seen.append(text)
            if text == "0":
                if price in levels:
                    del levels[price]
                continue
            try:
                quantity = float(text)
            except ValueError:
                raise _bad_quantity(text) from None
            if 0.0 < quantity <= MAX_QUANTITY:
                if price not in queued:
                    queued.add(price)
                    heappush(self._heap, self._sign * price)
                levels[price] = quantity
            elif quantity == 0.0:
                levels.pop(price, None)
            else:
                raise _bad_quantity(text)
        _check_plain(seen)
        if len(queued) > 2 * len(levels) + 256:
            self._rebuild_heap()
        self.best = self._find_best()

    def _learn(self, text: str) -> float:
        """Validate a price's text and cache its number: the same few prices repeat."""
        price = read_price(text)
        if len(self._known) >= _MAX_PRICES_KNOWN:
            self._known.clear()
        self._known[text] = price
        return price

    def _find_best(self) -> float | None:
        heap, levels, sign = self._heap, self._levels, self._sign
        while heap:
            price = sign * heap[0]
            if price in levels:
                return price
            self._queued.discard(price)
            heappop(heap)
        return None

    def best_level(self) -> tuple[float, float] | None:
        """Return the best price with its quantity."""
        return None if self.best is None else (self.best, self._levels[self.best])

    def levels(self, limit: int | None) -> list[tuple[float, float]]:
        """Return levels best first; the sorted list is cached until the next change."""
        if self._sorted is None:
            if limit is not None and limit < len(self._levels) // 8:
                best = nsmallest(limit, self._levels, key=None if self._sign > 0 else _negated)
                return [(price, self._levels[price]) for price in best]
            self._sorted = sorted(self._levels.items(), reverse=self._sign < 0)
        return self._sorted[:limit]

    def replace(self, levels: dict[float, float]) -> None:
        """Replace all levels."""
        self._levels = levels
        self._sorted = None
        self._rebuild_heap()

    def prune(self, keep: int) -> None:
        """Keep the best `keep` levels only."""
        if len(self._levels) > keep:
            self.replace(dict(self.levels(None)[:keep]))

    def _rebuild_heap(self) -> None:
        self._queued = set(self._levels)
        self._heap = [self._sign * price for price in self._levels]
        heapify(self._heap)
        self.best = self._find_best()


def _check_plain(quantities: list[str]) -> None:
    """Raise BadStreamMessage for a quantity that `float` accepts but the protocol grammar does not."""
    if not are_plain(quantities):
        for text in quantities:
            check_quantity(text)


def _negated(price: float) -> float:
    return -price
