"""What a pane is drawn from: what is known, the moment, and the row somebody chose."""

from dataclasses import dataclass
from datetime import tzinfo

from mexc_tui.tui.source import Source


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the desk."""

    source: Source
    now_ms: int
    """The exchange's time."""
    now_s: float
    """The loop's clock, for the age of answers."""
    zone: tzinfo
    key: str | None
    """The row under the cursor of the board's first table."""
    filter: str
    """The words that rows of that table must have."""
    pane: str = ""
    """For details: the title of the table they are of; `key` is the row under its cursor then."""
