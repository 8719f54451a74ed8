"""What the desk owns: lots, positions and the entries of its books."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.intent import ZERO
from mexc_tui.model.intent import CloseReason as CloseReason
from mexc_tui.model.snipe import ExitPlan


class PositionState(StrEnum):
    """`opening -> open -> reducing -> closed`."""

    OPENING = "opening"
    """Bought, while the entry may still bring more."""
    OPEN = "open"
    REDUCING = "reducing"
    """A stop, a close or a flattening is under way."""
    CLOSED = "closed"


class Protection(StrEnum):
    """Where a position's protection lives; shown in words (reliability 1.3: no stop orders by API)."""

    ENGINE = "engine"
    """A stop in this engine: it ends when the engine ends."""
    NONE = "none"
    """No fresh price, no right to sell, or nothing armed: the position screen says why."""
    DUST = "dust"
    """Too small to be sold."""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What one order bought: base units after fees, what they cost with fees. First in, first out."""

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
    """One holding of the desk, from its first fill until it is flat (dust written off)."""

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
    """All fees so far, worth in quote units when they were paid."""
    remaining: Decimal = ZERO
    """Base units owned now, after fees in the base asset."""
    remaining_cost: Decimal = ZERO
    """What they cost, in quote units, fees included."""
    realised: Decimal = ZERO
    """First in, first out, net of all fees, in quote units."""
    initial_stop: Decimal = ZERO
    stop_price: Decimal = ZERO
    high_price: Decimal = ZERO
    """Highest bid or trade seen since the entry; stored, so that trailing survives a restart."""
    low_price: Decimal = ZERO
    rungs_done: tuple[int, ...] = ()
    """Rungs of the ladder (from 1) that are sold."""
    trapped: str = ""
    """Why it cannot be sold at present, in plain words."""
    fired: CloseReason = CloseReason.NONE
    """The exit that fired; stored, so that a restart goes on selling at any price. NONE: none did."""
    fired_words: str = ""
    """Why it fired, in plain words."""
    dust: Decimal = ZERO
    """Base units that are too small to be sold, written off at 0."""
    gone: Decimal = ZERO
    """Base units found missing from the account, written off at 0."""

    @property
    def entry_price(self) -> Decimal:
        """Return the average price paid, before fees; 0 while nothing was bought."""
        return self.bought_value / self.bought_quantity if self.bought_quantity else ZERO

    @property
    def is_open(self) -> bool:
        """Whether anything of it is left to sell or to wait for."""
        return self.state is not PositionState.CLOSED


class LedgerAccount(StrEnum):
    """Accounts of the books, one of each per asset (reliability 2.8, I6)."""

    DESK = "desk"
    """What the desk owns: its cash, and the coins that it bought. Never negative."""
    OWN = "own"
    """What else lies in the account: the person's own coins, MX for fees, dust. Never sold."""
    EXCHANGE = "exchange"
    """The other side of every trade; may be negative."""
    FEES = "fees"
    """What was paid; grows."""
    EXTERNAL = "external"
    """Money from and to outside: the start, deposits, withdrawals, drift. May be negative."""


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One line of an entry: `amount` of `asset` onto an account (negative: off it)."""

    account: LedgerAccount
    asset: str
    amount: Decimal


class EntryKind(StrEnum):
    """What an entry of the books is about."""

    START = "start"
    TRADE = "trade"
    FEE = "fee"
    DRIFT = "drift"
    """Deposit, withdrawal, airdrop or a trade by hand; never made good by trading."""
    CORRECTION = "correction"
    """With evidence attached."""
    DUST = "dust"


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: its postings sum to zero for each asset."""

    id: str
    """What it books, so that nothing is booked twice: an order and its cumulative quantity, a trade's fee."""
    kind: EntryKind
    at_ms: int
    postings: tuple[Posting, ...]
    client_order_id: str = ""
    position_id: str = ""
    words: str = ""
    flow: Decimal = ZERO
    """Quote units that it brought into the desk from outside (negative: took out); no gain. A fee that the
    person's own MX paid is such a flow: it was spent for the desk, not by it."""


class TradingDay(msgspec.Struct, frozen=True, kw_only=True):
    """One UTC day of the desk, kept in the transaction of each fill."""

    day: str
    """2026-11-22."""
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    bought_value: Decimal = ZERO
    sold_value: Decimal = ZERO
    opened: int = 0
    closed: int = 0
    wins: int = 0
    losses: int = 0


class HeldPrice(msgspec.Struct, frozen=True, array_like=True):
    """The bid of a pair that was held."""

    symbol: str
    bid: Decimal


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk was worth at one moment, in quote units."""

    at_ms: int
    cash: Decimal
    holdings: Decimal
    """At the bid, less the estimated fee of selling."""
    flows: Decimal = ZERO
    """Deposits less withdrawals since the start, not a gain."""
    peak: Decimal = ZERO
    """Highest equity so far; deposits and withdrawals scale it, they are no gain or loss."""
    is_complete: bool = True
    """False: a price was missing or stale."""
    prices: tuple[HeldPrice, ...] = ()
    """Of the pairs held then: the history that VaR is made of. Stored with the point only."""

    @property
    def equity(self) -> Decimal:
        """Cash and holdings."""
        return self.cash + self.holdings
