"""Measure the age of displayed values by the screen's clock, its countdowns and the time of each figure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.trading_view import PositionRow, RiskRow, SnipeRow
from mexc_tui.model.view import ListingRow
from mexc_tui.tui.widgets.text import utc

DAY_MS = 86_400_000
READING_MS = 1_000
"""Tolerance for a value that was correct at the previous reading."""
MARKS = ("OLD", "SILENT", "NO CONNECTION", "FROZEN")
"""Marks in the header that apply to the whole screen."""
_CLOCK = re.compile(r" (\d\d):(\d\d):(\d\d)Z ")
_COUNTDOWN = re.compile(r"\b([A-Z0-9]{2,}USDT)\s[^│]*?\bT([-+])(?:(\d+):)?(\d\d):(\d\d)\b")
_OPENED = re.compile(r"opened (\d\d:\d\d:\d\dZ), T\+(?:(\d+):)?(\d\d):(\d\d)")
_EQUITY = re.compile(r"^ (?:was: )?equity ~?([\d.,]+) ")
_BID = re.compile(r"\b([A-Z0-9]{2,}USDT)\s+[▲▼ ]*[-+]?[\d.,]+(?:\s+[▲▼ ]*[-+]?[\d.]+%)?\s+([\d.,]+)\s")
"""The percentage is omitted on a narrow screen."""
_SELECTED = re.compile(r"^[│ ] ?> ([A-Z0-9]{2,}USDT) ")
_TRADE = re.compile(r"(\d\d:\d\d:\d\dZ) [▲▼?]\s+([\d.,]+)\s+([\d.,]+)")


@dataclass(frozen=True, slots=True)
class Age:
    """The minimum age of one item on the screen, and whether it is marked as old."""

    name: str
    ms: float
    is_marked: bool


@dataclass(slots=True)
class TrueValues:
    """History of the true values, by exchange time."""

    opens: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    _until: defaultdict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict[str, dict[str, int]](dict)
    )
    """For each figure its values, and until when each was true."""
    _recorded_ms: dict[str, int] = field(default_factory=dict[str, int])

    def note_openings(self, rows: Iterable[ListingRow | SnipeRow]) -> None:
        """Record the opening times of pairs."""
        for row in rows:
            opened_ms = row.opened_ms if isinstance(row, ListingRow) else None
            self.opens[row.symbol] |= {at_ms for at_ms in (row.opens_ms, opened_ms) if at_ms is not None}

    def note_risk(self, row: RiskRow, at_ms: int) -> None:
        """Record the equity."""
        self._record("equity", f"{row.equity:.2f}", at_ms)

    def note_positions(self, rows: Iterable[PositionRow], at_ms: int) -> None:
        """Record the bids."""
        for row in rows:
            if row.bid is not None:
                self._record(f"bid {row.symbol}", _plain(f"{row.bid:f}"), at_ms)

    def note_market(self, row: MarketRow) -> None:
        """Record the newest trade of a pair."""
        if row.trades:
            newest = row.trades[0]
            self._record(
                f"trade {row.symbol}", f"{utc(newest.at_ms)} {_plain(f'{newest.price:f}')}", row.at_ms
            )

    def age_ms(self, figure: str, text: str, now_ms: int) -> float | None:
        """Return how long ago a value was true; None if it is unknown for lack of recent readings."""
        until_ms, recorded_ms = self._until[figure].get(text), self._recorded_ms.get(figure, 0)
        is_known = until_ms is not None and (until_ms < recorded_ms or now_ms - recorded_ms <= READING_MS)
        return max(now_ms - until_ms, 0) if until_ms is not None and is_known else None

    def _record(self, figure: str, text: str, at_ms: int) -> None:
        self._until[figure][text] = self._recorded_ms[figure] = at_ms


def selected_pair(lines: Sequence[str]) -> str | None:
    """Return the pair under the cursor of the positions screen; None on another screen."""
    rows = (_SELECTED.search(line) for line in lines) if any("Trades" in line for line in lines) else ()
    return next((found[1] for found in rows if found is not None), None)


def ages(lines: Sequence[str], truth: TrueValues, now_ms: int) -> Iterable[Age]:
    """Yield the age of every item on a screen that has one."""
    clock = _CLOCK.search(lines[0])
    if clock is None:
        return
    yield Age("clock", _clock_ms(clock, now_ms), "FROZEN" in lines[0])
    is_marked, pair = any(word in lines[0] for word in MARKS), selected_pair(lines)
    if (equity := _EQUITY.search(lines[1])) is not None:
        yield from _figure("equity", equity[1].replace(",", ""), truth, now_ms, is_marked)
    trade_seen = False
    for number, line in enumerate(lines[2:], 2):
        for found in _COUNTDOWN.finditer(line):
            is_old = is_marked or _has_marked_title(lines, number, found.start())
            shown_ms = _shown_ms(found)
            opens = truth.opens.get(found[1], ())
            known = [
                _countdown_age_ms(opens_ms, shown_ms, now_ms, is_behind=found[2] == "+") for opens_ms in opens
            ]
            if known:
                yield Age(f"countdown {found[1]}", min(known, key=abs), is_old)
        for found in _BID.finditer(line):
            is_old = is_marked or _has_marked_title(lines, number, found.start())
            yield from _figure(f"bid {found[1]}", _plain(found[2].replace(",", "")), truth, now_ms, is_old)
        if not trade_seen and (found := _TRADE.search(line)) is not None:
            trade_seen, is_old = True, is_marked or _has_marked_title(lines, number, found.start())
            text = f"{found[1]} {_plain(found[2].replace(',', ''))}"
            yield from _figure(f"trade {pair}", text, truth, now_ms, is_old)


def _figure(name: str, text: str, truth: TrueValues, now_ms: int, is_marked: bool) -> Iterable[Age]:
    age_ms = truth.age_ms(name, text, now_ms)
    if age_ms is not None:
        yield Age(name, age_ms, is_marked)


def _has_marked_title(lines: Sequence[str], number: int, column: int) -> bool:
    """Return whether the title of the surrounding pane is marked as old."""
    left = max(lines[number].rfind("│", 0, column), 0)
    above = (line[left:] for line in reversed(lines[:number]) if line[left : left + 1] in ("╭", "─"))
    title = next(above, "").split("╮")[0]
    return "OLD" in title or "as of" in title


def _clock_ms(clock: re.Match[str], now_ms: int) -> float:
    """Return how long ago the second shown by a clock ended."""
    hours, minutes, seconds = (int(part) for part in clock.groups())
    shown_ms = ((hours * 60 + minutes) * 60 + seconds + 1) * 1_000
    behind_ms = (now_ms - shown_ms) % DAY_MS
    return behind_ms if behind_ms < DAY_MS / 2 else behind_ms - DAY_MS


def _shown_ms(found: re.Match[str]) -> int:
    return ((int(found[3] or 0) * 60 + int(found[4])) * 60 + int(found[5])) * 1_000


def _countdown_age_ms(opens_ms: int, shown_ms: int, now_ms: int, *, is_behind: bool) -> float:
    """Return how long ago a countdown was correct."""
    until_ms = opens_ms + shown_ms + 1_000 if is_behind else opens_ms - shown_ms + 1_000
    return max(now_ms - until_ms, 0)


def _plain(text: str) -> str:
    return f"{Decimal(text).normalize():f}"
