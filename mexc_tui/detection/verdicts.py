"""Verdicts on the claims of signals, and base rates over all listings."""

from collections.abc import Iterable
from enum import StrEnum

from mexc_tui.detection.calibration import Tally, tally
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.signal import ClaimKind, Signal

LATE_MS = 15 * 60_000
"""Delay after which an opening counts as gone wrong."""


class ClaimVerdict(StrEnum):
    """Verdict of an outcome on a claim."""

    HIT = "hit"
    MISS = "miss"
    CENSORED = "censored"
    """Censored by a data gap, a moved opening, or no API access; excluded from rates, but counted."""


def judge(signal: Signal, outcome: ListingOutcome) -> ClaimVerdict:
    """Return the verdict of an outcome on a signal's claim (formulas E7)."""
    match signal.claim.kind:
        case ClaimKind.OPENS_BY:
            return _opens_by(outcome, signal.at_ms, signal.claim.due_ms)
        case ClaimKind.PROFITS:
            return _profits(outcome)
        case ClaimKind.GOES_WRONG:
            return _goes_wrong(outcome, signal.at_ms)
        case ClaimKind.OPENS_TOGETHER:
            return _opens_together(outcome)


def base_verdict(kind: ClaimKind, outcome: ListingOutcome) -> ClaimVerdict:
    """Return the verdict on a claim of this kind, as if made for every listing when it became known."""
    match kind:
        case ClaimKind.OPENS_BY:
            due_ms = None if outcome.planned_ms is None else outcome.planned_ms + LATE_MS
            return _opens_by(outcome, outcome.first_seen_ms, due_ms)
        case ClaimKind.PROFITS:
            return _profits(outcome)
        case ClaimKind.GOES_WRONG:
            return _goes_wrong(outcome, outcome.first_seen_ms)
        case ClaimKind.OPENS_TOGETHER:
            return _opens_together(outcome)


def base_tally(kind: ClaimKind, outcomes: Iterable[ListingOutcome]) -> Tally:
    """Count verdicts over all listings, signalled or not."""
    verdicts = (base_verdict(kind, outcome) for outcome in outcomes)
    return tally(verdict is ClaimVerdict.HIT for verdict in verdicts if verdict is not ClaimVerdict.CENSORED)


def _opens_by(outcome: ListingOutcome, at_ms: int, due_ms: int | None) -> ClaimVerdict:
    if outcome.end is OutcomeEnd.CANCELLED:
        return ClaimVerdict.MISS
    if outcome.end is not OutcomeEnd.OPENED or any(moved_ms > at_ms for moved_ms in outcome.moved_ms):
        return ClaimVerdict.CENSORED
    assert outcome.opened_ms is not None, "an opened listing has an opening time"
    return ClaimVerdict.HIT if due_ms is None or outcome.opened_ms <= due_ms else ClaimVerdict.MISS


def _profits(outcome: ListingOutcome) -> ClaimVerdict:
    if outcome.reference_return is None:
        return ClaimVerdict.CENSORED
    return ClaimVerdict.HIT if outcome.reference_return > 0 else ClaimVerdict.MISS


def _goes_wrong(outcome: ListingOutcome, at_ms: int) -> ClaimVerdict:
    if outcome.end in (OutcomeEnd.CANCELLED, OutcomeEnd.NEVER_API):
        return ClaimVerdict.HIT
    if outcome.end in (OutcomeEnd.UNKNOWN, OutcomeEnd.SESSION_ENDED):
        return ClaimVerdict.CENSORED
    late = outcome.late_ms is not None and outcome.late_ms > LATE_MS
    if late or any(moved_ms > at_ms for moved_ms in outcome.moved_ms):
        return ClaimVerdict.HIT
    if outcome.reference_return is None:
        return ClaimVerdict.CENSORED
    return ClaimVerdict.MISS if outcome.reference_return > 0 else ClaimVerdict.HIT


def _opens_together(outcome: ListingOutcome) -> ClaimVerdict:
    if outcome.end is OutcomeEnd.CANCELLED:
        return ClaimVerdict.MISS
    if outcome.end is not OutcomeEnd.OPENED:
        return ClaimVerdict.CENSORED
    return ClaimVerdict.HIT if outcome.cluster_size > 1 else ClaimVerdict.MISS
