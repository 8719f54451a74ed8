"""When a price is believed: by a second, independent observation, or by time (architecture 2.7).

A bid is a state of the order book, a trade is an event. Two bids are two observations if the book's version
differs or some time lies between them. Trades count once per order: fills of one sweep carry one time, and
one message is one observation. What the latest bid contradicts is not believed.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.numbers import short

SAME_MS = 50
"""A bid of the same version counts again after so long: the book has stayed as it was."""
FRESH_MS = 1_000
"""A younger bid above the stop contradicts trades below it. The exchange sends one every 100 ms."""
TRADE_MS = 2_000
"""A trade dated further from now, either way, says nothing about the price of now."""
LONE_MS = 1_000
"""A single bid below the stop that nothing contradicts for so long is believed."""
LOWBALL_MS = 3_000
"""A bid below a quarter of the stop, without a trade of its kind, is believed after so long: bids of a thin
book are gone for a second or two."""
LOWBALL = Decimal("0.25")
MIN_OBSERVATIONS = 2
"""Observations that anything irreversible needs."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One observation of a price: a trade, or the best bid."""

    price: Decimal
    at_ms: int
    """Exchange time: of a trade its own, of a bid when it was received."""
    is_trade: bool = False
    is_after_gap: bool = False
    """The first price after the stream was silent or had a hole."""
    version: int = 0
    """Version of the order book that a bid is from; 0: unknown."""


@dataclass(frozen=True, slots=True)
class LastBid:
    """The latest bid, with the observation before it."""

    price: Decimal
    at_ms: int
    version: int
    counted_ms: int
    """When it last counted as an observation of its own."""
    before: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StopTouch:
    """What was observed at or below the stop since the first touch."""

    since_ms: int
    bids: int = 0
    trades: int = 0
    far: int = 0
    """Observations so far below the stop that it sells at once."""
    is_after_gap: bool = False
    above_since_ms: int | None = None
    """Only a full confirmation time above the stop forgets a touch."""


@dataclass(frozen=True, slots=True)
class ObservedPrices:
    """What is remembered of the prices of one position."""

    quoted: LastBid | None = None
    traded_ms: int = 0
    """Time of the newest trade that counted."""
    touch: StopTouch | None = None

    @property
    def agreed(self) -> tuple[Decimal, Decimal] | None:
        """Return the lower and the higher of the last two bids; None before the second."""
        if self.quoted is None or self.quoted.before is None:
            return None
        price, before = self.quoted.price, self.quoted.before
        return (price, before) if price <= before else (before, price)

    def is_contradicted(self, stop: Decimal, now_ms: int) -> bool:
        """Whether a fresh bid is above the stop."""
        quoted = self.quoted
        return quoted is not None and quoted.price > stop and now_ms - quoted.at_ms <= FRESH_MS


@dataclass(frozen=True, slots=True)
class StopRules:
    """A stop and how it is confirmed. `far`: at or below this price it sells at once."""

    price: Decimal
    far: Decimal
    confirm_ms: int
    confirm_trades: int
    at_once_factor: Decimal


def is_observation(observed: ObservedPrices, tick: Tick, opened_ms: int, now_ms: int) -> bool:
    """Whether a tick tells something that the ticks before it did not.

    A trade counts if it is from after the entry, of about now, and later than the last one that counted: so
    fills of one sweep, and trades that are sent again, count once.
    """
    if tick.is_trade:
        is_of_now = abs(now_ms - tick.at_ms) <= TRADE_MS
        return is_of_now and tick.at_ms >= opened_ms and tick.at_ms > observed.traded_ms
    quoted = observed.quoted
    if quoted is None or not tick.version or tick.version != quoted.version:
        return True
    return tick.price != quoted.price or now_ms - quoted.counted_ms >= SAME_MS


