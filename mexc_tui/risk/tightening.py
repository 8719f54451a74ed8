"""Tightening of the entry limits, step by step after warnings and for a limited time. Pure.

Only entries use the tightened limits: the risk monitor keeps measuring against the configured ones, so
that a tightened limit never triggers the next warning.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from mexc_tui.model.trading import Tightening
from mexc_tui.risk.candidate import RiskLimits

HUNDRED = Decimal(100)
MAX_STEPS = 3
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class TighteningRules:
    """Settings. `step_pct`: reduction of each limit per step, in per cent; `lasts_ms`: duration."""

    step_pct: Decimal = Decimal(50)
    lasts_ms: int = 14_400_000


NOT_TIGHTENED = Tightening()


def tighten(now: Tightening, rules: TighteningRules, cause: str, *, by: str, at_ms: int) -> Tightening:
    """Return the tightening one step further, at most `MAX_STEPS`; the duration restarts at `at_ms`."""
    steps = in_force(now, at_ms).steps
    return Tightening(
        steps=min(steps + 1, MAX_STEPS), cause=cause, by=by, since_ms=at_ms, until_ms=at_ms + rules.lasts_ms
    )


def in_force(now: Tightening, at_ms: int) -> Tightening:
    """Return the tightening that applies at a moment: none after its expiry."""
    return now if now.steps and at_ms < now.until_ms else NOT_TIGHTENED


def share_left(now: Tightening, rules: TighteningRules) -> Decimal:
    """Return the remaining share of each configured limit; 1: all of it."""
    return (1 - rules.step_pct / HUNDRED) ** now.steps


def tightened(limits: RiskLimits, now: Tightening, rules: TighteningRules) -> RiskLimits:
    """Return the tightened entry limits. Counts stay at 1 or more: 0 would be a halt."""
    if not now.steps:
        return limits
    share, quote_cap = share_left(now, rules), limits.exposure_cap_quote
    return replace(
        limits,
        position_cap_quote=_amount(limits.position_cap_quote, share),
        position_cap_pct=_amount(limits.position_cap_pct, share),
        exposure_cap_pct=_amount(limits.exposure_cap_pct, share),
        exposure_cap_quote=None if quote_cap is None else _amount(quote_cap, share),
        max_positions=_count(limits.max_positions, share),
        max_trades_hour=_count(limits.max_trades_hour, share),
        max_trades_day=_count(limits.max_trades_day, share),
    )


def _amount(limit: Decimal, share: Decimal) -> Decimal:
    return (limit * share).quantize(CENT, ROUND_DOWN)


def _count(limit: int, share: Decimal) -> int:
    return max(int(limit * share), 1)
