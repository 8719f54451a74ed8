"""Lists decoded row by row: a malformed row is skipped, the others are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that could not be read."""

    name: str
    """Pair, asset or id; empty if unreadable."""
    problem: str
    """Invalid field; never a value of the row."""

    @property
    def text(self) -> str:
        """Return name and problem as one text."""
        return f"{self.name or 'a row'}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The readable rows of a list. With `skipped` rows it is incomplete: absence from it proves nothing."""

    rows: tuple[T, ...]
    skipped: tuple[SkippedRow, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows, read or skipped."""
        return len(self.rows) + len(self.skipped)

    @property
    def is_complete(self) -> bool:
        """Whether every row was read."""
        return not self.skipped

    @property
    def problem(self) -> str:
        """Return what was skipped and why; empty: nothing."""
        return skipped_text(self.skipped, len(self))


def skipped_text(skipped: Sequence[SkippedRow], total: int) -> str:
    """Return how many rows were skipped, and why the first was; empty: none."""
    if not skipped:
        return ""
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"{len(skipped)} of {total} rows skipped: {skipped[0].text}{more}"
