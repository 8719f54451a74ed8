"""Outcome of each observed listing, traded or not, by one fixed rule (formulas E7)."""

from collections.abc import Sequence
from typing import NamedTuple

from mexc_tui.detection.settings import DetectionSettings, LabelRule
from mexc_tui.market.tape import Tape, TapeBar
from mexc_tui.model.listing import ChangeKind, Listing, ListingSource, ListingStage
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd

FORGOTTEN_MS = 30 * 86_400_000
"""A listing without an opening time or news for this long has an unknown outcome."""


class _Prices(NamedTuple):
    first: float | None = None
    high_ratio: float | None = None
    low_ratio: float | None = None
    last_ratio: float | None = None


def outcome_of(
    listing: Listing,
    tape: Tape | None,
    now_ms: int,
    *,
    settings: DetectionSettings | None = None,
    cluster_size: int = 1,
    traded: bool = False,
) -> ListingOutcome | None:
    """Return the outcome, or None while it is not decided. No tape: prices were not recorded."""
    using = settings or DetectionSettings()
    end = _end(listing, now_ms, using)
    if end is None:
        return None
    return _label(listing, end, tape, now_ms=now_ms, settings=using, cluster_size=cluster_size, traded=traded)


def outcome_of_ended_session(listing: Listing, ended_ms: int, settings: DetectionSettings) -> ListingOutcome:
    """Return the outcome of a listing whose practice session has ended; undecided outcomes stay undecided."""
    is_cancelled = listing.stage is ListingStage.CANCELLED
    end = _end(listing, ended_ms, settings) if is_cancelled else None
    return _label(listing, end or OutcomeEnd.SESSION_ENDED, None, now_ms=ended_ms, settings=settings)


def _label(
    listing: Listing,
    end: OutcomeEnd,
    tape: Tape | None,
    *,
    now_ms: int,
    settings: DetectionSettings,
    cluster_size: int = 1,
    traded: bool = False,
) -> ListingOutcome:
    rule = settings.label
    opened_ms = _api_opened_ms(listing) if end is OutcomeEnd.OPENED else listing.opened_ms
    until_ms = None if opened_ms is None else opened_ms + rule.horizon_ms
    in_time = () if tape is None or opened_ms is None else _bars_within(tape.bars, opened_ms, until_ms)
    gap = end is OutcomeEnd.OPENED and (tape is None or _has_gap(tape, opened_ms or 0, until_ms or 0))
    prices = _prices(in_time)
    can_buy = end is OutcomeEnd.OPENED and not gap and opened_ms is not None
    bought = reference_return(in_time, opened_ms or 0, rule) if can_buy else None
    return ListingOutcome(
        listing_id=listing.id,
        symbol=listing.symbol,
        label_version=f"{rule.version}:{rule.horizon_ms}",
        labelled_ms=now_ms,
        first_seen_ms=listing.first_seen_ms,
        end=end,
        planned_ms=listing.opens_ms,
        opened_ms=opened_ms,
        api_ms=listing.api_ms,
        moved_ms=tuple(change.at_ms for change in listing.changes if change.kind is ChangeKind.MOVED),
        renamed=any(change.kind is ChangeKind.RENAMED for change in listing.changes),
        cluster_size=cluster_size,
        trades=sum(bar.trades for bar in in_time),
        first_price=prices.first,
        high_ratio=prices.high_ratio,
        low_ratio=prices.low_ratio,
        last_ratio=prices.last_ratio,
        reference_return=bought,
        has_gap=gap,
        traded=traded,
    )


def reference_return(bars: Sequence[TapeBar], opened_ms: int, rule: LabelRule) -> float | None:
    """Return the net return of the fixed rule after fees and slippage; None: no trade to buy.

    Within one second the stop is assumed to trigger before take-profits, so the figure is conservative.
    """
    entry = next((n for n, bar in enumerate(bars) if bar.start_ms >= opened_ms + rule.delay_ms), None)
    if entry is None:
        return None
    paid = bars[entry].open * (1 + rule.slippage)
    cost = paid * (1 + rule.fee)
    kept, got = 1.0, 0.0
    steps = list(rule.ladder)
    for bar in bars[entry:]:
        if bar.low <= paid * (1 - rule.stop):
            stopped = min(bar.open, paid * (1 - rule.stop))
            return _net(got + kept * stopped * (1 - rule.slippage), cost, rule)
        while steps and bar.high >= paid * (1 + steps[0][1]):
            share, gain = steps.pop(0)
            share = min(share, kept)
            got, kept = got + share * paid * (1 + gain), kept - share
        if kept <= 1e-12:
            return _net(got, cost, rule)
    return _net(got + kept * bars[-1].close * (1 - rule.slippage), cost, rule)


def _prices(bars: Sequence[TapeBar]) -> _Prices:
    if not bars:
        return _Prices()
    first = bars[0].open
    high, low = max(bar.high for bar in bars), min(bar.low for bar in bars)
    return _Prices(first, high / first, low / first, bars[-1].close / first)


def _net(got: float, cost: float, rule: LabelRule) -> float:
    return got * (1 - rule.fee) / cost - 1


def _end(listing: Listing, now_ms: int, settings: DetectionSettings) -> OutcomeEnd | None:
    stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
    if stage is ListingStage.CANCELLED:
        manual = listing.latest_from(ListingSource.MANUAL)
        is_dropped = manual is not None and not manual.present
        return OutcomeEnd.UNKNOWN if is_dropped else OutcomeEnd.CANCELLED
    if stage is ListingStage.NEVER_API:
        return OutcomeEnd.NEVER_API
    opened_ms = _api_opened_ms(listing)
    if opened_ms is not None:
        return OutcomeEnd.OPENED if now_ms >= opened_ms + settings.label.horizon_ms else None
    return OutcomeEnd.UNKNOWN if _is_lost(listing, now_ms, settings) else None


def _is_lost(listing: Listing, now_ms: int, settings: DetectionSettings) -> bool:
    """Return whether the opening is overdue beyond the limit without evidence of trading."""
    if listing.opened_ms is not None:
        return False  # it opened: only time decides whether API trading follows
    if listing.opens_ms is None:
        return now_ms - listing.sightings[-1].at_ms >= FORGOTTEN_MS
    return now_ms >= listing.opens_ms + settings.api_grace_ms


def _api_opened_ms(listing: Listing) -> int | None:
    """Return when API clients could first trade the symbol."""
    if listing.opened_ms is None or listing.api_ms is None:
        return None
    return max(listing.opened_ms, listing.api_ms)


def _bars_within(bars: Sequence[TapeBar], opened_ms: int, until_ms: int | None) -> tuple[TapeBar, ...]:
    start_ms = opened_ms - opened_ms % 1_000
    return tuple(
        bar for bar in bars if start_ms <= bar.start_ms and (until_ms is None or bar.start_ms < until_ms)
    )


def _has_gap(tape: Tape, from_ms: int, until_ms: int) -> bool:
    return any(gap_from < until_ms and gap_until > from_ms for gap_from, gap_until in tape.gaps)
