"""What `watch` prints: values in, plain text out."""

from collections.abc import Iterable
from dataclasses import dataclass

NONE = "–"


@dataclass(frozen=True, slots=True)
class Header:
    """What is true of the whole connection. `ban` and `warnings` are empty when all is well."""

    mode: str
    place: str
    offset_ms: float | None
    error_ms: float | None
    messages_per_s: float
    connections: int
    ban: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One symbol. Prices are None while they are not known or not to be trusted."""

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
    """Say how far an opening is away, or how long ago it was; nothing for a pair without one."""
    if opens_ms is None:
        return ""
    seconds = round(abs(opens_ms - now_ms) / 1_000)
    span = f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds} s"
    return f"opens in {span}" if opens_ms > now_ms else f"open for {span}"


def page(header: Header, lines: Iterable[Line], width: int = 80) -> str:
    """Return everything as text, at most `width` columns wide: a wrapped line would spoil the next redraw."""
    offset = NONE if header.offset_ms is None else f"{header.offset_ms:+.1f} ms ±{header.error_ms:.1f}"
    plural = "" if header.connections == 1 else "s"
    top = [
        f"{header.mode} · {header.place}",
        f"clock offset {offset} · {header.messages_per_s:,.0f} messages/s on "
        f"{header.connections} connection{plural}",
        f"{'SYMBOL':<14}{'BID':>11}{'ASK':>11}{'LAST':>16}{'AGE':>7}  STATE",
    ]
    warnings = [f"! {text}" for text in (header.ban, *header.warnings) if text]
    return "\n".join(line[:width] for line in [*top, *(_row(line) for line in lines), *warnings])


def _row(line: Line) -> str:
    last = f"{_price(line.last, line.decimals)} {line.last_side:<4}"
    age = NONE if line.age_s is None else f"{line.age_s:.1f} s"
    prices = f"{_price(line.bid, line.decimals):>11}{_price(line.ask, line.decimals):>11}"
    return f"{line.symbol[:14]:<14}{prices}{last:>16}{age:>7}  {_state(line)}".rstrip()


def _state(line: Line) -> str:
    """Return what is wrong, and otherwise how far the opening is."""
    if line.refused:
        return line.state or "not listed"
    if line.stale and not line.state.startswith("opens"):
        return "STALE"
    if line.book != "valid":
        return f"book {line.book}" if not line.state.startswith("opens") else line.state
    return line.state


def _price(value: float | None, decimals: int | None) -> str:
    if value is None:
        return NONE
    return f"{value:g}" if decimals is None else f"{value:.{decimals}f}"
