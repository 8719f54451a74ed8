"""Draw risk limits as bars with the remaining room: all of them, or the nearest ones in one line."""

from decimal import Decimal

from mexc_tui.model.trading_view import LimitRow, RiskRow
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Tone, fit
from mexc_tui.tui.widgets.progress_bar import bar
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line
from mexc_tui.tui.widgets.text import amount

_NEAR, _REACHED = Decimal("0.75"), Decimal(1)
_NAME, _MIN_BAR, _MAX_BAR, _STRIP = 18, 4, 40, 8


def risk_of(context: RenderContext) -> RiskRow | None:
    """Return the current risk; None before the first update."""
    return context.source.risk_row


def limits(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw every limit, one per line."""
    del height
    risk = risk_of(context)
    if risk is None:
        return [text_line(LOADING, Tone.FAINT)]
    if not risk.limits:
        return [text_line("No limit set. See settings, group risk.", Tone.WARN)]
    figures = max(len("".join(_figures(row))) for row in risk.limits)
    room = min(max(width - _NAME - figures, _MIN_BAR), _MAX_BAR)
    return [_limit(row, width, room) for row in risk.limits]


def strip(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw the nearest limits that fit one line."""
    del height
    risk = risk_of(context)
    if risk is None:
        return [text_line(LOADING, Tone.FAINT)]
    known = [row for row in risk.limits if row.share is not None]
    spans: list[StyledSpan] = []
    for row in sorted(known, key=lambda row: row.share or 0, reverse=True):
        share = row.share or Decimal(0)
        tone = Tone.BAD if share >= _REACHED else Tone.WARN if share >= _NEAR else Tone.GOOD
        name, used = row.name.replace("_", " "), f" {_figure(row.used, '')}/{_figure(row.limit, row.unit)}"
        if sum(len(span.text) for span in spans) + len(name) + len(used) + _STRIP + 4 > width:
            break
        spans += [
            StyledSpan(f"{name} "),
            StyledSpan(bar(float(share), _STRIP), tone),
            StyledSpan(f"{used}   ", Tone.FAINT),
        ]
    return [tuple(spans)] if spans else [text_line("No limit set.", Tone.WARN)]


def _figures(row: LimitRow) -> tuple[str, str]:
    """Format the used part and the remaining room of a limit."""
    if row.share is None:
        return f" {_figure(row.used, row.unit)}, no limit", ""
    unit = row.unit if row.unit == "%" else ""
    used = f" {_figure(row.used, '')} of {_figure(row.limit, row.unit)}"
    if row.used is None:
        return used, ""
    left = max(row.limit - row.used, Decimal(0))
    return used, f", {_figure(left, unit)} left" if row.share < _REACHED else ", REACHED"


def _limit(row: LimitRow, width: int, room: int) -> Drawn:
    """Draw one limit: bar, used part, remaining room."""
    share = row.share
    name = fit(row.name.replace("_", " "), _NAME)
    if row.used is None:
        return StyledSpan(name), StyledSpan(
            f" unknown of {_figure(row.limit, row.unit)}: a price is missing", Tone.WARN
        )
    if share is None:
        return StyledSpan(name), StyledSpan(_figures(row)[0], Tone.FAINT)
    tone = Tone.BAD if share >= _REACHED else Tone.WARN if share >= _NEAR else Tone.GOOD
    used, left = _figures(row)
    beside = f"  {row.text}" if row.text else ""
    fits = _NAME + room + len(used) + len(left) + len(beside) <= width
    return (
        StyledSpan(name),
        StyledSpan(bar(float(share), room), tone),
        StyledSpan(used),
        StyledSpan(left, tone if share >= _NEAR else Tone.FAINT),
        StyledSpan(beside if fits else "", Tone.FAINT),
    )


def _figure(value: Decimal | None, unit: str) -> str:
    if value is None:
        return UNKNOWN_CELL.text
    text = f"{value:f}" if value == value.to_integral_value() else amount(value).text
    text = text.split(".")[0] if value == value.to_integral_value() else text
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}".rstrip()
