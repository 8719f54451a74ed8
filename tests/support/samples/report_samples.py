"""Small days to report on, with times in milliseconds of the day."""

import re

from mexc_tui.market.listing_derivation import listing_from
from mexc_tui.model.event import Alert
from mexc_tui.model.listing import Listing, ListingFacts, ListingSource, Sighting, Triple
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import (
    Claim,
    ClaimKind,
    DetectionPass,
    DetectorName,
    Probability,
    ReadAge,
    Signal,
    SignalKey,
)
from mexc_tui.model.storage import StoredAlert
from mexc_tui.report.day import DayReport
from mexc_tui.report.inputs import StoredDay
from mexc_tui.report.text import MOST_COLUMNS, to_text

FROM_MS = 1_790_000_000_000
DAY = StoredDay(
    mode="practice",
    exchange_session="short-1-1790000000000",
    from_ms=FROM_MS,
    to_ms=FROM_MS + 100_000,
    overrides=(("maturity_s", "30"),),
    maturity_ms=30_000,
    api_grace_ms=30_000,
)


def reported(
    source: ListingSource, at_ms: int, symbol: str = "NEWUSDT", *, present: bool = True, **facts: object
) -> Sighting:
    """Return a report of a source; `opens` is in milliseconds of the day."""
    opens = facts.pop("opens", None)
    moment_ms = FROM_MS + opens if isinstance(opens, int) else None
    listing_facts = ListingFacts(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        opens_ms=moment_ms,
        **facts,  # pyright: ignore[reportArgumentType]
    )
    return Sighting(source=source, at_ms=FROM_MS + at_ms, facts=listing_facts, present=present)


def opened_listing(symbol: str = "NEWUSDT", opens: int = 20_000) -> Listing:
    """Return a listing announced, moved by five seconds, shown, API-enabled and opened a little late."""
    return listing_from(
        f"{symbol}-1",
        (
            reported(
                ListingSource.CALENDAR,
                1_000,
                symbol,
                opens=opens - 5_000,
                full_name="New Token",
                coin_id=symbol,
            ),
            reported(ListingSource.SYMBOLS_V2, 2_000, symbol, triple=Triple(2, 2, 4), coin_id=symbol),
            reported(
                ListingSource.CALENDAR, 3_000, symbol, opens=opens, full_name="New Token", coin_id=symbol
            ),
            reported(ListingSource.EXCHANGE_INFO, 4_000, symbol, opens=opens, api_allowed=True),
            reported(ListingSource.STREAM, opens + 200, symbol, traded_ms=FROM_MS + opens + 100),
        ),
    )


def cancelled_listing(symbol: str = "GONEUSDT") -> Listing:
    """Return a listing that was announced and cancelled."""
    return listing_from(
        f"{symbol}-1",
        (
            reported(ListingSource.CALENDAR, 1_000, symbol, opens=50_000, coin_id=symbol),
            reported(ListingSource.CALENDAR, 40_000, symbol, present=False, opens=50_000, coin_id=symbol),
        ),
    )


def future_listing(symbol: str = "LATERUSDT", opens: int = 600_000) -> Listing:
    """Return a listing that opens after the day."""
    return listing_from(
        f"{symbol}-1", (reported(ListingSource.CALENDAR, 1_000, symbol, opens=opens, coin_id=symbol),)
    )


def outcome(
    listing: Listing, end: OutcomeEnd = OutcomeEnd.OPENED, *, has_gap: bool = False
) -> ListingOutcome:
    """Return the outcome of a listing."""
    is_open = end is OutcomeEnd.OPENED
    return ListingOutcome(
        listing_id=listing.id,
        symbol=listing.symbol,
        label_version="1:30000",
        labelled_ms=FROM_MS + 90_000,
        first_seen_ms=listing.first_seen_ms,
        end=end,
        planned_ms=listing.opens_ms,
        opened_ms=listing.opened_ms,
        api_ms=listing.api_ms,
        trades=321 if is_open else 0,
        first_price=0.05 if is_open else None,
        high_ratio=1.9 if is_open else None,
        low_ratio=0.95 if is_open else None,
        last_ratio=1.4 if is_open else None,
        reference_return=0.12 if is_open and not has_gap else None,
        has_gap=has_gap,
    )


def signal(
    listing: Listing,
    at_ms: int,
    detector: DetectorName = DetectorName.READY_STATE,
    probability: Probability | None = None,
) -> Signal:
    """Return a signal about a listing."""
    return Signal(
        key=SignalKey(detector, listing.id, "triple"),
        state="since 1",
        at_ms=FROM_MS + at_ms,
        version=1,
        config_hash="0123456789ab",
        symbol=listing.symbol,
        severity=Severity.INFO,
        claim=Claim(ClaimKind.OPENS_BY, FROM_MS + 30_000),
        stratum="confirmed",
        probability=probability or Probability(value=0.5, low=0.025, high=0.975, n=0, hits=0),
        reasons=("symbolsV2 shows 2/2/4",),
        inputs=(),
    )


def detection_pass(at_ms: int, calendar_age_ms: int | None = 100) -> DetectionPass:
    """Return a detection pass."""
    return DetectionPass(
        at_ms=FROM_MS + at_ms,
        read=(ReadAge(ListingSource.CALENDAR, calendar_age_ms),),
        looked_at=3,
        raised=1,
        ended=0,
        duration_ns=1_500_000,
    )


def alert(at_ms: int, *, times: int = 1, closed_ms: int | None = None) -> StoredAlert:
    """Return a stored alert."""
    rule_alert = Alert(
        at_ms=FROM_MS + at_ms,
        about="calendar",
        severity=Severity.WARNING,
        rule="engine:source",
        text="the calendar cannot be read",
    )
    return StoredAlert(
        alert=rule_alert,
        first_ms=FROM_MS + at_ms,
        last_ms=FROM_MS + at_ms + 1_000,
        times=times,
        closed_ms=closed_ms,
    )


def unfolded_text(report: DayReport) -> str:
    """Return the report's text with folded lines joined; assert that no line exceeds the terminal width."""
    text = to_text(report)
    assert [line for line in text.splitlines() if len(line) > MOST_COLUMNS] == []
    return whole_lines(text)


def whole_lines(text: str) -> str:
    """Return a text with its continuation lines joined."""
    return re.sub(r"\n {4,}(?=\S)", " ", text)
