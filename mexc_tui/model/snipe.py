"""A snipe: the plan to buy one listing at its opening, and what became of it (architecture 5)."""

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
    """Approved by every gate, funds reserved, intent durable."""
    READY = "ready"
    """The checklist of the last seconds passed, requests built and signed."""
    FIRING = "firing"
    FILLED = "filled"
    PARTIAL = "partial"
    REJECTED = "rejected"
    MISSED = "missed"
    UNKNOWN = "unknown"
    """An attempt's outcome is not known yet."""
    DISARMED = "disarmed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is sent for it."""
        return self in _OVER

    @property
    def may_buy(self) -> bool:
        """Whether it is armed for an opening, or firing."""
        return self in _MAY_BUY

    @property
    def is_unfired(self) -> bool:
        """Whether it is not over and has sent nothing yet."""
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
    """How a position is left. Percentages are of the entry price; 0 of a time: never."""

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
    """What a stop at break-even may lose by slippage without a loss in all."""
    time_stop_s: int = 0
    slippage_pct: Decimal = Decimal(10)
    """A stop or a flattening sells at most so far below the bid."""


class ReferenceSource(StrEnum):
    """Where the price that a premium is measured from was seen."""

    BEFORE = "before"
    """Order book or last trade before the opening, when the snipe was armed."""
    FIRST = "first"
    """The first price seen at the opening."""


class SnipeKey(msgspec.Struct, frozen=True):
    """What a snipe came from. One snipe a key, ever: the same signal does not buy twice."""

    symbol: str
    signal_id: str
    """The signal's detector, listing, topic and moment; of a person's order, the command's id."""


class Snipe(msgspec.Struct, frozen=True, kw_only=True):
    """One snipe. `signal_id` and `config_hash` travel on to its intent, orders, fills and position."""

    id: str
    key: SnipeKey
    listing_id: str
    config_hash: str
    opens_ms: int
    """Exchange time that it fires at."""
    state: SnipeState
    reason: str
    by: str
    """The detector, or who armed it by hand."""
    type: OrderType
    spend_cap: Decimal
    """Quote units over all attempts, fees included."""
    reference_price: Decimal | None
    """What the premium is measured from; None: no price is known yet, or none was seen."""
    price_cap: Decimal | None
    """No limit is above it; None: no price is known yet, and no order is sent without one."""
    plan: ExitPlan
    verdicts: tuple[Verdict, ...]
    armed_ms: int
    ended_ms: int | None = None
    attempts: int = 0
    filled_quantity: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    reference_source: ReferenceSource = ReferenceSource.BEFORE
    """Where `reference_price` is from."""

    @property
    def symbol(self) -> str:
        """Return the pair's name."""
        return self.key.symbol


class Stamps(msgspec.Struct, frozen=True, kw_only=True):
    """Stages of one attempt in nanoseconds of one monotonic clock (formulas E6); None: not reached."""

    aim_ns: int | None = None
    """When it was to leave."""
    decided_ns: int | None = None
    """When only the write was left: the aim, of an attempt that waited for it; else the answer before."""
    signed_ns: int | None = None
    """Built and signed; of an attempt that waited, ready at the decision."""
    written_ns: int | None = None
    """Last byte handed to the system."""
    answered_ns: int | None = None
    filled_ns: int | None = None
    """First fill seen."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe, kept with the trade."""

    snipe_id: str
    client_order_id: str
    number: int
    """From 1."""
    aim_ms: int
    """Exchange time that it was to arrive at."""
    price: Decimal | None
    quantity: Decimal | None
    answer: str
    """In plain words."""
    code: int | None = None
    next_step: str = ""
    stamps: Stamps = Stamps()
    clock_error_ms: float | None = None
    best_ask: Decimal | None = None
    """Of the book as it was seen when it was sent: what slippage is measured from (formulas E6)."""
