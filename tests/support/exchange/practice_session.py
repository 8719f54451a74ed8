"""Small practice sessions, and a subscriber that records every event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.practice.matching.values import BalanceChange, Fill, OrderRecord, PracticeRefusal, PracticeTrade
from mexc_tui.practice.scenario import AccountPlan, Knobs, ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.session import ExchangeSession

START_MS = 1_790_000_000_000
MX = "MXUSDT"
ACTIVE_WITH_MX = 6
"""Smallest number of active pairs that includes MXUSDT: the sixth by turnover."""


def scenario(
    *listings: ListingPlan,
    knobs: Knobs | None = None,
    balances: dict[str, Decimal] | None = None,
    symbols: int = 20,
    active: int = 0,
    pairs: tuple[str, ...] = (),
    quiet_rate: float = 0.0,
) -> Scenario:
    """Return a scenario, by default of a small quiet day."""
    held = balances or {"USDT": Decimal(1000), "MX": Decimal(500)}
    return Scenario(
        name="test",
        knobs=knobs or Knobs(),
        account=AccountPlan(balances=held, pairs=pairs),
        market=MarketPlan(symbols=symbols, active_pairs=active, quiet_trades_per_s=quiet_rate),
        listings=listings,
    )


def session(
    *listings: ListingPlan,
    seed: int = 1,
    knobs: Knobs | None = None,
    balances: dict[str, Decimal] | None = None,
    symbols: int = 20,
    active: int = 0,
    pairs: tuple[str, ...] = (),
    quiet_rate: float = 0.0,
) -> ExchangeSession:
    """Return a session of such a scenario."""
    day = scenario(
        *listings,
        knobs=knobs,
        balances=balances,
        symbols=symbols,
        active=active,
        pairs=pairs,
        quiet_rate=quiet_rate,
    )
    return ExchangeSession(day, seed, START_MS)


def refusal(call: Callable[[], object]) -> PracticeRefusal:
    """Return the refusal that a call raises."""
    with pytest.raises(PracticeRefusal) as caught:
        call()
    return caught.value


def best_bid(found: ExchangeSession, symbol: str = MX) -> Decimal:
    """Return the best bid of a pair that has one."""
    top = found.depth(symbol, 1)
    return top.bids[0].price


def best_ask(found: ExchangeSession, symbol: str = MX) -> Decimal:
    """Return the best ask of a pair that has one."""
    return found.depth(symbol, 1).asks[0].price


def limit(side: Side, price: Decimal, quantity: Decimal | int, client_id: str = "") -> NewOrder:
    """Return a LIMIT order on MXUSDT."""
    return order(side, OrderType.LIMIT, price=price, quantity=Decimal(quantity), client_id=client_id)


def order(
    side: Side,
    kind: OrderType,
    *,
    symbol: str = MX,
    price: Decimal | None = None,
    quantity: Decimal | None = None,
    quote: Decimal | None = None,
    client_id: str = "",
) -> NewOrder:
    """Return an order of any type."""
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        client_order_id=client_id,
        price=price,
        quantity=quantity,
        quote_quantity=quote,
    )


@dataclass
class EventRecorder:
    """Records all events of a session."""

    kinds: list[str] = field(default_factory=list[str])
    trades: list[tuple[str, PracticeTrade]] = field(default_factory=list[tuple[str, PracticeTrade]])
    levels: list[tuple[str, Side, Decimal, Decimal, int]] = field(
        default_factory=list[tuple[str, Side, Decimal, Decimal, int]]
    )
    orders: list[OrderRecord] = field(default_factory=list[OrderRecord])
    fills: list[Fill] = field(default_factory=list[Fill])
    changes: list[BalanceChange] = field(default_factory=list[BalanceChange])

    def on_trade(self, symbol: str, trade: PracticeTrade) -> None:
        self.trades.append((symbol, trade))

    def on_level(self, symbol: str, side: Side, price: Decimal, quantity: Decimal, version: int) -> None:
        self.levels.append((symbol, side, price, quantity, version))

    def on_order(self, order: OrderRecord) -> None:
        self.kinds.append(order.status)
        self.orders.append(order)

    def on_deal(self, fill: Fill) -> None:
        self.kinds.append("deal")
        self.fills.append(fill)

    def on_balance(self, change: BalanceChange) -> None:
        self.kinds.append(f"{change.kind} {change.asset}")
        self.changes.append(change)
