"""Detector: symbolsV2 states usually seen hours before an opening (undocumented)."""

from collections.abc import Iterable

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.detection.settings import PreReady
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find a known combination of sts and st that precedes the ready triple."""
    listing = data.listing
    if listing.triple is None or listing.opened_ms is not None or data.is_over or _step(data) is None:
        return ()
    return (DetectorFinding("triple", f"since {listing.triple_since_ms}"),)


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """State the combination and its usual lead time."""
    listing, step = data.listing, _step(data)
    assert step is not None, "explain is called with a finding only"
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_BY, data.now_ms + step.lead_ms + data.settings.tolerance_ms),
        (
            f"symbolsV2 shows {listing.triple}",
            f"usually seen ~{minutes(step.lead_ms)} before opening (undocumented)",
        ),
        f"{step.status}/{step.state}",
    )


def _step(data: DetectorInput) -> PreReady | None:
    triple = data.listing.triple
    if triple is None or triple == data.settings.ready_triple:
        return None
    for step in data.settings.pre_ready:
        if triple.status == step.status and triple.state == step.state:
            return step
    return None


DETECTOR = Detector(DetectorName.PRE_READY, 1, find, explain)
