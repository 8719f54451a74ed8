"""Screen 5: trading state, limits, equity and performance."""

from collections.abc import Iterable

from mexc_tui.desk.engine_requests import JOURNAL, FactPage, JournalQuery, NoArguments
from mexc_tui.desk.screen_requests import EQUITY, EquityQuery
from mexc_tui.desk.trading_requests import PERFORMANCE
from mexc_tui.model import event
from mexc_tui.model.event import RiskMonitorActed
from mexc_tui.model.plan_view import EquityRow
from mexc_tui.model.trading import RiskLevel, TradingState
from mexc_tui.model.trading_view import MetricRow, PerformanceRow, RiskRow
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.limits import limits, risk_of
from mexc_tui.tui.screens.panes import LOADING, PanePlace, PicturePane, QueryPane, ScreenSpec
from mexc_tui.tui.widgets.cell import Cell, Tone
from mexc_tui.tui.widgets.charts import Plot, chart
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line
from mexc_tui.tui.widgets.table_rows import Line, SortOrder
from mexc_tui.tui.widgets.text import age, amount, date_and_time, gain, local_and_utc
from mexc_tui.wording.previews import tightening_text
from mexc_tui.wording.reasons import reason_text, spaced

_STATES = {
    TradingState.ACTIVE: ("ENTRIES ALLOWED", Tone.GOOD),
    TradingState.REDUCE_ONLY: ("REDUCE-ONLY: no entries, exits active; ends automatically", Tone.WARN),
    TradingState.HALTED: ("HALTED: no entries, exits active; resume manually", Tone.BAD),
    TradingState.FLATTENING: ("FLATTENING: selling all positions", Tone.BAD),
}
LOCKED = "LIVE TRADING LOCKED: no entries until unlocked{}; exits active"
_GUARDS = {RiskLevel.NORMAL: Tone.GOOD}
_ASK_S, _ASK_SLOWLY_S = 5.0, 15.0


