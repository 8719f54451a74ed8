"""Levels of the risk monitor: normal, medium (trim), high (close), critical (stop) (architecture 5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from mexc_tui.model.trading import Cause, RiskCheck, RiskLevel, TradingState

HUNDRED = Decimal(100)
_ORDER = tuple(RiskLevel)


class RiskAction(StrEnum):
    """Actions of the risk monitor; each is recorded with its observed result."""

    ALERT = "alert"
    TRIM = "trim"
    TIGHTEN = "tighten"
    """Tighten the entry limits by one step, temporarily."""
    PAUSE = "pause"
    """No entries while the warning lasts."""
    CLOSE = "close"
    CANCEL = "cancel"
    """Cancel entry orders."""
    HALT = "halt"
    EMERGENCY = "emergency"
    """Stop entries, cancel all orders of the desk, flatten with a slippage cap, keep the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """Settings of the risk monitor. Shares are per cent; `_pct` limits are per cent of equity."""

    daily_loss_pct: Decimal = Decimal(2)
    drawdown_pct: Decimal = Decimal(10)
    losses_halt: int = 5
    medium_pct: Decimal = Decimal(50)
    """Share of a limit from which a finding is medium."""
    high_pct: Decimal = Decimal(75)
    trim_pct: Decimal = Decimal(30)
    exposure_pct: Decimal = Decimal(20)
    flattens: bool = True
    """Whether a critical finding sells all positions; entries halt either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReadings:
    """Measurements of the risk monitor; None: unknown, which produces no finding of its limit."""

    daily_loss_pct: Decimal | None
    drawdown_pct: Decimal | None
    losses_in_a_row: int
    exposure_pct: Decimal | None
    breaches: tuple[str, ...] = ()
    """Breached invariants, as text."""
    unprotected: tuple[str, ...] = ()
    """Symbols of unprotected positions, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFinding:
    """One finding of the risk monitor."""

    level: RiskLevel
    cause: Cause
    text: str
    trims: bool = True
    """Whether a smaller position would help."""
    is_priced: bool = False
    """Whether it depends on current prices: one quote alone proves nothing (architecture 2.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskGrade:
    """Overall result of a risk check: the highest level, the findings and the required actions."""

    level: RiskLevel
    findings: tuple[RiskFinding, ...]
    actions: tuple[RiskAction, ...]
    halt: Cause = Cause.NONE
    """Cause of the required halt; NONE: no halt."""
    trim_pct: Decimal = Decimal(0)
    """Share of each position to sell, once when the level is reached."""

    @property
    def state(self) -> TradingState:
        """Return the trading state that this grade requires."""
        if RiskAction.EMERGENCY in self.actions:
            return TradingState.FLATTENING
        if self.halt is not Cause.NONE:
            return TradingState.HALTED
        return TradingState.REDUCE_ONLY if RiskAction.PAUSE in self.actions else TradingState.ACTIVE


def confirmed(checks: Sequence[tuple[RiskFinding, ...]]) -> tuple[RiskFinding, ...]:
    """Return the newest findings at the level that every check confirms; `checks`: oldest first.

    A finding based on prices counts at the lowest level of its cause in any check, and not at all if one
    check lacks it. Others, such as a breach of the ledger, count immediately.
    """
    *before, newest = checks
    return tuple(lowest for finding in newest if (lowest := _mildest(finding, before)) is not None)


def _mildest(finding: RiskFinding, before: Sequence[tuple[RiskFinding, ...]]) -> RiskFinding | None:
    if not finding.is_priced:
        return finding
    level = finding.level
    for earlier in before:
        same = [other.level for other in earlier if other.is_priced and other.cause is finding.cause]
        if not same:
            return None
        level = min(level, *same, key=_ORDER.index)
    return replace(finding, level=level)


def grade(
    readings: RiskReadings, rules: RiskRules, found: tuple[RiskFinding, ...] | None = None
) -> RiskGrade:
    """Return the grade of the readings, or of the given confirmed findings."""
    if found is None:
        found = findings(readings, rules)
    level = max((finding.level for finding in found), key=_ORDER.index, default=RiskLevel.NORMAL)
    gravest = [finding for finding in found if finding.level is level]
    if level is RiskLevel.CRITICAL:
        halt = next((finding.cause for finding in gravest if finding.cause.is_loss), gravest[0].cause)
        return RiskGrade(level=level, findings=found, actions=_critical_actions(readings, rules), halt=halt)
    trims = level is RiskLevel.MEDIUM and any(finding.trims for finding in gravest)
    actions = set(_ACTIONS[level] if trims or level is not RiskLevel.MEDIUM else ())
    if any(not finding.trims for finding in found):
        actions |= {RiskAction.ALERT, RiskAction.PAUSE}
    ordered = tuple(action for action in RiskAction if action in actions)
    return RiskGrade(
        level=level, findings=found, actions=ordered, trim_pct=rules.trim_pct if trims else Decimal(0)
    )


def risk_check(readings: RiskReadings, found: RiskGrade, at_ms: int) -> RiskCheck:
    """Return the record of a risk check for the store."""
    return RiskCheck(
        at_ms=at_ms,
        daily_loss_pct=readings.daily_loss_pct,
        drawdown_pct=readings.drawdown_pct,
        losses_in_a_row=readings.losses_in_a_row,
        exposure_pct=readings.exposure_pct,
        breaches=readings.breaches,
        unprotected=readings.unprotected,
        level=found.level,
        findings="; ".join(finding.text for finding in found.findings),
        actions=tuple(action.value for action in found.actions),
    )


_ACTIONS: dict[RiskLevel, tuple[RiskAction, ...]] = {
    RiskLevel.NORMAL: (),
    RiskLevel.MEDIUM: (RiskAction.ALERT, RiskAction.TIGHTEN, RiskAction.TRIM),
    RiskLevel.HIGH: (
        RiskAction.ALERT, RiskAction.TIGHTEN, RiskAction.PAUSE, RiskAction.CANCEL, RiskAction.CLOSE,
    ),
}  # fmt: skip


def _critical_actions(readings: RiskReadings, rules: RiskRules) -> tuple[RiskAction, ...]:
    """Halt and cancel; flatten as configured, but never on an inconsistent ledger."""
    if rules.flattens and not readings.breaches:
        return (RiskAction.ALERT, RiskAction.CANCEL, RiskAction.HALT, RiskAction.EMERGENCY)
    return (RiskAction.ALERT, RiskAction.CANCEL, RiskAction.HALT)


def findings(readings: RiskReadings, rules: RiskRules) -> tuple[RiskFinding, ...]:
    """Return every finding about the readings."""
    losses = Decimal(readings.losses_in_a_row)
    found = (
        *(
            RiskFinding(level=RiskLevel.CRITICAL, cause=Cause.INVARIANT, text=text)
            for text in readings.breaches
        ),
        _of_limit(
            "daily loss", Cause.DAILY_LOSS, readings.daily_loss_pct, limit=rules.daily_loss_pct, rules=rules
        ),
        _of_limit("drawdown", Cause.DRAWDOWN, readings.drawdown_pct, limit=rules.drawdown_pct, rules=rules),
        _count(losses, rules),
        _over(readings.exposure_pct, rules),
        *(_unprotected_finding(text) for text in readings.unprotected),
    )
    return tuple(finding for finding in found if finding is not None)


def _unprotected_finding(text: str) -> RiskFinding:
    return RiskFinding(level=RiskLevel.MEDIUM, cause=Cause.NONE, text=f"no protection: {text}", trims=False)


def _of_limit(
    name: str, cause: Cause, value: Decimal | None, *, limit: Decimal, rules: RiskRules
) -> RiskFinding | None:
    if value is None:
        return None
    share = value * HUNDRED / limit
    text = f"{name} {value:.3g} % of {limit:f} %"
    if share >= HUNDRED:
        return RiskFinding(level=RiskLevel.CRITICAL, cause=cause, text=text, is_priced=True)
    if share >= rules.high_pct:
        return RiskFinding(level=RiskLevel.HIGH, cause=cause, text=text, is_priced=True)
    return (
        RiskFinding(level=RiskLevel.MEDIUM, cause=cause, text=text, is_priced=True)
        if share >= rules.medium_pct
        else None
    )


def _count(losses: Decimal, rules: RiskRules) -> RiskFinding | None:
    if losses < rules.losses_halt:
        return None
    return RiskFinding(
        level=RiskLevel.CRITICAL, cause=Cause.LOSSES_IN_A_ROW, text=f"{losses} consecutive losses"
    )


def _over(exposure_pct: Decimal | None, rules: RiskRules) -> RiskFinding | None:
    """Return a finding when prices alone raised exposure above its cap: the gain is trimmed, not closed."""
    if exposure_pct is None or exposure_pct <= rules.exposure_pct:
        return None
    return RiskFinding(
        level=RiskLevel.MEDIUM,
        cause=Cause.NONE,
        text=f"exposure {exposure_pct:.3g} % of {rules.exposure_pct:f} %",
        is_priced=True,
    )