def record_tick(observed: ObservedPrices, tick: Tick, now_ms: int, *, is_new: bool) -> ObservedPrices:
    """Remember a tick."""
    if tick.is_trade:
        return replace(observed, traded_ms=tick.at_ms) if is_new else observed
    old = observed.quoted
    if old is not None and not is_new:
        return replace(observed, quoted=replace(old, at_ms=now_ms))
    before = None if old is None else old.price
    return replace(observed, quoted=LastBid(tick.price, now_ms, tick.version, now_ms, before))


def count_touch(
    observed: ObservedPrices, tick: Tick, rules: StopRules, now_ms: int, *, is_new: bool
) -> ObservedPrices:
    """Count a tick at or below the stop."""
    touch = observed.touch or StopTouch(now_ms)
    count = int(is_new)
    touch = replace(
        touch,
        bids=touch.bids + (0 if tick.is_trade else count),
        trades=touch.trades + (count if tick.is_trade else 0),
        far=touch.far + (count if tick.price <= rules.far else 0),
        is_after_gap=touch.is_after_gap or tick.is_after_gap,
        above_since_ms=None,
    )
    return replace(observed, touch=touch)


def track_above(observed: ObservedPrices, confirm_ms: int, now_ms: int) -> ObservedPrices:
    """Forget a touch after the price stayed above for as long as a confirmation takes."""
    touch = observed.touch
    if touch is None:
        return observed
    if touch.above_since_ms is None:
        return replace(observed, touch=replace(touch, above_since_ms=now_ms))
    if now_ms - touch.above_since_ms < max(confirm_ms, 1):
        return observed
    return replace(observed, touch=None)


def exclude_gap(observed: ObservedPrices, for_ms: int) -> ObservedPrices:
    """Let a time in which nothing could be observed confirm nothing, and end no touch."""
    touch = observed.touch
    if touch is None:
        return observed
    above_ms = None if touch.above_since_ms is None else touch.above_since_ms + for_ms
    later = replace(touch, since_ms=touch.since_ms + for_ms, above_since_ms=above_ms)
    return replace(observed, touch=later)


def confirmation_reason(observed: ObservedPrices, rules: StopRules, now_ms: int) -> str:
    """Say what confirms a stop; empty: nothing does yet."""
    touch, quoted = observed.touch, observed.quoted
    if touch is None or touch.above_since_ms is not None or observed.is_contradicted(rules.price, now_ms):
        return ""
    waited_ms = now_ms - touch.since_ms
    is_low = quoted is not None and quoted.price < rules.price * LOWBALL
    if not touch.trades and is_low:
        is_long = touch.bids >= MIN_OBSERVATIONS and waited_ms >= LOWBALL_MS
        return f"no other bid for {waited_ms} ms" if is_long else ""
    if touch.bids + touch.trades < MIN_OBSERVATIONS:
        is_long = bool(touch.bids) and waited_ms >= max(rules.confirm_ms, LONE_MS)
        return f"no newer price for {waited_ms} ms" if is_long else ""
    if touch.far >= MIN_OBSERVATIONS and quoted is not None and quoted.price <= rules.far:
        return f"{rules.at_once_factor:f} stop distances away"
    if touch.is_after_gap and touch.bids:
        return "after a gap"
    if touch.trades >= max(rules.confirm_trades, MIN_OBSERVATIONS):
        return f"{touch.trades} trades"
    return f"{waited_ms} ms since the first touch" if waited_ms >= rules.confirm_ms else ""


def next_look_ms(touch: StopTouch | None, confirm_ms: int, now_ms: int) -> int | None:
    """Return when time alone may confirm or end a touch; None: nothing to wait for."""
    if touch is None:
        return None
    begun_ms = touch.since_ms if touch.above_since_ms is None else touch.above_since_ms
    at_ms = begun_ms + confirm_ms
    return at_ms if at_ms > now_ms else None


def trigger_text(price: Decimal, stop: Decimal, why: str) -> str:
    """Say why a stop sells."""
    return f"{short(price)} at or below the stop of {short(stop)}: {why}"
