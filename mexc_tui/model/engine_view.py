"""What a face is shown of the engine's own work: detectors, how fast it fires, what it costs the machine.

`at_ms` and `aim_ms` are Unix milliseconds; every other `_ms` is a span unless its docstring says when.
"""

import msgspec

from mexc_tui.model.view import Row


class RateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its 95 % interval (Wilson, formulas E5). Without a case it has no value."""

    n: int = 0
    hits: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    words: str = ""
    """As it is to be read: `81% (60%-92%), n 21`, or `n too small (2 of 3)`."""


class LeadRow(msgspec.Struct, frozen=True, kw_only=True):
    """How long before the opening a detector spoke first, in milliseconds; negative: after it."""

    n: int = 0
    """Listings that opened after or before its first signal about them."""
    median_ms: float | None = None
    p10_ms: float | None = None
    p90_ms: float | None = None
    share_ahead: float | None = None
    """Of those it spoke of before they opened; 1 is all."""


class DetectorRow(Row, frozen=True, kw_only=True):
    """One detector, in the version that runs."""

    name: str
    version: int
    raised: int
    """Signals since this engine began."""
    standing: int
    last_ms: int | None
    """When it raised one last, since this engine began."""
    rate: RateRow = RateRow()
    """Of all its judged cases ever, how many came true: what its probabilities are made of."""
    recall: RateRow = RateRow()
    """Of the last listings of which its claim was true, how many it signalled in time."""
    base: RateRow = RateRow()
    """Of the last listings, signalled or not, of how many its claim was true."""
    skill: float | None = None
    """1 - Brier / Brier of always saying the base rate; 0 or less: no skill. None: not comparable."""
    waiting: int = 0
    """Listings it signalled whose outcome is not known yet, of the newest signals."""
    censored: int = 0
    """Of the last listings, those it signalled that cannot be judged."""
    calibration_error: float | None = None
    """How far its probabilities lie from what came true, on average; 0 is honest. None: too few cases."""
    judged: int = 0
    """Of the last listings, those it signalled that can be judged."""
    verdict: str = ""
    """Whether it is worth listening to, in words."""
    lead: LeadRow = LeadRow()


class ReadRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass of detection read, and how old it was."""

    source: str
    age_ms: int | None
    """None: it was never read."""


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
    """Every detector, and the last pass; None: there was none yet."""

    at_ms: int
    detectors: tuple[DetectorRow, ...]
    last_pass: PassRow | None
    newest: int = 0
    """So many listings that were labelled last count for recall, skill, lead times and calibration."""


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage of one shot took, in milliseconds; None: it did not come to that."""

    name: str
    took_ms: float | None


class AttemptTimingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a snipe."""

    symbol: str
    snipe_id: str
    number: int
    """From 1, within its snipe."""
    aim_ms: int
    """Exchange time that it was to arrive at."""
    late_ms: float | None
    """How long after the moment that it was to leave at its last byte was written: so late it arrives.
    None: it was aimed at no moment but sent at once, or never."""
    stages: tuple[StageTime, ...]
    """In their order; the same names in every shot and in `LatencyRow.stages`."""
    code: int | None
    """The exchange's; None: accepted, or no answer."""
    answer: str
    next_step: str
    clock_error_ms: float | None


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stage over all shots that were looked at, in milliseconds; None: too few, and `words` say so."""

    name: str
    n: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    p99_words: str = ""
    """`not enough data (3 of 100)`, or the number with its unit."""


class LatencyRow(Row, frozen=True, kw_only=True):
    """The last shots, newest first, and percentiles over `attempts` of them."""

    shots: tuple[AttemptTimingRow, ...]
    stages: tuple[StageRow, ...]
    attempts: int


class LagRow(msgspec.Struct, frozen=True, kw_only=True):
    """How late the engine's loop woke, in milliseconds, over the last minute at most."""

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
    """How often facts did not fit and were read from the journal."""
    failures: int = 0
    busy_ms: int = 0
    """How long it has been at what it has in hand; 0: idle."""
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
    """Over the last minute at most."""
    last_commit_ms: float = 0.0
    """How long it took."""
    checkpoint_ms: int | None = None
    """When the write-ahead log was last seen to begin anew, since the start; None: not yet."""
    slow: int = 0
    too_slow: int = 0
    slowest: str = ""
    """Name of the slowest unit of work or question, and how long it took."""
    has_reserve: bool = True
    """Whether room is set aside for exits on a full disk."""


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of the streams."""

    name: str
    topics: int
    is_up: bool
    age_s: float | None
    """Since it was made; None: it is down."""
    messages: int = 0
    """Since the start, over all its sockets."""
    messages_per_s: float | None = None
    """Over the last seconds."""
    connects: int = 0
    rotations: int = 0
    reason: str = ""
    """Why it is down."""


class ViewerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One face that is attached."""

    who: str
    pid: int
    role: str
    waiting_bytes: int
    """Written for it and not read yet."""
    facts_behind: int
    """Facts of the journal that it follows and was not given yet."""
    views: int
    """It looks at."""


class BreakerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What holds requests of one group back after failures. Exits always pass."""

    group: str
    phase: str
    """`closed`: requests go; `open`: they wait; `half-open`: a few are tried."""
    failures: int
    """Within its window."""
    retry_in_s: float
    refused: int
    """Since the start."""


class MachineRow(Row, frozen=True, kw_only=True):
    """What the engine costs and how it keeps up. Weights, bans and the clock are in the status."""

    at_ms: int
    """This machine's time."""
    rss_bytes: int | None
    """None: this system does not say."""
    rss_peak_bytes: int | None
    cpu_s: float
    """Used by this process since it began."""
    cpu_pct: float | None
    """Of one core, over the last minute at most; None: too soon."""
    threads: int
    lag: LagRow
    observers: tuple[QueueRow, ...]
    stream_waiting: int
    """Messages of streams that were read and not handled yet."""
    stream_lost: int
    """Messages that were given up or not understood, since the start."""
    connections: tuple[ConnectionRow, ...]
    store: StoreRow
    breakers: tuple[BreakerRow, ...]
    requests_waiting: int
    """For their turn in the budget."""
    requests_refused: int
    viewers: tuple[ViewerRow, ...]
