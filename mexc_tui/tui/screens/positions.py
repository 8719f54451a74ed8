"""Screen 4: positions, their protection, orders and market."""

from decimal import Decimal

from mexc_tui.desk.screen_requests import MARKET, MarketQuery
from mexc_tui.model.market_view import LevelRow, MarketRow, TradeRow
from mexc_tui.model.order import Side
from mexc_tui.model.trading_view import OrderRow, PositionRow
from mexc_tui.tui.query_cache import NO_RESPONSE, QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.details import position_or_order
from mexc_tui.tui.screens.exit_ladder import ladder
from mexc_tui.tui.screens.listing_history import paragraph
from mexc_tui.tui.screens.panes import (
    LOADING,
    Changes,
    PanePlace,
    PicturePane,
    ScreenSpec,
    TablePane,
    reading,
)
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.charts import ChartLevel, ChartMark, Plot, chart
from mexc_tui.tui.widgets.progress_bar import bar
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line
from mexc_tui.tui.widgets.table_rows import SortOrder
from mexc_tui.tui.widgets.text import age, amount, countdown, fit_number, utc

_ASK_S = 0.75
_CHOOSE = "Select a position to see its market."
_DEPTH_BAR = 12
_AXIS = 12
"""Width of the price axis of a chart."""
_LEVELS = {"stop": Tone.BAD, "trailing": Tone.WARN, "entry": Tone.FAINT, "break-even": Tone.WARN}

_TAKERS = {Side.BUY: ("▲", Tone.GOOD), Side.SELL: ("▼", Tone.BAD)}


def chosen(context: RenderContext) -> PositionRow | None:
    """Return the position under the cursor."""
    return context.source.positions.rows.get(context.key) if context.key is not None else None


def _is_closed(source: DeskSource, key: str) -> bool:
    row = source.positions.rows.get(key)
    return row is not None and row.closed_ms is not None


def market(context: RenderContext) -> QueryResponse[MarketRow]:
    """Query the market of the selected position; the query keeps it watched."""
    row = chosen(context)
    if row is None:
        return NO_RESPONSE
    return context.query(MARKET, MarketQuery(symbol=row.symbol), _ASK_S)


def _missing(context: RenderContext, response: QueryResponse[MarketRow], width: int) -> list[Drawn]:
    """Explain an empty pane."""
    if chosen(context) is None:
        return paragraph(_CHOOSE, width, Tone.FAINT)
    return paragraph(response.problem or LOADING, width, Tone.WARN if response.problem else Tone.FAINT)


def _ladder(context: RenderContext, width: int, height: int) -> list[Drawn]:
    row = chosen(context)
    return (
        paragraph(_CHOOSE, width, Tone.FAINT)
        if row is None
        else ladder(row, context.now_ms, width, height=height)
    )


