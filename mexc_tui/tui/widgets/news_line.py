"""News line of the header."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mexc_tui.tui.widgets.cell import Tone, fit
from mexc_tui.tui.widgets.styled_text import Part, width_of
from mexc_tui.tui.widgets.text import utc

SHOWN_S = 60.0
"""Seconds a notice stays in the line; then it is in the activity log only."""
FIRST_S = 8.0
"""Seconds a severe notice is not replaced by a lesser one."""
MAX_KEPT = 50
_SEVERITY = {Tone.BAD: 2, Tone.WARN: 1}
_ALL = "m show all"
_LEAST = 20


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One notice: text, tone, exchange time and local time."""

    text: str
    tone: Tone
    at_ms: int
    at_s: float


class NewsLine:
    """The latest notices, and the one shown."""

    def __init__(self) -> None:
        """Start empty."""
        self._items: deque[NewsItem] = deque(maxlen=MAX_KEPT)

    def add(self, item: NewsItem) -> None:
        """Add a notice."""
        self._items.append(item)

    def __iter__(self) -> Iterator[NewsItem]:
        """Return the notices, oldest first."""
        return iter(self._items)

    def line(self, now_s: float, width: int) -> list[Part]:
        """Return the line: the most severe recent notice, else the newest, with the count of others."""
        recent = [item for item in self._items if now_s - item.at_s < FIRST_S]
        newest_first = reversed(recent)
        shown = max(newest_first, key=lambda item: _SEVERITY.get(item.tone, 0), default=None)
        if shown is None:
            shown = self._items[-1] if self._items else None
        if shown is None or now_s - shown.at_s >= SHOWN_S:
            return []
        when = Part(utc(shown.at_ms), Tone.FAINT)
        others = len(recent) - 1
        more = [Part(f"+{others} more, {_ALL}", Tone.FAINT)] if others > 0 else []
        whole = [when, Part(shown.text, shown.tone), *more]
        if width_of(whole) <= width:
            return whole
        rest = more or [Part(_ALL, Tone.FAINT)]
        room = width - width_of([when, Part(""), *rest])
        if room < _LEAST:
            return [Part(fit(shown.text, max(width - 2, 1)).rstrip(), shown.tone)]
        return [when, Part(fit(shown.text, room).rstrip(), shown.tone), *rest]
