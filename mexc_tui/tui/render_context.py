"""Inputs of a pane: data, current time and selected row."""

from dataclasses import dataclass, field
from datetime import tzinfo

from mexc_tui.desk.api_types import Args, CommandKind, Result
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.staleness import ResponseAge, ShownResponses


@dataclass(frozen=True, slots=True)
class RenderContext:
    """State of the desk for one repaint."""

    source: DeskSource
    now_ms: int
    """Exchange time."""
    now_s: float
    """Loop clock, for the age of query results."""
    zone: tzinfo
    key: str | None
    """Row under the cursor of the first table."""
    filter: str
    """Filter of that table."""
    pane: str = ""
    """For details: title of their table; `key` is then the row under its cursor."""
    answered: ShownResponses = field(default_factory=ShownResponses)
    """Ages of the query results used."""

    def query(self, kind: CommandKind[Args, Result], args: Args, every_s: float) -> QueryResponse[Result]:
        """Return the newest result of a query repeated every `every_s`, and record its age."""
        response = self.source.queries.latest(kind, args, every_s)
        if response.result is not None and response.as_of_s is not None:
            # The loop clock stops while the machine is suspended; exchange time may be set back.
            age_ms = max((self.now_s - response.as_of_s) * 1_000, self.now_ms - response.as_of_ms)
            waited_ms = (
                age_ms
                if response.queried_s is None
                else age_ms - (response.queried_s - response.as_of_s) * 1_000
            )
            self.answered.ages.append(ResponseAge(response.as_of_ms, age_ms, waited_ms, every_s * 1_000))
        return response
