"""Own fills and exit prices of one symbol."""

from collections.abc import Iterable, Sequence

from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.digits import SHOWN
from mexc_tui.model.intent import Order
from mexc_tui.model.market_view import ExitLevelRow, OwnFillRow
from mexc_tui.model.position import Position
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.sniping.exit_decision import break_even
from mexc_tui.sniping.rounding import HUNDRED, Grid

STOP, TRAILING, BREAK_EVEN, ENTRY = "stop", "trailing", "break-even", "entry"
ENGINE = "engine"


def fill_rows(orders: Iterable[Order], most: int) -> tuple[OwnFillRow, ...]:
    """Return the filled part of each order, newest first."""
    rows = [
        OwnFillRow(
            at_ms=order.updated_ms or order.created_ms,
            side=order.side,
            role=order.role,
            price=SHOWN.plus(order.average_price),
            quantity=order.filled_quantity,
            client_order_id=order.client_order_id,
        )
        for order in orders
        if order.average_price is not None
    ]
    return tuple(sorted(rows, key=lambda row: -row.at_ms)[:most])


@exactly
def exit_levels(position: Position, row: PositionRow, grid: Grid | None) -> tuple[ExitLevelRow, ...]:
    """Return the exit prices of a position and of its trailing stop, highest first."""
    levels = [
        *_stops(position, row),
        ExitLevelRow(name=ENTRY, price=row.entry_price, quantity=None, where=""),
        *(
            ExitLevelRow(
                name=f"rung {rung.number}", price=rung.price, quantity=rung.quantity, where=rung.where
            )
            for rung in row.rungs
        ),
    ]
    plan = position.plan
    even = None if grid is None or not plan.break_even_rung else break_even(position, grid)
    if even is not None and even > position.stop_price:
        levels.append(ExitLevelRow(name=BREAK_EVEN, price=SHOWN.plus(even), quantity=None, where=""))
    return tuple(sorted(levels, key=lambda level: -level.price))


def _stops(position: Position, row: PositionRow) -> Sequence[ExitLevelRow]:
    """Return the stop and the activation price of a trailing stop; once active, the stop itself trails."""
    plan, stop = position.plan, position.stop_price
    begins = position.entry_price * (1 + plan.trailing_after_pct / HUNDRED)
    trails = position.high_price * (1 - plan.trailing_distance_pct / HUNDRED)
    has_begun = plan.trailing and position.high_price >= begins and stop >= trails
    levels = list[ExitLevelRow]()
    if stop > 0:
        where = ENGINE if row.protection.value == ENGINE else "nowhere"
        name = TRAILING if has_begun else STOP
        levels.append(ExitLevelRow(name=name, price=stop, quantity=row.quantity, where=where))
    if plan.trailing and position.high_price < begins:
        levels.append(ExitLevelRow(name=TRAILING, price=SHOWN.plus(begins), quantity=None, where=""))
    return levels
