"""Detector: an official source allows API trading of the symbol."""

from collections.abc import Iterable

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input

_ASKED = (ListingSource.EXCHANGE_INFO, ListingSource.DEFAULT_SYMBOLS, ListingSource.SELF_SYMBOLS)


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find a symbol that allows API trading now."""
    listing = data.listing
    if not listing.api_allowed or data.is_over:
        return ()
    return (DetectorFinding("official", f"since {listing.api_ms}"),)


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """List the official sources that agree and those that do not."""
    listing = data.listing
    answers = tuple([Input(source.value, _answer(data, source)) for source in _ASKED])
    reasons = [f"{answer.name}: {answer.value}" for answer in answers]
    if listing.opens_ms is None:
        due_ms = data.now_ms + data.settings.api_lead_ms
        reasons.append("opening time unknown")
    else:
        due_ms = max(listing.opens_ms, data.now_ms) + data.settings.tolerance_ms
        ahead_ms = listing.opens_ms - data.now_ms
        reasons.append(
            f"opening planned in {minutes(ahead_ms)}"
            if ahead_ms > 0
            else f"opening planned {minutes(ahead_ms)} ago"
        )
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_BY, due_ms),
        tuple(reasons),
        "before the opening" if listing.opened_ms is None else "after the opening",
        answers,
    )


def _answer(data: DetectorInput, source: ListingSource) -> str:
    seen = data.listing.latest_from(source)
    if seen is None:
        return "unknown"
    if source is ListingSource.EXCHANGE_INFO:
        return "yes" if seen.present and seen.facts.api_allowed else "no"
    return "yes" if seen.present else "no"


DETECTOR = Detector(DetectorName.API_ENABLED, 1, find, explain)
