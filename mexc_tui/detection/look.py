"""What a detector is given, what it may answer, and what a detector is."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import Listing, ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, DetectorName, Input

UNKNOWN = "?"
"""State of a topic of which nothing can be said now: what was raised before neither stands firm nor ends."""


class DetectorInput(NamedTuple):
    """One listing at one moment."""

    listing: Listing
    now_ms: int
    stage: ListingStage
    is_over: bool
    """Nothing more is expected of it."""
    settings: DetectionSettings
    liquidity: Liquidity | None = None
    together: tuple[Listing, ...] = ()
    """Listings that open within the same window; given to one of them, which speaks for all."""


class DetectorFinding(NamedTuple):
    """A topic and the state it is in. Cheap: it is found on each pass, and explained only when it is new."""

    topic: str
    state: str


class Explanation(NamedTuple):
    """Why a finding matters, in plain words, and what is claimed."""

    severity: Severity
    claim: Claim
    reasons: tuple[str, ...]
    stratum: str
    """Past cases with the same word are compared with this one."""
    inputs: tuple[Input, ...] = ()
    """What it looked at, besides `known_inputs`."""


class Detector(NamedTuple):
    """A detector. `version` goes up when what it finds or claims changes."""

    name: DetectorName
    version: int
    find: Callable[[DetectorInput], Iterable[DetectorFinding]]
    explain: Callable[[DetectorInput, DetectorFinding], Explanation]
    held_topics: frozenset[str] = frozenset()
    """Topics that swing around a threshold: they end only after a while."""


def minutes(span_ms: int) -> str:
    """Return a span in words that suit its length."""
    seconds = abs(span_ms) / 1_000
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"


def known_inputs(listing: Listing) -> tuple[Input, ...]:
    """Return what every signal about a listing keeps."""
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
        inputs += [Input("disagreement", str(one)) for one in listing.disagreements]
    return tuple(inputs)
