"""Collects the stream messages of one pair between two observations of the price rules."""

from typing import TYPE_CHECKING

from mexc_tui.market.price_rule_state import NONE, Observation
from mexc_tui.model.stream import BestQuote, StreamDeal

if TYPE_CHECKING:
    from decimal import Decimal


class PairSample:
    """Trades and best prices of one pair since the previous observation."""

    __slots__ = ("_ask", "_bid", "_high", "_largest", "_last", "_last_ms", "_low", "_value")

    def __init__(self) -> None:
        """Start without any message."""
        self._bid: Decimal | None = None
        self._ask: Decimal | None = None
        self._last: Decimal | None = None
        self._last_ms = 0
        self._low: Decimal | None = None
        self._high: Decimal | None = None
        self._value = self._largest = NONE

    def on_deal(self, deal: StreamDeal) -> None:
        """Add a trade. A late one counts, but does not set the last price. Pass each trade once."""
        price = deal.price
        value = price * deal.quantity
        self._value += value
        if value > self._largest:
            self._largest = value
        if self._low is None or price < self._low:
            self._low = price
        if self._high is None or price > self._high:
            self._high = price
        if deal.time_ms >= self._last_ms:
            self._last, self._last_ms = price, deal.time_ms

    def on_quote(self, quote: BestQuote) -> None:
        """Set the best prices."""
        self._bid, self._ask = quote.bid_price, quote.ask_price

    def take(self, at_ms: int) -> Observation:
        """Return the observation of this time; trades after it belong to the next one."""
        taken = Observation(
            at_ms=at_ms,
            last=self._last,
            low=self._low,
            high=self._high,
            value=self._value,
            largest=self._largest,
            bid=self._bid,
            ask=self._ask,
        )
        self._low = self._high = None
        self._value = self._largest = NONE
        return taken
