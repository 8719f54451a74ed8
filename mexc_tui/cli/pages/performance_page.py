"""Text output of `performance`."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from mexc_tui.cli.pages.tables import Pen, TextCell, TextColumn, TextTone, fold, table
from mexc_tui.model.position import TradingDay
from mexc_tui.model.trading_view import MetricRow, PerformanceRow
from mexc_tui.wording.money import amount, signed

EXACT = Decimal("0.01")
"""A gap of equity below this is rounding."""
LAST_DAYS = 10


def performance_page(row: PerformanceRow, pen: Pen) -> str:
    """Return the performance: equity identity, figures with their sample, the last days."""
    lines = [*_identity(row, pen), ""]
    lines.append(table(("METRIC", "VALUE"), [_metric(metric) for metric in row.metrics], pen))
    if row.days:
        lines += ["", _days(row.days[-LAST_DAYS:], pen)]
    return "\n".join(lines)


def _identity(row: PerformanceRow, pen: Pen) -> Iterable[str]:
    gap = row.identity_gap
    holds = (
        pen.write("holds", TextTone.GOOD)
        if abs(gap) < EXACT
        else pen.write(f"differs by {gap:f}", TextTone.BAD)
    )
    yield from fold(f"Ledger of {row.scope}, in {row.quote_asset}", "    ", pen)
    yield from fold(
        f"equity {amount(row.equity)} = start {amount(row.start_equity)} {_plus(row.flows)} flows "
        f"{_plus(row.realised)} realised {_plus(row.unrealised)} unrealised: {holds}",
        "    ",
        pen,
    )
    yield from fold(f"fees {amount(row.fees)}, included in P&L", "    ", pen)


def _plus(value: Decimal) -> str:
    return f"{'-' if value < 0 else '+'} {amount(abs(value))}"


def _metric(row: MetricRow) -> tuple[TextCell, ...]:
    return TextCell(row.name), TextCell(row.text, TextTone.FAINT if row.value is None else TextTone.PLAIN)


def _days(days: Sequence[TradingDay], pen: Pen) -> str:
    cells = [
        (
            TextCell(day.day),
            TextCell(signed(day.realised), is_number=True),
            TextCell(amount(day.fees), is_number=True),
            TextCell(str(day.opened), is_number=True),
            TextCell(str(day.closed), is_number=True),
            TextCell(f"{day.wins} / {day.losses}"),
        )
        for day in days
    ]
    heads = ("DAY (UTC)", "REALISED", "FEES", TextColumn("OPENED", 1), TextColumn("CLOSED", 2), "WON / LOST")
    return table(heads, cells, pen)
