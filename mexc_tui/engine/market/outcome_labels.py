"""Stores the outcome of a listing, its event, and the verdict on each claim about it."""

from collections.abc import Iterable

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.detection.verdicts import ClaimVerdict, base_verdict, judge
from mexc_tui.model.event import ListingLabelled
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import ClaimKind, Signal
from mexc_tui.ports.store import Stored, UnitOfWork

MAX_SIGNALS = 1_000


def label_version(settings: DetectionSettings) -> str:
    """Return the label version under which outcomes of these settings are stored."""
    return f"{settings.label.version}:{settings.label.horizon_ms}"


def signals_of(stored: Stored, listing: Listing, limit: int) -> list[Signal]:
    """Return the newest signals about a listing under any of its ids, newest first."""
    ids = (listing.id, *listing.also_ids)
    found = [signal for listing_id in ids for signal in stored.signals.of_listing(listing_id, limit)]
    return sorted(found, key=lambda signal: -signal.at_ms)[:limit]


def save_outcome(unit: UnitOfWork, listing: Listing, outcome: ListingOutcome) -> None:
    """Store an outcome, replacing one of the same label version, and count hits and misses of its claims."""
    unit.outcomes.save(outcome)
    unit.record(ListingLabelled(at_ms=outcome.labelled_ms, about=listing.symbol, outcome=outcome))
    _save_verdicts(unit, outcome, signals_of(unit, listing, MAX_SIGNALS))


def _save_verdicts(unit: UnitOfWork, outcome: ListingOutcome, signals: Iterable[Signal]) -> None:
    """Count a listing once per case, by its first signal, and once per kind of claim."""
    verdicts = unit.verdicts(outcome.label_version)
    verdicts.forget(outcome.listing_id)
    done: set[tuple[str, int, str]] = set()
    for signal in sorted(signals, key=lambda signal: signal.at_ms):
        case = (signal.key.detector.value, signal.version, signal.stratum)
        verdict = judge(signal, outcome)
        if case not in done and verdict is not ClaimVerdict.CENSORED:
            hit = verdict is ClaimVerdict.HIT
            verdicts.add(
                signal.key.detector, signal.version, signal.stratum, listing_id=outcome.listing_id, hit=hit
            )
        done.add(case)
    for kind in ClaimKind:
        verdict = base_verdict(kind, outcome)
        if verdict is not ClaimVerdict.CENSORED:
            verdicts.add_base(kind, outcome.listing_id, hit=verdict is ClaimVerdict.HIT)
