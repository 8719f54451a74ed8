"""Price of a snipe's next order, from the current order book."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from mexc_tui.engine.market.prices import NS_PER_MS, PriceCache, PriceMove
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.stream import TopLevels
from mexc_tui.ports.clock import Clock
from mexc_tui.sniping.plan import FireRules, FirstOrder, book_price, first_order, price_cap
from mexc_tui.sniping.reaction import FiringStep
from mexc_tui.sniping.reference import CONFIRM_MS, confirmed_price
from mexc_tui.sniping.rounding import Grid, misfit

BookQuery = Callable[[str, int], Awaitable[DepthSnapshot]]
LEVELS = 5


class EntryPrice:
    """Prices of one snipe: never above its cap, and no order without a cap."""

    def __init__(
        self,
        snipe: Snipe,
        grid: Grid,
        rules: FireRules,
        *,
        prices: PriceCache,
        clock: Clock,
        query_book: BookQuery,
    ) -> None:
        """`query_book`: queries the exchange for a pair's order book."""
        self._clock = clock
        self._snipe = snipe
        self._grid = grid
        self._rules = rules
        self._prices = prices
        self._query_book = query_book
        self._first_seen: Decimal | None = None
        self._lowest: Decimal | None = None
        self._lowest_since_ns = 0
        self.is_first_missed = False
        """Whether the pair may have had a first price that was not observed."""
        self._moved = asyncio.Event()

    @property
    def ask(self) -> Decimal | None:
        """Return the best ask; None: no order book yet."""
        return self._prices.of(self._snipe.symbol).ask

    @contextmanager
    def subscribed(self) -> Generator[None]:
        """Receive the pair's price moves while the block runs."""
        self._prices.on_move(self._on_move)
        try:
            yield
        finally:
            self._prices.off_move(self._on_move)

    async def moves_within(self, seconds: float) -> bool:
        """Wait for the pair's next price move, at most `seconds`; return whether one came."""
        self._moved.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def first(self) -> FirstOrder | None:
        """Return a limit order that never rests; None: no price bound yet, or too small for one step."""
        cap, ask = self.cap(), self.ask
        if cap is None:
            return None
        price = cap if ask is None else book_price(ask, cap, self._grid, rules=self._rules)
        return first_order(self._snipe.type, price, self._snipe.spend_cap, grid=self._grid)

    def current(self, step: FiringStep) -> FiringStep:
        """Lower the limit of a planned attempt to the current order book."""
        ask, cap = self.ask, self.cap()
        if ask is None or cap is None or step.price is None or step.quantity is None or step.type is None:
            return step
        price = book_price(ask, cap, self._grid, rules=self._rules)
        if step.price <= price:
            return step
        spend = step.quantity * step.price * (1 + self._grid.taker_fee)
        order = first_order(step.type, price, spend, grid=self._grid)
        if order is None or misfit(order.quantity, price, self._grid, kind=order.type):
            return step
        return replace(step, price=price, quantity=order.quantity)

    def again(self, price: Decimal) -> Decimal:
        """Return the price of the next attempt: unchanged, or the order book's if that is higher."""
        ask = self.ask
        if ask is None or price >= ask:
            return price
        return book_price(ask, self.cap(), self._grid, rules=self._rules)

    def cap(self) -> Decimal | None:
        """Return the price cap; of a pair armed without a price, measured from its first price."""
        if self._snipe.price_cap is not None:
            return self._snipe.price_cap
        if self._first_seen is None and not self.is_first_missed:
            self._first_seen = self._first_price()
        return price_cap(self._first_seen, self._grid, self._rules)

    @property
    def first_seen(self) -> Decimal | None:
        """Return the price at the opening that the cap is measured from; None: the cap has another base."""
        return self._first_seen

    def _first_price(self) -> Decimal | None:
        """Return the first price: a confirmed one, or an ask that stayed uncontradicted for a while."""
        price = self._prices.of(self._snipe.symbol)
        confirmed = confirmed_price(price.bid, price.ask, price.last, premium_pct=self._rules.premium_pct)
        if confirmed is not None or price.ask is None:
            return confirmed
        now_ns = self._clock.monotonic_ns()
        if self._lowest is None:
            self._lowest_since_ns = now_ns
        self._lowest = price.ask if self._lowest is None else min(self._lowest, price.ask)
        return self._lowest if now_ns - self._lowest_since_ns >= CONFIRM_MS * NS_PER_MS else None

    def miss_first(self) -> None:
        """Accept no further price as the pair's first one."""
        self.is_first_missed = True

    async def refresh_book(self) -> str:
        """Query the current order book; return why that failed, empty: it did not."""
        symbol = self._snipe.symbol
        try:
            book = await self._query_book(symbol, LEVELS)
        except ExchangeError as error:
            return str(error)
        asks, bids = _levels(book.asks), _levels(book.bids)
        self._prices.on_levels(TopLevels(symbol=symbol, asks=asks, bids=bids, version=book.last_update_id))
        return ""

    def _on_move(self, move: PriceMove) -> None:
        if move.price.symbol == self._snipe.symbol:
            self._moved.set()


def _levels(printed: Iterable[tuple[str, str]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in printed)
