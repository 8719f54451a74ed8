"""Format numbers and times for screens. Current time and zone are arguments."""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from mexc_tui.model.digits import Number, exact, money_number, price_number
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell, Tone


def price(value: Decimal | float | None, places: int | None = None) -> Cell:
    """Format a price or quantity with the decimals of its symbol; not finite: unknown."""
    found = exact(value)
    return UNKNOWN_CELL if found is None else number_cell(price_number(found, places))


def amount(value: Decimal | float | None, places: int = 2) -> Cell:
    """Format an amount."""
    found = exact(value)
    return UNKNOWN_CELL if found is None else number_cell(money_number(found, places))


def gain(value: Decimal | float | None, places: int = 2, unit: str = "") -> Cell:
    """Format a gain or loss with arrow, sign and colour; 0 has none."""
    found = exact(value)
    if found is None:
        return UNKNOWN_CELL
    before, tone = ("▲ +", Tone.GOOD) if found > 0 else ("▼ -", Tone.BAD) if found < 0 else ("  ", Tone.PLAIN)
    size = money_number(abs(found), places)
    return number_cell(replace(size, before=before, after=unit), tone, float(found))


def number_cell(number: Number, tone: Tone = Tone.PLAIN, rank: float | None = None) -> Cell:
    """Return the cell of a number."""
    return Cell(str(number), tone, float(number.value) if rank is None else rank, number)


def fit_number(value: Decimal | float | None, places: int | None, room: int) -> str:
    """Format a price or quantity in at most `room` columns."""
    found = exact(value)
    return UNKNOWN_CELL.text if found is None else price_number(found, places).fit(room)


def age(span_ms: float | None) -> str:
    """Format an age: 0.2s, 14s, 2m, 3h, 5d. Future times are 0.0s old."""
    if span_ms is None:
        return UNKNOWN_CELL.text
    seconds = max(span_ms, 0) / 1_000
    if seconds < 10:
        return f"{int(seconds * 10) / 10:.1f}s"
    for limit_s, divisor, unit in ((120, 1, "s"), (7_200, 60, "m"), (172_800, 3_600, "h")):
        if seconds < limit_s:
            return f"{int(seconds / divisor)}{unit}"
    return f"{int(seconds / 86_400)}d"


def span(took_ms: float) -> str:
    """Format a lead time; negative: afterwards."""
    return age(took_ms) if took_ms >= 0 else f"-{age(-took_ms)}"


def milliseconds(took_ms: float | None) -> str:
    """Format a latency with about three digits: 0.312ms, 4.05ms, 96ms, 1,204ms."""
    if took_ms is None:
        return UNKNOWN_CELL.text
    places = 3 if abs(took_ms) < 1 else 2 if abs(took_ms) < 10 else 1 if abs(took_ms) < 100 else 0
    return f"{took_ms:,.{places}f}ms"


def bytes_of(size: float | None) -> str:
    """Format a size: 312 B, 4.1 kB, 78.5 MB."""
    if size is None:
        return UNKNOWN_CELL.text
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size:.0f} B"


def countdown(at_ms: int | None, now_ms: int) -> str:
    """Format a countdown in whole seconds: T-02:03 before, T+00:12 after."""
    if at_ms is None:
        return UNKNOWN_CELL.text
    left_ms = at_ms - now_ms
    seconds = -(-left_ms // 1_000) if left_ms > 0 else -left_ms // 1_000
    sign = "-" if left_ms > 0 else "+"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    if days:
        return f"T{sign}{days}d {hours:02}h"
    minutes, seconds = divmod(rest, 60)
    return f"T{sign}{hours}:{minutes:02}:{seconds:02}" if hours else f"T{sign}{minutes:02}:{seconds:02}"


def utc(at_ms: int | None) -> str:
    """Format the time of day in UTC with Z."""
    found = _moment(at_ms, UTC)
    return UNKNOWN_CELL.text if found is None else f"{found:%H:%M:%S}Z"


def local_and_utc(at_ms: int | None, zone: tzinfo) -> str:
    """Format the time of day in local time and UTC; once if both are the same."""
    local = _moment(at_ms, zone)
    if local is None or not local.utcoffset():
        return utc(at_ms)
    return f"{local:%H:%M:%S}{_offset_if_ambiguous(local)} ({utc(at_ms)})"


def local_time(at_ms: int | None, zone: tzinfo) -> str:
    """Format the local time of day to the minute; empty if it is UTC."""
    local = _moment(at_ms, zone)
    return (
        ""
        if local is None or not local.utcoffset()
        else f"{local:%H:%M}{_offset_if_ambiguous(local) or ' here'}"
    )


def date_and_time(at_ms: int | None, zone: tzinfo) -> str:
    """Format local date and time with the UTC offset, or Z."""
    local = _moment(at_ms, zone)
    if local is None:
        return UNKNOWN_CELL.text
    offset = f"{local: %z}" if local.utcoffset() else "Z"
    return f"{local:%Y-%m-%d %H:%M:%S}{offset}"


def _offset_if_ambiguous(local: datetime) -> str:
    """Return the UTC offset of an ambiguous local time; else an empty text."""
    is_ambiguous = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local: %z}" if is_ambiguous else ""


def _moment(at_ms: int | None, zone: tzinfo) -> datetime | None:
    if at_ms is None:
        return None
    try:
        return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return None
