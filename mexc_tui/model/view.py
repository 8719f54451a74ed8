"""What a face is shown of the engine: plain rows, whole and typed, as of one moment.

Times are Unix milliseconds (`_ms`), of the exchange where a row is about listings, of this machine otherwise.
"""

import msgspec

from mexc_tui.model.trading import TradingState


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a view."""


class ClockRow(Row, frozen=True, kw_only=True):
    """How well the exchange's clock is known; all None before the first measurement."""

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
    """Not served, or mute though they push all the time. A pair that does not trade is none of them."""
    quiet: int = 0
    """Mute or refused, as is expected of a pair that does not trade now; not among the stale ones."""
    refused: int = 0
    connections: int = 0
    messages: int = 0
    messages_per_s: float = 0.0
    reasons: tuple[str, ...] = ()
    """Why each connection that is down is down."""
    newest_s: int | None = None
    """Since the newest message of any of them; None: none was heard yet."""
    silent: tuple[str, ...] = ()
    """Some of the stale ones, the longest silent first, and since when or why."""


class LaneRow(Row, frozen=True, kw_only=True):
    """One window of the request budget."""

    name: str
    used: int
    limit: int
    window_s: float


class BudgetRow(Row, frozen=True, kw_only=True):
    """What may still be asked of the exchange, and whether it has banned us."""

    lanes: tuple[LaneRow, ...] = ()
    ban: str = ""
    """Its kind; empty: none."""
    ban_until_ms: int | None = None
    skipped_rows: tuple[str, ...] = ()
    """Endpoints whose newest list had malformed rows: how many, and why the first was skipped."""


class CacheRow(Row, frozen=True, kw_only=True):
    """What the cache has saved since the start; no money is decided from it."""

    fetched: int = 0
    """Asked for where it is true."""
    memory_hits: int = 0
    database_hits: int = 0
    """Kept from before the start."""
    shared_flights: int = 0
    """Questions that waited for the same one of another."""
    level_errors: int = 0


class SourceRow(Row, frozen=True, kw_only=True):
    """One source of listings: when it was read last, and what is wrong with it."""

    source: str
    read_ms: int | None
    failures: int
    """In a row."""
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
    """How long it stood still last."""
    last_ended_ms: int | None = None
    """When that ended, this machine's time."""
    longest_gap_ms: int | None = None


class StatusRow(Row, frozen=True, kw_only=True):
    """The engine itself."""

    running: bool
    pid: int
    profile: str
    mode: str
    exchange_session: str
    """Empty for the real exchange."""
    trading_state: TradingState
    cause: str
    """Why trading is not active; empty if it is."""
    started_ms: int
    now_ms: int
    """The exchange's time."""
    clock: ClockRow
    streams: StreamsRow
    budget: BudgetRow
    sources: tuple[SourceRow, ...]
    workers: tuple[WorkerRow, ...]
    pairs: int
    listings: int
    """Of which something is still expected."""
    signals: int
    """Standing ones."""
    journal: int
    """Number of the newest fact."""
    config_hash: str
    pending_settings: tuple[str, ...] = ()
    """Settings that wait for a restart."""
    cache: CacheRow = CacheRow()
    loop: LoopRow = LoopRow()
    not_compared: tuple[str, ...] = ()
    """Assets that the last comparison with the exchange left out, and why."""


class ListingRow(Row, frozen=True, kw_only=True):
    """One listing, as short as a table wants it."""

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
    """Who lists it at present."""
    disagreements: tuple[str, ...]
    price: float | None
    trades: int
    outcome: str
    """How it ended; empty while that is open."""
    price_decimals: int | None = None
    """None: the exchange does not show the pair (yet), or only what is stored was asked."""
    quantity_decimals: int | None = None
    priced_ms: int | None = None
    """When the newest message about its price was heard, exchange's time to the second; None: none yet."""


class SignalRow(Row, frozen=True, kw_only=True):
    """One signal that stands or stood."""

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
    words: str
    """The probability in words, with what it rests on."""
    reasons: tuple[str, ...]
    config_hash: str
    stands: bool


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
    """None: it is open."""


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
    """Value that comes into force at the next start; empty: none."""
    group: str = ""
    """Title of the settings that it belongs to."""


class FactRow(Row, frozen=True, kw_only=True):
    """One fact of the journal."""

    sequence: int
    at_ms: int
    kind: str
    version: int
    about: str
    body: msgspec.Raw
    """The whole event as JSON."""
