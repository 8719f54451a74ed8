"""Rows of views about trading: snipes, orders, positions, risk. Money is Decimal, times are `_ms`."""

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
    """None: the exchange does not list the pair, or the row comes from the store alone."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """Exchange time of the latest price message, to the second; None: none yet."""


class OrderRow(Row, frozen=True, kw_only=True):
    """One order, own or foreign."""

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
    """Text such as 0.01 USDT + 0.002 MX; empty: none."""
    created_ms: int
    updated_ms: int
    reason: str
    snipe_id: str
    position_id: str
    price_decimals: int | None = None
    """None: the exchange does not list the pair, or the row comes from the store alone."""
    quantity_decimals: int | None = None


class RungRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rung of a position's exit ladder."""

    number: int
    price: Decimal
    quantity: Decimal
    where: str
    """`exchange` (a resting order), `engine` (monitored), `nowhere`, `unknown`, `sold`, or `too small`."""


class PositionRow(Row, frozen=True, kw_only=True):
    """One position. Current prices and values are None without a fresh price."""

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
    protection_text: str
    """Location of the protection, and what ends it."""
    trapped: str
    opened_ms: int
    time_stop_ms: int | None
    closed_ms: int | None
    close_reason: CloseReason
    dust: Decimal
    snipe_id: str
    signal_id: str
    price_decimals: int | None = None
    """None: the exchange does not list the pair, or the row comes from the store alone."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """Exchange time of the latest price message, to the second; None: none yet."""
    realised_pct: Decimal | None = None
    """Percentage of the total cost, before fees; None: nothing was bought."""
    exit_price: Decimal | None = None
    """Average selling price; None: nothing sold."""
    delisted: str = ""
    """Why it has no current price: its pair is delisted; empty: it is not."""


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One limit and its use."""

    name: str
    used: Decimal | None
    """None: unknown, as a price is missing."""
    limit: Decimal
    unit: str
    text: str = ""

    @property
    def share(self) -> Decimal | None:
        """Return the used share, 1 for all of it; None: no limit, or unknown use."""
        return self.used / self.limit if self.limit and self.used is not None else None


class RiskRow(Row, frozen=True, kw_only=True):
    """Equity, risk and trading state."""

    state: TradingState
    cause: Cause
    cause_text: str
    since_ms: int
    by: str
    risk_level: RiskLevel
    risk_text: str
    quote_asset: str
    equity: Decimal
    cash: Decimal
    reserved: Decimal
    """Reserved for armed snipes and open buys."""
    exposure: Decimal
    """Open positions at the bid."""
    peak: Decimal
    drawdown_pct: Decimal | None
    """Drawdown from the peak since the last resume after a loss; None: unknown, a price is missing."""
    day_pnl: Decimal | None
    """P&L of the UTC day, open positions included; halts and restarts do not change it. None: unknown."""
    day_pct: Decimal | None
    realised: Decimal
    """Realised P&L of the UTC day."""
    losses_in_a_row: int
    paused_until_ms: int | None
    is_complete: bool
    """False: a price is missing, and equity is an estimate."""
    limits: tuple[LimitRow, ...]
    is_locked: bool = False
    """Whether live trading is locked; other modes have no lock."""
    unlocked_until_ms: int | None = None
    """Exchange time of the automatic lock."""
    tightening: Tightening = Tightening()
    """Reduction of the limits above after a warning."""


class RiskActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One action of the risk monitor, or one change of the trading state."""

    sequence: int
    """Sequence number in the journal."""
    at_ms: int
    about: str
    level: RiskLevel | None = None
    """Level of the finding; None: the trading state changed."""
    state: TradingState | None = None
    """New trading state; None: unchanged."""
    cause: Cause = Cause.NONE
    by: str = ""
    """Client or worker; empty: the risk monitor."""
    text: str = ""
    """The finding, or the text of the cause."""
    action: str = ""
    achieved: str = ""


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with its sample."""

    name: str
    text: str
    """As displayed, with unit; otherwise `not enough data (3 of 20)` or `n/a`."""
    value: float | None = None
    n: int = 0
    minimum: int = 0
    low: float | None = None
    high: float | None = None


class PerformanceRow(Row, frozen=True, kw_only=True):
    """Performance in one ledger. Practice, paper and live are never mixed."""

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
    """Equity less (start + flows + realised + unrealised): 0 except for rounding."""
    metrics: tuple[MetricRow, ...]
    days: tuple[TradingDay, ...]
    points: tuple[EquityPoint, ...] = ()


class WhatIfRow(Row, frozen=True, kw_only=True):
    """Results of all pre-trade checks if the pair were armed now."""

    symbol: str
    at_ms: int
    approved: bool
    verdicts: tuple[Verdict, ...]
    spend_cap: Decimal | None
    price_cap: Decimal | None
    text: str
    """The planned action, or the first change that would allow it."""
    bound: str = ""
    """How the price is bounded; empty: unbounded."""
    plan: ExitPlan | None = None
    """Exit plan by the current settings."""


class ReconciliationRow(Row, frozen=True, kw_only=True):
    """One reconciliation run."""

    at_ms: int
    trigger: str
    explained: tuple[Difference, ...]
    unexplained: tuple[Difference, ...]
    problem: str = ""
    excluded: tuple[Excluded, ...] = ()
    """Excluded assets."""


class Achieved(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a trading command, in numbers."""

    state: TradingState
    orders_cancelled: int = 0
    orders_left: int = 0
    positions_closed: int = 0
    positions_left: int = 0
    snipes_disarmed: int = 0
    is_durable: bool = True
    """False: it could not be stored. Do not restart the engine before checking."""


class DustCoin(msgspec.Struct, frozen=True, kw_only=True):
    """A coin whose whole balance is the desk's written-off dust."""

    asset: str
    quantity: Decimal
    value_mx: Decimal | None = None
    """Value reported by the exchange, before its fee; None: not reported."""
    value_usdt: Decimal | None = None


class DustRow(Row, frozen=True, kw_only=True):
    """Dust that can be converted into MX now."""

    at_ms: int
    coins: tuple[DustCoin, ...]
    left: tuple[str, ...] = ()
    """Coins that are not converted, each with the reason."""


class DustConverted(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a dust conversion, in numbers."""

    coins: tuple[DustCoin, ...]
    """Converted coins."""
    received_mx: Decimal
    fee_mx: Decimal | None
    """None: not reported."""
    left: tuple[str, ...] = ()
    """Coins that are not converted, each with the reason."""
