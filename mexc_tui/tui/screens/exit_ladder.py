"""Draw the exits of a position on a price axis."""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.position import Protection
from mexc_tui.model.trading_view import PositionRow, RungRow
from mexc_tui.tui.widgets.cell import Tone, fit_cell
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line, wrap
from mexc_tui.tui.widgets.text import age, countdown, fit_number, gain, price
from mexc_tui.wording.reasons import reason_text

_RUNG_STATES = {
    "exchange": ("resting", Tone.GOOD),
    "engine": ("monitored by the engine", Tone.WARN),
    "sold": ("sold", Tone.FAINT),
    "too small": ("below the minimum notional", Tone.FAINT),
    "nowhere": ("NOT PLACED", Tone.BAD),
}
_PROTECTED = {
    Protection.ENGINE: ("by the engine", Tone.WARN),
    Protection.DUST: ("dust: nothing to protect", Tone.FAINT),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One price level of the ladder."""

    price: Decimal
    sign: str
    name: str
    tone: Tone
    text: str


def ladder(row: PositionRow, now_ms: int, width: int, *, height: int) -> list[Drawn]:
    """Draw the ladder from the highest price to the lowest, with the protection of the position below.

    The reason why a trapped position cannot be sold comes first.
    """
    steps = sorted(_steps(row), key=lambda step: step.price, reverse=True)
    foot = _foot(row, now_ms, width)
    drawn = [_drawn(step, row) for step in steps]
    trapped = [text_line(line, Tone.BAD) for line in wrap(f"TRAPPED: {row.trapped}", width) if row.trapped]
    room = max(height - len(foot) - len(trapped), 3)
    return [*trapped, *_spaced(steps, drawn, room), *foot]


def _steps(row: PositionRow) -> list[_Step]:
    label = "high since entry" if row.closed_ms is None else "high while open"
    highest = [_Step(row.high_price, "·", "high", Tone.FAINT, label)] if row.high_price > 0 else []
    return highest + (_of_open(row) if row.closed_ms is None else _of_closed(row))


def _of_closed(row: PositionRow) -> list[_Step]:
    entry = _Step(row.entry_price, "┼", "entry", Tone.PLAIN, "average")
    if row.exit_price is None:
        return [entry]
    return [entry, _Step(row.exit_price, "◄", "sold", Tone.STRONG, "average")]


def _of_open(row: PositionRow) -> list[_Step]:
    steps = [_Step(rung.price, "┼", f"TP {rung.number}", *_rung(rung, row)) for rung in row.rungs]
    bought = f"{_quantity(row.quantity, row)} {row.base_asset}"
    steps.append(_Step(row.entry_price, "┼", "entry", Tone.PLAIN, bought))
    steps.append(_Step(row.stop_price, "┴", "stop", Tone.BAD, _stop_text(row)))
    if row.bid is not None:
        old = "" if row.bid_age_ms is None or row.bid_age_ms < 1_000 else f", {age(row.bid_age_ms)} old"
        steps.append(_Step(row.bid, "►", "bid", Tone.STRONG, f"now{old}"))
    return steps


def _rung(rung: RungRow, row: PositionRow) -> tuple[Tone, str]:
    text, tone = _RUNG_STATES.get(rung.where, (rung.where, Tone.PLAIN))
    return tone, f"{_quantity(rung.quantity, row)} {row.base_asset}, {text}"


def _stop_text(row: PositionRow) -> str:
    moved = row.stop_price != row.initial_stop
    first = f", initially {price(row.initial_stop, row.price_decimals).text}" if moved else ""
    return f"closes remainder{first}"


def _quantity(quantity: Decimal, row: PositionRow) -> str:
    return price(quantity, row.quantity_decimals).text


def _drawn(step: _Step, row: PositionRow) -> Drawn:
    away = (step.price / row.entry_price - 1) * 100 if row.entry_price else Decimal(0)
    percent = gain(away, 1, "%")
    return (
        StyledSpan(f"{fit_number(step.price, row.price_decimals, 14):>14} "),
        StyledSpan(fit_cell(percent, 10, is_number=True) + " ", percent.tone),
        StyledSpan(f"{step.sign} ", step.tone),
        StyledSpan(f"{step.name:<9}", step.tone),
        StyledSpan(step.text, Tone.FAINT if step.tone is not Tone.BAD else Tone.PLAIN),
    )


def _spaced(steps: list[_Step], drawn: list[Drawn], room: int) -> list[Drawn]:
    """Insert empty lines between distant prices, if there is room."""
    spare = room - len(drawn)
    if spare <= 0 or len(steps) < 2:
        return drawn
    whole = steps[0].price - steps[-1].price
    lines: list[Drawn] = []
    for number, line in enumerate(drawn):
        lines.append(line)
        if number + 1 < len(steps) and whole:
            gap = (steps[number].price - steps[number + 1].price) / whole
            lines += [text_line(f"{'':>26}│", Tone.FAINT)] * int(gap * spare)
    return lines


def _foot(row: PositionRow, now_ms: int, width: int) -> list[Drawn]:
    text, tone = _PROTECTED.get(row.protection, ("NONE", Tone.BAD))
    time_stop = "" if row.time_stop_ms is None else f"  time stop {countdown(row.time_stop_ms, now_ms)}"
    closed = (
        ""
        if row.closed_ms is None
        else f"closed {age(now_ms - row.closed_ms)} ago: {reason_text(row.close_reason)}"
    )
    lines: list[Drawn] = [
        (StyledSpan("protection ", Tone.FAINT), StyledSpan(text, tone), StyledSpan(time_stop))
        if not closed
        else text_line(closed)
    ]
    tone = Tone.BAD if row.trapped else Tone.FAINT
    lines += [text_line(line, tone) for line in wrap(row.protection_text, width) if line and not closed]
    return lines
