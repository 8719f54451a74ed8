"""Trading part of the report: typed rows, printed as text or JSON.

`_ms` are Unix milliseconds of the exchange, or spans where the name says so. Money is in quote units.
"""

from decimal import Decimal

import msgspec

from mexc_tui.model.position import CloseReason
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.verdict import Verdict


class NotArmed(msgspec.Struct, frozen=True, kw_only=True):
    """A time when gates refused to arm a listing."""

    at_ms: int
    verdicts: tuple[Verdict, ...]
    """Failed checks."""


class ReportedStage(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage of an attempt took (formulas E6)."""

    name: str
    ms: float


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe."""

    number: int
    price: Decimal | None
    answer: str
    code: int | None
    next_step: str
    stages: tuple[ReportedStage, ...]


class ReportedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One position from its first fill to its end."""

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


class Sniped(msgspec.Struct, frozen=True, kw_only=True):
    """One snipe: source, attempts, fills and positions."""

    id: str
    state: SnipeState
    reason: str
    by: str
    armed_ms: int
    spend_cap: Decimal
    tried: tuple[Tried, ...]
    filled_quantity: Decimal
    filled_value: Decimal
    average_price: Decimal | None
    slippage_bps: float | None
    """Against the reference, positive is cost; None: nothing filled, or nothing to hold it against."""
    slippage_to: str
    """What it is held against."""
    positions: tuple[ReportedPosition, ...]
    shortfall_bps: float | None = None
    """Implementation shortfall against the decision price (Perold); None: no price."""


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """The identity of equity (reliability I7), and how the books agree with the exchange's."""

    start: Decimal
    flows: Decimal
    realised: Decimal
    unrealised: Decimal
    equity: Decimal
    fees: Decimal
    gap: Decimal
    """Equity less start, flows and profits: 0 but for rounding."""
    at_cost: int
    """Open positions valued at cost, as no price is stored."""
    compared: int
    """Comparisons of books on this day that are kept."""
    explained: int
    unexplained: int
    """Differences that nothing accounts for, in all of them."""
    unexplained_last: int | None
    """In the last one; None: there was none, or it could not be finished."""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine took up that one before it had left open."""

    at_ms: int
    lines: tuple[str, ...]


class TradingTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Trading of the day in numbers."""

    refused: int
    """Listings that gates kept from being armed, and that were never armed."""
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
    """Money on this day."""

    totals: TradingTotals
    accounts: Accounts
    restarts: tuple[Restart, ...] = ()
