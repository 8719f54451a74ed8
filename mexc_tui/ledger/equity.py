"""What the desk is worth: cash, and coins at the bid less the fee of selling them (formulas E0)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.numbers import exactly, rounded
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EquityPoint, Position


@dataclass(frozen=True, slots=True)
class PriceMark:
    """What one position would be sold at. `bid` None: no fresh price. `exit_fee` is a ratio."""

    position: Position
    bid: Decimal | None
    exit_fee: Decimal


@exactly
def market_value(mark: PriceMark) -> Decimal | None:
    """Return what is left of a position at the bid less the fee of selling; None without a price."""
    if not mark.position.remaining:
        return ZERO
    if mark.bid is None:
        return None
    return rounded(mark.position.remaining * mark.bid * (1 - mark.exit_fee))


@exactly
def unrealised(mark: PriceMark) -> Decimal | None:
    """Return the profit of selling the rest now, fees of both ways taken off; None without a price."""
    value = market_value(mark)
    return None if value is None else value - mark.position.remaining_cost


@exactly
def equity_point(
    cash: Decimal, marks: Iterable[PriceMark], flows: Decimal, previous: EquityPoint | None, at_ms: int
) -> EquityPoint:
    """Return the desk's worth now. `previous`: the last complete point, stored: a restart keeps the peak.

    A deposit or withdrawal since then scales the peak: it is no gain, and hides no loss. Coins without a
    price count as nothing and make the point incomplete: no limit may act on it, and it moves no peak.
    """
    values = [market_value(mark) for mark in marks]
    is_complete = None not in values
    holdings = sum((value for value in values if value is not None), ZERO)
    peak = ZERO if previous is None else previous.peak
    if is_complete:
        peak = _peak(cash + holdings, flows, previous)
    return EquityPoint(
        at_ms=at_ms, cash=cash, holdings=holdings, flows=flows, peak=peak, is_complete=is_complete
    )


@exactly
def drawdown(point: EquityPoint) -> Decimal | None:
    """Return how far it is below the peak, as a ratio; None if incomplete, or without a peak."""
    if not point.is_complete or point.peak <= 0:
        return None
    return rounded(1 - point.equity / point.peak)


@exactly
def equity_return(since: EquityPoint, now: EquityPoint) -> Decimal | None:
    """Return the gain between two points as a ratio, flows taken out; None if it cannot be told."""
    if not (since.is_complete and now.is_complete) or since.equity <= 0:
        return None
    return rounded((now.equity - (now.flows - since.flows)) / since.equity - 1)


def _peak(equity: Decimal, flows: Decimal, previous: EquityPoint | None) -> Decimal:
    if previous is None:
        return equity
    moved = flows - previous.flows
    before = equity - moved
    if not moved:
        return max(previous.peak, equity)
    return max(rounded(previous.peak * equity / before), equity) if before > 0 else equity
