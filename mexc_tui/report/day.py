"""Typed rows of the report, printed as text or JSON.

`_ms` are Unix milliseconds of the exchange, or durations where the name implies it (`lead_ms`, `late_ms`).
"""

from decimal import Decimal

import msgspec

from mexc_tui.model.listing import ChangeKind, ListingSource, ListingStage
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import ClaimKind, DetectorName
from mexc_tui.report.trading_day import NotArmed, ReportedSnipe, TradingDay
from mexc_tui.wording.digits import plain_json


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """First report of a source, or a change. No source: by elapsed time."""

    at_ms: int
    source: ListingSource | None
    kind: ChangeKind | None
    """None: the source's first report."""
    text: str
    opens_ms: int | None = None
    """Reported opening."""


class ReportedSignal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal about a listing."""

    at_ms: int
    detector: DetectorName
    version: int
    topic: str
    state: str
    severity: Severity
    claim: ClaimKind
    due_ms: int | None
    probability: float
    low: float
    high: float
    n: int
    hits: int
    probability_text: str
    """The probability as text, with its sample."""
    lead_ms: int | None
    """Lead time before the opening (negative: after it); None: opening unknown."""
    is_lead_to_plan: bool
    """Whether the lead time is to the scheduled opening, without an actual one."""
    is_correct: bool | None
    """Whether the claim was correct; None: undecided."""
    reasons: tuple[str, ...]
    config_hash: str


class ReportedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of a listing. Ratios are to the first price; None: unknown."""

    end: OutcomeEnd | None
    """None: undecided at the end of the day."""
    planned_ms: int | None
    opened_ms: int | None
    """First quote or trade."""
    late_ms: int | None
    api_ms: int | None
    trades: int | None
    first_price: Decimal | None
    high_ratio: float | None
    low_ratio: float | None
    last_ratio: float | None
    reference_return: float | None
    """Net return of the reference rule."""
    cluster_size: int | None
    has_gap: bool
    traded: bool
    """Whether the desk bought it."""
    unknown: tuple[str, ...]
    """Unknown facts, with reasons."""


class ListingReport(msgspec.Struct, frozen=True, kw_only=True):
    """One listing from its first report to its outcome."""

    id: str
    symbol: str
    names: tuple[str, ...]
    full_name: str
    stage: ListingStage
    first_seen_ms: int
    moves: int
    disagreements: tuple[str, ...]
    """Differences between sources at the end of the day."""
    timeline: tuple[TimelineEntry, ...]
    signals: tuple[ReportedSignal, ...]
    outcome: ReportedOutcome
    refusals: tuple[NotArmed, ...] = ()
    snipes: tuple[ReportedSnipe, ...] = ()


class DetectorResult(msgspec.Struct, frozen=True, kw_only=True):
    """Results of one detector's claims."""

    detector: DetectorName
    signals: int
    correct: int
    wrong: int
    undecided: int


class Passes(msgspec.Struct, frozen=True, kw_only=True):
    """Regularity of detection passes."""

    count: int
    longest_pause_ms: int | None
    slowest_ms: float | None
    never_read: tuple[ListingSource, ...]
    """Sources without a reading in any pass."""


class ReportedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert."""

    first_ms: int
    last_ms: int
    times: int
    severity: Severity
    rule: str
    about: str
    text: str
    is_open: bool


class ScenarioOverride(msgspec.Struct, frozen=True, kw_only=True):
    """A setting overridden by the scenario."""

    name: str
    value: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the day."""

    listings: int
    opened: int
    cancelled: int
    never_api: int
    unknown: int
    """Ended with an unknown outcome."""
    undecided: int
    """Undecided at the end of the day."""
    moved: int
    renamed: int
    signals: int
    alerts: int


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one day."""

    mode: str
    exchange_session: str
    from_ms: int
    to_ms: int
    totals: Totals
    claims: tuple[DetectorResult, ...]
    passes: Passes
    overrides: tuple[ScenarioOverride, ...]
    unknown: tuple[str, ...]
    """Unknown facts about the day."""
    listings: tuple[ListingReport, ...]
    """By opening time; those without one last."""
    alerts: tuple[ReportedAlert, ...]
    trading: TradingDay | None = None
    """None: this day has no ledger."""


_encoder = msgspec.json.Encoder(decimal_format="string")


def to_json(report: DayReport) -> bytes:
    """Return the report as one JSON object; money is text."""
    return plain_json(_encoder.encode(report))
