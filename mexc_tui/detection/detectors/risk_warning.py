"""Detector: risks of a listing, one check per topic, each reported once per state."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation
from mexc_tui.detection.detectors import risk_of_listing as listing_risks
from mexc_tui.detection.detectors import risk_of_market as market_risks
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input


class RiskWarning(NamedTuple):
    """One risk check. `state` returns None without a finding; `words` describes it."""

    state: Callable[[DetectorInput], str | None]
    words: Callable[[DetectorInput], str]
    severity: Severity = Severity.WARNING


RISKS: dict[str, RiskWarning] = {
    "moved": RiskWarning(listing_risks.moved, listing_risks.moved_words),
    "renamed": RiskWarning(listing_risks.renamed, listing_risks.renamed_words),
    "cancelled": RiskWarning(listing_risks.cancelled, listing_risks.cancelled_words, Severity.ERROR),
    "withdrawn": RiskWarning(listing_risks.withdrawn, listing_risks.withdrawn_words),
    "disagreement": RiskWarning(listing_risks.disagreement, listing_risks.disagreement_words),
    "overdue": RiskWarning(listing_risks.overdue, listing_risks.overdue_words),
    "early": RiskWarning(listing_risks.early, listing_risks.early_words),
    "never_api": RiskWarning(listing_risks.never_api, listing_risks.never_api_words),
    "own_key": RiskWarning(listing_risks.own_key, listing_risks.own_key_words),
    "side_closed": RiskWarning(market_risks.side_closed, market_risks.side_closed_words, Severity.ERROR),
    "suspended": RiskWarning(market_risks.suspended, market_risks.suspended_words, Severity.CRITICAL),
    "delisted": RiskWarning(market_risks.delisted, market_risks.delisted_words, Severity.CRITICAL),
    "at_risk": RiskWarning(market_risks.at_risk, market_risks.at_risk_words),
    "thin_book": RiskWarning(market_risks.thin_book, market_risks.thin_book_words),
    "wide_spread": RiskWarning(market_risks.wide_spread, market_risks.wide_spread_words),
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
        risk.severity, Claim(ClaimKind.GOES_WRONG), (risk.words(data),), finding.topic, tuple(inputs)
    )


DETECTOR = Detector(
    DetectorName.RISK_WARNING, 1, find, explain, held_topics=frozenset({"thin_book", "wide_spread"})
)
