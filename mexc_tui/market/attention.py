"""Selection of streams: listings near their opening, positions and displayed symbols; all else is polled."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from mexc_tui.market.polling import expected_ms
from mexc_tui.model.listing import MATURITY_MS, Listing, ListingStage

WITHIN_MS = 3_600_000
HURRY_BEFORE_MS = 15_000
HURRY_AFTER_MS = 60_000


class StreamKind(StrEnum):
    """Kind of a market stream."""

    DEALS = "deals"
    BEST_QUOTE = "best_quote"
    TOP_LEVELS = "top_levels"
    DEEP_LEVELS = "deep_levels"
    """More levels for display; no decision uses them."""


@dataclass(frozen=True, slots=True)
class WantedStream:
    """One stream of one symbol."""

    symbol: str
    kind: StreamKind


LISTING_KINDS = (StreamKind.DEALS, StreamKind.BEST_QUOTE, StreamKind.TOP_LEVELS)
SHOWN_KINDS = (StreamKind.DEALS, StreamKind.BEST_QUOTE, StreamKind.DEEP_LEVELS)


def wanted_streams(
    listings: Iterable[Listing],
    now_ms: int,
    shown: Collection[str] = (),
    *,
    within_ms: int = WITHIN_MS,
    maturity_ms: int = MATURITY_MS,
    held: Collection[str] = (),
) -> frozenset[WantedStream]:
    """Return the streams to subscribe to now; drop all others. `held`: symbols with positions or orders."""
    wanted = {WantedStream(symbol, kind) for symbol in shown for kind in SHOWN_KINDS}
    wanted.update(WantedStream(symbol, kind) for symbol in held for kind in LISTING_KINDS)
    for listing in listings:
        if is_near(listing, now_ms, within_ms, maturity_ms=maturity_ms):
            for name in _streamed_names(listing):
                wanted.update(WantedStream(name, kind) for kind in LISTING_KINDS)
    return frozenset(wanted)


def opening_soon(listings: Iterable[Listing], now_ms: int) -> frozenset[str]:
    """Return the symbols whose opening is seconds away by any source: their streams must not be missed.

    A symbol may be created half a second before it opens; subscriptions are refused until then.
    """
    return frozenset(
        name
        for listing in listings
        if listing.opened_ms is None
        and any(
            -HURRY_AFTER_MS <= at_ms - now_ms <= HURRY_BEFORE_MS for at_ms in expected_ms(listing, now_ms)
        )
        for name in _streamed_names(listing)
    )


def may_have_opened(listing: Listing, now_ms: int) -> bool:
    """Return whether a listing may have traded unobserved: no known trade, and its time past or unknown."""
    if listing.traded_ms is not None or listing.stage is ListingStage.CANCELLED:
        return False
    due_ms = min(listing.claimed_ms, default=listing.opens_ms)
    return listing.opened_ms is not None or due_ms is None or due_ms <= now_ms


def is_near(
    listing: Listing, now_ms: int, within_ms: int = WITHIN_MS, *, maturity_ms: int = MATURITY_MS
) -> bool:
    """Return whether a listing opens within the hour, is not long overdue, or is open and watched."""
    if listing.stage_at(now_ms, maturity_ms, within_ms).is_over:
        return False
    if listing.opened_ms is not None:
        return now_ms < listing.opened_ms + maturity_ms
    return any(abs(opens_ms - now_ms) <= within_ms for opens_ms in expected_ms(listing, now_ms))


def _streamed_names(listing: Listing) -> tuple[str, ...]:
    """Return every name of a listing on which sources disagree: the stream shows which one is right."""
    if not listing.disagreements:
        return (listing.symbol,)
    claimed = (
        seen.facts.symbol for seen in {s.source: s for s in listing.sightings}.values() if seen.present
    )
    return tuple(dict.fromkeys((listing.symbol, *claimed)))
