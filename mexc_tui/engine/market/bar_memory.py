"""Bounds what is remembered of streamed pairs, over all of them together."""

from collections.abc import Collection, Iterable

from mexc_tui.engine.market.knowledge_store import PairHistory

MOST_PAIRS = 40
"""So many pairs are remembered; more only while all of them are streamed or expected to open."""
MOST_BARS = 50_000
"""Seconds with trades over all pairs: about 14 MB."""
LEAST_BARS = 600
"""So many of the newest bars stay of a pair that is only shown or held, before those of listings go."""


def bound_seen(seen: dict[str, PairHistory], streamed: Collection[str], expected: Collection[str]) -> None:
    """Forget pairs that are not streamed any more, the longest silent ones first, and the oldest bars.

    `expected`: names of live listings. Their bars make their outcomes: they go last, and then as a gap.
    """
    idle = sorted(seen.keys() - set(streamed) - set(expected), key=lambda name: seen[name].heard_ms or 0)
    bars = sum(len(one.tape) for one in seen.values())
    for name in idle:
        if len(seen) <= MOST_PAIRS and bars <= MOST_BARS:
            return
        bars -= len(seen.pop(name).tape)
    if bars <= MOST_BARS:
        return
    others = [name for name in seen if name not in expected]
    listings = [name for name in seen if name in expected]
    room = MOST_BARS - sum(len(seen[name].tape) for name in listings)
    _trim((seen[name] for name in others), room, LEAST_BARS)
    room = MOST_BARS - sum(len(seen[name].tape) for name in others)
    _trim((seen[name] for name in listings), room, 1)


def _trim(pairs: Iterable[PairHistory], room: int, least: int) -> None:
    """Cut the longest tapes to one length, so that all fit; none below `least`."""
    tapes = sorted((one.tape for one in pairs), key=len)
    for place, tape in enumerate(tapes):
        longest = max(room // (len(tapes) - place), least)
        tape.keep_newest(longest)
        room -= len(tape)
