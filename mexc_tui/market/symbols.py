"""The exchange's pairs as read last, and what a new reading changed. In slices: there are 2,000 of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mexc_tui.model.symbol import Symbol

SLICE = 250
"""Pairs compared before the caller gets the floor again: well under 5 ms."""


@dataclass(frozen=True, slots=True)
class PairChange:
    """One pair as it was and is. `before` None: it is new; `after` None: it is gone."""

    before: Symbol | None
    after: Symbol | None

    @property
    def symbol(self) -> str:
        """Name of the pair."""
        pair = self.after or self.before
        assert pair is not None, "a change has a side"
        return pair.symbol


def diff_in_slices(
    before: Mapping[str, Symbol], after: Sequence[Symbol], size: int = SLICE
) -> Iterator[tuple[PairChange, ...]]:
    """Yield what changed, slice by slice: new and changed pairs first, those that are gone last.

    That order lets a pair that was renamed be seen under its new name before the old one goes.
    """
    for start in range(0, len(after), size):
        yield tuple(_changed(before, after[start : start + size]))
    names = {pair.symbol for pair in after}
    yield tuple(PairChange(pair, None) for name, pair in before.items() if name not in names)


def diff(before: Mapping[str, Symbol], after: Sequence[Symbol]) -> tuple[PairChange, ...]:
    """Return all that changed, at once."""
    return tuple(change for part in diff_in_slices(before, after) for change in part)


def _changed(before: Mapping[str, Symbol], pairs: Sequence[Symbol]) -> Iterator[PairChange]:
    for pair in pairs:
        known = before.get(pair.symbol)
        if known is not pair and known != pair:
            yield PairChange(known, pair)
