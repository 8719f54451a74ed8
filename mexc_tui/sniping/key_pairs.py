"""Trading permission of the API key for a pair, from the key's own symbol list (selfSymbols).

The list of an ordinary key contains every pair open to API trading. An empty list, a stale one, and one
read before the pair opened to API trading are inconclusive.
"""

from dataclasses import dataclass

OLD_MS = 600_000
"""An older list is stale."""
SETTLED_MS = 5_000
"""Delay after a pair opens to API trading until every list on the exchange contains it."""


@dataclass(frozen=True, slots=True)
class KeyPairs:
    """The symbol list as last read."""

    names: frozenset[str]
    at_ms: int


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """Whether the key may trade a pair, and the evidence. `is_allowed` None: unknown."""

    is_allowed: bool | None
    text: str


UNREAD = KeyPermission(None, "unknown: selfSymbols not read")


def key_may_trade(symbol: str, pairs: KeyPairs | None, api_ms: int | None, *, now_ms: int) -> KeyPermission:
    """Return whether a key may trade a pair.

    `api_ms`: when an official source first opened the pair to API trading.
    """
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
