"""How good a detector is: rates with intervals, lead times, and whether it beats the base rate (E7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mexc_tui.detection.forecasts import Murphy, calibration_error, murphy
from mexc_tui.detection.judging import Verdict, base_tally, base_verdict, judge
from mexc_tui.model.figure import wilson_interval
from mexc_tui.model.outcome_of_listing import End, ListingOutcome
from mexc_tui.model.signal import MIN_N_FOR_RATE, DetectorName, Signal

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % Wilson interval; all None without a case."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Return it in words; too few cases give no number."""
        if self.value is None or self.n < MIN_N_FOR_RATE:
            return f"n too small ({self.hits} of {self.n})"
        return f"{self.value:.0%} ({self.low:.0%}–{self.high:.0%}), n {self.n}"


@dataclass(frozen=True, slots=True)
class LeadTimes:
    """Opening minus signal in milliseconds, negative ones included; None without a case."""

    n: int
    median_ms: float | None
    p10_ms: float | None
    p90_ms: float | None
    share_ahead: float | None
    """Of those that came before the opening."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One detector over all listings, signalled or not. One case is a listing: its first signal counts."""

    detector: DetectorName
    precision: Rate
    recall: Rate
    censored: int
    """Signalled listings that cannot be judged."""
    waiting: int
    """Signalled listings whose outcome is not known yet."""
    lead: LeadTimes
    brier: float | None
    brier_skill: float | None
    """1 - Brier / Brier of always saying the base rate; 0 or less: no skill."""
    calibration_error: float | None
    """How far probabilities lie from what came true of them, on average; 0 is honest."""
    parts: Murphy | None
    """What `brier` is made of."""
    false_alarms_per_day: float | None

    @property
    def verdict(self) -> str:
        """Return whether it is worth listening to, in words."""
        if self.precision.n < MIN_N_FOR_RATE or self.brier_skill is None:
            return f"n too small ({self.precision.n} < {MIN_N_FOR_RATE})"
        return "better than the base rate" if self.brier_skill > 0 else "not better than the base rate"


def score(
    detector: DetectorName, signals: Iterable[Signal], outcomes: Mapping[str, ListingOutcome]
) -> Scorecard:
    """Return how a detector did."""
    first = _first_signals(detector, signals)
    judged = [
        (signal, judge(signal, outcomes[subject])) for subject, signal in first.items() if subject in outcomes
    ]
    known = [
        (signal, verdict is Verdict.HIT) for signal, verdict in judged if verdict is not Verdict.CENSORED
    ]
    hits = sum(hit for _, hit in known)
    misses = len(known) - hits
    brier, skill = _brier(known, outcomes)
    forecasts = [(signal.probability.value, hit) for signal, hit in known]
    days = _days(outcomes.values())
    return Scorecard(
        detector=detector,
        precision=wilson(hits, len(known)),
        recall=_recall(first, outcomes),
        censored=len(judged) - len(known),
        waiting=len(first) - len(judged),
        lead=lead_times(_leads(first, outcomes)),
        brier=brier,
        brier_skill=skill,
        calibration_error=calibration_error(forecasts),
        parts=murphy(forecasts),
        false_alarms_per_day=misses / days if days else None,
    )


def wilson(hits: int, n: int) -> Rate:
    """Return a share with the interval of Wilson (1927)."""
    if n == 0:
        return Rate(hits, n, None, None, None)
    low, high = wilson_interval(hits, n)
    return Rate(hits, n, hits / n, low, high)


def lead_times(leads_ms: Sequence[int]) -> LeadTimes:
    """Return the quantiles of lead times."""
    if not leads_ms:
        return LeadTimes(0, None, None, None, None)
    ordered = sorted(leads_ms)
    ahead = sum(lead > 0 for lead in ordered) / len(ordered)
    return LeadTimes(len(ordered), _at(ordered, 0.5), _at(ordered, 0.1), _at(ordered, 0.9), ahead)


def _at(ordered: Sequence[int], share: float) -> float:
    """Return a quantile by linear interpolation."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _first_signals(detector: DetectorName, signals: Iterable[Signal]) -> dict[str, Signal]:
    first: dict[str, Signal] = {}
    for signal in sorted(signals, key=lambda one: one.at_ms):
        if signal.key.detector is detector:
            first.setdefault(signal.key.subject, signal)
    return first


def _recall(first: Mapping[str, Signal], outcomes: Mapping[str, ListingOutcome]) -> Rate:
    """Of all listings of which the detector's claim was true: how many did it signal?"""
    kinds = {signal.claim.kind for signal in first.values()}
    true = [
        subject
        for subject, outcome in outcomes.items()
        if any(base_verdict(kind, outcome) is Verdict.HIT for kind in kinds)
    ]
    return wilson(sum(subject in first for subject in true), len(true))


def _leads(first: Mapping[str, Signal], outcomes: Mapping[str, ListingOutcome]) -> list[int]:
    found: list[int] = []
    for subject, signal in first.items():
        outcome = outcomes.get(subject)
        if outcome is not None and outcome.end is End.OPENED and outcome.opened_ms is not None:
            found.append(outcome.opened_ms - signal.at_ms)
    return found


def _brier(
    known: Sequence[tuple[Signal, bool]], outcomes: Mapping[str, ListingOutcome]
) -> tuple[float | None, float | None]:
    """Return the mean squared error of the probabilities, and the skill against the base rate."""
    if not known:
        return None, None
    brier = sum((signal.probability.value - hit) ** 2 for signal, hit in known) / len(known)
    base = {kind: base_tally(kind, outcomes.values()) for kind in {one.claim.kind for one, _ in known}}
    reference = sum(
        (base[signal.claim.kind].hits / base[signal.claim.kind].n - hit) ** 2
        for signal, hit in known
        if base[signal.claim.kind].n
    ) / len(known)
    return brier, 1 - brier / reference if reference > 0 else None


def _days(outcomes: Iterable[ListingOutcome]) -> float:
    times = [(outcome.first_seen_ms, outcome.labelled_ms) for outcome in outcomes]
    if not times:
        return 0.0
    return (max(last for _, last in times) - min(first for first, _ in times)) / DAY_MS
