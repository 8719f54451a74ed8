"""Simulated traders of one pair. They trade and quote through the same matching engine as the account."""

import math
import random

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.book import RestingOrder
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.price_models import PriceModel
from mexc_tui.practice.scenario import ListingPlan, ListingShape

LEVELS = 60
"""Largest number of levels a side that they quote, unless there are more already."""
QUOTES_PER_TRADE, QUOTES_PER_S = 5.0, 5.0
"""Limits of quote moves per trade and per second."""
MAX_GAP_MS = 600_000
_DEPTH_SHARES = {ListingShape.DUD: 0.3, ListingShape.THIN: 0.15, ListingShape.SPIKE: 0.7}
ASK_LEVELS = 40
BID_LEVELS = 10


class Crowd:
    """Trades at the rate of its motion, and quotes around the fair price."""

    def __init__(
        self, *, pair: PracticePair, motion: PriceModel, trade_units: float, rng: random.Random
    ) -> None:
        """`trade_units` is the usual value of a trade in ticks x lots."""
        self.pair = pair
        self._book = pair.book
        self._motion = motion
        self._trade_units = trade_units
        self._rng = rng
        self._most = {side: max(LEVELS, len(self._book.ladder(side))) for side in Side}
        self.ceiling_ticks: int | None = None
        """Highest price of buyers (first seconds of an opening)."""

    def gap_ms(self, now_ms: int) -> int | None:
        """Return the time until the next action; None: never."""
        rate = _acts_per_s(self._motion.rate(now_ms))
        if rate <= 0:
            return None
        return min(max(round(self._rng.expovariate(rate) * 1000), 1), MAX_GAP_MS)

    def act(self, now_ms: int) -> None:
        """Move the quotes, and trade at the motion's rate."""
        fair = self._motion.fair(now_ms)
        rate = self._motion.rate(now_ms)
        if self._rng.random() * _acts_per_s(rate) < rate:
            self._trade(fair)
        self._requote(fair)

    def _trade(self, fair: float) -> None:
        book, rng = self._book, self._rng
        bid, ask = book.bids.best(), book.asks.best()
        middle = (bid + ask) / 2 if bid is not None and ask is not None else fair
        lean = (fair - middle) / (middle * self._motion.spread * 2)
        side = Side.BUY if rng.random() < 0.5 + min(max(lean, -0.45), 0.45) else Side.SELL
        touch = ask if side is Side.BUY else bid
        if touch is None:
            return
        units = self._trade_units * min(rng.lognormvariate(-0.5, 1.0), 8.0)
        slip = max(touch * self._motion.spread, 1.0)
        if side is Side.BUY:
            limit = math.ceil(max(touch + slip, fair))
            limit = limit if self.ceiling_ticks is None else min(limit, self.ceiling_ticks)
        else:
            limit = max(math.floor(min(touch - slip, fair)), 1)
        self.pair.take(side, limit, max(int(units / touch), 1))

    def _requote(self, fair: float) -> None:
        half = max(fair * self._motion.spread / 2, 0.5)
        bid_at = max(math.floor(fair - half), 1)
        ask_at = max(math.ceil(fair + half), bid_at + 1)
        if self.ceiling_ticks is not None:
            bid_at = min(bid_at, self.ceiling_ticks)
        for side, best in ((Side.BUY, bid_at), (Side.SELL, ask_at)):
            self._pull_crossed(side, best)
            self._quote(side, best, 1.0)
            away = 1 + int(fair * self._motion.spread * self._rng.expovariate(0.12))
            self._quote(side, best - away if side is Side.BUY else best + away, 2.0)
            self._trim(side)

    def _pull_crossed(self, side: Side, ticks: int) -> None:
        """Cancel own quotes that a new quote of `side` would cross."""
        ladder = self._book.opposite(side)
        crossed: list[RestingOrder] = []
        for price in ladder.prices():
            if not ladder.reaches(price, ticks):
                break
            crossed.extend(order for order in ladder.levels[price] if not order.owner)
        for order in crossed:
            self.pair.remove(order)

    def _quote(self, side: Side, ticks: int, weight: float) -> None:
        if ticks < 1:
            return
        units = self._trade_units * weight * (0.2 + 2.0 * self._rng.random())
        lots = max(int(units / ticks), 1)
        pair, book = self.pair, self._book
        if book.crosses(side, ticks):
            lots -= sum(match.lots for match in pair.take(side, ticks, lots))
            if lots <= 0:
                return
        for order in book.ladder(side).levels.get(ticks, ()):
            if not order.owner:
                pair.remove(order)
                break
        pair.rest(RestingOrder(side=side, ticks=ticks, lots=lots))

    def _trim(self, side: Side) -> None:
        ladder = self._book.ladder(side)
        while len(ladder) > self._most[side]:
            worst = ladder.worst()
            mine = [order for order in ladder.levels[worst or 0] if not order.owner]
            if not mine:
                return
            for order in mine:
                self.pair.remove(order)


def _acts_per_s(trades_per_s: float) -> float:
    return max(trades_per_s, min(trades_per_s * QUOTES_PER_TRADE, QUOTES_PER_S))


def seed_opening(pair: PracticePair, plan: ListingPlan, rng: random.Random) -> None:
    """Fill the empty book of an opening: asks from the reference price up, a few bids below it."""
    reference = pair.ticks(plan.price)
    depth = pair.units(plan.depth_quote) * _DEPTH_SHARES.get(plan.shape, 1.0)
    top = max(plan.peak * 1.3, 1.5)
    _seed_side(
        pair, Side.SELL, reference, step=reference * (top - 1) / ASK_LEVELS, units=depth / ASK_LEVELS, rng=rng
    )
    _seed_side(pair, Side.BUY, reference - 1, step=reference * 0.03, units=depth * 0.15 / BID_LEVELS, rng=rng)


def _seed_side(
    pair: PracticePair, side: Side, first: int, *, step: float, units: float, rng: random.Random
) -> None:
    count = ASK_LEVELS if side is Side.SELL else BID_LEVELS
    for index in range(count):
        away = round(step * (index + rng.random() * 0.8))
        ticks = first + away if side is Side.SELL else first - away
        if ticks >= 1:
            pair.rest(
                RestingOrder(
                    side=side, ticks=ticks, lots=max(int(units * (0.3 + 1.4 * rng.random()) / ticks), 1)
                )
            )


def opening_trade_units(pair: PracticePair, plan: ListingPlan) -> float:
    """Return the usual value of a trade at an opening, in ticks x lots."""
    return pair.units(plan.depth_quote) * 0.004 * _DEPTH_SHARES.get(plan.shape, 1.0)