def _state(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del width, height
    risk = risk_of(context)
    if risk is None:
        return [text_line(LOADING, Tone.FAINT)]
    is_only_locked = risk.is_locked and risk.state is TradingState.ACTIVE
    key = " (L)" if context.source.may_operate else ""
    state_text, tone = (LOCKED.format(key), Tone.WARN) if is_only_locked else _STATES[risk.state]
    lines = [text_line(state_text, tone)]
    if risk.unlocked_until_ms is not None:
        until = local_and_utc(risk.unlocked_until_ms, context.zone)
        lines.append(text_line(f"live trading unlocked until {until}; L lock", Tone.WARN))
    if risk.state is not TradingState.ACTIVE:
        since = local_and_utc(risk.since_ms, context.zone)
        lines.append(text_line(f"cause: {risk.cause_text or reason_text(risk.cause)}"))
        lines.append(text_line(f"by {risk.by or 'the engine'}, since {since}", Tone.FAINT))
    guard = f"risk monitor {spaced(risk.risk_level)}"
    lines.append(
        (
            StyledSpan(guard, _GUARDS.get(risk.risk_level, Tone.BAD)),
            StyledSpan(f"  {risk.risk_text}" if risk.risk_text else ""),
        )
    )
    if lowered := tightening_text(risk.tightening):
        lines.append(text_line(f"limits {lowered}", Tone.WARN))
    if risk.paused_until_ms is not None and risk.paused_until_ms > context.now_ms:
        left = age(risk.paused_until_ms - context.now_ms)
        lines.append(text_line(f"entries paused for {left} after consecutive losses", Tone.WARN))
    return [*lines, *_money(risk)]


def _money(risk: RiskRow) -> list[Drawn]:
    """Draw equity, P&L of the day and exposure."""
    about = "" if risk.is_complete else "  (estimate: a price is missing)"
    quote, day = risk.quote_asset, gain(risk.day_pnl)
    peak, drawdown = amount(risk.peak).text, amount(risk.drawdown_pct, 1).text
    cash, reserved, exposure = (amount(value).text for value in (risk.cash, risk.reserved, risk.exposure))
    return [
        (
            StyledSpan("equity ", Tone.FAINT),
            StyledSpan(f"{amount(risk.equity).text} {quote}{about}", Tone.STRONG),
            StyledSpan(f"   peak {peak}   drawdown {drawdown}%", Tone.FAINT),
        ),
        (
            StyledSpan("day (UTC) ", Tone.FAINT),
            StyledSpan(f"{day.text.strip()} {quote}", day.tone),
            StyledSpan(f"   realised {gain(risk.realised).text.strip()}", Tone.FAINT),
        ),
        text_line(f"cash {cash}   reserved {reserved}   exposure {exposure} at the bid", Tone.FAINT),
    ]


def _performance(context: RenderContext) -> QueryResponse[PerformanceRow]:
    return context.query(PERFORMANCE, NoArguments(), _ASK_S)


def _equity_query(context: RenderContext) -> QueryResponse[EquityRow]:
    return context.query(EQUITY, EquityQuery(), _ASK_S)


def _equity(context: RenderContext, width: int, height: int) -> list[Drawn]:
    response = _equity_query(context)
    row = response.result
    if row is None:
        return [text_line(response.problem or LOADING, Tone.FAINT)]
    points = [(point.at_ms / 1_000, float(point.equity)) for point in row.points if point.is_complete]
    foot = row.quote_asset
    if row.points:
        since = date_and_time(row.points[0].at_ms, context.zone)
        foot = f"{row.quote_asset}, {len(points)} points since {since}"
    return chart(Plot(points, tone=Tone.GOOD), width, height, label=lambda value: f"{value:,.2f}", foot=foot)


def _drawdown(context: RenderContext, width: int, height: int) -> list[Drawn]:
    row = _equity_query(context).result
    if row is None:
        return [text_line(LOADING, Tone.FAINT)]
    points = [
        (point.at_ms / 1_000, -float(point.drawdown_pct))
        for point in row.points
        if point.drawdown_pct is not None
    ]
    worst = "" if row.worst_drawdown_pct is None else f", worst {row.worst_drawdown_pct:.1f}%"
    foot = f"below the peak{worst}"
    return chart(Plot(points, tone=Tone.BAD), width, height, label=_tenths, foot=foot)


def _tenths(percent: float) -> str:
    return f"{round(percent, 1) + 0.0:.1f}%"  # never -0.0


_METRICS = (
    Column("METRIC", 20),
    Column("VALUE (SAMPLE)", 26, grows=True),
    Column("N", 5, drop_order=1, is_number=True),
)


def _metric_rows(row: PerformanceRow, _: RenderContext) -> dict[str, Line]:
    return {metric.name: _metric(metric) for metric in row.metrics}


def _metric(row: MetricRow) -> Line:
    tone = Tone.FAINT if row.value is None else Tone.PLAIN
    return Cell(row.name.replace("_", " ")), Cell(row.text, tone), Cell(str(row.n), Tone.FAINT, row.n)


_GUARD = (
    Column("AGE", 5, is_number=True),
    Column("ABOUT", 14, drop_order=1),
    Column("LEVEL", 14),
    Column("FINDING", 20, grows=True),
    Column("ACTION", 20, drop_order=2),
    Column("RESULT", 24, drop_order=3),
)


def _monitor_query(context: RenderContext) -> QueryResponse[FactPage]:
    return context.query(JOURNAL, JournalQuery(kind="guard_acted", limit=50), _ASK_SLOWLY_S)


def _guard_rows(page: FactPage, context: RenderContext) -> dict[str, Line]:
    return {str(number): line for number, line in _guard_lines(page, context)}


def _guard_lines(page: FactPage, context: RenderContext) -> Iterable[tuple[int, Line]]:
    for fact in page.rows:
        found = event.decode(bytes(fact.body))
        if isinstance(found, RiskMonitorActed):
            yield (
                fact.sequence,
                (
                    Cell(age(context.now_ms - found.at_ms), rank=-found.at_ms),
                    Cell(found.about, Tone.STRONG),
                    Cell(spaced(found.level), _GUARDS.get(found.level, Tone.WARN)),
                    Cell(found.finding),
                    Cell(found.action),
                    Cell(found.achieved, Tone.FAINT),
                ),
            )


BOARD = ScreenSpec(
    "risk",
    "Risk",
    "Trading state and its cause, use of each limit, equity and drawdown, actions of the risk monitor, "
    "and performance metrics with their samples.",
    (
        PicturePane("State", _state, PanePlace(share=3, lines=8)),
        PicturePane("Limits", limits, PanePlace(share=4, lines=14)),
        QueryPane(
            "Risk monitor",
            _GUARD,
            _monitor_query,
            _guard_rows,
            "No action of the risk monitor yet.",
            SortOrder(0),
            PanePlace(share=3, least_height=30),
        ),
        PicturePane("Equity", _equity, PanePlace(share=3, is_beside=True, least_width=110, least_height=30)),
        PicturePane(
            "Drawdown", _drawdown, PanePlace(share=2, is_beside=True, least_width=110, least_height=40)
        ),
        QueryPane(
            "Performance",
            _METRICS,
            _performance,
            _metric_rows,
            "No metrics before the first closed position.",
            place=PanePlace(share=4, is_beside=True),
        ),
    ),
    has_halves=True,
)
