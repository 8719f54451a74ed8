"""Scorecard of a detector: rates with intervals, lead times, skill against the base rate (formulas E7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mexc_tui.detection.calibration import Tally
from mexc_tui.detection.forecasts import Murphy, calibration_error, murphy
from mexc_tui.detection.settings import LabelRule
from mexc_tui.detection.verdicts import ClaimVerdict, base_tally, base_verdict, judge
from mexc_tui.model.figure import wilson_interval
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.signal import (
    MIN_N_FOR_CALIBRATION,
    MIN_N_FOR_RATE,
    ClaimKind,
    DetectorName,
    Signal,
)

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate with its 95 % Wilson interval; all None without cases."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Return the rate as text; with too few cases only their count."""
        if self.value is None or self.n < MIN_N_FOR_RATE:
            return f"{self.hits} of {self.n} (too few for a rate)"
        return f"{self.value:.0%} ({self.low:.0%}–{self.high:.0%}), n {self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimes:
    """Opening minus signal in milliseconds, negative ones included; None without cases."""

    n: int
    median_ms: float | None
    p10_ms: float | None
    p90_ms: float | None
    share_ahead: float | None
    """Over signals before the opening only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Results of one detector over all listings. Each listing counts once, by its first signal."""

    detector: DetectorName
    precision: Rate
    """Share of signalled, decided listings with a correct claim."""
    recall: Rate
    """Share of listings with a true claim that were signalled in time, usually before the opening."""
    base: Rate
    """Share of all decided listings, signalled or not, with a true claim."""
    censored: int
    """Signalled listings that are censored."""
    waiting: int
    """Signalled listings without an outcome yet."""
    lead: LeadTimes
    brier: float | None
    brier_skill: float | None
    """1 - Brier / Brier of always predicting `base` for the same signals; 0 or less: no skill.

    A listing without a signal has the base rate on both sides and cannot change the sign.
    """
    calibration_error: float | None
    """Mean difference between predicted and observed frequencies; None below 100 cases."""
    parts: Murphy | None
    """Components of `brier`."""

    @property
    def verdict(self) -> str:
        """Return the verdict on the detector as text."""
        if self.precision.n < MIN_N_FOR_RATE:
            return f"only {self.precision.n} of {MIN_N_FOR_RATE} listings"
        if self.brier_skill is None:
            return "not comparable: all outcomes are equal"
        return "better than the base rate" if self.brier_skill > 0 else "not better than the base rate"


def score(
    detector: DetectorName,
    signals: Iterable[Signal],
    outcomes: Mapping[str, ListingOutcome],
    *,
    rule: LabelRule | None = None,
) -> Scorecard:
    """Return the scorecard of a detector.

    `outcomes`: of all listings that it could have signalled, by id; `signals`: all its signals about them.
    """
    own = sorted(
        (signal for signal in signals if signal.key.detector is detector), key=lambda signal: signal.at_ms
    )
    first = _first_signals(own)
    judged = [
        (signal, judge(signal, outcomes[subject])) for subject, signal in first.items() if subject in outcomes
    ]
    known = [
        (signal, verdict is ClaimVerdict.HIT)
        for signal, verdict in judged
        if verdict is not ClaimVerdict.CENSORED
    ]
    hits = sum(hit for _, hit in known)
    base = base_tally(detector.claim, outcomes.values())
    brier, skill = _brier(known, base)
    forecasts = [(signal.probability.value, hit) for signal, hit in known]
    return Scorecard(
        detector=detector,
        precision=wilson(hits, len(known)),
        recall=_recall(detector.claim, _first_ms(own), outcomes.values(), rule=rule or LabelRule()),
        base=wilson(base.hits, base.n),
        censored=len(judged) - len(known),
        waiting=len(first) - len(judged),
        lead=lead_times(_leads(first, outcomes)),
        brier=brier,
        brier_skill=skill,
        calibration_error=calibration_error(forecasts) if len(known) >= MIN_N_FOR_CALIBRATION else None,
        parts=murphy(forecasts),
    )


