"""Interface of detectors: input, finding and explanation."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import Listing, ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, DetectorName, Input

UNKNOWN = "?"
"""State of a topic that cannot be evaluated now: an active signal neither ends nor is confirmed."""


class DetectorInput(NamedTuple):
    """One listing at one moment, as detectors see it."""

    listing: Listing
    now_ms: int
    stage: ListingStage
    is_over: bool
    """The listing is closed; no further events are expected."""
    settings: DetectionSettings
    liquidity: Liquidity | None = None
    together: tuple[Listing, ...] = ()
    """Listings that open within the same window, for their representative only."""


class DetectorFinding(NamedTuple):
    """A topic and its state. Computed on every pass; explained only when the state is new."""

    topic: str
    state: str


class Explanation(NamedTuple):
    """Severity, claim and reasons of a finding."""

    severity: Severity
    claim: Claim
    reasons: tuple[str, ...]
    stratum: str
    """Key of similar past cases for the probability."""
    inputs: tuple[Input, ...] = ()
    """Inputs in addition to `known_inputs`."""


class Detector(NamedTuple):
    """A detector. Increase `version` when its findings or claims change."""

    name: DetectorName
    version: int
    find: Callable[[DetectorInput], Iterable[DetectorFinding]]
    explain: Callable[[DetectorInput, DetectorFinding], Explanation]
    held_topics: frozenset[str] = frozenset()
    """Topics that fluctuate around a threshold: they end only after a minimum time."""


def minutes(span_ms: int) -> str:
    """Return a duration as text in a fitting unit."""
    seconds = abs(span_ms) / 1_000
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"


def known_inputs(listing: Listing) -> tuple[Input, ...]:
    """Return the inputs recorded with every signal about a listing."""
    inputs = [Input("stage", listing.stage.value)]
    if listing.opens_ms is not None:
        inputs.append(Input("opens_ms", str(listing.opens_ms)))
    if listing.opens_source is not None:
        inputs.append(Input("opens_source", listing.opens_source.value))
    inputs.append(Input("moves", str(listing.moves)))
    if listing.triple is not None:
        inputs.append(Input("triple", str(listing.triple)))
    inputs.append(Input("api_allowed", str(listing.api_allowed)))
    if listing.disagreements:
        inputs += [Input("disagreement", str(disagreement)) for disagreement in listing.disagreements]
    return tuple(inputs)
