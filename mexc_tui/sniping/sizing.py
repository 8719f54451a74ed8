"""Position size: a fixed amount, a share of equity, or the loss at the stop (rules 4).

Caps only lower a size. Nothing raises it: a size below the exchange's minimum is refused with a reason.
"""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.policy import Sizing
from mexc_tui.sniping.rounding import HUNDRED, ZERO, Grid

HARD_CAP_QUOTE = Decimal(10_000)
"""Maximum cost of a position, whatever the settings."""
HARD_CAP_PCT = Decimal(50)
"""Maximum share of equity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """Size settings. Amounts in quote units, shares in per cent."""

    sizing: Sizing
    fixed_quote: Decimal
    equity_pct: Decimal
    risk_pct: Decimal
    cap_quote: Decimal
    cap_pct: Decimal
    order_min_quote: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFacts:
    """Inputs of a size. `stop_pct` and `exit_slippage_pct` are below the entry, in per cent."""

    equity: Decimal | None
    """Cash, reservations and holdings; None: unknown."""
    free_cash: Decimal
    stop_pct: Decimal
    exit_slippage_pct: Decimal
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A size, or why there is none. `spend`: quote units, fees included; 0 if refused."""

    spend: Decimal
    wanted: Decimal
    limited_by: str
    """The cap that lowered it; empty: none."""
    refused: str = ""


def size(rules: SizeRules, facts: SizeFacts) -> Sized:
    """Return how much to spend."""
    if facts.equity is None and rules.sizing is not Sizing.FIXED:
        return Sized(
            spend=ZERO, wanted=ZERO, limited_by="", refused="equity unknown: a price is missing or stale"
        )
    wanted = _wanted(rules, facts)
    spend, limited_by = wanted, ""
    for cap, name in _caps(rules, facts):
        if cap < spend:
            spend, limited_by = cap, name
    spend = max(spend, ZERO)
    refused = _too_small(spend, rules, facts, limited_by=limited_by)
    return Sized(spend=ZERO if refused else spend, wanted=wanted, limited_by=limited_by, refused=refused)


def loss_at_stop(facts: SizeFacts) -> Decimal:
    """Return the share of the spend that a stop loses: distance, slippage, and both fees."""
    fee = facts.grid.taker_fee
    sold_at = (1 - facts.stop_pct / HUNDRED) * (1 - facts.exit_slippage_pct / HUNDRED)
    return 1 - sold_at * (1 - fee) / (1 + fee)


def _wanted(rules: SizeRules, facts: SizeFacts) -> Decimal:
    equity = facts.equity or ZERO
    if rules.sizing is Sizing.FIXED:
        return rules.fixed_quote
    if rules.sizing is Sizing.EQUITY:
        return equity * rules.equity_pct / HUNDRED
    return equity * rules.risk_pct / HUNDRED / loss_at_stop(facts)


def _caps(rules: SizeRules, facts: SizeFacts) -> tuple[tuple[Decimal, str], ...]:
    caps = [
        (HARD_CAP_QUOTE, f"the hard cap of {HARD_CAP_QUOTE}"),
        (rules.cap_quote, "the position cap"),
        (facts.free_cash, "free cash"),
    ]
    if facts.equity is not None:
        caps.append((facts.equity * rules.cap_pct / HUNDRED, f"{rules.cap_pct:f} % of equity"))
        caps.append((facts.equity * HARD_CAP_PCT / HUNDRED, f"the hard cap of {HARD_CAP_PCT} % of equity"))
    if facts.grid.max_value is not None:
        caps.append((facts.grid.max_value, "the maximum order value"))
    return tuple(caps)


def _too_small(spend: Decimal, rules: SizeRules, facts: SizeFacts, *, limited_by: str) -> str:
    """Return why a size cannot be traded. Raising it would exceed the risk it is based on (rules 4)."""
    least = max(facts.grid.min_value, rules.order_min_quote)
    why = f", lowered by {limited_by}" if limited_by else ""
    if spend < least * (1 + facts.grid.taker_fee):
        return f"{short(spend)} is below the minimum notional {least:f} plus fee{why}"
    left = spend * (1 - loss_at_stop(facts))
    if left < facts.grid.min_value:
        least = f"below the minimum notional {facts.grid.min_value:f}"
        return f"value at the stop {short(left)} is {least}{why}"
    return ""
