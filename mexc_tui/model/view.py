"""Rows of views for front ends: plain and typed, each as of one moment.

Times are Unix milliseconds (`_ms`), of the exchange where a row is about listings, of this machine otherwise.
"""

import msgspec

from mexc_tui.model.trading import TradingState


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a view."""


class ClockRow(Row, frozen=True, kw_only=True):
    """Measurement of the exchange's clock; all None before the first one."""

    offset_ms: float | None = None
    """Exchange minus this machine."""
    error_ms: float | None = None
    age_s: float | None = None
    warning: str = ""


class StreamsRow(Row, frozen=True, kw_only=True):
    """The market streams."""

    topics: int = 0
    live: int = 0
    stale: int = 0
    """Rejected, or silent although messages are expected. A pair that does not trade is not among them."""
    quiet: int = 0
    """Silent or rejected, as expected of a pair that does not trade; not stale."""
    refused: int = 0
    connections: int = 0
    messages: int = 0
    messages_per_s: float = 0.0
    reasons: tuple[str, ...] = ()
    """Reasons of the connections that are down."""
    newest_s: int | None = None
    """Age of the newest message of any stream; None: none yet."""
    silent: tuple[str, ...] = ()
    """Some stale streams, longest silence first, with age or reason."""


class LaneRow(Row, frozen=True, kw_only=True):
    """One window of the request budget."""

    name: str
    used: int
    limit: int
    window_s: float


class BudgetRow(Row, frozen=True, kw_only=True):
    """Request budget of the exchange, and an active ban."""

    lanes: tuple[LaneRow, ...] = ()
    ban: str = ""
    """Kind of ban; empty: none."""
    ban_until_ms: int | None = None
    skipped_rows: tuple[str, ...] = ()
    """Endpoints whose latest list had malformed rows: how many, and the first reason."""


class CacheRow(Row, frozen=True, kw_only=True):
    """Cache statistics since the start; cached values never decide about money."""

    fetched: int = 0
    """Fetched from the origin."""
    memory_hits: int = 0
    database_hits: int = 0
    """Stored before the start."""
    shared_flights: int = 0
    """Requests that shared another request's response."""
    level_errors: int = 0


class SourceRow(Row, frozen=True, kw_only=True):
    """One source of listings: last reading and current problem."""

    source: str
    read_ms: int | None
    failures: int
    """Consecutive failures."""
    problem: str


class WorkerRow(Row, frozen=True, kw_only=True):
    """One worker of the engine."""

    name: str
    state: str
    since_ms: int
    is_degraded: bool
    failures: int
    restarts: int
    last_error: str


class LoopRow(Row, frozen=True, kw_only=True):
    """Gaps of the engine's event loop since its start."""

    gaps: int = 0
    last_gap_ms: int | None = None
    """Duration of the last gap."""
    last_ended_ms: int | None = None
    """End of the last gap, in this machine's time."""
    longest_gap_ms: int | None = None


class StatusRow(Row, frozen=True, kw_only=True):
    """The engine itself."""

    running: bool
    pid: int
    profile: str
    mode: str
    exchange_session: str
    """Practice session; empty for the real exchange."""
    trading_state: TradingState
    cause: str
    """Why trading is not active; empty: it is."""
    started_ms: int
    now_ms: int
    """Exchange time."""
    clock: ClockRow
    streams: StreamsRow
    budget: BudgetRow
    sources: tuple[SourceRow, ...]
    workers: tuple[WorkerRow, ...]
    pairs: int
    listings: int
    """Listings that are not final."""
    signals: int
    """Active signals."""
    journal: int
    """Sequence number of the newest fact."""
    config_hash: str
    pending_settings: tuple[str, ...] = ()
    """Settings whose new value applies at the next start."""
    cache: CacheRow = CacheRow()
    loop: LoopRow = LoopRow()
    not_compared: tuple[str, ...] = ()
    """Assets excluded from the last reconciliation, with the reason."""
    key: str = ""
    """Rights, addresses and expiry of the API key as text; empty: not in live mode."""


class ListingRow(Row, frozen=True, kw_only=True):
    """One listing in table form."""

    id: str
    symbol: str
    names: tuple[str, ...]
    stage: str
    opens_ms: int | None
    opens_source: str
    moves: int
    triple: str
    api_allowed: bool
    opened_ms: int | None
    first_seen_ms: int
    first_source: str
    sources: tuple[str, ...]
    """Sources that currently list it."""
    disagreements: tuple[str, ...]
    price: float | None
    trades: int
    outcome: str
    """Outcome; empty: not known yet."""
    price_decimals: int | None = None
    """None: the exchange does not list the pair, or the row comes from the store alone."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """Exchange time of the latest price message, to the second; None: none yet."""


class SignalRow(Row, frozen=True, kw_only=True):
    """One signal, active or ended."""

    detector: str
    version: int
    listing_id: str
    topic: str
    state: str
    symbol: str
    at_ms: int
    severity: str
    claim: str
    due_ms: int | None
    probability: float
    low: float
    high: float
    n: int
    base_n: int
    text: str
    """Probability as text, with its sample."""
    reasons: tuple[str, ...]
    config_hash: str
    is_active: bool


class AlertRow(Row, frozen=True, kw_only=True):
    """One alert."""

    rule: str
    about: str
    severity: str
    text: str
    first_ms: int
    last_ms: int
    times: int
    closed_ms: int | None = None
    """None: open."""


class SettingRow(Row, frozen=True, kw_only=True):
    """One setting."""

    name: str
    value: str
    origin: str
    unit: str
    allowed: str
    default: str
    help: str
    needs_restart: bool
    pending: str
    """Value that applies at the next start; empty: none."""
    group: str = ""
    """Title of its group of settings."""


class FactRow(Row, frozen=True, kw_only=True):
    """One fact of the journal."""

    sequence: int
    at_ms: int
    kind: str
    version: int
    about: str
    body: msgspec.Raw
    """The whole event as JSON."""
