"""Inputs of the validation pipeline: the proposed entry, the pair, the desk, and the settings."""

from dataclasses import dataclass, field
from decimal import Decimal
from re import Pattern

from mexc_tui.model.listing import Listing, ListingCategory
from mexc_tui.model.mode import Mode
from mexc_tui.model.order import OrderType
from mexc_tui.model.policy import AutoArm
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.trading import Trading
from mexc_tui.risk.candidate import Candidate, RiskBook, RiskLimits
from mexc_tui.sniping.key_pairs import UNREAD, KeyPermission


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTerms:
    """Terms of one snipe in place of the settings; None: as in the settings. All limits still apply."""

    spend: Decimal | None = None
    """Quote units, fees included."""
    max_price: Decimal | None = None
    """Cap of the limit price; it only lowers the cap from the reference price."""
    stop_loss_pct: Decimal | None = None


NO_TERMS = ArmTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmProposal:
    """A proposed snipe. `detector` None: manual."""

    symbol: str
    signal_id: str
    detector: DetectorName | None
    opens_ms: int | None
    spend: Decimal
    """Quote units, fees included."""
    type: OrderType
    price: Decimal | None
    """Limit price of the first attempt; None: unknown before the opening."""
    reference_price: Decimal | None
    plan: ExitPlan | None
    probability: float | None = None
    size_text: str = ""
    """Why sizing returned no size; empty: it did."""
    snipe_id: str = ""
    """Id of an existing snipe that is checked again shortly before its opening."""

    @property
    def is_manual(self) -> bool:
        """Whether a user requested it."""
        return self.detector is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """Facts about the pair. None: unknown to the source."""

    listing: Listing | None
    symbol: Symbol | None
    key_permission: KeyPermission = UNREAD
    """Whether the key's own symbol list contains the pair."""
    asks: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """Facts about the API key."""

    may_trade: bool
    may_withdraw: bool = False
    is_ip_bound: bool | None = None
    """None: not reported by the exchange."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class WorkerFact:
    """Health of one worker that firing depends on."""

    name: str
    is_healthy: bool
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFacts:
    """Facts about the engine."""

    mode: Mode
    is_unlocked: bool
    """Whether live trading was unlocked manually for this session."""
    key: KeyFacts | None
    trading: Trading
    generation: int
    """Halt generation at the start of the request."""
    outcomes: int
    """Recorded outcomes of the detector (formulas E7)."""
    workers: tuple[WorkerFact, ...]
    is_reconciled: bool
    ban: str = ""
    """Text of the active ban by the exchange; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRules:
    """Arming settings."""

    auto_arm: AutoArm = AutoArm.PRACTICE
    arm_outcomes: int = 100
    min_probability: float = 0.8
    detectors: tuple[DetectorName, ...] = (DetectorName.READY_STATE,)
    categories: tuple[ListingCategory, ...] = (ListingCategory.COIN,)
    require_calendar: bool = True
    require_bound_key: bool = False
    """Whether a live key must be bound to IP addresses."""
    advance_ms: int = 12_600_000
    allow: tuple[Pattern[str], ...] = ()
    deny: tuple[Pattern[str], ...] = ()
    order_min_quote: Decimal = Decimal(1)
    late_ms: int = 5_000
    """An opening further in the past than the entry window is missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFacts:
    """All inputs of one pre-trade check, at one moment."""

    pair: PairFacts
    desk: DeskFacts
    book: RiskBook
    rules: ArmRules = field(default_factory=ArmRules)
    limits: RiskLimits = field(default_factory=RiskLimits)


def candidate_of(proposal: ArmProposal, facts: ArmFacts, now_ms: int) -> Candidate:
    """Return a proposed entry as input of the risk limits."""
    return Candidate(
        symbol=proposal.symbol,
        spend=proposal.spend,
        opens_ms=now_ms if proposal.opens_ms is None else proposal.opens_ms,
        price=proposal.price,
        reference_price=proposal.reference_price,
        asks=facts.pair.asks,
        snipe_id=proposal.snipe_id,
    )
