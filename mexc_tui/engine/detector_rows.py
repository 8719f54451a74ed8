"""How each detector does: counts of this start, its judged cases, lead times and calibration."""

from collections.abc import Mapping
from dataclasses import dataclass

from mexc_tui.detection.calibration import History
from mexc_tui.detection.passing import DETECTORS
from mexc_tui.detection.score import LeadTimes, Scorecard, score, wilson
from mexc_tui.engine.detection import Count
from mexc_tui.engine.ports import Stored
from mexc_tui.model.engine_view import DetectorRow, LeadRow, PassRow, RateRow, ReadRow
from mexc_tui.model.signal import DetectionPass, DetectorName

NEWEST = 200
"""So many of the newest signals of each detector are held against outcomes."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What a running engine knows of its detectors."""

    counts: Mapping[DetectorName, Count]
    standing: Mapping[DetectorName, int]
    history: History


def scores(stored: Stored, label_version: str) -> dict[DetectorName, Scorecard]:
    """Hold each detector's newest signals against what became of their listings."""
    cards: dict[DetectorName, Scorecard] = {}
    for one in DETECTORS:
        judged = stored.signals.judged(one.name, one.version, label_version, NEWEST)
        outcomes = {signal.key.subject: outcome for signal, outcome in judged}
        signals = stored.signals.of_detector(one.name, one.version, NEWEST)
        cards[one.name] = score(one.name, signals, outcomes)
    return cards


def detector_rows(raised: Raised, cards: Mapping[DetectorName, Scorecard]) -> tuple[DetectorRow, ...]:
    """Return every detector, in the order in which they look."""
    return tuple(_row(one.name, one.version, raised, cards[one.name]) for one in DETECTORS)


def _row(name: DetectorName, version: int, raised: Raised, card: Scorecard) -> DetectorRow:
    count, judged = raised.counts[name], raised.history.judged(name, version)
    rate = wilson(judged.hits, judged.n)
    return DetectorRow(
        name=name.value,
        version=version,
        raised=count.raised,
        standing=raised.standing.get(name, 0),
        last_ms=count.last_ms,
        rate=RateRow(
            n=rate.n, hits=rate.hits, value=rate.value, low=rate.low, high=rate.high, words=str(rate)
        ),
        waiting=card.waiting,
        censored=card.censored,
        calibration_error=card.calibration_error,
        judged=card.precision.n,
        verdict=card.verdict,
        lead=_lead(card.lead),
    )


def _lead(lead: LeadTimes) -> LeadRow:
    return LeadRow(
        n=lead.n,
        median_ms=lead.median_ms,
        p10_ms=lead.p10_ms,
        p90_ms=lead.p90_ms,
        share_ahead=lead.share_ahead,
    )


def pass_row(last: DetectionPass, passes: int) -> PassRow:
    """Return one pass of detection."""
    return PassRow(
        at_ms=last.at_ms,
        looked_at=last.looked_at,
        raised=last.raised,
        ended=last.ended,
        duration_ms=last.duration_ns / 1e6,
        read=tuple(ReadRow(source=one.source.value, age_ms=one.age_ms) for one in last.read),
        passes=passes,
    )