def wilson(hits: int, n: int) -> Rate:
    """Return a rate with its Wilson (1927) interval."""
    if n == 0:
        return Rate(hits=hits, n=n, value=None, low=None, high=None)
    low, high = wilson_interval(hits, n)
    return Rate(hits=hits, n=n, value=hits / n, low=low, high=high)


def lead_times(leads_ms: Sequence[int]) -> LeadTimes:
    """Return the quantiles of lead times."""
    if not leads_ms:
        return LeadTimes(n=0, median_ms=None, p10_ms=None, p90_ms=None, share_ahead=None)
    ordered = sorted(leads_ms)
    ahead = sum(lead > 0 for lead in ordered) / len(ordered)
    return LeadTimes(
        n=len(ordered),
        median_ms=_at(ordered, 0.5),
        p10_ms=_at(ordered, 0.1),
        p90_ms=_at(ordered, 0.9),
        share_ahead=ahead,
    )


def _at(ordered: Sequence[int], share: float) -> float:
    """Return a quantile by linear interpolation."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _first_signals(ordered: Iterable[Signal]) -> dict[str, Signal]:
    """Return the first signal about each listing, by its id; `ordered`: oldest first."""
    first: dict[str, Signal] = {}
    for signal in ordered:
        first.setdefault(signal.key.subject, signal)
    return first


def _first_ms(ordered: Iterable[Signal]) -> dict[str, int]:
    """Return the first signal time of each listing; a signal about a cluster counts for all its members."""
    first: dict[str, int] = {}
    for signal in ordered:
        is_group = signal.key.detector is DetectorName.CLUSTER
        for listing_id in {signal.key.subject, *(signal.state.split() if is_group else ())}:
            first.setdefault(listing_id, signal.at_ms)
    return first


def _recall(
    claim: ClaimKind, first_ms: Mapping[str, int], outcomes: Iterable[ListingOutcome], *, rule: LabelRule
) -> Rate:
    """Return the share of listings with a true claim that were signalled in time."""
    targets = [outcome for outcome in outcomes if _is_target(claim, outcome)]
    late_ms = rule.delay_ms if claim is ClaimKind.PROFITS else -1
    hits = sum(_is_in_time(first_ms.get(outcome.listing_id), outcome, late_ms) for outcome in targets)
    return wilson(hits, len(targets))


def _is_target(claim: ClaimKind, outcome: ListingOutcome) -> bool:
    """Return whether a signal was due: the listing was not already open when it became known."""
    if outcome.opened_ms is not None and outcome.first_seen_ms >= outcome.opened_ms:
        return False
    if claim is ClaimKind.OPENS_BY:
        return outcome.end is OutcomeEnd.OPENED
    return base_verdict(claim, outcome) is ClaimVerdict.HIT


def _is_in_time(at_ms: int | None, outcome: ListingOutcome, late_ms: int) -> bool:
    """Return whether a signal came at most `late_ms` after the opening; always true if it never opened."""
    if at_ms is None:
        return False
    return outcome.opened_ms is None or at_ms <= outcome.opened_ms + late_ms


def _leads(first: Mapping[str, Signal], outcomes: Mapping[str, ListingOutcome]) -> list[int]:
    found: list[int] = []
    for subject, signal in first.items():
        outcome = outcomes.get(subject)
        if outcome is not None and outcome.end is OutcomeEnd.OPENED and outcome.opened_ms is not None:
            found.append(outcome.opened_ms - signal.at_ms)
    return found


def _brier(known: Sequence[tuple[Signal, bool]], base: Tally) -> tuple[float | None, float | None]:
    """Return the mean squared error of the probabilities and their skill against the base rate."""
    if not known:
        return None, None
    brier = sum((signal.probability.value - hit) ** 2 for signal, hit in known) / len(known)
    if not base.n:
        return brier, None
    reference = sum((base.hits / base.n - hit) ** 2 for _, hit in known) / len(known)
    return brier, 1 - brier / reference if reference > 0 else None
