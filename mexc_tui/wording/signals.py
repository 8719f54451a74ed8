"""What a signal claims, how sure it is, and what changed about a listing, in plain words. Pure."""

import re

from mexc_tui.model.listing import ChangeKind
from mexc_tui.model.view import SignalRow
from mexc_tui.model.why import ChangeRow
from mexc_tui.wording.moments import NONE, clock, when

_MOMENT = re.compile(r"\b(?:(\w+?)_ms )?(\d{13})\b")


def probability(row: SignalRow) -> str:
    """Return a probability and its interval; without any history only the interval, for nothing is known."""
    span = f"{row.low * 100:.0f}–{row.high:.0%}"
    return f"? ({span})" if row.n == 0 and row.base_n == 0 else f"{row.probability:.0%} ({span})"


def claim_words(row: SignalRow) -> str:
    """Return what a signal's probability is the probability of."""
    words = row.claim.replace("_", " ")
    return f"{words} {clock(row.due_ms, row.at_ms)}" if row.due_ms is not None else words


def change_words(change: ChangeRow) -> str:
    """Return one change in words."""
    before, after = change.before, change.after
    if change.kind == ChangeKind.MOVED.value and before.isdecimal() and after.isdecimal():
        before, after = when(int(before)), when(int(after))
    told = f" ({change.source})" if change.source else ""
    return f"{change.kind}: {before or NONE} → {after or NONE}{told}"


def readable(text: str) -> str:
    """Return a text with its moments in milliseconds as moments."""
    return _MOMENT.sub(lambda found: f"{found[1] + ' ' if found[1] else ''}{when(int(found[2]))}", text)
