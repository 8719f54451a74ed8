"""Trading part of the report: typed rows, printed as text or JSON.

`_ms` are Unix milliseconds of the exchange, or durations where the name implies it. Money is in quote units.
"""

from decimal import Decimal

import msgspec

from mexc_tui.model.position import CloseReason
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.verdict import Verdict


class NotArmed(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which pre-trade checks refused to arm a listing."""

    at_ms: int
    verdicts: tuple[Verdict, ...]
    """Failed checks."""


class ReportedStage(msgspec.Struct, frozen=True, kw_only=True):
    """Duration of one stage of an attempt (formulas E6)."""

    name: str
    ms: float


class ReportedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe."""

    number: int
    price: Decimal | None
    answer: str
    code: int | None
    next_step: str
    stages: tuple[ReportedStage, ...]


class ReportedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One position from its first fill until it is closed."""

    id: str
    opened_ms: int
    closed_ms: int | None
    close_reason: CloseReason
    bought_quantity: Decimal
    bought_value: Decimal
    sold_value: Decimal
    fees: Decimal
    realised: Decimal
    """Net of all fees."""
    remaining: Decimal
    remaining_cost: Decimal
    dust: Decimal


class ReportedSnipe(msgspec.Struct, frozen=True, kw_only=True):
    """One snipe: source, attempts, fills and positions."""

    id: str
    state: SnipeState
    reason: str
    by: str
    armed_ms: int
    spend_cap: Decimal
    attempts: tuple[ReportedAttempt, ...]
    filled_quantity: Decimal
    filled_value: Decimal
    average_price: Decimal | None
    slippage_bps: float | None
    """Cost against the reference, positive is worse; None: nothing filled, or no reference."""
    slippage_to: str
    """Reference of the slippage."""
    positions: tuple[ReportedPosition, ...]
    shortfall_bps: float | None = None
    """Implementation shortfall against the decision price (Perold); None: no price."""


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """The equity identity (reliability I7), and the result of reconciliations."""

    start: Decimal
    flows: Decimal
    realised: Decimal
    unrealised: Decimal
    equity: Decimal
    fees: Decimal
    gap: Decimal
    """Equity minus start, flows and profits: 0 except for rounding."""
    at_cost: int
    """Open positions valued at cost because no price is stored."""
    compared: int
    """Stored reconciliations of this day."""
    explained: int
    unexplained: int
    """Unexplained differences in all of them."""
    unexplained_last: int | None
    """Unexplained differences in the last one; None: there was none, or it failed."""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """Recovery at start-up: orders and positions left open by the previous engine."""

    at_ms: int
    lines: tuple[str, ...]


class TradingTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Trading totals of the day."""

    refused: int
    """Listings that were never armed because pre-trade checks failed."""
    armed: int
    filled: int
    """Snipes that bought something."""
    attempts: int
    closed: int
    open: int
    won: int
    lost: int
    realised: Decimal
    """Of the positions of this day."""


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the ledger on this day."""

    totals: TradingTotals
    accounts: Accounts
    restarts: tuple[Restart, ...] = ()
