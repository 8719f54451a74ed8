"""What each screen shows: its tables, from which view, and what they say while they are empty."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from mexc_tui.model.listing import Stage
from mexc_tui.tui import lines
from mexc_tui.tui.columns import Column
from mexc_tui.tui.rows import Line, Order
from mexc_tui.tui.source import Shown, Source

Row = TypeVar("Row", bound=msgspec.Struct)
Changes = dict[str, Line | None]
Read = Callable[[Source, Iterable[str] | None, int], Changes]

_OVER = frozenset({Stage.MATURED.value, Stage.CANCELLED.value, Stage.NEVER_API.value, Stage.OPEN.value})
AS_THEY_CAME = Order()
LOADING = "Waiting for the engine's first answer."


@dataclass(frozen=True, slots=True)
class Pane:
    """One table of a screen. `share` is its part of the height."""

    view: str
    title: str
    columns: tuple[Column, ...]
    read: Read
    """The lines of these keys, or of all, as of a moment; None for a row that is not there."""
    empty: str
    order: Order = AS_THEY_CAME
    share: int = 1


@dataclass(frozen=True, slots=True)
class Board:
    """One screen."""

    name: str
    title: str
    help: str
    panes: tuple[Pane, ...]


def _reading(
    view: Callable[[Source], Shown[Row]],
    line: Callable[[Row, int], Line],
    keeps: Callable[[Row], bool] = lambda _: True,
) -> Read:
    def read(source: Source, keys: Iterable[str] | None, now_ms: int) -> Changes:
        rows = view(source).rows
        found = {key: rows.get(key) for key in (rows if keys is None else keys)}
        return {
            key: None if row is None or not keeps(row) else line(row, now_ms) for key, row in found.items()
        }

    return read


_NEXT = Pane(
    "listings",
    "Next openings",
    lines.LISTING,
    _reading(lambda source: source.listings, lines.listing, lambda row: row.stage not in _OVER),
    "No opening is expected. The engine reads the calendar every few seconds.",
    Order(1),
    share=3,
)
_LISTINGS = Pane(
    "listings",
    "Listings",
    lines.LISTING,
    _reading(lambda source: source.listings, lines.listing),
    "No listing is known yet. The engine reads the calendar every few seconds.",
    Order(1),
)
_LIVE_SIGNALS = Pane(
    "signals",
    "Signals that stand",
    lines.SIGNAL,
    _reading(lambda source: source.signals, lines.signal, lambda row: row.stands),
    "No signal stands. Detectors speak up when a listing comes near.",
    Order(0),
    share=2,
)
_SIGNALS = Pane(
    "signals",
    "Signals",
    lines.SIGNAL,
    _reading(lambda source: source.signals, lines.signal),
    "No signal has been raised yet.",
    Order(0),
)
_SNIPES = Pane(
    "snipes",
    "Snipes",
    lines.SNIPE,
    _reading(lambda source: source.snipes, lines.snipe),
    "Nothing is armed.",
    Order(2),
    share=2,
)
_POSITIONS = Pane(
    "positions",
    "Positions",
    lines.POSITION,
    _reading(lambda source: source.positions, lines.position, lambda row: row.closed_ms is None),
    "No position is open.",
    share=2,
)

BOARDS = (
    Board(
        "desk",
        "Desk",
        "What opens next and how sure that is, what detectors say, what was bought and what protects it.",
        (_NEXT, _LIVE_SIGNALS, _POSITIONS, _SNIPES),
    ),
    Board(
        "listings",
        "Listings",
        "Every listing: when it opens, who says so, whether the sources agree, and how it ended.",
        (_LISTINGS,),
    ),
    Board(
        "signals",
        "Signals",
        "Every signal: how sure the detector is, how many cases that rests on, and why it spoke up.",
        (_SIGNALS,),
    ),
)
