"""Detector: risks of a listing, one check per topic, each reported once per state."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation
from mexc_tui.detection.detectors import risk_of_listing as listing_risks
from mexc_tui.detection.detectors import risk_of_market as market_risks
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input


class RiskWarning(NamedTuple):
    """One risk check. `state` returns None without a finding; `text` describes it."""

    state: Callable[[DetectorInput], str | None]
    text: Callable[[DetectorInput], str]
    severity: Severity = Severity.WARNING


RISKS: dict[str, RiskWarning] = {
    "moved": RiskWarning(listing_risks.moved, listing_risks.moved_text),
    "renamed": RiskWarning(listing_risks.renamed, listing_risks.renamed_text),
    "cancelled": RiskWarning(listing_risks.cancelled, listing_risks.cancelled_text, Severity.ERROR),
    "withdrawn": RiskWarning(listing_risks.withdrawn, listing_risks.withdrawn_text),
    "disagreement": RiskWarning(listing_risks.disagreement, listing_risks.disagreement_text),
    "overdue": RiskWarning(listing_risks.overdue, listing_risks.overdue_text),
    "early": RiskWarning(listing_risks.early, listing_risks.early_text),
    "never_api": RiskWarning(listing_risks.never_api, listing_risks.never_api_text),
    "own_key": RiskWarning(listing_risks.own_key, listing_risks.own_key_text),
    "side_closed": RiskWarning(market_risks.side_closed, market_risks.side_closed_text, Severity.ERROR),
    "suspended": RiskWarning(market_risks.suspended, market_risks.suspended_text, Severity.CRITICAL),
    "delisted": RiskWarning(market_risks.delisted, market_risks.delisted_text, Severity.CRITICAL),
    "at_risk": RiskWarning(market_risks.at_risk, market_risks.at_risk_text),
    "thin_book": RiskWarning(market_risks.thin_book, market_risks.thin_book_text),
    "wide_spread": RiskWarning(market_risks.wide_spread, market_risks.wide_spread_text),
}

_ONCE_OPEN = frozenset({"early", "delisted", "thin_book", "wide_spread"})
_UNTIL_OPEN = frozenset({"overdue"})
_BEFORE = tuple((topic, risk.state) for topic, risk in RISKS.items() if topic not in _ONCE_OPEN)
_AFTER = tuple((topic, risk.state) for topic, risk in RISKS.items() if topic not in _UNTIL_OPEN)


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find every risk present now."""
    checks = _BEFORE if data.listing.opened_ms is None else _AFTER
    return [DetectorFinding(topic, state) for topic, check in checks if (state := check(data)) is not None]


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """Describe one risk in a sentence with its figures."""
    risk = RISKS[finding.topic]
    inputs = [Input("risk", finding.state)]
    if data.liquidity is not None:
        inputs += [
            Input("spread_ratio", str(data.liquidity.spread_ratio)),
            Input("bid_value", f"{data.liquidity.bid_value:.2f}"),
            Input("ask_value", f"{data.liquidity.ask_value:.2f}"),
        ]
    return Explanation(
        risk.severity, Claim(ClaimKind.GOES_WRONG), (risk.text(data),), finding.topic, tuple(inputs)
    )


DETECTOR = Detector(
    DetectorName.RISK_WARNING, 1, find, explain, held_topics=frozenset({"thin_book", "wide_spread"})
)
