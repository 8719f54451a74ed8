"""One pair's order book with price-time priority, in whole ticks and lots.

A tick is the smallest step of a price, a lot the smallest step of a quantity; integers keep sums exact.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

import msgspec

from mexc_tui.model.order import Side


class RestingOrder(msgspec.Struct, kw_only=True, eq=False, gc=False):
    """An order in the book. `owner` is the account's order id; "" for other traders."""

    side: Side
    ticks: int
    lots: int
    owner: str = ""


class Ladder:
    """One side of an order book, in price-time priority."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[int, list[RestingOrder]] = {}
        self.totals: dict[int, int] = {}
        self._ticks: list[int] = []
        self._best = -1 if side is Side.BUY else 0

    def __len__(self) -> int:
        return len(self._ticks)

    def best(self) -> int | None:
        """Return the best price."""
        return self._ticks[self._best] if self._ticks else None

    def worst(self) -> int | None:
        """Return the price farthest from the other side."""
        return self._ticks[-1 - self._best] if self._ticks else None

    def prices(self) -> Iterator[int]:
        """Yield the prices, best first."""
        return reversed(self._ticks) if self.side is Side.BUY else iter(self._ticks)

    def reaches(self, ticks: int, limit: int | None) -> bool:
        """Whether a limit (None: any price) of the other side trades with an order here at `ticks`."""
        if limit is None:
            return True
        return ticks >= limit if self.side is Side.BUY else ticks <= limit

    def add(self, order: RestingOrder) -> None:
        """Queue an order behind all others of its price."""
        level = self.levels.get(order.ticks)
        if level is None:
            self.levels[order.ticks] = [order]
            self.totals[order.ticks] = order.lots
            insort(self._ticks, order.ticks)
            return
        level.append(order)
        self.totals[order.ticks] += order.lots

    def load(self, orders: list[RestingOrder]) -> None:
        """Fill an empty ladder with one order per price."""
        self.levels = {order.ticks: [order] for order in orders}
        self.totals = {order.ticks: order.lots for order in orders}
        self._ticks = sorted(self.totals)

    def remove(self, order: RestingOrder) -> None:
        """Remove an order."""
        level = self.levels[order.ticks]
        level.remove(order)
        self.totals[order.ticks] -= order.lots
        if not level:
            self._drop(order.ticks)

    def reduce(self, order: RestingOrder, lots: int) -> None:
        """Fill `lots` of an order; a filled order leaves the book."""
        order.lots -= lots
        self.totals[order.ticks] -= lots
        if order.lots == 0:
            level = self.levels[order.ticks]
            level.remove(order)
            if not level:
                self._drop(order.ticks)

    def _drop(self, ticks: int) -> None:
        del self.levels[ticks]
        del self.totals[ticks]
        del self._ticks[bisect_left(self._ticks, ticks)]


class Book:
    """Both sides. `report(side, ticks, before, after)` is called with a level's totals, once per change."""

    def __init__(self, report: Callable[[Side, int, int, int], None]) -> None:
        self.bids = Ladder(Side.BUY)
        self.asks = Ladder(Side.SELL)
        self._report = report

    def ladder(self, side: Side) -> Ladder:
        """Return the side on which orders of `side` rest."""
        return self.bids if side is Side.BUY else self.asks

    def opposite(self, side: Side) -> Ladder:
        """Return the side that an order of `side` trades with."""
        return self.asks if side is Side.BUY else self.bids

    def crosses(self, side: Side, ticks: int) -> bool:
        """Whether a limit order would match immediately."""
        ladder = self.opposite(side)
        best = ladder.best()
        return best is not None and ladder.reaches(best, ticks)

    def fillable(self, side: Side, limit: int | None, lots: int) -> int:
        """Return how many of `lots` an order would fill immediately."""
        ladder = self.opposite(side)
        found = 0
        for ticks in ladder.prices():
            if found >= lots or not ladder.reaches(ticks, limit):
                break
            found += ladder.totals[ticks]
        return min(found, lots)

    def rest(self, order: RestingOrder) -> None:
        """Add an order that does not cross."""
        ladder = self.ladder(order.side)
        ladder.add(order)
        after = ladder.totals[order.ticks]
        self._report(order.side, order.ticks, after - order.lots, after)

    def remove(self, order: RestingOrder) -> None:
        """Remove an order."""
        ladder = self.ladder(order.side)
        ladder.remove(order)
        after = ladder.totals.get(order.ticks, 0)
        self._report(order.side, order.ticks, after + order.lots, after)

    def take(
        self, side: Side, limit: int | None, lots: int | None, *, budget: int | None = None
    ) -> list[tuple[RestingOrder, int, int]]:
        """Match an incoming order; return (maker, ticks, lots) in the order of the trades.

        `lots` limits the quantity, `budget` the value in ticks x lots; either may be None.
        """
        ladder = self.opposite(side)
        matches: list[tuple[RestingOrder, int, int]] = []
        while (ticks := ladder.best()) is not None and ladder.reaches(ticks, limit):
            wanted = _wanted(ticks, lots, budget)
            if wanted <= 0:
                break
            got = self._take_level(ladder, ticks, wanted, matches=matches)
            lots = None if lots is None else lots - got
            budget = None if budget is None else budget - got * ticks
            after = ladder.totals.get(ticks, 0)
            self._report(ladder.side, ticks, after + got, after)
        return matches

    @staticmethod
    def _take_level(
        ladder: Ladder, ticks: int, wanted: int, *, matches: list[tuple[RestingOrder, int, int]]
    ) -> int:
        got = 0
        for maker in list(ladder.levels[ticks]):
            lots = min(maker.lots, wanted - got)
            ladder.reduce(maker, lots)
            matches.append((maker, ticks, lots))
            got += lots
            if got == wanted:
                break
        return got


def _wanted(ticks: int, lots: int | None, budget: int | None) -> int:
    affordable = budget // ticks if budget is not None else None
    if lots is None:
        return affordable or 0
    return lots if affordable is None else min(lots, affordable)
