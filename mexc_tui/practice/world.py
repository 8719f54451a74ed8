"""The practice exchange's world: pairs, books, one account, other traders, listings. Pure and deterministic.

State moves only through `advance`, `place`, `cancel*`, `convert`, `deposit` and `mx_deduction`. Nothing here
reads a clock: call `advance(now)` first, then the method; everything happens at `now_ms`. Same seed, same
calls at the same times, same answers, however often `advance` is called in between.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from mexc_tui.model.order import NewOrder
from mexc_tui.practice.intervals import Interval
from mexc_tui.practice.pairs import Pair
from mexc_tui.practice.scenario import Scenario
from mexc_tui.practice.values import (
    Announcement,
    Balance,
    CalendarEntry,
    Candle,
    Conversion,
    Depth,
    Dust,
    Fill,
    OrderRecord,
    Ticker,
    Trade,
    WebSymbol,
)

if TYPE_CHECKING:
    from mexc_tui.practice.sink import Sink


class World:
    """One practice world. Methods that may be refused raise `Refusal`."""

    def __init__(self, scenario: Scenario, seed: int, start_ms: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.start_ms = start_ms
        self.now_ms = start_ms
        self.sinks: list[Sink] = []
        self.mx_deduction = scenario.knobs.mx_deduction
        """May be set (POST mxDeduct/enable)."""

    @property
    def id(self) -> str:
        """Name of this world: differs by scenario, seed and start."""
        raise NotImplementedError

    @property
    def ends_ms(self) -> int | None:
        """When the scenario is over; None: never."""
        raise NotImplementedError

    # Time

    def advance(self, to_ms: int) -> None:
        """Run every due event up to and including `to_ms`, in time order. Going back is ignored."""
        raise NotImplementedError

    def next_event_ms(self) -> int | None:
        """When `advance` has something to do next; None: never."""
        raise NotImplementedError

    # Pairs and listings

    def pair(self, symbol: str) -> Pair | None:
        """Find a pair that exchangeInfo shows now; None: unknown or not visible yet."""
        raise NotImplementedError

    def visible_pairs(self) -> Sequence[Pair]:
        """Return the pairs that exchangeInfo shows now."""
        raise NotImplementedError

    def default_symbols(self) -> list[str]:
        """Return the symbols that ordinary keys may trade."""
        raise NotImplementedError

    def self_symbols(self) -> list[str]:
        """Return the symbols that this account's key may trade."""
        raise NotImplementedError

    def calendar(self) -> list[CalendarEntry]:
        """Return the new coin calendar: about a week back, and all that is announced."""
        raise NotImplementedError

    def web_symbols(self) -> list[WebSymbol]:
        """Return symbolsV2: every visible pair, and coming ones in their states (reference 10.3)."""
        raise NotImplementedError

    def announcements(self) -> list[Announcement]:
        """Return listing announcements, newest first."""
        raise NotImplementedError

    # Market data; `symbol` must be one of `visible_pairs`, otherwise Refusal(-1121)

    def depth(self, symbol: str, limit: int = 100, at_ms: int | None = None) -> Depth:
        """Return a snapshot of at most `limit` levels a side (2,000 at most).

        `at_ms` asks for the book of a moment ago (a stale snapshot), as far back as the recent changes reach.
        """
        raise NotImplementedError

    def trades(self, symbol: str, limit: int = 500) -> list[Trade]:
        """Return recent trades, newest first."""
        raise NotImplementedError

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Candle]:
        """Return candles, oldest first: `limit` from `start_ms` on if given, else the last up to `end_ms`."""
        raise NotImplementedError

    def candle(self, symbol: str, interval: Interval) -> Candle:
        """Return the candle that is being made now."""
        raise NotImplementedError

    def average_price(self, symbol: str) -> Decimal:
        """Return the volume-weighted price of the last five minutes, or the last price."""
        raise NotImplementedError

    def ticker(self, symbol: str) -> Ticker:
        """Return the last 24 hours of a pair. Cheap enough to ask for all pairs, once in seconds."""
        raise NotImplementedError

    # The account

    def place(self, order: NewOrder) -> OrderRecord:
        """Take an order, match it, and return it as accepted (NEW; MARKET with its protection price)."""
        raise NotImplementedError

    def test(self, order: NewOrder) -> None:
        """Check an order as `place` does, and change nothing."""
        raise NotImplementedError

    def cancel(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderRecord:
        """Cancel one order; returns it before or after the cancel (knob). Refusal -2011 if it is gone."""
        raise NotImplementedError

    def cancel_all(self, symbol: str | None) -> list[OrderRecord]:
        """Cancel every open order of a symbol (None: of the account)."""
        raise NotImplementedError

    def order(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderRecord:
        """Find an order; a client id used twice gives the newest. Refusal -2013 if unknown or not visible."""
        raise NotImplementedError

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, newest first."""
        raise NotImplementedError

    def all_orders(
        self, symbol: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[OrderRecord]:
        """Return orders of the last 24 hours (or the given window, at most 7 days back), newest first."""
        raise NotImplementedError

    def my_trades(
        self,
        symbol: str,
        order_id: str = "",
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[Fill]:
        """Return the account's trades, newest first, at most 100."""
        raise NotImplementedError

    def balances(self) -> list[Balance]:
        """Return balances that are not zero."""
        raise NotImplementedError

    def dust(self) -> list[Dust]:
        """Return small balances that may be converted to MX."""
        raise NotImplementedError

    def convert(self, assets: Sequence[str]) -> Conversion:
        """Convert small balances to MX (at most 15 assets)."""
        raise NotImplementedError

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Move money in from outside (negative: out)."""
        raise NotImplementedError
