"""What the next order of a snipe asks for, by the book of the moment."""

from dataclasses import replace
from decimal import Decimal

from mexc_tui.engine.prices import Prices
from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import Snipe
from mexc_tui.sniping.plan import FireRules, FirstOrder, book_price, first_order, price_cap
from mexc_tui.sniping.reaction import Next
from mexc_tui.sniping.rounding import Grid, misfit


class EntryPrice:
    """Prices of one snipe: never above its cap."""

    def __init__(self, snipe: Snipe, grid: Grid, rules: FireRules, prices: Prices) -> None:
        self._snipe = snipe
        self._grid = grid
        self._rules = rules
        self._prices = prices
        self._first_seen: Decimal | None = None

    @property
    def ask(self) -> Decimal | None:
        """Return the best ask; None: no book is known."""
        return self._prices.of(self._snipe.symbol).ask

    def first(self) -> FirstOrder | None:
        """Return a limit that never rests as soon as any price is known; MARKET only while none is."""
        ask, cap = self.ask, self.cap()
        price = cap if ask is None else book_price(ask, cap, self._grid, self._rules)
        kind = self._snipe.type
        if price is None:
            kind = OrderType.MARKET
        elif kind is OrderType.MARKET:
            kind = OrderType.IMMEDIATE_OR_CANCEL
        return first_order(kind, price, self._snipe.spend_cap, self._grid)

    def bounded(self, step: Next) -> Next:
        """Give a MARKET order a limit as soon as a price is known: nothing else bounds what it pays."""
        ask = self.ask
        if step.type is not OrderType.MARKET or step.quote_quantity is None or ask is None:
            return step
        price = book_price(ask, self.cap(), self._grid, self._rules)
        spend = step.quote_quantity * (1 + self._grid.taker_fee)
        order = first_order(OrderType.IMMEDIATE_OR_CANCEL, price, spend, self._grid)
        if order is None or order.quantity is None or misfit(order.quantity, price, self._grid, order.type):
            return step
        return replace(step, type=order.type, price=price, quantity=order.quantity, quote_quantity=None)

    def again(self, price: Decimal | None) -> Decimal | None:
        """Return the price of a next attempt: the same, or the book's if that ran above it."""
        ask = self.ask
        if price is None or ask is None or price >= ask:
            return price
        return book_price(ask, self.cap(), self._grid, self._rules)

    def cap(self) -> Decimal | None:
        """Return the price cap; of a pair that had no price when it was armed, over the first price seen."""
        if self._snipe.price_cap is not None:
            return self._snipe.price_cap
        if self._first_seen is None:
            price = self._prices.of(self._snipe.symbol)
            self._first_seen = price.ask or price.last
        return price_cap(self._first_seen, self._grid, self._rules)
