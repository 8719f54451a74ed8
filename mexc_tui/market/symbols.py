"""Symbols of the exchange, and the changes between two readings, in slices: there are about 2,000."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mexc_tui.model.symbol import Symbol

SLICE = 250
"""Symbols compared per slice: well under 5 ms."""


@dataclass(frozen=True, slots=True)
class PairChange:
    """One symbol before and after. `before` None: new; `after` None: removed."""

    before: Symbol | None
    after: Symbol | None

    @property
    def symbol(self) -> str:
        """Name of the symbol."""
        pair = self.after or self.before
        assert pair is not None, "a change has a before or an after"
        return pair.symbol


def diff_in_slices(
    before: Mapping[str, Symbol], after: Sequence[Symbol], size: int = SLICE
) -> Iterator[tuple[PairChange, ...]]:
    """Yield changes slice by slice: new and changed symbols first, removed ones last.

    In this order a renamed symbol appears under its new name before the old one is removed.
    """
    for start in range(0, len(after), size):
        yield tuple(_changed(before, after[start : start + size]))
    names = {pair.symbol for pair in after}
    yield tuple(PairChange(pair, None) for name, pair in before.items() if name not in names)


def diff(before: Mapping[str, Symbol], after: Sequence[Symbol]) -> tuple[PairChange, ...]:
    """Return all changes at once."""
    return tuple(change for part in diff_in_slices(before, after) for change in part)


def _changed(before: Mapping[str, Symbol], pairs: Sequence[Symbol]) -> Iterator[PairChange]:
    for pair in pairs:
        known = before.get(pair.symbol)
        if known is not pair and known != pair:
            yield PairChange(known, pair)
