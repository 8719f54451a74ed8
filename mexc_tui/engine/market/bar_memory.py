"""Limits the memory used for the trade bars of all pairs."""

from collections.abc import Collection, Iterable

from mexc_tui.engine.market.knowledge_store import PairHistory

MAX_PAIRS = 40
"""Pairs in memory; more only while all of them are streamed or expected to open."""
MAX_TOTAL_BARS = 50_000
"""Bars (seconds with trades) of all pairs: about 14 MB."""
MIN_BARS = 600
"""Newest bars left to a pair without a live listing before bars of listings are dropped."""


def limit_histories(
    histories: dict[str, PairHistory], streamed: Collection[str], expected: Collection[str]
) -> None:
    """Drop pairs that are no longer streamed, least recently updated first, then the oldest bars.

    `expected`: symbols of live listings. Their bars determine outcomes, so they are dropped last and leave
    a gap.
    """
    idle = sorted(
        histories.keys() - set(streamed) - set(expected), key=lambda name: histories[name].updated_ms or 0
    )
    bars = sum(len(history.tape) for history in histories.values())
    for name in idle:
        if len(histories) <= MAX_PAIRS and bars <= MAX_TOTAL_BARS:
            return
        bars -= len(histories.pop(name).tape)
    if bars <= MAX_TOTAL_BARS:
        return
    others = [name for name in histories if name not in expected]
    listings = [name for name in histories if name in expected]
    capacity = MAX_TOTAL_BARS - sum(len(histories[name].tape) for name in listings)
    _trim((histories[name] for name in others), capacity, MIN_BARS)
    capacity = MAX_TOTAL_BARS - sum(len(histories[name].tape) for name in others)
    _trim((histories[name] for name in listings), capacity, 1)


def _trim(pairs: Iterable[PairHistory], capacity: int, least: int) -> None:
    """Cut the longest tapes to a common length, so that all fit; none below `least`."""
    tapes = sorted((pair.tape for pair in pairs), key=len)
    for index, tape in enumerate(tapes):
        longest = max(capacity // (len(tapes) - index), least)
        tape.keep_newest(longest)
        capacity -= len(tape)
