"""Signals: the claim of a detector, its reasons, and its probability."""

from enum import StrEnum

import msgspec

from mexc_tui.model.listing import ListingSource
from mexc_tui.model.severity import Severity

MIN_N_FOR_RATE = 20
"""Minimum number of cases for displaying a rate (formulas E7)."""
MIN_N_FOR_CALIBRATION = 100
"""Minimum number of cases for displaying calibration (formulas E7)."""


class DetectorName(StrEnum):
    """The detectors, one module each."""

    LAUNCH_SEQUENCE = "launch_sequence"
    PRE_READY = "pre_ready"
    READY_STATE = "ready_state"
    API_ENABLED = "api_enabled"
    OPENING = "opening"
    RISK_WARNING = "risk_warning"
    CLUSTER = "cluster"

    @property
    def claim(self) -> "ClaimKind":
        """Return what each signal of this detector claims."""
        match self:
            case DetectorName.OPENING:
                return ClaimKind.PROFITS
            case DetectorName.RISK_WARNING:
                return ClaimKind.GOES_WRONG
            case DetectorName.CLUSTER:
                return ClaimKind.OPENS_TOGETHER
            case _:
                return ClaimKind.OPENS_BY


class ClaimKind(StrEnum):
    """Claim that a signal's probability refers to."""

    OPENS_BY = "opens_by"
    """Trading through the API opens by `due_ms`."""
    PROFITS = "profits"
    """The reference rule makes a profit after fees."""
    GOES_WRONG = "goes_wrong"
    """Cancelled, late, never tradable through the API, or a loss by the reference rule."""
    OPENS_TOGETHER = "opens_together"
    """Opens within the same window as the other listings of its cluster."""


class Claim(msgspec.Struct, frozen=True):
    """A claim and its deadline (None: until the listing's outcome is known)."""

    kind: ClaimKind
    due_ms: int | None = None


class Probability(msgspec.Struct, frozen=True, kw_only=True):
    """A probability in 0..1 with its 95 % interval.

    `n`: past cases of this type; `hits`: cases in which the claim was correct.
    """

    value: float
    low: float
    high: float
    n: int
    hits: int
    base_n: int = 0
    """Cases behind the prior; with `n` 0 too, there is no history."""

    def __str__(self) -> str:
        """Return the probability as text, with its sample."""
        span = f"{self.low:.0%}–{self.high:.0%}"
        if self.n == 0 and self.base_n == 0:
            return f"no history (95 % interval {span})"
        if self.n == 0:
            return f"{self.value:.0%} ({span}), n 0 for this case; base rate of {self.base_n} cases"
        few = ", small sample" if self.n < MIN_N_FOR_RATE else ""
        return f"{self.value:.0%} ({span}), n {self.n}{few}"


class Input(msgspec.Struct, frozen=True, array_like=True):
    """One input value of a detector, as text."""

    name: str
    value: str


class SignalKey(msgspec.Struct, frozen=True, gc=False):
    """Key of a signal. Each key has one active state at a time, raised once."""

    detector: DetectorName
    subject: str
    """Id of the listing."""
    topic: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal, raised at `at_ms` when `key` entered `state`."""

    key: SignalKey
    state: str
    at_ms: int
    version: int
    """Version of the detector."""
    config_hash: str
    symbol: str
    """Symbol at that time."""
    severity: Severity
    claim: Claim
    stratum: str
    """Case type; `probability` is computed from past cases of the same type."""
    probability: Probability
    reasons: tuple[str, ...]
    inputs: tuple[Input, ...]


class SignalEnd(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """End of a signal, or its continuation under another key."""

    key: SignalKey
    state: str
    at_ms: int
    reason: str = ""
    """Reason; empty: the detector no longer finds the condition."""
    into: str = ""
    """Id of the listing under which the signal continues in the same state, after a merge of listings."""

    @property
    def goes_on_as(self) -> SignalKey | None:
        """Return the key under which the signal continues, if any."""
        return SignalKey(self.key.detector, self.into, self.key.topic) if self.into else None


class ReadAge(msgspec.Struct, frozen=True):
    """Age of a source at a detection pass; None: never read."""

    source: ListingSource
    age_ms: int | None


class DetectionPass(msgspec.Struct, frozen=True, kw_only=True):
    """Stored row of a detection pass."""

    at_ms: int
    read: tuple[ReadAge, ...]
    looked_at: int
    raised: int
    ended: int
    duration_ns: int
