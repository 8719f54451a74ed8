"""Rows of the detectors: counts since the start, scorecards, lead times and calibration."""

from collections.abc import Mapping
from dataclasses import dataclass

from mexc_tui.detection.calibration import CalibrationHistory
from mexc_tui.detection.detection_pass import DETECTORS
from mexc_tui.detection.score import LeadTimes, Rate, Scorecard, score, wilson
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.detection.detection_worker import DetectorCounts
from mexc_tui.engine.market.outcome_labels import label_version
from mexc_tui.model.engine_view import DetectorRow, LeadRow, PassRow, RateRow, ReadRow
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import DetectionPass, DetectorName, Signal
from mexc_tui.ports.store import Stored

NEWEST = 200
"""Maximum of labelled outcomes and of newest pending signals considered."""


@dataclass(frozen=True, slots=True)
class DetectorActivity:
    """Detector activity of a running engine."""

    counts: Mapping[DetectorName, DetectorCounts]
    active: Mapping[DetectorName, int]
    history: CalibrationHistory


def scores(stored: Stored, settings: DetectionSettings) -> dict[DetectorName, Scorecard]:
    """Return the scorecard of each detector against the outcomes of all listings."""
    version = label_version(settings)
    outcomes = {outcome.listing_id: outcome for outcome in stored.outcomes.latest(version, NEWEST)}
    signals: dict[DetectorName, list[Signal]] = {detector.name: [] for detector in DETECTORS}
    for signal in stored.signals.labelled(version, NEWEST):
        signals[signal.key.detector].append(signal)
    waiting = _Waiting(stored, version, outcomes)
    return {
        detector.name: score(
            detector.name,
            [
                *(signal for signal in signals[detector.name] if signal.version == detector.version),
                *filter(waiting.waits, stored.signals.of_detector(detector.name, detector.version, NEWEST)),
            ],
            outcomes,
            rule=settings.label,
        )
        for detector in DETECTORS
    }


class _Waiting:
    """Pending signals: those about listings without an outcome."""

    def __init__(self, stored: Stored, version: str, outcomes: Mapping[str, ListingOutcome]) -> None:
        self._stored = stored
        self._version = version
        self._has_outcome = dict.fromkeys(outcomes, True)

    def waits(self, signal: Signal) -> bool:
        """Return whether the listing of a signal has no outcome yet."""
        subject = signal.key.subject
        if subject not in self._has_outcome:
            self._has_outcome[subject] = self._stored.outcomes.of(subject, self._version) is not None
        return not self._has_outcome[subject]


def detector_rows(
    raised: DetectorActivity, cards: Mapping[DetectorName, Scorecard]
) -> tuple[DetectorRow, ...]:
    """Return a row for every detector, in their order of evaluation."""
    return tuple(
        _row(detector.name, detector.version, raised, card=cards[detector.name]) for detector in DETECTORS
    )


def _row(name: DetectorName, version: int, raised: DetectorActivity, *, card: Scorecard) -> DetectorRow:
    count, judged = raised.counts[name], raised.history.judged(name, version)
    rate = wilson(judged.hits, judged.n)
    return DetectorRow(
        name=name.value,
        version=version,
        raised=count.raised,
        active=raised.active.get(name, 0),
        last_ms=count.last_ms,
        rate=_rate(rate),
        recall=_rate(card.recall),
        base=_rate(card.base),
        skill=card.brier_skill,
        waiting=card.waiting,
        censored=card.censored,
        calibration_error=card.calibration_error,
        judged=card.precision.n,
        verdict=card.verdict,
        lead=_lead(card.lead),
    )


def _rate(rate: Rate) -> RateRow:
    return RateRow(n=rate.n, hits=rate.hits, value=rate.value, low=rate.low, high=rate.high, text=str(rate))


def _lead(lead: LeadTimes) -> LeadRow:
    return LeadRow(
        n=lead.n,
        median_ms=lead.median_ms,
        p10_ms=lead.p10_ms,
        p90_ms=lead.p90_ms,
        share_ahead=lead.share_ahead,
    )


def pass_row(last: DetectionPass, passes: int) -> PassRow:
    """Return the row of one detection pass."""
    return PassRow(
        at_ms=last.at_ms,
        looked_at=last.looked_at,
        raised=last.raised,
        ended=last.ended,
        duration_ms=last.duration_ns / 1e6,
        read=tuple(ReadRow(source=age.source.value, age_ms=age.age_ms) for age in last.read),
        passes=passes,
    )
