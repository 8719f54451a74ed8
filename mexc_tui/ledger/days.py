"""Performance of a UTC day, updated in the transaction of each fill (formulas E0)."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.position import Position, PositionState, TradingDay


def utc_day(at_ms: int) -> str:
    """Return the UTC date in ISO format, such as 2026-11-22."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()


@exactly
def updated_day(day: TradingDay, before: Position, after: Position) -> TradingDay:
    """Return the day's row after a position changed; days add up to the positions, late fees included."""
    return msgspec.structs.replace(
        day,
        realised=day.realised + after.realised - before.realised,
        fees=day.fees + after.fees - before.fees,
        bought_value=day.bought_value + after.bought_value - before.bought_value,
        sold_value=day.sold_value + after.sold_value - before.sold_value,
        opened=day.opened + _is_opened(after) - _is_opened(before),
        closed=day.closed + _is_closed(after) - _is_closed(before),
        wins=day.wins + _is_win(after) - _is_win(before),
        losses=day.losses + _is_loss(after) - _is_loss(before),
    )


def _is_opened(position: Position) -> bool:
    return position.bought_quantity > 0


def _is_closed(position: Position) -> bool:
    return position.state is PositionState.CLOSED and _is_opened(position)


def _is_win(position: Position) -> bool:
    """Breaking even is neither a win (formulas E5) nor a loss."""
    return _is_closed(position) and position.realised > Decimal(0)


def _is_loss(position: Position) -> bool:
    return _is_closed(position) and position.realised < Decimal(0)
