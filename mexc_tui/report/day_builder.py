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
    DayReport,
    DetectorResult,
    ListingReport,
    Passes,
    ReportedAlert,
    ReportedOutcome,
    ReportedSignal,
    ScenarioOverride,
    Totals,
)
from mexc_tui.report.inputs import DayInputs, ReportSignal, StoredDay
from mexc_tui.report.timeline import listing_timeline
from mexc_tui.report.trading_builder import not_armed, reported_snipes, trading_day

NEVER = 2**63


def report_of(day: StoredDay, inputs: DayInputs) -> DayReport:
    """Return the report; it does not depend on the order of the data."""
    outcomes = {outcome.listing_id: outcome for outcome in inputs.outcomes}
    reported = [listing for listing in inputs.listings if _is_of(listing, day)]
    listings = sorted((_listing(listing, day, inputs, outcomes=outcomes) for listing in reported), key=_order)
    ids = {name for listing in reported for name in (listing.id, *listing.also_ids)}
    signals = [judged for judged in inputs.signals if judged.signal.key.subject in ids]
    alerts = sorted(
        (_alert(alert) for alert in inputs.alerts if alert.last_ms >= day.from_ms),
        key=lambda alert: (alert.first_ms, alert.rule, alert.about),
    )
    passes = _passes([run for run in inputs.passes if day.from_ms <= run.at_ms <= day.to_ms])
    return DayReport(
        mode=day.mode,
        exchange_session=day.exchange_session,
        from_ms=day.from_ms,
        to_ms=day.to_ms,
        totals=_totals(listings, len(signals), len(alerts)),
        claims=tuple(_claims(signals)),
        passes=passes,
        overrides=tuple(ScenarioOverride(name=name, value=value) for name, value in day.overrides),
        unknown=tuple(_gaps(listings, passes)),
        listings=tuple(listings),
        alerts=tuple(alerts),
        trading=None if inputs.trading is None else trading_day(inputs.trading, day),
    )


def _is_of(listing: Listing, day: StoredDay) -> bool:
    """Whether any source reported it on this day."""
    return any(day.from_ms <= entry.at_ms <= day.to_ms for entry in listing.sightings)


def _order(listing: ListingReport) -> tuple[int, str]:
    outcome = listing.outcome
    opening_ms = outcome.opened_ms if outcome.opened_ms is not None else outcome.planned_ms
    return (NEVER if opening_ms is None else opening_ms, listing.id)


def _listing(
    listing: Listing, day: StoredDay, inputs: DayInputs, *, outcomes: dict[str, ListingOutcome]
) -> ListingReport:
    ids = (listing.id, *listing.also_ids)
    outcome = next((outcomes[listing_id] for listing_id in ids if listing_id in outcomes), None)
    signals = sorted(
        (judged for judged in inputs.signals if judged.signal.key.subject in ids),
        key=lambda judged: (judged.signal.at_ms, judged.signal.key.detector, judged.signal.key.topic),
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
        timeline=listing_timeline(listing, day),
        signals=tuple(_signal(signal, listing) for signal in signals),
        outcome=_outcome(listing, outcome, day),
        refusals=() if inputs.trading is None else not_armed(listing, inputs.trading, day),
        snipes=() if inputs.trading is None else reported_snipes(listing, inputs.trading, outcome, day=day),
    )


def _signal(judged: ReportSignal, listing: Listing) -> ReportedSignal:
    signal, probability = judged.signal, judged.signal.probability
    opening_ms = listing.opened_ms if listing.opened_ms is not None else listing.opens_ms
    return ReportedSignal(
        at_ms=signal.at_ms,
        detector=signal.key.detector,
        version=signal.version,
        topic=signal.key.topic,
        state=signal.state,
        severity=signal.severity,
        claim=signal.claim.kind,
        due_ms=signal.claim.due_ms,
        probability=probability.value,
        low=probability.low,
        high=probability.high,
        n=probability.n,
        hits=probability.hits,
        probability_text=str(probability),
        lead_ms=None if opening_ms is None else opening_ms - signal.at_ms,
        is_lead_to_plan=listing.opened_ms is None,
        is_correct=judged.is_correct,
        reasons=signal.reasons,
        config_hash=signal.config_hash,
    )


def _outcome(listing: Listing, outcome: ListingOutcome | None, day: StoredDay) -> ReportedOutcome:
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
        unknown=tuple(_unknown(listing, outcome, day)),
    )


def _price(outcome: ListingOutcome | None) -> Decimal | None:
    price = outcome.first_price if outcome is not None else None
    return None if price is None else Decimal(f"{Decimal(repr(price)):f}")


def _unknown(listing: Listing, outcome: ListingOutcome | None, day: StoredDay) -> Iterable[str]:
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
        yield "reference return: no asks"
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
    ends = Counter(listing.outcome.end for listing in listings)
    return Totals(
        listings=len(listings),
        opened=ends[OutcomeEnd.OPENED],
        cancelled=ends[OutcomeEnd.CANCELLED],
        never_api=ends[OutcomeEnd.NEVER_API],
        unknown=ends[OutcomeEnd.UNKNOWN],
        undecided=ends[None] + ends[OutcomeEnd.SESSION_ENDED],
        moved=sum(listing.moves > 0 for listing in listings),
        renamed=sum(
            any(entry.kind is ChangeKind.RENAMED for entry in listing.timeline) for listing in listings
        ),
        signals=signals,
        alerts=alerts,
    )


def _claims(signals: Iterable[ReportSignal]) -> Iterable[DetectorResult]:
    verdicts: dict[DetectorName, Counter[bool | None]] = {}
    for signal in signals:
        verdicts.setdefault(signal.signal.key.detector, Counter())[signal.is_correct] += 1
    for detector in DetectorName:
        count = verdicts.get(detector)
        yield DetectorResult(
            detector=detector,
            signals=count.total() if count else 0,
            correct=count[True] if count else 0,
            wrong=count[False] if count else 0,
            undecided=count[None] if count else 0,
        )


def _passes(passes: Iterable[DetectionPass]) -> Passes:
    ordered = sorted(passes, key=lambda run: run.at_ms)
    read = {age.source for run in ordered for age in run.read if age.age_ms is not None}
    asked = {age.source for run in ordered for age in run.read}
    return Passes(
        count=len(ordered),
        longest_pause_ms=max((b.at_ms - a.at_ms for a, b in pairwise(ordered)), default=None),
        slowest_ms=max((run.duration_ns / 1e6 for run in ordered), default=None),
        never_read=tuple(source for source in ListingSource if source in asked - read),
    )


def _alert(stored: StoredAlert) -> ReportedAlert:
    return ReportedAlert(
        first_ms=stored.first_ms,
        last_ms=stored.last_ms,
        times=stored.times,
        severity=stored.alert.severity,
        rule=stored.alert.rule,
        about=stored.alert.about,
        text=stored.alert.text,
        is_open=stored.closed_ms is None,
    )


def _gaps(listings: Sequence[ListingReport], passes: Passes) -> Iterable[str]:
    """Return the unknown facts about the day."""
    if not listings:
        yield "No listings."
    if not passes.count:
        yield "No detection pass is stored."
    if passes.never_read:
        yield f"Never polled: {', '.join(passes.never_read)}."
    undecided = [listing.symbol for listing in listings if listing.outcome.end is None]
    if undecided:
        yield f"Undecided at the end of the day: {', '.join(undecided)}."
    with_gap = [listing.symbol for listing in listings if listing.outcome.has_gap]
    if with_gap:
        yield f"Market data was missing for: {', '.join(with_gap)}."
