"""Signals: what a detector saw, why it spoke, and how likely its claim is."""

from enum import StrEnum

import msgspec

from mexc_tui.model.listing import ListingSource
from mexc_tui.model.severity import Severity

MIN_N_FOR_RATE = 20
"""Below this many cases a rate is not shown as a number (formulas E7)."""
MIN_N_FOR_CALIBRATION = 100
"""Below this many cases calibration is not shown as a number (formulas E7)."""


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
    """What a signal's probability is the probability of."""

    OPENS_BY = "opens_by"
    """Trading through the API opens by `due_ms`."""
    PROFITS = "profits"
    """The reference rule gains after fees."""
    GOES_WRONG = "goes_wrong"
    """Cancelled, late, never for the API, or a loss by the reference rule."""
    OPENS_TOGETHER = "opens_together"
    """Opens within the window of the others that it was seen with."""


class Claim(msgspec.Struct, frozen=True):
    """What is claimed, and until when it can come true (None: until the listing's outcome is known)."""

    kind: ClaimKind
    due_ms: int | None = None


class Probability(msgspec.Struct, frozen=True):
    """A probability in 0..1 with its 95 % interval.

    `n` past cases were like this one, and `hits` of them came true.
    """

    value: float
    low: float
    high: float
    n: int
    hits: int
    base_n: int = 0
    """Cases of all kinds that told the prior; 0 and n 0: there is no history at all."""

    def __str__(self) -> str:
        """Return it in plain words, with what it rests on."""
        span = f"{self.low:.0%}–{self.high:.0%}"
        if self.n == 0 and self.base_n == 0:
            return f"no history yet: anything between {span} is possible"
        if self.n == 0:
            return f"{self.value:.0%} ({span}) by all {self.base_n} past cases; none like this one yet"
        few = f", n too small (< {MIN_N_FOR_RATE})" if self.n < MIN_N_FOR_RATE else ""
        return f"{self.value:.0%} ({span}), n {self.n}{few}"


class Input(msgspec.Struct, frozen=True, array_like=True):
    """One value that a detector looked at, as text."""

    name: str
    value: str


class SignalKey(msgspec.Struct, frozen=True, gc=False):
    """What a signal is about. Per key one state stands at a time, and is raised once."""

    detector: DetectorName
    subject: str
    """Id of the listing."""
    topic: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal, raised at `at_ms` because `key` went into `state`."""

    key: SignalKey
    state: str
    at_ms: int
    version: int
    """Of the detector."""
    config_hash: str
    symbol: str
    """Name of the pair at that time."""
    severity: Severity
    claim: Claim
    stratum: str
    """Past cases with the same word are what `probability` rests on."""
    probability: Probability
    reasons: tuple[str, ...]
    inputs: tuple[Input, ...]


class SignalEnd(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a signal saw is no longer so, or it is so under another key."""

    key: SignalKey
    state: str
    at_ms: int
    reason: str = ""
    """Why, in words; empty: a detector looked and found it no more."""
    into: str = ""
    """Id of the listing under which the signal stands on, in the same state: both were found to be one."""

    @property
    def goes_on_as(self) -> SignalKey | None:
        """Return the key under which the signal stands on, if it does."""
        return SignalKey(self.key.detector, self.into, self.key.topic) if self.into else None


class ReadAge(msgspec.Struct, frozen=True):
    """When a source was last read by a pass; None: never."""

    source: ListingSource
    age_ms: int | None


class DetectionPass(msgspec.Struct, frozen=True, kw_only=True):
    """The row that each pass over the listings leaves."""

    at_ms: int
    read: tuple[ReadAge, ...]
    looked_at: int
    raised: int
    ended: int
    duration_ns: int
