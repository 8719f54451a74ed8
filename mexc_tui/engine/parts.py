"""Inputs of an engine and of its trading components: parameters, identity and replaceable parts."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.accounting.reconciler import ReconcileParameters
from mexc_tui.engine.entries.entry_context import EntryParameters
from mexc_tui.engine.entries.readiness import PairWatch
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.poll_worker import PollParameters
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.store_monitor import Storage
from mexc_tui.engine.runtime.supervisor import SupervisorLimits, WorkerStatus
from mexc_tui.engine.safety.live_unlock import LiveParameters
from mexc_tui.engine.safety.safety import SafetyParameters
from mexc_tui.engine.safety.trading_state import HaltFile
from mexc_tui.model.storage import RetentionPeriods
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import Market
from mexc_tui.ports.settings import SettingsPort
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.exit_edit import ExitBounds
from mexc_tui.sniping.request import WorkerFact


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSetup:
    """Account and desk of an engine that trades. `scope`: account and exchange session in the store."""

    port: TradingPort
    scope: str
    desk_id: str
    halt_file: HaltFile | None = None
    """Second copy of a halt, beside the store."""
    key_validity: str = ""
    """Validity of a live API key, as text."""
    key_expires_ms: int | None = None
    """By the date of storage, without an IP restriction; None: unknown, or no stored key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingParameters:
    """Parameters of the components, from the settings; call them for each use."""

    reconcile: Callable[[], ReconcileParameters]
    entry: Callable[[], EntryParameters]
    safety: Callable[[], SafetyParameters]
    live: Callable[[], LiveParameters]
    exits: ExitBounds
    """Bounds of manual changes to the exits of a position."""
    window_ms: Callable[[], int]
    """Validity of an order request (`recvWindow`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """Parts of the engine that trading depends on."""

    knowledge_store: KnowledgeStore
    workers: Callable[[], tuple[WorkerFact, ...]]
    """Workers required for firing."""
    stream_age_ms: Callable[[], int | None]
    """0 while the market streams are connected; None: they are not."""
    streams: PairWatch
    sync_clock: Callable[[], None]
    """Request a measurement of the exchange clock."""
    profile: str
    worker_statuses: Callable[[], tuple[WorkerStatus, ...]]
    """Status of every worker."""
    clock_problem: Callable[[], str]
    """Why the exchange time is uncertain; empty: it is not."""
    rng: Random
    store_problem: Callable[[], str] = lambda: ""
    """Why the store blocks entries; empty: it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParameters:
    """Parameters of the components, from the settings; call them for each use: settings may be reloaded."""

    detection: Callable[[], DetectionSettings]
    polls: Callable[[], PollParameters]
    supervisor: SupervisorLimits
    trading: TradingParameters
    keep: Callable[[], RetentionPeriods]
    near_before_ms: Callable[[], int]
    """How long before its opening a pair is streamed, ms."""
    detection_pass_s: Callable[[], float]
    clock_resync_s: Callable[[], tuple[float, float]]
    """Interval normally, and around an opening."""
    alert_evaluate_s: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """Identity of this engine."""

    pid: int
    profile: str
    mode: str
    exchange_session: str
    session_start_ms: int = 0
    """Start of that practice session; stored data from before does not belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """Replaceable parts of an engine."""

    clock: Clock
    rng: Random
    store: Store
    feed: EventFeed
    market: Market
    settings: SettingsPort
    parameters: EngineParameters
    identity: EngineIdentity
    trading: TradingSetup | None = None
    """None: this engine does not trade."""
    storage: Storage | None = None
    """Maintenance interface of the store."""
    has_exposure: bool = False
    """Whether positions or unknown orders may exist: then the start never gives up on the exchange."""
