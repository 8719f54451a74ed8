"""Trading state and risk levels."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class TradingState(StrEnum):
    """Trading state; exits run in all states (architecture 5)."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    """No entries; armed snipes wait. It ends together with its cause."""
    HALTED = "halted"
    """Entry orders cancelled, snipes disarmed. Only a manual resume ends it."""
    FLATTENING = "flattening"
    """Halted, and all positions are being closed."""

    @property
    def allows_entries(self) -> bool:
        """Whether entries are allowed."""
        return self is TradingState.ACTIVE


class Cause(StrEnum):
    """Cause of a trading state."""

    NONE = "none"
    MANUAL = "manual"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    LOSSES_IN_A_ROW = "losses_in_a_row"
    EMERGENCY = "emergency"
    INVARIANT = "invariant"
    """The ledger contradicts itself or the exchange."""
    UNRECORDED_ORDER = "unrecorded_order"
    """An order with this desk's prefix that is not in its ledger: another desk, or a stolen key."""
    KEY = "key"
    """The exchange rejects this key."""
    ACCOUNT = "account"
    """The exchange restricted the account."""
    ORDER_WORKER = "order_worker"
    STORAGE = "storage"
    CLOCK = "clock"
    """The exchange's time is uncertain."""
    WORKER = "worker"
    """A worker keeps failing."""
    STREAM = "stream"
    """The user stream is down."""
    BAN = "ban"
    BOOKS = "books"
    """Ledger and exchange were not reconciled recently."""
    WARNING = "warning"
    """The risk monitor warns of a limit that is close."""

    @classmethod
    def _missing_(cls, value: object) -> "Cause | None":
        """Read the names that older databases contain."""
        old = {"person": cls.MANUAL, "stranger": cls.UNRECORDED_ORDER, "unknown_order": cls.UNRECORDED_ORDER}
        return old.get(str(value))

    @property
    def is_loss(self) -> bool:
        """Whether it is a loss: resuming then needs a confirmation."""
        return self in (Cause.DAILY_LOSS, Cause.DRAWDOWN, Cause.LOSSES_IN_A_ROW, Cause.EMERGENCY)


class RiskLevel(StrEnum):
    """Risk level found by the risk monitor, lowest first (architecture 5)."""

    NORMAL = "normal"
    MEDIUM = "medium"
    """Warning: trim positions, tighten limits."""
    HIGH = "high"
    """Warning: close positions, cancel their orders."""
    CRITICAL = "critical"
    """Emergency stop."""


class Tightening(msgspec.Struct, frozen=True, kw_only=True):
    """Persisted reduction of the entry limits after a warning."""

    steps: int = 0
    """0: the configured limits apply."""
    cause: str = ""
    by: str = ""
    """Who lowered or restored them."""
    since_ms: int = 0
    until_ms: int = 0
    """Time from which the configured limits apply again."""


class RiskCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One risk check: measurements and result. None: unknown at the time."""

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
    text: str = msgspec.field(default="", name="words")
    """Text of the cause."""
    since_ms: int = 0
    by: str = ""
    """Client name or worker."""
    generation: int = 0
    """Increases with every halt; a sender started under an older one sends nothing."""
    no_resting: bool = False
    """Set by an emergency stop until a manual resume: only orders that reduce risk at once are sent."""
