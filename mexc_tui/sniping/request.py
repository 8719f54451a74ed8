"""What the validation pipeline looks at: the proposal, the pair, the desk, and the settings."""

from dataclasses import dataclass, field
from decimal import Decimal
from re import Pattern

from mexc_tui.model.listing import Listing
from mexc_tui.model.mode import Mode
from mexc_tui.model.order import OrderType
from mexc_tui.model.policy import AutoArm
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.trading import Trading
from mexc_tui.risk.candidate import Candidate, RiskBook, RiskLimits
from mexc_tui.sniping.key_pairs import UNREAD, KeyPermission


@dataclass(frozen=True, slots=True)
class ArmProposal:
    """A snipe that is asked for. `detector` None: a person asks, at a face."""

    symbol: str
    signal_id: str
    detector: DetectorName | None
    opens_ms: int | None
    spend: Decimal
    """Quote units, fees included."""
    type: OrderType
    price: Decimal | None
    """The limit of its first attempt; None: not known before the opening."""
    reference_price: Decimal | None
    plan: ExitPlan | None
    probability: float | None = None
    size_words: str = ""
    """Why there is no size, from sizing; empty: there is one."""
    snipe_id: str = ""
    """Of a snipe that is judged again shortly before its opening."""

    @property
    def is_manual(self) -> bool:
        """Whether a person asks."""
        return self.detector is None


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What is known of the pair. None: its source does not know it."""

    listing: Listing | None
    symbol: Symbol | None
    key_permission: KeyPermission = UNREAD
    """Whether the key's own list of pairs names it."""
    asks: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is known of the key."""

    may_trade: bool
    may_withdraw: bool = False
    is_ip_bound: bool | None = None
    """None: the exchange does not tell."""
    words: str = ""


@dataclass(frozen=True, slots=True)
class WorkerFact:
    """One worker that firing rests on."""

    name: str
    is_healthy: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """What is known of the engine."""

    mode: Mode
    is_unlocked: bool
    """Live: a person unlocked this session."""
    key: KeyFacts | None
    trading: Trading
    generation: int
    """Of halts, that the asker began under."""
    outcomes: int
    """Recorded outcomes of the detector (formulas E7)."""
    workers: tuple[WorkerFact, ...]
    is_reconciled: bool
    ban: str = ""
    """The exchange's ban in force, in words; empty: none."""


@dataclass(frozen=True, slots=True)
class ArmRules:
    """Settings of arming."""

    auto_arm: AutoArm = AutoArm.PRACTICE
    arm_outcomes: int = 100
    min_probability: float = 0.8
    detectors: tuple[DetectorName, ...] = (DetectorName.READY_STATE,)
    require_calendar: bool = True
    advance_ms: int = 12_600_000
    allow: tuple[Pattern[str], ...] = ()
    deny: tuple[Pattern[str], ...] = ()
    order_min_quote: Decimal = Decimal(1)
    late_ms: int = 5_000
    """An opening longer past than the entry window is missed."""


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """Everything that a proposal is judged by, at one moment."""

    pair: PairFacts
    desk: DeskFacts
    book: RiskBook
    rules: ArmRules = field(default_factory=ArmRules)
    limits: RiskLimits = field(default_factory=RiskLimits)


def candidate_of(proposal: ArmProposal, facts: ArmFacts, now_ms: int) -> Candidate:
    """Return a proposal as the risk limits look at it."""
    return Candidate(
        symbol=proposal.symbol,
        spend=proposal.spend,
        opens_ms=now_ms if proposal.opens_ms is None else proposal.opens_ms,
        price=proposal.price,
        reference_price=proposal.reference_price,
        asks=facts.pair.asks,
        snipe_id=proposal.snipe_id,
    )
