"""Timing and price of a snipe: price cap, aim, and the schedule of its attempts."""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import SnipeState
from mexc_tui.sniping.rounding import HUNDRED, Grid, buy_quantity, floored, highest_buy

ORDER_CALLS_PER_S = 12
"""Maximum order requests per second for one account (protocol 11.2)."""
MAX_ATTEMPTS = 20
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FireRules:
    """Entry settings; times in milliseconds, shares in per cent."""

    early_ms: int = 20
    window_ms: int = 5_000
    attempts: int = MAX_ATTEMPTS
    validity_ms: int = 500
    premium_pct: Decimal = Decimal(25)
    slippage_pct: Decimal = Decimal(3)
    calls_per_s: int = ORDER_CALLS_PER_S

    @property
    def spacing_ms(self) -> int:
        """Return the minimum time between two attempts."""
        return -(-1_000 // min(self.calls_per_s, ORDER_CALLS_PER_S))


@dataclass(frozen=True, slots=True)
class FiringAim:
    """Arrival time of the first attempt (exchange time) and departure of its first byte (engine clock)."""

    arrive_ms: float
    leave_ns: int
    text: str


def aim(
    opens_ms: int, opens_ns: int, one_way_ns: int, *, clock_error_ms: float, rules: FireRules
) -> FiringAim:
    """Return when to fire so that the request arrives at the opening.

    `opens_ns`: the opening on the engine's monotonic clock; `one_way_ns`: half the fastest round trip. The
    clock has an error bound: the part of it above `early_ms` delays the aim, so that no attempt arrives
    earlier than `early_ms` before the opening.
    """
    late_ms = max(clock_error_ms - rules.early_ms, 0.0)
    leave_ns = opens_ns + int(late_ms * NS_PER_MS) - one_way_ns
    text = f"at the opening within {clock_error_ms:.1f} ms"
    return FiringAim(opens_ms + late_ms, leave_ns, f"{text}, {late_ms:.1f} ms after" if late_ms else text)


def price_cap(
    reference: Decimal | None, grid: Grid, rules: FireRules, *, last: Decimal | None = None
) -> Decimal | None:
    """Return the maximum limit price of a snipe, by the premium over the reference and the price band."""
    caps: list[Decimal] = []
    if reference is not None:
        caps.append(floored(reference * (1 + rules.premium_pct / HUNDRED), grid.price_tick))
    if last is not None and (band := highest_buy(last, grid)) is not None:
        caps.append(band)
    return min(caps, default=None)


def book_price(best_ask: Decimal, cap: Decimal | None, grid: Grid, *, rules: FireRules) -> Decimal:
    """Return a limit price that fills up to the slippage cap, at most the price cap."""
    price = floored(best_ask * (1 + rules.slippage_pct / HUNDRED), grid.price_tick)
    return price if cap is None else min(price, cap)


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """The terms of an entry order: always with a limit price, whatever the type."""

    type: OrderType
    price: Decimal
    quantity: Decimal


def first_order(kind: OrderType, price: Decimal, spend_cap: Decimal, *, grid: Grid) -> FirstOrder | None:
    """Return an order of at most `spend_cap`, fee included; None: too small for one step."""
    quantity = buy_quantity(spend_cap, price, grid.taker_fee, grid=grid)
    return FirstOrder(bounded(kind), price, quantity) if quantity > 0 else None


def bounded(kind: OrderType) -> OrderType:
    """Return a type with a limit price: MARKET becomes IMMEDIATE_OR_CANCEL."""
    return OrderType.IMMEDIATE_OR_CANCEL if kind is OrderType.MARKET else kind


def next_at_ms(
    sent: int, last_sent_ms: int | None, opens_ms: int, *, rules: FireRules, now_ms: int
) -> int | None:
    """Return when the next attempt may be sent, not before the opening; None: attempts or window used up.

    A new clock measurement can move the opening back into the future.
    """
    if sent >= min(rules.attempts, MAX_ATTEMPTS):
        return None
    at_ms = max(now_ms, opens_ms if last_sent_ms is None else max(opens_ms, last_sent_ms + rules.spacing_ms))
    return at_ms if at_ms <= opens_ms + rules.window_ms else None


def has_moved_away(best_ask: Decimal | None, limit: Decimal) -> bool:
    """Whether the price left a resting entry behind; without an ask it did not."""
    return best_ask is not None and best_ask > limit


def cancel_at_ms(ran_away_ms: int | None, rules: FireRules) -> int | None:
    """Return when to cancel the remainder of an entry after its price moved away; None: keep it."""
    return None if ran_away_ms is None else ran_away_ms + rules.validity_ms


def result_text(state: SnipeState, spent: Decimal, quote_asset: str) -> str:
    """Return the result of an entry as text. `spent`: quote units, without fees."""
    if state is SnipeState.UNKNOWN:
        return "sent; fills unknown"
    if not spent:
        return "refused" if state is SnipeState.REJECTED else "not filled"
    part = "partially filled" if state is SnipeState.PARTIAL else "filled"
    return f"{part} for {short(spent)} {quote_asset}"


def ended_state(filled_quantity: Decimal, *, is_complete: bool, was_refused: bool) -> SnipeState:
    """Return the final state of a snipe with no unknown or open order."""
    if filled_quantity > 0:
        return SnipeState.FILLED if is_complete else SnipeState.PARTIAL
    return SnipeState.REJECTED if was_refused else SnipeState.MISSED
