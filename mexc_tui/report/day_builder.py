"""Build the report of a day from its stored data."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from mexc_tui.model.listing import ChangeKind, Listing, ListingSource
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.signal import DetectionPass, DetectorName
from mexc_tui.model.storage import StoredAlert
from mexc_tui.report.day import (
    Alerted,
    Claimed,
    DayReport,
    ListingReport,
    Passes,
    ReportedOutcome,
    ScenarioOverride,
    Signalled,
    Totals,
)
from mexc_tui.report.inputs import Kept, KeptSignal, StoredDay
from mexc_tui.report.timeline import story_of
from mexc_tui.report.trading_builder import not_armed, sniped, trading_day

NEVER = 2**63


def report_of(day: StoredDay, kept: Kept) -> DayReport:
    """Return the report; it does not depend on the order of the data."""
    outcomes = {outcome.listing_id: outcome for outcome in kept.outcomes}
    told = [one for one in kept.listings if _is_of(one, day)]
    listings = sorted((_listing(one, day, kept, outcomes) for one in told), key=_order)
    ids = {name for one in told for name in (one.id, *one.also_ids)}
    signals = [one for one in kept.signals if one.signal.key.subject in ids]
    alerts = sorted(
        (_alert(one) for one in kept.alerts if one.last_ms >= day.from_ms),
        key=lambda one: (one.first_ms, one.rule, one.about),
    )
    passes = _passes([one for one in kept.passes if day.from_ms <= one.at_ms <= day.to_ms])
    return DayReport(
        mode=day.mode,
        exchange_session=day.exchange_session,
        from_ms=day.from_ms,
        to_ms=day.to_ms,
        totals=_totals(listings, len(signals), len(alerts)),
        claims=tuple(_claims(signals)),
        passes=passes,
        overrides=tuple(ScenarioOverride(name=name, value=value) for name, value in day.overrides),
        not_known=tuple(_gaps(listings, passes)),
        listings=tuple(listings),
        alerts=tuple(alerts),
        trading=None if kept.trading is None else trading_day(kept.trading, day),
    )


def _is_of(listing: Listing, day: StoredDay) -> bool:
    """Whether any source reported it on this day."""
    return any(day.from_ms <= seen.at_ms <= day.to_ms for seen in listing.sightings)


def _order(listing: ListingReport) -> tuple[int, str]:
    happened = listing.happened
    moment_ms = happened.opened_ms if happened.opened_ms is not None else happened.planned_ms
    return (NEVER if moment_ms is None else moment_ms, listing.id)


def _listing(
    listing: Listing, day: StoredDay, kept: Kept, outcomes: dict[str, ListingOutcome]
) -> ListingReport:
    ids = (listing.id, *listing.also_ids)
    outcome = next((outcomes[one] for one in ids if one in outcomes), None)
    mine = sorted(
        (one for one in kept.signals if one.signal.key.subject in ids),
        key=lambda one: (one.signal.at_ms, one.signal.key.detector, one.signal.key.topic),
    )
    return ListingReport(
        id=listing.id,
        symbol=listing.symbol,
        names=listing.names,
        full_name=listing.full_name,
        stage=listing.stage_at(day.to_ms, day.maturity_ms, day.api_grace_ms),
        first_seen_ms=listing.first_seen_ms,
        moves=listing.moves,
        disagreements=tuple(map(str, listing.disagreements)),
        seen=story_of(listing, day),
        signalled=tuple(_signalled(one, listing) for one in mine),
        happened=_happened(listing, outcome, day),
        refused=() if kept.trading is None else not_armed(listing, kept.trading, day),
        sniped=() if kept.trading is None else sniped(listing, kept.trading, outcome, day),
    )


def _signalled(kept: KeptSignal, listing: Listing) -> Signalled:
    signal, likely = kept.signal, kept.signal.probability
    opening_ms = listing.opened_ms if listing.opened_ms is not None else listing.opens_ms
    return Signalled(
        at_ms=signal.at_ms,
        detector=signal.key.detector,
        version=signal.version,
        topic=signal.key.topic,
        state=signal.state,
        severity=signal.severity,
        claim=signal.claim.kind,
        due_ms=signal.claim.due_ms,
        probability=likely.value,
        low=likely.low,
        high=likely.high,
        n=likely.n,
        hits=likely.hits,
        words=str(likely),
        lead_ms=None if opening_ms is None else opening_ms - signal.at_ms,
        is_lead_to_plan=listing.opened_ms is None,
        came_true=kept.came_true,
        reasons=signal.reasons,
        config_hash=signal.config_hash,
    )


def _happened(listing: Listing, outcome: ListingOutcome | None, day: StoredDay) -> ReportedOutcome:
    opened_ms, planned_ms = listing.opened_ms, listing.opens_ms
    known = opened_ms is not None and planned_ms is not None
    return ReportedOutcome(
        end=outcome.end if outcome is not None else None,
        planned_ms=planned_ms,
        opened_ms=opened_ms,
        late_ms=(opened_ms or 0) - (planned_ms or 0) if known else None,
        api_ms=listing.api_ms,
        trades=outcome.trades if outcome is not None else None,
        first_price=_price(outcome),
        high_ratio=outcome.high_ratio if outcome is not None else None,
        low_ratio=outcome.low_ratio if outcome is not None else None,
        last_ratio=outcome.last_ratio if outcome is not None else None,
        reference_return=outcome.reference_return if outcome is not None else None,
        cluster_size=outcome.cluster_size if outcome is not None else None,
        has_gap=outcome.has_gap if outcome is not None else False,
        traded=outcome.traded if outcome is not None else False,
        not_known=tuple(_not_known(listing, outcome, day)),
    )


def _price(outcome: ListingOutcome | None) -> Decimal | None:
    price = outcome.first_price if outcome is not None else None
    return None if price is None else Decimal(f"{Decimal(repr(price)):f}")


def _not_known(listing: Listing, outcome: ListingOutcome | None, day: StoredDay) -> Iterable[str]:
    if outcome is None:
        yield _undecided(listing, day)
        return
    if outcome.end is OutcomeEnd.UNKNOWN:
        yield "outcome: no source reported it, or it was dropped manually"
    if outcome.end is OutcomeEnd.SESSION_ENDED:
        yield "outcome: its practice session ended before"
    if outcome.end is not OutcomeEnd.OPENED:
        return
    if outcome.has_gap:
        yield "reference return: market data has gaps"
    elif outcome.reference_return is None:
        yield "reference return: no offers to buy from"
    if listing.opens_ms is None:
        yield "scheduled opening: no source gave a time"


def _undecided(listing: Listing, day: StoredDay) -> str:
    """Return why there is no outcome."""
    seconds = day.maturity_ms / 1_000
    if listing.opened_ms is None:
        if listing.opens_ms is not None and listing.opens_ms > day.to_ms:
            return "outcome: its opening is scheduled after the end of the day"
        return "outcome: no trade, and the day ended before it counted as never opened"
    if listing.opened_ms + day.maturity_ms > day.to_ms:
        return f"outcome: the day ended within {seconds:.0f} s of its opening"
    if not listing.api_allowed:
        return "outcome: API trading disabled, and the day ended before that was final"
    return "outcome: due, but not recorded"


def _totals(listings: Sequence[ListingReport], signals: int, alerts: int) -> Totals:
    ends = Counter(one.happened.end for one in listings)
    return Totals(
        listings=len(listings),
        opened=ends[OutcomeEnd.OPENED],
        cancelled=ends[OutcomeEnd.CANCELLED],
        never_api=ends[OutcomeEnd.NEVER_API],
        unknown=ends[OutcomeEnd.UNKNOWN],
        undecided=ends[None] + ends[OutcomeEnd.SESSION_ENDED],
        moved=sum(one.moves > 0 for one in listings),
        renamed=sum(any(seen.kind is ChangeKind.RENAMED for seen in one.seen) for one in listings),
        signals=signals,
        alerts=alerts,
    )


def _claims(signals: Iterable[KeptSignal]) -> Iterable[Claimed]:
    verdicts: dict[DetectorName, Counter[bool | None]] = {}
    for one in signals:
        verdicts.setdefault(one.signal.key.detector, Counter())[one.came_true] += 1
    for detector in DetectorName:
        count = verdicts.get(detector)
        yield Claimed(
            detector=detector,
            signals=count.total() if count else 0,
            came_true=count[True] if count else 0,
            did_not=count[False] if count else 0,
            untold=count[None] if count else 0,
        )


def _passes(passes: Iterable[DetectionPass]) -> Passes:
    ordered = sorted(passes, key=lambda one: one.at_ms)
    read = {age.source for one in ordered for age in one.read if age.age_ms is not None}
    asked = {age.source for one in ordered for age in one.read}
    return Passes(
        count=len(ordered),
        longest_pause_ms=max((b.at_ms - a.at_ms for a, b in pairwise(ordered)), default=None),
        slowest_ms=max((one.duration_ns / 1e6 for one in ordered), default=None),
        never_read=tuple(source for source in ListingSource if source in asked - read),
    )


def _alert(kept: StoredAlert) -> Alerted:
    return Alerted(
        first_ms=kept.first_ms,
        last_ms=kept.last_ms,
        times=kept.times,
        severity=kept.alert.severity,
        rule=kept.alert.rule,
        about=kept.alert.about,
        text=kept.alert.text,
        is_open=kept.closed_ms is None,
    )


def _gaps(listings: Sequence[ListingReport], passes: Passes) -> Iterable[str]:
    """Return the unknown facts about the day."""
    if not listings:
        yield "No listings."
    if not passes.count:
        yield "No detection pass is stored."
    if passes.never_read:
        yield f"Never polled: {', '.join(passes.never_read)}."
    undecided = [one.symbol for one in listings if one.happened.end is None]
    if undecided:
        yield f"Undecided at the end of the day: {', '.join(undecided)}."
    with_gap = [one.symbol for one in listings if one.happened.has_gap]
    if with_gap:
        yield f"Market data was missing for: {', '.join(with_gap)}."
