"""What a face is shown of trading: snipes, orders, positions, risk. Money is Decimal, times are `_ms`."""

from decimal import Decimal

import msgspec

from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.position import CloseReason, EquityPoint, PositionState, Protection, TradingDay
from mexc_tui.model.reconciliation import Difference, Excluded
from mexc_tui.model.snipe import ExitPlan, SnipeState
from mexc_tui.model.trading import Cause, RiskLevel, Tightening, TradingState
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import Row


class SnipeRow(Row, frozen=True, kw_only=True):
    """One snipe."""

    id: str
    symbol: str
    listing_id: str
    state: SnipeState
    reason: str
    by: str
    opens_ms: int
    type: OrderType
    spend_cap: Decimal
    reference_price: Decimal | None
    price_cap: Decimal | None
    attempts: int
    filled_quantity: Decimal
    filled_value: Decimal
    armed_ms: int
    ended_ms: int | None
    price_decimals: int | None = None
    """None: the exchange does not show the pair (any more), or only what is stored was asked."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """When the newest message about its price was heard, exchange's time to the second; None: none yet."""


class OrderRow(Row, frozen=True, kw_only=True):
    """One order of ours, or a foreign one."""

    client_order_id: str
    order_id: str
    symbol: str
    side: Side
    type: OrderType
    role: OrderRole
    state: OrderState
    price: Decimal | None
    quantity: Decimal | None
    filled_quantity: Decimal
    filled_value: Decimal
    average_price: Decimal | None
    fees: str
    """0.01 USDT + 0.002 MX; empty: none."""
    created_ms: int
    updated_ms: int
    reason: str
    snipe_id: str
    position_id: str
    price_decimals: int | None = None
    """None: the exchange does not show the pair (any more), or only what is stored was asked."""
    quantity_decimals: int | None = None


class RungRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rung of a position's exit ladder."""

    number: int
    price: Decimal
    quantity: Decimal
    where: str
    """`exchange` (a resting order), `engine` (watched here), `nowhere`, `unknown`, `sold`, or `too small`."""


class PositionRow(Row, frozen=True, kw_only=True):
    """One position. Prices and values of now are None while no fresh price is known."""

    id: str
    symbol: str
    base_asset: str
    quote_asset: str
    state: PositionState
    quantity: Decimal
    entry_price: Decimal
    cost: Decimal
    bid: Decimal | None
    bid_age_ms: int | None
    value: Decimal | None
    unrealised: Decimal | None
    unrealised_pct: Decimal | None
    realised: Decimal
    fees: Decimal
    initial_stop: Decimal
    stop_price: Decimal
    high_price: Decimal
    rungs: tuple[RungRow, ...]
    protection: Protection
    protection_words: str
    """Where the protection lives, and what ends it."""
    trapped: str
    opened_ms: int
    time_stop_ms: int | None
    closed_ms: int | None
    close_reason: CloseReason
    dust: Decimal
    snipe_id: str
    signal_id: str
    price_decimals: int | None = None
    """None: the exchange does not show the pair (any more), or only what is stored was asked."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """When the newest message about its price was heard, exchange's time to the second; None: none yet."""
    realised_pct: Decimal | None = None
    """Of what all of it cost, fees apart; None: nothing was bought."""
    exit_price: Decimal | None = None
    """Average price of what was sold; None: nothing was."""
    delisted: str = ""
    """Why it has no price of now: the exchange does not know its pair any more; empty: it does."""


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One limit and how much of it is used."""

    name: str
    used: Decimal | None
    """None: not known, a price is missing."""
    limit: Decimal
    unit: str
    words: str = ""

    @property
    def share(self) -> Decimal | None:
        """Return the used share, 1 for all of it; None if there is no limit, or what is used is not known."""
        return self.used / self.limit if self.limit and self.used is not None else None


class RiskRow(Row, frozen=True, kw_only=True):
    """What the desk is worth, what it risks, and what it may do."""

    state: TradingState
    cause: Cause
    cause_words: str
    since_ms: int
    by: str
    guard: RiskLevel
    guard_words: str
    quote_asset: str
    equity: Decimal
    cash: Decimal
    reserved: Decimal
    """Held back for armed snipes and open buys."""
    exposure: Decimal
    """Open positions at the bid."""
    peak: Decimal
    drawdown_pct: Decimal | None
    """Below the peak since the last resume after a loss; None: not known, a price is missing."""
    day_pnl: Decimal | None
    """Of this UTC day, open positions included; halts and restarts do not change it. None: not known."""
    day_pct: Decimal | None
    realised: Decimal
    """Of this UTC day."""
    losses_in_a_row: int
    paused_until_ms: int | None
    is_complete: bool
    """False: a price is missing, and equity is an estimate."""
    limits: tuple[LimitRow, ...]
    is_locked: bool = False
    """Live trading waits for a person; in other modes there is no lock."""
    unlocked_until_ms: int | None = None
    """When it locks itself, in the exchange's time."""
    tightening: Tightening = Tightening()
    """How far a warning has lowered the limits above."""


class RiskActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the guard did, or one change of what the desk may do."""

    sequence: int
    """Its number in the journal."""
    at_ms: int
    about: str
    level: RiskLevel | None = None
    """Of what the guard found; None: the trading state changed."""
    state: TradingState | None = None
    """From then on; None: it stayed."""
    cause: Cause = Cause.NONE
    by: str = ""
    """Who; empty: the guard."""
    words: str = ""
    """What was found, or the cause in words."""
    action: str = ""
    achieved: str = ""


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with what it rests on."""

    name: str
    words: str
    """As it is to be read, unit included; `not enough data (3 of 20)` or `n/a` otherwise."""
    value: float | None = None
    n: int = 0
    minimum: int = 0
    low: float | None = None
    high: float | None = None


class PerformanceRow(Row, frozen=True, kw_only=True):
    """How the desk has done in these books. Practice, paper and live are never mixed."""

    scope: str
    """Account and exchange session."""
    quote_asset: str
    start_equity: Decimal
    equity: Decimal
    flows: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    identity_gap: Decimal
    """Equity less (start + flows + realised + unrealised): 0 but for rounding."""
    metrics: tuple[MetricRow, ...]
    days: tuple[TradingDay, ...]
    points: tuple[EquityPoint, ...] = ()


class WhatIfRow(Row, frozen=True, kw_only=True):
    """What every validator would say if the pair were armed now."""

    symbol: str
    at_ms: int
    approved: bool
    verdicts: tuple[Verdict, ...]
    spend_cap: Decimal | None
    price_cap: Decimal | None
    words: str
    """What would be done, or the first change that would allow it."""
    bound: str = ""
    """What bounds the price of each coin, in words; empty: nothing does."""
    plan: ExitPlan | None = None
    """How the position would be left, by the settings of now."""


class ReconciliationRow(Row, frozen=True, kw_only=True):
    """One comparison of our books with the exchange's."""

    at_ms: int
    trigger: str
    explained: tuple[Difference, ...]
    unexplained: tuple[Difference, ...]
    problem: str = ""
    excluded: tuple[Excluded, ...] = ()
    """Assets that could not be compared."""


class Achieved(msgspec.Struct, frozen=True, kw_only=True):
    """What a command that moves money has done, in numbers."""

    state: TradingState
    orders_cancelled: int = 0
    orders_left: int = 0
    positions_closed: int = 0
    positions_left: int = 0
    snipes_disarmed: int = 0
    is_durable: bool = True
    """False: it could not be written down. Do not restart the engine before a person has looked."""


class DustCoin(msgspec.Struct, frozen=True, kw_only=True):
    """A coin of which nothing but the desk's written-off rests lies in the account."""

    asset: str
    quantity: Decimal
    value_mx: Decimal | None = None
    """As the exchange says, before its fee; None: it says nothing."""
    value_usdt: Decimal | None = None


class DustRow(Row, frozen=True, kw_only=True):
    """What could be converted into MX now."""

    at_ms: int
    coins: tuple[DustCoin, ...]
    left: tuple[str, ...] = ()
    """Coins that stay, each with why."""


class DustConverted(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversion of dust has done, in numbers."""

    coins: tuple[DustCoin, ...]
    """Those that are gone from the account."""
    received_mx: Decimal
    fee_mx: Decimal | None
    """None: the exchange did not say."""
    left: tuple[str, ...] = ()
    """Coins that stay, each with why."""
