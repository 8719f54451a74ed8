"""Snipes: the plan to buy one listing at its opening, and its result (architecture 5)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.order import OrderType
from mexc_tui.model.policy import Rung
from mexc_tui.model.verdict import Verdict


class SnipeState(StrEnum):
    """`watching -> armed -> ready -> firing -> filled | partial | rejected | missed | unknown`.

    Or `disarmed`, from any state before `firing`.
    """

    WATCHING = "watching"
    ARMED = "armed"
    """All checks passed, funds reserved, intent durable."""
    READY = "ready"
    """The final checklist passed, requests built and signed."""
    FIRING = "firing"
    FILLED = "filled"
    PARTIAL = "partial"
    REJECTED = "rejected"
    MISSED = "missed"
    UNKNOWN = "unknown"
    """The outcome of an attempt is unknown."""
    DISARMED = "disarmed"

    @property
    def is_over(self) -> bool:
        """Whether it is closed: nothing more is sent."""
        return self in _OVER

    @property
    def may_buy(self) -> bool:
        """Whether it is armed or firing."""
        return self in _MAY_BUY

    @property
    def is_unfired(self) -> bool:
        """Whether it is active and has sent nothing yet."""
        return self in _NOT_FIRED


_NOT_FIRED = frozenset({SnipeState.WATCHING, SnipeState.ARMED, SnipeState.READY})
_MAY_BUY = frozenset({SnipeState.ARMED, SnipeState.READY, SnipeState.FIRING})
_OVER = frozenset(
    {
        SnipeState.FILLED,
        SnipeState.PARTIAL,
        SnipeState.REJECTED,
        SnipeState.MISSED,
        SnipeState.DISARMED,
    }
)


class ExitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Exit plan of a position. Percentages are of the entry price; a time of 0 means never."""

    stop_loss_pct: Decimal
    ladder: tuple[Rung, ...] = ()
    confirm_ms: int = 200
    confirm_trades: int = 3
    at_once_factor: Decimal = Decimal(2)
    trailing: bool = False
    trailing_after_pct: Decimal = Decimal(20)
    trailing_distance_pct: Decimal = Decimal(15)
    break_even_rung: int = 0
    break_even_slippage_pct: Decimal = Decimal("0.5")
    """Slippage that a break-even stop allows for."""
    time_stop_s: int = 0
    slippage_pct: Decimal = Decimal(10)
    """Slippage cap of a stop or a flattening, below the bid."""


class ReferenceSource(StrEnum):
    """Source of the reference price of a premium."""

    BEFORE = "before"
    """Order book or last trade before the opening, when the snipe was armed."""
    FIRST = "first"
    """The first price seen at the opening."""


class SnipeKey(msgspec.Struct, frozen=True):
    """Origin of a snipe. At most one snipe per key: the same signal does not buy twice."""

    symbol: str
    signal_id: str
    """Detector, listing, topic and time of the signal; for a manual snipe, the command's id."""


class Snipe(msgspec.Struct, frozen=True, kw_only=True):
    """One snipe. `signal_id` and `config_hash` are copied to its intent, orders, fills and position."""

    id: str
    key: SnipeKey
    listing_id: str
    config_hash: str
    opens_ms: int
    """Planned opening in exchange time."""
    state: SnipeState
    reason: str
    by: str
    """The detector, or the client that armed it manually."""
    type: OrderType
    spend_cap: Decimal
    """Maximum cost over all attempts, in quote units, fees included."""
    reference_price: Decimal | None
    """Base of the premium; None: no price known."""
    price_cap: Decimal | None
    """Maximum limit price; None: not known yet, and no order is sent without one."""
    plan: ExitPlan
    verdicts: tuple[Verdict, ...]
    armed_ms: int
    ended_ms: int | None = None
    attempts: int = 0
    filled_quantity: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    reference_source: ReferenceSource = ReferenceSource.BEFORE
    """Source of `reference_price`."""

    @property
    def symbol(self) -> str:
        """Return the pair's name."""
        return self.key.symbol


class Stamps(msgspec.Struct, frozen=True, kw_only=True):
    """Timestamps of the stages of one attempt, in monotonic nanoseconds (formulas E6); None: not reached."""

    aim_ns: int | None = None
    """Planned send time."""
    decided_ns: int | None = None
    """When only the write remained: the planned time if the attempt waited, else the previous response."""
    signed_ns: int | None = None
    """Built and signed; for an attempt that waited, ready at the decision."""
    written_ns: int | None = None
    """Last byte handed to the operating system."""
    answered_ns: int | None = None
    filled_ns: int | None = None
    """First reported fill."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe, stored with the trade."""

    snipe_id: str
    client_order_id: str
    number: int
    """From 1."""
    aim_ms: int
    """Target arrival time, in exchange time."""
    price: Decimal | None
    quantity: Decimal | None
    answer: str
    """Response as text."""
    code: int | None = None
    next_step: str = ""
    stamps: Stamps = Stamps()
    clock_error_ms: float | None = None
    best_ask: Decimal | None = None
    """Best ask of the order book at send: base of the slippage (formulas E6)."""
