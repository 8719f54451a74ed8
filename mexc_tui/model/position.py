"""Lots, positions and ledger entries."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.intent import ZERO
from mexc_tui.model.intent import CloseReason as CloseReason
from mexc_tui.model.snipe import ExitPlan


class PositionState(StrEnum):
    """`opening -> open -> reducing -> closed`."""

    OPENING = "opening"
    """Bought, and the entry may still fill further."""
    OPEN = "open"
    REDUCING = "reducing"
    """A stop, a close or a flattening is in progress."""
    CLOSED = "closed"


class Protection(StrEnum):
    """Location of a position's protection (reliability 1.3: no stop orders by API)."""

    ENGINE = "engine"
    """A stop in this engine: it ends with the engine."""
    NONE = "none"
    """No fresh price, no permission to sell, or no stop: the position screen gives the reason."""
    DUST = "dust"
    """Too small to sell."""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """Purchase by one order: base units after fees, and their cost with fees. First in, first out."""

    id: str
    position_id: str
    asset: str
    quote_asset: str
    client_order_id: str
    opened_ms: int
    quantity: Decimal
    cost: Decimal
    remaining: Decimal
    remaining_cost: Decimal


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A position, from its first fill until it is closed (dust written off)."""

    id: str
    symbol: str
    base_asset: str
    quote_asset: str
    state: PositionState
    snipe_id: str
    signal_id: str
    config_hash: str
    plan: ExitPlan
    opened_ms: int
    closed_ms: int | None = None
    close_reason: CloseReason = CloseReason.NONE
    bought_quantity: Decimal = ZERO
    bought_value: Decimal = ZERO
    sold_quantity: Decimal = ZERO
    sold_value: Decimal = ZERO
    fees: Decimal = ZERO
    """All fees so far, in quote units when charged."""
    remaining: Decimal = ZERO
    """Remaining base units, after fees in the base asset."""
    remaining_cost: Decimal = ZERO
    """Their cost in quote units, fees included."""
    realised: Decimal = ZERO
    """First in, first out, net of all fees, in quote units."""
    initial_stop: Decimal = ZERO
    stop_price: Decimal = ZERO
    high_price: Decimal = ZERO
    """Highest bid or trade since the entry; stored, so that a trailing stop survives a restart."""
    low_price: Decimal = ZERO
    rungs_done: tuple[int, ...] = ()
    """Sold rungs of the ladder, from 1."""
    trapped: str = ""
    """Reason if it cannot be sold at present."""
    fired: CloseReason = CloseReason.NONE
    """Exit that fired; stored, so that a restart continues the sale at any price. NONE: none."""
    fired_text: str = msgspec.field(default="", name="fired_words")
    """Reason for that exit."""
    dust: Decimal = ZERO
    """Base units too small to sell, written off at 0."""
    gone: Decimal = ZERO
    """Base units found missing from the account, written off at 0."""

    @property
    def entry_price(self) -> Decimal:
        """Return the average entry price before fees; 0: nothing bought."""
        return self.bought_value / self.bought_quantity if self.bought_quantity else ZERO

    @property
    def is_open(self) -> bool:
        """Whether it is not closed."""
        return self.state is not PositionState.CLOSED


class LedgerAccount(StrEnum):
    """Ledger accounts, one of each per asset (reliability 2.8, I6)."""

    DESK = "desk"
    """The desk's cash and the coins it bought. Never negative."""
    OWN = "own"
    """The user's own coins, MX for fees, dust. Never sold."""
    EXCHANGE = "exchange"
    """The counterparty of every trade; may be negative."""
    FEES = "fees"
    """Fees paid; only grows."""
    EXTERNAL = "external"
    """External flows: the opening balance, deposits, withdrawals, drift. May be negative."""


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One line of an entry: adds `amount` of `asset` to an account (negative: subtracts)."""

    account: LedgerAccount
    asset: str
    amount: Decimal


class EntryKind(StrEnum):
    """Kind of a ledger entry."""

    START = "start"
    TRADE = "trade"
    FEE = "fee"
    DRIFT = "drift"
    """Deposit, withdrawal, airdrop or manual trade; never traded back."""
    CORRECTION = "correction"
    """With its evidence as text."""
    DUST = "dust"


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: its postings sum to zero for each asset."""

    id: str
    """Id of the booked fact, so that nothing is booked twice: an order and its cumulative quantity, a fee."""
    kind: EntryKind
    at_ms: int
    postings: tuple[Posting, ...]
    client_order_id: str = ""
    position_id: str = ""
    text: str = msgspec.field(default="", name="words")
    flow: Decimal = ZERO
    """Quote units of external flow into the desk (negative: out); not a profit. A fee paid with the
    user's own MX is such a flow: the user paid it for the desk."""


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one UTC day, updated in the transaction of each fill."""

    day: str
    """ISO date, such as 2026-11-22."""
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    bought_value: Decimal = ZERO
    sold_value: Decimal = ZERO
    opened: int = 0
    closed: int = 0
    wins: int = 0
    losses: int = 0


class HeldPrice(msgspec.Struct, frozen=True, array_like=True):
    """Bid of a pair with an open position."""

    symbol: str
    bid: Decimal


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at one time, in quote units."""

    at_ms: int
    cash: Decimal
    holdings: Decimal
    """Value at the bid, less the estimated selling fee."""
    flows: Decimal = ZERO
    """Deposits less withdrawals since the start; not a profit."""
    peak: Decimal = ZERO
    """Peak equity; deposits and withdrawals scale it, as they are no profit or loss."""
    is_complete: bool = True
    """False: a price was missing or stale."""
    prices: tuple[HeldPrice, ...] = ()
    """Bids of the open positions: the history for VaR. Only in the stored point."""

    @property
    def equity(self) -> Decimal:
        """Return cash plus holdings."""
        return self.cash + self.holdings
