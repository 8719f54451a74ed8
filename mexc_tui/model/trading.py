"""What the desk may do, and what it says about its own state."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class TradingState(StrEnum):
    """What the desk may do; exits run in all of them (architecture 5)."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    """No entries; armed snipes wait. It lifts itself together with its cause."""
    HALTED = "halted"
    """Entry orders cancelled, snipes disarmed. Only a person resumes."""
    FLATTENING = "flattening"
    """As halted, and every position is being closed."""

    @property
    def allows_entries(self) -> bool:
        """Whether a buy may be sent."""
        return self is TradingState.ACTIVE


class Cause(StrEnum):
    """Why trading is not active."""

    NONE = "none"
    MANUAL = "person"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    LOSSES_IN_A_ROW = "losses_in_a_row"
    EMERGENCY = "emergency"
    INVARIANT = "invariant"
    """The books contradict themselves or the exchange."""
    UNKNOWN_ORDER = "stranger"
    """An order with our prefix that we never made: another instance, or a stolen key."""
    KEY = "key"
    """The exchange refuses this key."""
    ORDER_WORKER = "order_worker"
    STORAGE = "storage"
    CLOCK = "clock"
    """The exchange's time is in doubt."""
    WORKER = "worker"
    """A worker keeps failing."""
    STREAM = "stream"
    """The private stream is down."""
    BAN = "ban"
    BOOKS = "books"
    """Books were not compared with the exchange's lately."""
    WARNING = "warning"
    """The guard warns of a limit that is near."""

    @property
    def is_loss(self) -> bool:
        """Whether money was lost: then a person resumes, with a word."""
        return self in (Cause.DAILY_LOSS, Cause.DRAWDOWN, Cause.LOSSES_IN_A_ROW, Cause.EMERGENCY)


class RiskLevel(StrEnum):
    """What the guard makes of what it sees, mildest first (architecture 5)."""

    NORMAL = "normal"
    MEDIUM = "medium"
    """Warning: trim positions, tighten limits."""
    HIGH = "high"
    """Warning: close positions, cancel their orders."""
    CRITICAL = "critical"
    """Emergency stop."""


class Tightening(msgspec.Struct, frozen=True, kw_only=True):
    """How far the limits of entries are lowered after a warning, as persisted."""

    steps: int = 0
    """0: the configured limits apply."""
    cause: str = ""
    by: str = ""
    """Who lowered them, or lifted it."""
    since_ms: int = 0
    until_ms: int = 0
    """When the configured limits apply again."""


class RiskCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the risk monitor: what it measured, and its result. None: not known then."""

    at_ms: int
    daily_loss_pct: Decimal | None
    drawdown_pct: Decimal | None
    losses_in_a_row: int
    exposure_pct: Decimal | None
    breaches: tuple[str, ...] = ()
    unprotected: tuple[str, ...] = ()
    level: RiskLevel = RiskLevel.NORMAL
    findings: str = ""
    actions: tuple[str, ...] = ()


class Trading(msgspec.Struct, frozen=True, kw_only=True):
    """Persisted trading state of an account in an exchange session; without self-lifting states."""

    state: TradingState = TradingState.ACTIVE
    cause: Cause = Cause.NONE
    words: str = ""
    """The cause, for people."""
    since_ms: int = 0
    by: str = ""
    """Who: a person's name for itself, or the worker."""
    generation: int = 0
    """Goes up with every halt; a sender that began under an older one sends nothing."""
    no_resting: bool = False
    """After an emergency stop, until a person resumes: only orders that reduce risk at once are sent."""
