"""Detector: an announced listing, and the notice it gives."""

from collections.abc import Iterable

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input

_AHEAD = frozenset(
    {
        ListingStage.ANNOUNCED,
        ListingStage.SCHEDULED,
        ListingStage.RESCHEDULED,
        ListingStage.VISIBLE,
        ListingStage.API_ENABLED,
    }
)
_LONG_MS = 12 * 3_600_000


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find listings that have not opened; each moved opening is a new state."""
    listing = data.listing
    opens_ms = listing.opens_ms
    if data.stage not in _AHEAD:
        return ()
    if opens_ms is None:
        return (DetectorFinding("announced", "without a time"),)
    return (DetectorFinding("announced", f"time {listing.moves + 1}"),) if opens_ms > data.now_ms else ()


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """State the source of the announcement and the time to the opening."""
    listing, settings = data.listing, data.settings
    first = listing.sightings[0]
    known = f"first seen {minutes(data.now_ms - listing.first_seen_ms)} ago ({first.source})"
    if listing.opens_ms is None:
        claim = Claim(ClaimKind.OPENS_BY)
        return Explanation(Severity.INFO, claim, (known, "no opening time yet"), "no time")
    lead_ms = listing.opens_ms - data.now_ms
    reasons = [f"opens in {minutes(lead_ms)} by {listing.opens_source}", known]
    if listing.moves:
        times = "once" if listing.moves == 1 else f"{listing.moves} times"
        reasons.append(f"opening moved {times}")
    reasons.extend(map(str, listing.disagreements))
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_BY, listing.opens_ms + settings.tolerance_ms),
        tuple(reasons),
        _stratum(lead_ms, settings.advance_ms),
        (Input("lead_ms", str(lead_ms)),),
    )


def _stratum(lead_ms: int, advance_ms: int) -> str:
    if lead_ms >= _LONG_MS:
        return "long notice"
    return "notice" if lead_ms >= advance_ms else "short notice"


DETECTOR = Detector(DetectorName.LAUNCH_SEQUENCE, 1, find, explain)
