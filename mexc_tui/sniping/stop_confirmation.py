"""Confirmation of prices by a second, independent observation, or by time (architecture 2.7).

A bid is a state of the order book, a trade is an event. Two bids are two observations if the order book
version differs or enough time passed between them. Trades count once per order: all fills of one sweep have
the same time, and one message is one observation. A price contradicted by the latest bid is not confirmed.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short

SAME_MS = 50
"""A bid of the same version counts again after this time: the order book has not changed."""
FRESH_MS = 1_000
"""A newer bid above the stop contradicts trades below it. The exchange sends one every 100 ms."""
TRADE_MS = 2_000
"""Maximum difference between a trade's time and now; other trades are ignored."""
LONE_MS = 1_000
"""A single, uncontradicted bid below the stop is confirmed after this time."""
LOWBALL_MS = 3_000
"""A bid below a quarter of the stop, without a trade at that level, is confirmed after this time: bids of a
thin book disappear for a second or two."""
LOWBALL = Decimal("0.25")
MIN_OBSERVATIONS = 2
"""Minimum observations for an irreversible decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One observation of a price: a trade, or the best bid."""

    price: Decimal
    at_ms: int
    """Exchange time: of a trade its own, of a bid the time it was received."""
    is_trade: bool = False
    is_after_gap: bool = False
    """Whether this is the first price after a silent or interrupted stream."""
    version: int = 0
    """Order book version of a bid; 0: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastBid:
    """The latest bid and the bid observed before it."""

    price: Decimal
    at_ms: int
    version: int
    counted_ms: int
    """When it last counted as a separate observation."""
    before: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTouch:
    """Observations at or below the stop since it was first touched."""

    since_ms: int
    bids: int = 0
    trades: int = 0
    far: int = 0
    """Observations so far below the stop that it triggers immediately."""
    is_after_gap: bool = False
    above_since_ms: int | None = None
    """Start of the time above the stop; only a full confirmation time resets the touch."""


@dataclass(frozen=True, slots=True)
class ObservedPrices:
    """Observed prices of one position."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRules:
    """A stop and its confirmation settings. `far`: at or below this price it triggers immediately."""

    price: Decimal
    far: Decimal
    confirm_ms: int
    confirm_trades: int
    at_once_factor: Decimal


def is_observation(observed: ObservedPrices, tick: Tick, opened_ms: int, *, now_ms: int) -> bool:
    """Whether a tick is a new observation.

    A trade counts if it is newer than the entry and the last counted trade, and close to the current time:
    fills of one sweep and repeated trades count once.
    """
    if tick.is_trade:
        is_of_now = abs(now_ms - tick.at_ms) <= TRADE_MS
        return is_of_now and tick.at_ms >= opened_ms and tick.at_ms > observed.traded_ms
    quoted = observed.quoted
    if quoted is None or not tick.version or tick.version != quoted.version:
        return True
    return tick.price != quoted.price or now_ms - quoted.counted_ms >= SAME_MS


def record_tick(observed: ObservedPrices, tick: Tick, now_ms: int, *, is_new: bool) -> ObservedPrices:
    """Return the observed prices with a tick added."""
    if tick.is_trade:
        return replace(observed, traded_ms=tick.at_ms) if is_new else observed
    old = observed.quoted
    if old is not None and not is_new:
        return replace(observed, quoted=replace(old, at_ms=now_ms))
    before = None if old is None else old.price
    return replace(
        observed,
        quoted=LastBid(
            price=tick.price, at_ms=now_ms, version=tick.version, counted_ms=now_ms, before=before
        ),
    )


def count_touch(
    observed: ObservedPrices, tick: Tick, rules: StopRules, *, now_ms: int, is_new: bool
) -> ObservedPrices:
    """Return the observed prices with a tick at or below the stop counted."""
    touch = observed.touch or StopTouch(since_ms=now_ms)
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
    """Reset the touch once the price was above the stop for a full confirmation time."""
    touch = observed.touch
    if touch is None:
        return observed
    if touch.above_since_ms is None:
        return replace(observed, touch=replace(touch, above_since_ms=now_ms))
    if now_ms - touch.above_since_ms < max(confirm_ms, 1):
        return observed
    return replace(observed, touch=None)


def exclude_gap(observed: ObservedPrices, for_ms: int) -> ObservedPrices:
    """Shift the touch by a time without observations, so that it neither confirms nor ends it."""
    touch = observed.touch
    if touch is None:
        return observed
    above_ms = None if touch.above_since_ms is None else touch.above_since_ms + for_ms
    later = replace(touch, since_ms=touch.since_ms + for_ms, above_since_ms=above_ms)
    return replace(observed, touch=later)


def confirmation_reason(observed: ObservedPrices, rules: StopRules, now_ms: int) -> str:
    """Return what confirms a stop; empty: not confirmed yet."""
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


def next_check_ms(touch: StopTouch | None, confirm_ms: int, now_ms: int) -> int | None:
    """Return when time alone may confirm or end a touch; None: nothing to wait for."""
    if touch is None:
        return None
    begun_ms = touch.since_ms if touch.above_since_ms is None else touch.above_since_ms
    at_ms = begun_ms + confirm_ms
    return at_ms if at_ms > now_ms else None


def trigger_text(price: Decimal, stop: Decimal, why: str) -> str:
    """Return the text that explains why a stop triggered."""
    return f"{short(price)} at or below the stop of {short(stop)}: {why}"