def _depth(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw the order book: asks above, bids below, best prices in the middle."""
    response = market(context)
    row = response.result
    if row is None:
        return _missing(context, response, width)
    problem = paragraph(row.problem, width, Tone.WARN) if row.problem else []
    if problem and not (row.bids or row.asks):
        return problem
    each = max((height - 1 - len(problem)) // 2, 1)
    asks, bids = row.asks[:each], row.bids[:each]
    most = max((level.quantity for level in (*asks, *bids)), default=Decimal(1)) or Decimal(1)
    between = _spread(row, context.now_ms)
    return [
        *problem,
        *(_level(row, level, most, width=width, tone=Tone.BAD) for level in reversed(asks)),
        between,
        *(_level(row, level, most, width=width, tone=Tone.GOOD) for level in bids),
    ]


def _spread(row: MarketRow, now_ms: int) -> Drawn:
    """Draw the spread and the age of the order book; while resyncing, the age of its levels."""
    if row.bid is None or row.ask is None:
        return text_line(
            "order book not loaded" if row.bid is row.ask else "one side of the order book is empty",
            Tone.WARN,
        )
    gap = (row.ask - row.bid) / row.ask * 100 if row.ask else Decimal(0)
    as_of_ms = row.at_ms if row.is_exact else row.leveled_ms
    old = "" if as_of_ms is None else f"  {age(now_ms - as_of_ms)} old"
    state, tone = ("", Tone.FAINT) if row.is_exact else ("  resyncing", Tone.WARN)
    return StyledSpan(f"spread {amount(gap).text}%"), StyledSpan(f"{old}{state}", tone)


def _level(row: MarketRow, level: LevelRow, most: Decimal, *, width: int, tone: Tone) -> Drawn:
    at, size = (
        fit_number(level.price, row.price_decimals, 12),
        fit_number(level.quantity, row.quantity_decimals, 12),
    )
    figures = f"{at:>12} {size:>12} "
    room = max(min(width - len(figures) - 1, _DEPTH_BAR * 2), 0)
    return StyledSpan(figures), StyledSpan(bar(float(level.quantity / most), room).replace("░", " "), tone)


def _tape(context: RenderContext, width: int, height: int) -> list[Drawn]:
    response = market(context)
    row = response.result
    if row is None:
        return _missing(context, response, width)
    if not row.trades:
        return [text_line("No trade yet.", Tone.FAINT)]
    return [_trade(row, trade, width) for trade in row.trades[: max(height, 1)]]


def _trade(row: MarketRow, trade: TradeRow, width: int) -> Drawn:
    del width
    sign, tone = ("?", Tone.FAINT) if trade.side is None else _TAKERS[trade.side]
    return (
        StyledSpan(f"{utc(trade.at_ms)} ", Tone.FAINT),
        StyledSpan(f"{sign} {fit_number(trade.price, row.price_decimals, 12):>12} ", tone),
        StyledSpan(f"{fit_number(trade.quantity, row.quantity_decimals, 12):>12}"),
    )


def _opening(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw the price since the opening, with own fills and exits."""
    response = market(context)
    row = response.result
    if row is None:
        return _missing(context, response, width)
    plot = Plot(
        [(point.start_ms / 1_000, point.last) for point in row.path],
        [_fill(fill.at_ms, fill.price, fill.side) for fill in row.fills],
        [
            ChartLevel(float(level.price), level.name, _LEVELS.get(level.name, Tone.GOOD))
            for level in row.exits
        ],
    )
    since = row.opened_ms or row.opens_ms
    opened = "" if since is None else f"opened {utc(since)}, {countdown(since, context.now_ms)}; "
    holes = f"; {len(row.holes)} gaps" if row.holes else ""
    foot = f"{opened}B bought, S sold, step {age(row.path_step_ms)}{holes}"
    return chart(
        plot, width, height, label=lambda value: fit_number(value, row.price_decimals, _AXIS), foot=foot
    )


def _fill(at_ms: int, at: Decimal, side: Side) -> ChartMark:
    is_buy = side is Side.BUY
    return ChartMark(at_ms / 1_000, float(at), "B" if is_buy else "S", Tone.GOOD if is_buy else Tone.WARN)


def _orders(context: RenderContext, keys: object) -> Changes:
    """Return the orders of the selected position, or all orders if none is selected."""
    del keys
    row = chosen(context)
    orders = context.source.orders.rows
    return {
        key: table_lines.order(order, context.now_ms) for key, order in orders.items() if _belongs(order, row)
    }


def _belongs(order: OrderRow, row: PositionRow | None) -> bool:
    return row is None or order.symbol == row.symbol


BOARD = ScreenSpec(
    "positions",
    "Positions",
    "Open positions, then those closed in the last 24 h, with P&L; exits as a ladder on the "
    "price axis, with the protection; "
    "orders, order book, trades and price chart of the selected position.",
    (
        TablePane(
            "Positions",
            table_lines.POSITION,
            reading(lambda source: source.positions, table_lines.position),
            "No position open or closed in the last 24 h. "
            "Arm a listing on screen 2 to buy it at its opening.",
            "positions",
            SortOrder(8),
            PanePlace(share=3),
            _is_closed,
        ),
        PicturePane("Exits", _ladder, PanePlace(share=4)),
        TablePane(
            "Orders",
            table_lines.ORDER,
            _orders,
            "No open orders.",
            "orders",
            SortOrder(6),
            PanePlace(share=2, least_height=30),
        ),
        PicturePane("Since the opening", _opening, PanePlace(share=4, is_beside=True, least_height=30)),
        PicturePane("Order book", _depth, PanePlace(share=3, is_beside=True, least_height=30)),
        PicturePane("Trades", _tape, PanePlace(share=2, is_beside=True, least_height=36)),
    ),
    wide_from=110,
    details=position_or_order,
)
