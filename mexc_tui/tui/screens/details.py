"""Details of one row of the desk screen, shown by Enter."""

from collections.abc import Iterable

from mexc_tui.model.trading_view import OrderRow, PositionRow
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.exit_ladder import ladder
from mexc_tui.tui.screens.listing_history import (
    heading,
    missing_history,
    paragraph,
    query_history,
    snipe_lines,
)
from mexc_tui.tui.screens.listings import all_of as all_of_listing
from mexc_tui.tui.screens.panes import Details
from mexc_tui.tui.screens.signals import all_of as all_of_signal
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, text_line
from mexc_tui.tui.widgets.text import age, amount, gain, local_and_utc, price
from mexc_tui.wording.reasons import spaced

POSITIONS = "Positions"
_CHOOSE = "No row selected."
_LADDER = 12
"""Maximum lines of the price axis."""


def details(context: RenderContext, width: int) -> list[Drawn]:
    """Draw the details of the row under the cursor of the selected table."""
    draws = _DRAWS.get(context.pane)
    return [text_line(_CHOOSE, Tone.FAINT)] if draws is None else list(draws(context, width))


def position(context: RenderContext, width: int) -> list[Drawn]:
    """Draw a position: exits on the price axis, protection, cost, orders."""
    row = None if context.key is None else context.source.positions.rows.get(context.key)
    if row is None:
        return [text_line(_CHOOSE, Tone.FAINT)]
    orders = [order for order in context.source.orders.rows.values() if order.symbol == row.symbol]
    return [
        heading(f"{row.symbol}  {spaced(row.state)}"),
        *ladder(row, context.now_ms, width, height=_LADDER),
        heading("P&L"),
        *_money(row, context, width),
        heading("Orders"),
        *(
            [line for order in orders for line in _order(order, context, width)]
            or [text_line("none", Tone.FAINT)]
        ),
    ]


def position_or_order(context: RenderContext, width: int) -> list[Drawn]:
    """Draw the selected position or order."""
    order = context.source.orders.rows.get(context.key or "")
    if context.pane == POSITIONS or order is None:
        return position(context, width)
    created, updated = (local_and_utc(at_ms, context.zone) for at_ms in (order.created_ms, order.updated_ms))
    return [
        heading(f"{order.symbol}  {order.type.value}"),
        *_order(order, context, width),
        *paragraph(f"fees {order.fees or 'none'}", width),
        text_line(f"created {created}, updated {updated}", Tone.FAINT),
        *paragraph(f"client order id {order.client_order_id}", width, Tone.FAINT),
        *paragraph(f"exchange order id {order.order_id or 'unknown'}", width, Tone.FAINT),
    ]


def _money(row: PositionRow, context: RenderContext, width: int) -> Iterable[Drawn]:
    quote = row.quote_asset
    if row.closed_ms is not None:
        made = f"{gain(row.realised).text} {quote} ({gain(row.realised_pct, 1, '%').text})"
        yield from paragraph(f"P&L {made}, fees {amount(row.fees).text}", width)
        opened, closed = (local_and_utc(at_ms, context.zone) for at_ms in (row.opened_ms, row.closed_ms))
        yield from paragraph(f"opened {opened}, closed {closed}", width, Tone.FAINT)
        return
    yield from paragraph(
        f"cost {amount(row.cost).text} {quote}, value {amount(row.value).text} at the bid, "
        f"realised {amount(row.realised).text}, fees {amount(row.fees).text}",
        width,
    )
    if row.delisted:
        yield from paragraph(row.delisted, width, Tone.BAD)
    elif row.bid_age_ms is not None:
        old = age(row.bid_age_ms)
        yield text_line(f"no bid for {old}" if row.bid is None else f"bid {old} old", Tone.FAINT)
    yield text_line(f"opened {age(context.now_ms - row.opened_ms)} ago", Tone.FAINT)
    if row.trapped:
        yield from paragraph(row.trapped, width, Tone.BAD)


def _order(row: OrderRow, context: RenderContext, width: int) -> list[Drawn]:
    at = "" if row.price is None else f" at {price(row.price, row.price_decimals).text}"
    places = row.quantity_decimals
    filled, whole = (price(value, places).text for value in (row.filled_quantity, row.quantity))
    part = f"{filled} of {whole}" if row.quantity is not None else f"by value, {filled} filled"
    text = f"{row.side.value.lower()} {spaced(row.role)}{at}: {spaced(row.state)}, {part}"
    since = age(context.now_ms - row.updated_ms)
    return paragraph(f"{text}, {since} ago" + (f": {row.reason}" if row.reason else ""), width)


def snipe(context: RenderContext, width: int) -> list[Drawn]:
    """Draw a snipe: plan, checklist and the result of every pre-trade check."""
    row = None if context.key is None else context.source.snipes.rows.get(context.key)
    symbol = None if row is None else row.symbol
    response = query_history(context, symbol)
    answer = response.result
    if answer is None or row is None:
        return missing_history(response, _CHOOSE, symbol)
    says = next((item for item in answer.snipes if item.snipe.id == row.id), None)
    if says is None:
        return paragraph(row.reason or "Nothing recorded yet.", width)
    return list(snipe_lines(says, context, width))


_DRAWS: dict[str, Details] = {
    "Next openings": all_of_listing,
    "Active signals": all_of_signal,
    POSITIONS: position,
    "Snipes": snipe,
}
