"""Exposure, concentration and risk at stop (formulas E1). Amounts are exact, in quote units."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.figure import Figure, FigureUnit, undefined

ZERO = Decimal(0)
YOUNG_MS = 86_400_000
"""Assets younger than this can open far below their last price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureHolding:
    """One open position as input of the stress tests."""

    symbol: str
    quantity: Decimal
    """Base units; negative for a short position, which does not exist in spot trading."""
    price: Decimal
    """The bid."""
    stop: Decimal | None = None
    """Stop price; None: unprotected."""
    age_ms: int = 0
    """Time since the first trade of the asset on the exchange."""

    @property
    def value(self) -> Decimal:
        """Value at the bid, in quote units."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Weight:
    """Weight of one asset in equity."""

    symbol: str
    share: Figure


@dataclass(frozen=True, slots=True)
class Heat:
    """Loss if every stop triggers."""

    amount: Decimal
    of_equity: Figure
    unprotected: tuple[str, ...]
    """Symbols without a stop, counted at full value."""


def gross_exposure(holdings: Iterable[ExposureHolding]) -> Decimal:
    """Return `G = sum |q p|`, quote units (formulas E1)."""
    return sum((abs(holding.value) for holding in holdings), ZERO)


def share_of_equity(amount: Decimal, equity: Decimal) -> Figure:
    """Return `amount / E`, the weight of cash or of an exposure, as a share (formulas E1)."""
    if equity <= 0:
        return undefined(1, 1, "no equity", unit=FigureUnit.SHARE)
    return Figure(value=float(amount / equity), n=1, minimum=1, unit=FigureUnit.SHARE)


def weights(holdings: Iterable[ExposureHolding], equity: Decimal) -> tuple[Weight, ...]:
    """Return `w_i = q_i p_i / E` per coin, heaviest first; equity includes cash (formulas E1)."""
    values = by_symbol(holdings)
    ordered = sorted(values, key=lambda symbol: (-values[symbol], symbol))
    return tuple(Weight(symbol, share_of_equity(values[symbol], equity)) for symbol in ordered)


def concentration(holdings: Iterable[ExposureHolding]) -> Figure:
    """Return Herfindahl–Hirschman `HHI = sum s_i^2`, `s_i = |q_i p_i| / G` (formulas E1).

    1/n when spread equally over n coins, 1 for a single one. n counts coins, not positions.
    """
    values = [abs(value) for value in by_symbol(holdings).values() if value]
    gross = sum(values, ZERO)
    if not gross:
        return undefined(0, 1, "nothing held")
    return Figure(
        value=float(sum(value * value for value in values) / (gross * gross)), n=len(values), minimum=1
    )


def effective_number(holdings: Iterable[ExposureHolding]) -> Figure:
    """Return `1 / HHI`: the number of equal positions with the same concentration (formulas E1)."""
    hhi = concentration(holdings)
    if hhi.value is None:
        return hhi
    return Figure(value=1 / hhi.value, n=hhi.n, minimum=1)


def risk_at_stop(holdings: Iterable[ExposureHolding], exit_cost: Decimal, equity: Decimal) -> Heat:
    """Return open risk `sum q (p - stop) + exit costs`, quote units and share of E (formulas E1).

    `exit_cost`: cost of a sale (fee and slippage) as a share of its proceeds. A stop above the price counts
    as no gain and adds only its costs. Without a stop the whole value is at risk.
    """
    held = tuple(holdings)
    amount = sum((_loss_at_stop(holding, exit_cost) for holding in held), ZERO)
    bare = tuple(holding.symbol for holding in held if holding.stop is None)
    return Heat(amount, share_of_equity(amount, equity), bare)


def gap_loss(holdings: Iterable[ExposureHolding], gap: Decimal) -> Decimal:
    """Return the loss if each coin younger than 24 h opens at `(1 - gap) p`, quote units (formulas E1)."""
    return sum((holding.value * gap for holding in holdings if holding.age_ms < YOUNG_MS), ZERO)


def by_symbol(holdings: Iterable[ExposureHolding]) -> dict[str, Decimal]:
    """Return the value of each coin, all its positions together."""
    values: dict[str, Decimal] = {}
    for holding in holdings:
        values[holding.symbol] = values.get(holding.symbol, ZERO) + holding.value
    return values


def _loss_at_stop(holding: ExposureHolding, exit_cost: Decimal) -> Decimal:
    if holding.stop is None:
        return abs(holding.value)
    fall = max(holding.quantity * (holding.price - holding.stop), ZERO)
    return fall + abs(holding.quantity) * min(holding.stop, holding.price) * exit_cost
