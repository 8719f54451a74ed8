"""Numbers and moments as a trader reads them. Pure: what time it is, and where, is passed in."""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from mexc_tui.model.digits import Number, exact, money_number, price_number
from mexc_tui.tui.widgets.cell import NOTHING, Cell, Tone


def price(value: Decimal | float | None, places: int | None = None) -> Cell:
    """Return a price or a quantity; `places`: decimals of its symbol. Not finite: not known."""
    found = exact(value)
    return NOTHING if found is None else of_number(price_number(found, places))


def amount(value: Decimal | float | None, places: int = 2) -> Cell:
    """Return an amount of money or of something else."""
    found = exact(value)
    return NOTHING if found is None else of_number(money_number(found, places))


def gain(value: Decimal | float | None, places: int = 2, unit: str = "") -> Cell:
    """Return what was gained or lost: arrow, sign and colour say the same. 0 has none."""
    found = exact(value)
    if found is None:
        return NOTHING
    before, tone = ("▲ +", Tone.GOOD) if found > 0 else ("▼ -", Tone.BAD) if found < 0 else ("  ", Tone.PLAIN)
    size = money_number(abs(found), places)
    return of_number(replace(size, before=before, after=unit), tone, float(found))


def of_number(number: Number, tone: Tone = Tone.PLAIN, rank: float | None = None) -> Cell:
    """Return the cell of a number, in full where there is room."""
    return Cell(str(number), tone, float(number.value) if rank is None else rank, number)


def within(value: Decimal | float | None, places: int | None, room: int) -> str:
    """Return a price or a quantity in at most `room` columns."""
    found = exact(value)
    return NOTHING.text if found is None else price_number(found, places).fit(room)


def age(span_ms: float | None) -> str:
    """Return how old something is: 0.2s, 14s, 2m, 3h, 5d. What comes from the future is 0.0s old."""
    if span_ms is None:
        return NOTHING.text
    seconds = max(span_ms, 0) / 1_000
    if seconds < 10:
        return f"{int(seconds * 10) / 10:.1f}s"
    for limit_s, divisor, unit in ((120, 1, "s"), (7_200, 60, "m"), (172_800, 3_600, "h")):
        if seconds < limit_s:
            return f"{int(seconds / divisor)}{unit}"
    return f"{int(seconds / 86_400)}d"


def span(took_ms: float) -> str:
    """Return how long before something happened; with a minus: how long after."""
    return age(took_ms) if took_ms >= 0 else f"-{age(-took_ms)}"


def milliseconds(took_ms: float | None) -> str:
    """Return a latency in three digits or so: 0.312ms, 4.05ms, 96ms, 1,204ms."""
    if took_ms is None:
        return NOTHING.text
    places = 3 if abs(took_ms) < 1 else 2 if abs(took_ms) < 10 else 1 if abs(took_ms) < 100 else 0
    return f"{took_ms:,.{places}f}ms"


def bytes_of(size: float | None) -> str:
    """Return an amount of bytes: 312 B, 4.1 kB, 78.5 MB."""
    if size is None:
        return NOTHING.text
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size:.0f} B"


def countdown(at_ms: int | None, now_ms: int) -> str:
    """Return how far an instant is away, in whole seconds that are left: T-02:03; behind it T+00:12."""
    if at_ms is None:
        return NOTHING.text
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
    """Return the time of day in UTC, with its Z."""
    found = _moment(at_ms, UTC)
    return NOTHING.text if found is None else f"{found:%H:%M:%S}Z"


def local_and_utc(at_ms: int | None, zone: tzinfo) -> str:
    """Return the local time of day, and in UTC; once where both are the same."""
    local = _moment(at_ms, zone)
    if local is None or not local.utcoffset():
        return utc(at_ms)
    return f"{local:%H:%M:%S}{_offset_if_ambiguous(local)} ({utc(at_ms)})"


def here(at_ms: int | None, zone: tzinfo) -> str:
    """Return the local time of day to the minute; empty where that is UTC."""
    local = _moment(at_ms, zone)
    return (
        ""
        if local is None or not local.utcoffset()
        else f"{local:%H:%M}{_offset_if_ambiguous(local) or ' here'}"
    )


def date_and_time(at_ms: int | None, zone: tzinfo) -> str:
    """Return local day and time with the offset from UTC."""
    local = _moment(at_ms, zone)
    return NOTHING.text if local is None else f"{local:%Y-%m-%d %H:%M:%S %z}"


def _offset_if_ambiguous(local: datetime) -> str:
    """Return the offset of a time of day that comes twice, when clocks are put back; else nothing."""
    is_ambiguous = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local: %z}" if is_ambiguous else ""


def _moment(at_ms: int | None, zone: tzinfo) -> datetime | None:
    if at_ms is None:
        return None
    try:
        return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return None
