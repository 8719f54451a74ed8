"""Detector: an official source allows API trading of the symbol."""

from collections.abc import Iterable

from mexc_tui.detection.look import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input

_ASKED = (ListingSource.EXCHANGE_INFO, ListingSource.DEFAULT_SYMBOLS, ListingSource.SELF_SYMBOLS)


def find(look: DetectorInput) -> Iterable[DetectorFinding]:
    """Find a symbol that allows API trading now."""
    listing = look.listing
    if not listing.api_allowed or look.is_over:
        return ()
    return (DetectorFinding("official", f"since {listing.api_ms}"),)


def explain(look: DetectorInput, finding: DetectorFinding) -> Explanation:
    """List the official sources that agree and those that do not."""
    listing = look.listing
    answers = tuple([Input(source.value, _answer(look, source)) for source in _ASKED])
    reasons = [f"{answer.name}: {answer.value}" for answer in answers]
    if listing.opens_ms is None:
        due_ms = look.now_ms + look.settings.api_lead_ms
        reasons.append("opening time unknown")
    else:
        due_ms = max(listing.opens_ms, look.now_ms) + look.settings.tolerance_ms
        ahead_ms = listing.opens_ms - look.now_ms
        reasons.append(f"opening planned {'in ' if ahead_ms > 0 else 'since '}{minutes(ahead_ms)}")
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_BY, due_ms),
        tuple(reasons),
        "before the opening" if listing.opened_ms is None else "after the opening",
        answers,
    )


def _answer(look: DetectorInput, source: ListingSource) -> str:
    seen = look.listing.latest_from(source)
    if seen is None:
        return "unknown"
    if source is ListingSource.EXCHANGE_INFO:
        return "yes" if seen.present and seen.facts.api_allowed else "no"
    return "yes" if seen.present else "no"


DETECTOR = Detector(DetectorName.API_ENABLED, 1, find, explain)
