"""Whether the key's own list of pairs (selfSymbols) lets it trade a pair.

An ordinary key's list names every pair that is open to keys. An empty list, one that was read too long ago,
and one from before the pair was opened to keys prove nothing.
"""

from dataclasses import dataclass

OLD_MS = 600_000
"""A list read longer ago says nothing about now."""
SETTLED_MS = 5_000
"""So long after a pair was opened to keys every list of the exchange names it."""


@dataclass(frozen=True, slots=True)
class KeyPairs:
    """A list of pairs as it was read last."""

    names: frozenset[str]
    at_ms: int


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """Whether the key may trade a pair, and what that follows from. None: not known."""

    is_allowed: bool | None
    words: str


UNREAD = KeyPermission(None, "unknown: selfSymbols not read")


def key_may_trade(symbol: str, pairs: KeyPairs | None, api_ms: int | None, now_ms: int) -> KeyPermission:
    """Return whether a key may trade a pair. `api_ms`: when an official source first opened it to keys."""
    if pairs is None:
        return UNREAD
    age_ms = max(now_ms - pairs.at_ms, 0)
    read = f"selfSymbols, read {age_ms / 1_000:.0f} s ago"
    if age_ms > OLD_MS:
        return KeyPermission(None, f"unknown: {read}, too old")
    if not pairs.names:
        return KeyPermission(None, f"unknown: {read}, empty list")
    if symbol in pairs.names:
        return KeyPermission(True, f"yes: {read}")
    if api_ms is None or pairs.at_ms < api_ms + SETTLED_MS:
        return KeyPermission(None, f"unknown: {read}, before API trading opened")
    return KeyPermission(False, f"no: {read}, not listed")
