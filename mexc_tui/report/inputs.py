"""Inputs of a report: stored data of a day."""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.event import RecoveryReported, SnipeRefused
from mexc_tui.model.intent import Order
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.signal import DetectionPass, Signal
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.storage import StoredAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDay:
    """Identity of the day. Times are Unix milliseconds of the exchange."""

    mode: str
    exchange_session: str
    """Practice session; empty for the real exchange."""
    from_ms: int
    to_ms: int
    overrides: tuple[tuple[str, str], ...] = ()
    """Name and value of each setting overridden by the scenario."""
    maturity_ms: int = 3_600_000
    """Time after an opening until its outcome is known."""
    api_grace_ms: int = 3_600_000
    """A pair closed to API keys this long after its opening counts as never_api."""


@dataclass(frozen=True, slots=True)
class ReportSignal:
    """A signal, and whether its claim was correct; None: undecided."""

    signal: Signal
    is_correct: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityInputs:
    """Both sides of the identity of equity, in quote units."""

    start: Decimal
    flows: Decimal
    realised: Decimal
    unrealised: Decimal
    equity: Decimal
    fees: Decimal
    gap: Decimal
    at_cost: int
    """Open positions valued at cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingInputs:
    """Stored trading data of one account. Order does not matter."""

    money: EquityInputs
    snipes: tuple[Snipe, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    entry_orders: tuple[Order, ...] = ()
    positions: tuple[Position, ...] = ()
    refusals: tuple[SnipeRefused, ...] = ()
    runs: tuple[Reconciliation, ...] = ()
    recoveries: tuple[RecoveryReported, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayInputs:
    """Stored data of a day. Order does not matter."""

    listings: tuple[Listing, ...] = ()
    signals: tuple[ReportSignal, ...] = ()
    outcomes: tuple[ListingOutcome, ...] = ()
    passes: tuple[DetectionPass, ...] = ()
    alerts: tuple[StoredAlert, ...] = ()
    trading: TradingInputs | None = None
    """None: nothing was ever traded."""
