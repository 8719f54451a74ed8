"""Text output of `watch`."""

from collections.abc import Iterable
from dataclasses import dataclass

from mexc_tui.cli.pages.tables import NONE, Pen, TextCell, TextColumn, cut, figure, table
from mexc_tui.model.digits import exact, price_number


@dataclass(frozen=True, slots=True)
class WatchHeader:
    """State of the connection. `ban` and `warnings` are empty without a problem."""

    mode: str
    venue: str
    offset_ms: float | None
    error_ms: float | None
    messages_per_s: float
    connections: int
    ban: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One symbol. Prices are None while unknown or invalid."""

    symbol: str
    state: str
    decimals: int | None
    bid: float | None
    ask: float | None
    last: float | None
    last_side: str
    age_s: float | None
    stale: bool
    book: str
    refused: bool


def opening_text(opens_ms: int | None, now_ms: int) -> str:
    """Return the time to or since an opening; empty without an opening time."""
    if opens_ms is None:
        return ""
    seconds = round(abs(opens_ms - now_ms) / 1_000)
    span = f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds} s"
    return f"opens in {span}" if opens_ms > now_ms else f"open for {span}"


_COLUMNS = (
    "SYMBOL",
    TextColumn("BID", 3),
    TextColumn("ASK", 2),
    "LAST",
    TextColumn("", 1),
    TextColumn("AGE", 4),
    "STATE",
)


def page(header: WatchHeader, lines: Iterable[WatchLine], width: int = 80) -> str:
    """Return everything as text, at most `width` columns wide: a wrapped line would break the next redraw."""
    offset = NONE if header.offset_ms is None else f"{header.offset_ms:+.1f} ms ±{header.error_ms:.1f}"
    plural = "" if header.connections == 1 else "s"
    top = [
        f"{header.mode} · {header.venue}",
        f"clock offset {offset} · {header.messages_per_s:,.0f} messages/s on "
        f"{header.connections} connection{plural}",
    ]
    rows = table(_COLUMNS, [_row(line) for line in lines], Pen(columns=width)).splitlines()
    warnings = [f"! {text}" for text in (header.ban, *header.warnings) if text]
    return "\n".join(cut(line, width) for line in [*top, *rows, *warnings])


def _row(line: WatchLine) -> tuple[TextCell, ...]:
    bid, ask, last = (_price(value, line.decimals) for value in (line.bid, line.ask, line.last))
    age = NONE if line.age_s is None else f"{line.age_s:.1f} s"
    return (
        TextCell(line.symbol),
        bid,
        ask,
        last,
        TextCell(line.last_side),
        TextCell(age, is_number=True),
        TextCell(_state(line)),
    )


def _state(line: WatchLine) -> str:
    """Return the problem, or else the time to the opening."""
    if line.refused:
        return line.state or "not listed"
    if line.stale and not line.state.startswith("opens"):
        return "STALE"
    if line.book != "valid":
        return f"book {line.book}" if not line.state.startswith("opens") else line.state
    return line.state


def _price(value: float | None, decimals: int | None) -> TextCell:
    found = exact(value)
    return figure(None if found is None else price_number(found, decimals))
