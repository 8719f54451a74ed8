"""Equity: cash, plus coins at the bid less the selling fee (formulas E0)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.ledger.arithmetic import exactly, rounded
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EquityPoint, Position


@dataclass(frozen=True, slots=True)
class PriceMark:
    """Selling price of one position. `bid` None: no fresh price. `exit_fee` is a ratio."""

    position: Position
    bid: Decimal | None
    exit_fee: Decimal


@exactly
def market_value(mark: PriceMark) -> Decimal | None:
    """Return the value of the remainder at the bid less the selling fee; None: no price."""
    if not mark.position.remaining:
        return ZERO
    if mark.bid is None:
        return None
    return rounded(mark.position.remaining * mark.bid * (1 - mark.exit_fee))


@exactly
def unrealised(mark: PriceMark) -> Decimal | None:
    """Return the profit of selling the remainder now, net of entry and exit fees; None: no price."""
    value = market_value(mark)
    return None if value is None else value - mark.position.remaining_cost


@exactly
def equity_point(
    cash: Decimal, marks: Iterable[PriceMark], flows: Decimal, *, previous: EquityPoint | None, at_ms: int
) -> EquityPoint:
    """Return the desk's equity. `previous`: the last stored complete point, so that a restart keeps the peak.

    A deposit or withdrawal since then scales the peak: it is no gain, and hides no loss. Without a
    price, coins count as 0 and the point is incomplete: no limit acts on it, and the peak stays.
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
    """Return the drawdown from the peak as a ratio; None: incomplete, or no peak."""
    if not point.is_complete or point.peak <= 0:
        return None
    return rounded(1 - point.equity / point.peak)


@exactly
def equity_return(since: EquityPoint, now: EquityPoint) -> Decimal | None:
    """Return the return between two points, net of flows; None: undefined."""
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
