"""Probabilities from outcomes: hit rates of similar cases, shrunk towards all cases."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mexc_tui.detection import beta
from mexc_tui.model.signal import ClaimKind, DetectorName, Probability

INTERVAL = 0.95


class Tally(NamedTuple):
    """Counts of decided cases and of correct ones."""

    n: int = 0
    hits: int = 0


class CaseKey(NamedTuple):
    """Key of similar cases. A new version of a detector starts with none."""

    detector: DetectorName
    version: int
    stratum: str


class CalibrationHistory:
    """Counts of decided cases, loaded from the store."""

    def __init__(
        self, cases: Mapping[CaseKey, Tally] | None = None, base: Mapping[ClaimKind, Tally] | None = None
    ) -> None:
        """`base`: counts over all listings, signalled or not, of the kinds of claim that were true."""
        self._cases = dict(cases or {})
        self._base = dict(base or {})
        self._worked_out: dict[tuple[DetectorName, int, str, ClaimKind, float], Probability] = {}

    def judged(self, detector: DetectorName, version: int) -> Tally:
        """Return all decided cases of a detector version."""
        own = [counts for key, counts in self._cases.items() if key[:2] == (detector, version)]
        return Tally(sum(counts.n for counts in own), sum(counts.hits for counts in own))

    def probability(
        self, detector: DetectorName, version: int, stratum: str, *, claim: ClaimKind, kappa: float
    ) -> Probability:
        """Return the probability of a claim from similar cases and all cases."""
        asked = (detector, version, stratum, claim, kappa)
        known = self._worked_out.get(asked)
        if known is None:
            case = self._cases.get(CaseKey(detector, version, stratum), Tally())
            known = shrunk(case, self._base.get(claim, Tally()), kappa)
            self._worked_out[asked] = known
        return known


def shrunk(case: Tally, base: Tally, kappa: float) -> Probability:
    """Return (hits + kappa m) / (n + kappa) with its interval; m is the hit rate of all cases (formulas E7).

    The prior weighs at most as much as its cases: without any, every value is equally likely.
    """
    weight = min(kappa, base.n + 2.0)
    mean = (base.hits + 1.0) / (base.n + 2.0)
    a = case.hits + weight * mean
    b = case.n - case.hits + weight * (1.0 - mean)
    tail = (1.0 - INTERVAL) / 2
    return Probability(
        value=a / (a + b),
        low=beta.quantile(tail, a, b),
        high=beta.quantile(1.0 - tail, a, b),
        n=case.n,
        hits=case.hits,
        base_n=base.n,
    )


def tally(verdicts: Iterable[bool]) -> Tally:
    """Count verdicts."""
    known = list(verdicts)
    return Tally(len(known), sum(known))
