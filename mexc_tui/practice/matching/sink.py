"""Subscribers of the events of a practice session."""

from decimal import Decimal
from typing import Protocol

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.values import BalanceChange, Fill, OrderRecord, PracticeTrade


class MessageSink(Protocol):
    """Subscriber, called synchronously in order of events. Must neither raise nor change the session."""

    def on_trade(self, symbol: str, trade: PracticeTrade) -> None:
        """A public trade."""
        ...

    def on_level(self, symbol: str, side: Side, price: Decimal, *, quantity: Decimal, version: int) -> None:
        """A level has a new absolute quantity (0: removed); BUY is the bid side. Versions are contiguous."""
        ...

    def on_order(self, order: OrderRecord) -> None:
        """An order of the account changed."""
        ...

    def on_deal(self, fill: Fill) -> None:
        """The account traded."""
        ...

    def on_balance(self, change: BalanceChange) -> None:
        """A balance of the account changed."""
        ...
