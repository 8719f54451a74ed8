"""Describe the claim and probability of a signal, and changes of a listing."""

import re

from mexc_tui.model.listing import ChangeKind
from mexc_tui.model.view import SignalRow
from mexc_tui.model.why import ChangeRow
from mexc_tui.wording.times import NONE, time_of_day, when

_MOMENT = re.compile(r"\b(?:(\w+?)_ms )?(\d{13})\b")


def probability(row: SignalRow) -> str:
    """Format a probability with its 95 % interval; without history the probability is `?`."""
    span = f"{row.low * 100:.0f}–{row.high:.0%}"
    return f"? ({span})" if row.n == 0 and row.base_n == 0 else f"{row.probability:.0%} ({span})"


def claim_text(row: SignalRow) -> str:
    """Describe the claim whose probability a signal states."""
    text = row.claim.replace("_", " ")
    return f"{text} {time_of_day(row.due_ms, row.at_ms)}" if row.due_ms is not None else text


def change_text(change: ChangeRow) -> str:
    """Describe one change of a listing."""
    before, after = change.before, change.after
    if change.kind == ChangeKind.MOVED.value and before.isdecimal() and after.isdecimal():
        before, after = when(int(before)), when(int(after))
    source = f" ({change.source})" if change.source else ""
    return f"{change.kind}: {before or NONE} → {after or NONE}{source}"


def readable(text: str) -> str:
    """Return a text with Unix milliseconds replaced by readable times."""
    return _MOMENT.sub(lambda found: f"{found[1] + ' ' if found[1] else ''}{when(int(found[2]))}", text)
