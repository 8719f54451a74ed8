"""Detector: the symbolsV2 triple assumed to mean "about to open", a hypothesis tested against outcomes."""

from collections.abc import Iterable

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find the ready triple on a listing that has not opened."""
    listing = data.listing
    if listing.opened_ms is not None or listing.triple != data.settings.ready_triple or data.is_over:
        return ()
    return (DetectorFinding("triple", f"since {listing.triple_since_ms}"),)


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """State which sources confirm it."""
    listing, advance_ms = data.listing, data.settings.advance_ms
    reasons = [
        f"symbolsV2 shows {listing.triple}, usually seen up to {minutes(advance_ms)} before opening",
        "the meaning of the triple is a hypothesis (undocumented)",
    ]
    if listing.opens_ms is not None:
        reasons.append(f"{listing.opens_source}: opens in {minutes(listing.opens_ms - data.now_ms)}")
    reasons.append(
        "exchangeInfo shows the pair" if listing.visible_ms else "exchangeInfo does not show it yet"
    )
    reasons.extend(map(str, listing.disagreements))
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_BY, data.now_ms + advance_ms),
        tuple(reasons),
        "confirmed" if listing.visible_ms else "web only",
    )


DETECTOR = Detector(DetectorName.READY_STATE, 1, find, explain)
