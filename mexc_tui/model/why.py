"""The whole story of one pair's listings: who said what, what changed, what each detector made of it."""

from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading_view import SnipeRow, WhatIfRow
from mexc_tui.model.verdict import Verdict
from mexc_tui.model.view import ListingRow, Row, SignalRow


class SourceDetail(Row, frozen=True, kw_only=True):
    """What one source says at present, and since when."""

    source: str
    since_ms: int
    present: bool
    """False: it lists the pair no more."""
    words: str


class ChangeRow(Row, frozen=True, kw_only=True):
    """One change, when it was first seen and who told; no source: time passed."""

    at_ms: int
    kind: str
    before: str
    after: str
    source: str


class DetectorDetail(Row, frozen=True, kw_only=True):
    """One detector on one listing."""

    detector: str
    version: int
    saw: tuple[str, ...]
    """What it looked at when it spoke last, as `name value`."""
    said: tuple[SignalRow, ...]
    """Newest first."""
    why_not: str
    """Why it says nothing now; empty while something of it stands."""


class ListingStory(Row, frozen=True, kw_only=True):
    """One listing."""

    listing: ListingRow
    sources: tuple[SourceDetail, ...]
    changes: tuple[ChangeRow, ...]
    """Oldest first."""
    detectors: tuple[DetectorDetail, ...]


class SnipeDetail(Row, frozen=True, kw_only=True):
    """One snipe, and what every validator said when it was armed."""

    snipe: SnipeRow
    verdicts: tuple[Verdict, ...]
    plan: ExitPlan | None = None
    """How its position is left."""
    checklist: tuple[Verdict, ...] = ()
    """Of the last second before the opening (T0). Before that, how it would be answered now, without the
    lines about the connection, which is made 30 s before. Empty: no engine that trades was asked, or it never
    came to that while this one ran."""
    checked_ms: int | None = None
    """When it was answered for good; None: `checklist` is of this moment and may change."""


class WhyRow(Row, frozen=True, kw_only=True):
    """All listings that a source ever called by this name, newest first; none: nothing is known of it."""

    symbol: str
    at_ms: int
    listings: tuple[ListingStory, ...]
    snipes: tuple[SnipeDetail, ...] = ()
    """Newest first."""
    what_if: WhatIfRow | None = None
    """What every validator says at this moment; None: no engine that trades was asked."""
