"""Detector: the first quote or trade of a listing."""

from collections.abc import Iterable

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find an open listing. A listing opens once: late data does not change the state."""
    if data.listing.opened_ms is None or data.is_over:
        return ()
    return (DetectorFinding("open", "open"),)


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """State the first event and its delay against the planned time."""
    listing = data.listing
    opened_ms = listing.opened_ms
    assert opened_ms is not None, "explain is called with a finding only"
    reasons = ["first trade received" if listing.traded_ms is not None else "first quote received"]
    inputs = [Input("opened_ms", str(opened_ms))]
    if listing.opens_ms is None:
        reasons.append("no opening time was announced")
    else:
        late_ms = opened_ms - listing.opens_ms
        reasons.append(f"{minutes(late_ms)} {'after' if late_ms >= 0 else 'before'} the planned time")
        inputs.append(Input("late_ms", str(late_ms)))
    if not listing.api_allowed:
        reasons.append("no official source allows API trading")
    stream = listing.latest_from(ListingSource.STREAM)
    if stream is not None and stream.facts.price is not None:
        inputs.append(Input("price", str(stream.facts.price)))
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.PROFITS),
        tuple(reasons),
        "api" if listing.api_allowed else "no api",
        tuple(inputs),
    )


DETECTOR = Detector(DetectorName.OPENING, 1, find, explain)
