"""History of one pair's listings: source reports, changes, and signals of each detector."""

from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading_view import SnipeRow, WhatIfRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import ListingRow, Row, SignalRow


class SourceDetail(Row, frozen=True, kw_only=True):
    """Current report of one source, and its start."""

    source: str
    since_ms: int
    present: bool
    """False: the pair is no longer listed."""
    text: str


class ChangeRow(Row, frozen=True, kw_only=True):
    """One change, its first observation and its source; no source: time passed."""

    at_ms: int
    kind: str
    before: str
    after: str
    source: str


class DetectorDetail(Row, frozen=True, kw_only=True):
    """Signals of one detector about one listing."""

    detector: str
    version: int
    inputs: tuple[str, ...]
    """Inputs of its last signal, as `name value`."""
    signals: tuple[SignalRow, ...]
    """Newest first."""
    why_not: str
    """Why it has no active signal; empty: it has."""


class ListingStory(Row, frozen=True, kw_only=True):
    """One listing."""

    listing: ListingRow
    sources: tuple[SourceDetail, ...]
    changes: tuple[ChangeRow, ...]
    """Oldest first."""
    detectors: tuple[DetectorDetail, ...]


class SnipeDetail(Row, frozen=True, kw_only=True):
    """One snipe, and the results of its pre-trade checks when it was armed."""

    snipe: SnipeRow
    verdicts: tuple[Verdict, ...]
    plan: ExitPlan | None = None
    """Exit plan of its position."""
    checklist: tuple[Verdict, ...] = ()
    """Final checklist in the last second before the opening (T0). Before that, current results without the
    lines about the connection, which is opened 30 s before. Empty: no trading engine was queried, or it was
    not reached while this engine ran."""
    checked_ms: int | None = None
    """Time of the final result; None: `checklist` is current and may change."""


class WhyRow(Row, frozen=True, kw_only=True):
    """All listings ever listed under this name, newest first; none: unknown name."""

    symbol: str
    at_ms: int
    listings: tuple[ListingStory, ...]
    snipes: tuple[SnipeDetail, ...] = ()
    """Newest first."""
    what_if: WhatIfRow | None = None
    """Current results of all pre-trade checks; None: no trading engine was queried."""
