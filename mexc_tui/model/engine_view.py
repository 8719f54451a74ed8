"""Rows of views about the engine: detectors, attempt timings, resource usage.

`at_ms` and `aim_ms` are Unix milliseconds; other `_ms` are durations unless documented otherwise.
"""

import msgspec

from mexc_tui.model.view import Row


class RateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its 95 % interval (Wilson, formulas E5). Without cases it has no value."""

    n: int = 0
    hits: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    """As displayed: `81% (60%-92%), n 21`, or `2 of 3 (too few for a rate)`."""


class LeadRow(msgspec.Struct, frozen=True, kw_only=True):
    """Lead time of a detector's first signal before the opening, in milliseconds; negative: after it."""

    n: int = 0
    """Opened listings with a signal before or after the opening."""
    median_ms: float | None = None
    p10_ms: float | None = None
    p90_ms: float | None = None
    share_ahead: float | None = None
    """Share of them with a signal before the opening, from 0 to 1."""


class DetectorRow(Row, frozen=True, kw_only=True):
    """One detector in its current version."""

    name: str
    version: int
    raised: int
    """Signals since the engine started."""
    active: int
    last_ms: int | None
    """Time of its last signal since the engine started."""
    rate: RateRow = RateRow()
    """Share of correct claims over all judged cases: the basis of its probabilities."""
    recall: RateRow = RateRow()
    """Share of the last listings matching its claim that it signalled in time."""
    base: RateRow = RateRow()
    """Share of the last listings, with or without a signal, matching its claim."""
    skill: float | None = None
    """1 - Brier / Brier of the constant base rate; 0 or less: no skill. None: not comparable."""
    waiting: int = 0
    """Signalled listings without an outcome yet, among the newest signals."""
    censored: int = 0
    """Signalled listings among the last ones that are censored."""
    calibration_error: float | None = None
    """Mean calibration error; 0 is perfect. None: too few cases."""
    judged: int = 0
    """Signalled listings among the last ones that were judged."""
    verdict: str = ""
    """Assessment of its reliability, as text."""
    lead: LeadRow = LeadRow()


class ReadRow(msgspec.Struct, frozen=True, kw_only=True):
    """Age of a source at a detection pass."""

    source: str
    age_ms: int | None
    """None: never read."""


class PassRow(Row, frozen=True, kw_only=True):
    """The last pass of detection."""

    at_ms: int
    looked_at: int
    """Listings."""
    raised: int
    ended: int
    duration_ms: float
    read: tuple[ReadRow, ...]
    passes: int
    """Since the start."""


class DetectorsRow(Row, frozen=True, kw_only=True):
    """All detectors, and the last pass; None: no pass yet."""

    at_ms: int
    detectors: tuple[DetectorRow, ...]
    last_pass: PassRow | None
    newest: int = 0
    """Number of newest labelled listings used for recall, skill, lead times and calibration."""


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """Duration of one stage of an attempt, in milliseconds; None: not reached."""

    name: str
    took_ms: float | None


class AttemptTimingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe."""

    symbol: str
    snipe_id: str
    number: int
    """From 1, within its snipe."""
    aim_ms: int
    """Target arrival time, in exchange time."""
    late_ms: float | None
    """Delay of the last byte after the planned send time.
    None: sent at once, or never."""
    stages: tuple[StageTime, ...]
    """In order; the names match `LatencyRow.stages`."""
    code: int | None
    """Error code of the exchange; None: accepted, or no response."""
    answer: str
    next_step: str
    clock_error_ms: float | None


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stage over all measured attempts, in milliseconds; None: too few, as `p99_text` state."""

    name: str
    n: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    p99_text: str = ""
    """`not enough data (3 of 100)`, or the number with its unit."""


class LatencyRow(Row, frozen=True, kw_only=True):
    """The last attempts, newest first, and percentiles over `attempt_count` of them."""

    attempts: tuple[AttemptTimingRow, ...]
    stages: tuple[StageRow, ...]
    attempt_count: int


class LagRow(msgspec.Struct, frozen=True, kw_only=True):
    """Wake-up delay of the engine's event loop, in milliseconds, over at most the last minute."""

    n: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue: a subscriber of the event feed, or a topic of the streams' inbox."""

    name: str
    waiting: int
    dropped: int = 0
    conflated: int = 0
    resumes: int = 0
    """Number of catch-ups from the journal after facts did not fit."""
    failures: int = 0
    busy_ms: int = 0
    """Time spent on the current item; 0: idle."""
    last_error: str = ""


class StoreRow(msgspec.Struct, frozen=True, kw_only=True):
    """The database."""

    path: str
    database_bytes: int | None = None
    wal_bytes: int | None = None
    waiting: int = 0
    """Units of work."""
    units: int = 0
    commits: int = 0
    """Since the start."""
    commits_per_s: float = 0.0
    """Over at most the last minute."""
    last_commit_ms: float = 0.0
    """Duration of the last commit."""
    checkpoint_ms: int | None = None
    """Last observed restart of the write-ahead log since the start; None: none yet."""
    slow: int = 0
    too_slow: int = 0
    slowest: str = ""
    """Name of the slowest unit of work or read, and its duration."""
    has_reserve: bool = True
    """Whether a disk reserve for exits is set aside."""


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stream connection."""

    name: str
    topics: int
    is_up: bool
    age_s: float | None
    """Time since it was opened; None: down."""
    messages: int = 0
    """Since the start, over all its sockets."""
    messages_per_s: float | None = None
    """Over the last few seconds."""
    connects: int = 0
    rotations: int = 0
    reason: str = ""
    """Reason if it is down."""


class ViewerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attached front end."""

    who: str
    pid: int
    role: str
    waiting_bytes: int
    """Bytes sent to it and not read yet."""
    facts_behind: int
    """Facts of the journal not delivered to it yet."""
    views: int
    """Number of followed views."""


class BreakerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Circuit breaker of one group of requests. Exits always pass."""

    group: str
    phase: str
    """`closed`: requests pass; `open`: they wait; `half-open`: a few are tried."""
    failures: int
    """Within its window."""
    retry_in_s: float
    refused: int
    """Since the start."""


class MachineRow(Row, frozen=True, kw_only=True):
    """Resource usage and load of the engine. Weights, bans and the clock are in the status."""

    at_ms: int
    """In this machine's time."""
    rss_bytes: int | None
    """None: not available on this system."""
    rss_peak_bytes: int | None
    cpu_s: float
    """CPU time of this process."""
    cpu_pct: float | None
    """Percentage of one core, over at most the last minute; None: not measured yet."""
    threads: int
    lag: LagRow
    observers: tuple[QueueRow, ...]
    stream_waiting: int
    """Stream messages read and not processed yet."""
    stream_lost: int
    """Messages dropped or malformed since the start."""
    connections: tuple[ConnectionRow, ...]
    store: StoreRow
    breakers: tuple[BreakerRow, ...]
    requests_waiting: int
    """Requests queued for the budget."""
    requests_refused: int
    viewers: tuple[ViewerRow, ...]
