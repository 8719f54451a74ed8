"""The performance report as one self-contained HTML file with charts. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape

from mexc_tui.export.rows import TradeRow
from mexc_tui.export.svg_chart import ChartPoint, bar_chart, line_chart, number
from mexc_tui.model.trading_view import PerformanceRow

SHOWN_TRADES = 200
_STYLE = """\
:root{color-scheme:light dark;--ink:#1b1f24;--faint:#6b7580;--paper:#fff;--rule:#d8dee4;--line:#1f6feb;
--gain:#1a7f37;--loss:#cf222e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#8d96a0;--paper:#0d1117;--rule:#30363d;
--line:#4493f8;--gain:#3fb950;--loss:#f85149}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:960px;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}p.note,figcaption{color:var(--faint)}
figure{margin:1rem 0}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:var(--faint)}
.grid{stroke:var(--rule)}.line{fill:none;stroke:var(--line);stroke-width:1.6}.area{fill:var(--loss);opacity:.25}
.gain{fill:var(--gain);color:var(--gain)}.loss{fill:var(--loss);color:var(--loss)}
div.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--rule);text-align:left;white-space:nowrap}
td.n{text-align:right;font-variant-numeric:tabular-nums}"""
_NO_NETWORK = "default-src 'none'; style-src 'unsafe-inline'"


def performance_html(row: PerformanceRow, trades: Sequence[TradeRow], profile: str, *, now_ms: int) -> str:
    """Return the page. `trades`: oldest first; the newest are listed."""
    made = datetime.fromtimestamp(now_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    closed = [trade for trade in trades if trade.closed_ms is not None]
    body = (
        f"<h1>Performance of profile {escape(profile)}</h1>"
        f'<p class="note">{made}, amounts in {escape(row.quote_asset)}. Ledger of {escape(row.scope)}.</p>',
        _identity(row),
        "<h2>Equity</h2>",
        line_chart("Equity at the end of each UTC day", _equity(row), row.quote_asset),
        line_chart("Drawdown from the peak", _drawdown(row), "%", is_filled=True),
        "<h2>Results</h2>",
        bar_chart("Realised profit by UTC day", _days(row), row.quote_asset),
        bar_chart("Profit of each closed trade, oldest first", _results(closed), row.quote_asset),
        "<h2>Figures</h2>",
        _table(("Figure", "Value"), [(metric.name, metric.text) for metric in row.metrics], numeric_from=2),
        f"<h2>Last {min(len(closed), SHOWN_TRADES)} of {len(closed)} closed trades</h2>",
        _trades(closed[-SHOWN_TRADES:]),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_NO_NETWORK}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Performance of {escape(profile)}</title><style>{_STYLE}</style></head><body>"
        f"{''.join(body)}</body></html>\n"
    )


def _identity(row: PerformanceRow) -> str:
    parts = (
        ("Start", row.start_equity),
        ("Flows", row.flows),
        ("Realised", row.realised),
        ("Unrealised", row.unrealised),
        ("Equity", row.equity),
        ("Fees (included)", row.fees),
        ("Difference", row.identity_gap),
    )
    return _table(("Item", "Amount"), [(name, f"{value:,.4f}") for name, value in parts], numeric_from=1)


def _equity(row: PerformanceRow) -> list[ChartPoint]:
    return [ChartPoint(_day(point.at_ms), float(point.equity)) for point in row.points]


def _drawdown(row: PerformanceRow) -> list[ChartPoint]:
    return [
        ChartPoint(_day(point.at_ms), min(0.0, float((point.equity / point.peak - 1) * 100)))
        for point in row.points
        if point.peak > 0
    ]


def _days(row: PerformanceRow) -> list[ChartPoint]:
    return [ChartPoint(day.day, float(day.realised)) for day in row.days]


def _results(closed: Iterable[TradeRow]) -> list[ChartPoint]:
    return [ChartPoint(f"{trade.symbol} {trade.closed[:10]}", float(trade.realised)) for trade in closed]


def _trades(closed: Sequence[TradeRow]) -> str:
    heads = ("Closed (UTC)", "Pair", "Reason", "Bought", "Sold", "Fees", "Profit", "Profit %")
    rows = [
        (
            trade.closed[:19].replace("T", " "),
            trade.symbol,
            trade.close_reason,
            *(number(float(value)) for value in (trade.bought_value, trade.sold_value, trade.fees)),
            number(float(trade.realised)),
            _share(trade.realised, trade.bought_value),
        )
        for trade in reversed(closed)
    ]
    return _table(heads, rows, numeric_from=3)


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole * 100:.2f}" if whole else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numeric_from: int) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = "".join(f"<tr>{''.join(_cells(row, numeric_from))}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{lines}</table></div>'


def _cells(row: Sequence[str], numeric_from: int) -> Iterable[str]:
    for place, cell in enumerate(row):
        kind = ' class="n"' if place >= numeric_from else ""
        yield f"<td{kind}>{escape(cell)}</td>"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d")
