"""Levels of the guard: normal, warnings (medium: trim, high: close), critical: emergency stop (design 5)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.trading import Cause, GuardLevel, TradingState

HUNDRED = Decimal(100)
_ORDER = tuple(GuardLevel)


class GuardAction(StrEnum):
    """What the guard does; each is carried out with a result that was observed."""

    ALERT = "alert"
    TRIM = "trim"
    TIGHTEN = "tighten"
    """No entries while the warning lasts."""
    CLOSE = "close"
    CANCEL = "cancel"
    """The entry orders."""
    HALT = "halt"
    EMERGENCY = "emergency"
    """Stop entries, cancel until nothing of ours is seen, flatten with a slippage cap, keep the evidence."""


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Settings of the guard. Shares are per cent; of `_pct` limits: of equity."""

    daily_loss_pct: Decimal = Decimal(2)
    drawdown_pct: Decimal = Decimal(10)
    losses_halt: int = 5
    medium_pct: Decimal = Decimal(50)
    """Share of a limit from which a warning is medium."""
    high_pct: Decimal = Decimal(75)
    trim_pct: Decimal = Decimal(30)
    exposure_pct: Decimal = Decimal(20)
    emergency_factor: Decimal = Decimal("1.5")
    """A loss of so many limits is an emergency: what is held is flattened too."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What the guard looks at; None: not known, which is a finding of its own."""

    daily_loss_pct: Decimal | None
    drawdown_pct: Decimal | None
    losses_in_a_row: int
    exposure_pct: Decimal | None
    breaches: tuple[str, ...] = ()
    """Broken invariants, in words."""
    unprotected: tuple[str, ...] = ()
    """Symbols of positions without protection, with the reason."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    level: GuardLevel
    cause: Cause
    words: str
    trims: bool = True
    """Whether holding less would help."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What the guard makes of it all: the gravest level, why, and what is to be done."""

    level: GuardLevel
    findings: tuple[Finding, ...]
    actions: tuple[GuardAction, ...]
    halt: Cause = Cause.NONE
    """Why trading halts; NONE: it does not."""
    trim_pct: Decimal = Decimal(0)
    """Part of each position to be sold, once when the level is reached."""

    @property
    def state(self) -> TradingState:
        """Return the trading state that this grade asks for."""
        if GuardAction.EMERGENCY in self.actions:
            return TradingState.FLATTENING
        if self.halt is not Cause.NONE:
            return TradingState.HALTED
        return TradingState.REDUCE_ONLY if GuardAction.TIGHTEN in self.actions else TradingState.ACTIVE


def grade(readings: Readings, rules: GuardRules) -> Grade:
    """Return the grade of what was read."""
    found = tuple(finding for finding in _findings(readings, rules) if finding is not None)
    level = max((finding.level for finding in found), key=_ORDER.index, default=GuardLevel.NORMAL)
    actions = _ACTIONS[level]
    halt = Cause.NONE
    if level is GuardLevel.CRITICAL:
        gravest = [finding for finding in found if finding.level is GuardLevel.CRITICAL]
        halt = next((f.cause for f in gravest if f.cause.is_loss), gravest[0].cause)
        if not _is_emergency(readings, rules):
            actions = (GuardAction.ALERT, GuardAction.HALT, GuardAction.CANCEL)
    trim = Decimal(0)
    if level is GuardLevel.MEDIUM and any(finding.trims for finding in found):
        trim = rules.trim_pct
    elif level is GuardLevel.MEDIUM:
        actions = (GuardAction.ALERT, GuardAction.TIGHTEN)
    return Grade(level, found, actions, halt, trim)


_ACTIONS: dict[GuardLevel, tuple[GuardAction, ...]] = {
    GuardLevel.NORMAL: (),
    GuardLevel.MEDIUM: (GuardAction.ALERT, GuardAction.TIGHTEN, GuardAction.TRIM),
    GuardLevel.HIGH: (GuardAction.ALERT, GuardAction.TIGHTEN, GuardAction.CANCEL, GuardAction.CLOSE),
    GuardLevel.CRITICAL: (
        GuardAction.ALERT, GuardAction.HALT, GuardAction.CANCEL, GuardAction.EMERGENCY,
    ),
}  # fmt: skip


def _is_emergency(readings: Readings, rules: GuardRules) -> bool:
    """Whether selling everything is right: a loss far over its limit. A breach of the books sells nothing."""
    if readings.breaches:
        return False
    loss, fall = readings.daily_loss_pct or Decimal(0), readings.drawdown_pct or Decimal(0)
    factor = rules.emergency_factor
    return loss >= rules.daily_loss_pct * factor or fall >= rules.drawdown_pct * factor


def _findings(readings: Readings, rules: GuardRules) -> tuple[Finding | None, ...]:
    losses = Decimal(readings.losses_in_a_row)
    return (
        *(Finding(GuardLevel.CRITICAL, Cause.INVARIANT, words) for words in readings.breaches),
        _of_limit("loss of the day", Cause.DAILY_LOSS, readings.daily_loss_pct, rules.daily_loss_pct, rules),
        _of_limit("drawdown", Cause.DRAWDOWN, readings.drawdown_pct, rules.drawdown_pct, rules),
        _count(losses, rules),
        _over(readings.exposure_pct, rules),
        *(_naked(words) for words in readings.unprotected),
    )


def _naked(words: str) -> Finding:
    return Finding(GuardLevel.MEDIUM, Cause.NONE, f"no protection: {words}", trims=False)


def _of_limit(
    name: str, cause: Cause, value: Decimal | None, limit: Decimal, rules: GuardRules
) -> Finding | None:
    if value is None:
        return None
    share = value * HUNDRED / limit
    words = f"{name} {value:.3g} % of {limit:f} %"
    if share >= HUNDRED:
        return Finding(GuardLevel.CRITICAL, cause, words)
    if share >= rules.high_pct:
        return Finding(GuardLevel.HIGH, cause, words)
    return Finding(GuardLevel.MEDIUM, cause, words) if share >= rules.medium_pct else None


def _count(losses: Decimal, rules: GuardRules) -> Finding | None:
    if losses < rules.losses_halt:
        return None
    return Finding(GuardLevel.CRITICAL, Cause.LOSSES_IN_A_ROW, f"{losses} losses in a row")


def _over(exposure_pct: Decimal | None, rules: GuardRules) -> Finding | None:
    """Say when prices alone carried exposure over its cap: a gain is trimmed, not closed."""
    if exposure_pct is None or exposure_pct <= rules.exposure_pct:
        return None
    return Finding(
        GuardLevel.MEDIUM, Cause.NONE, f"exposure {exposure_pct:.3g} % of {rules.exposure_pct:f} %"
    )
