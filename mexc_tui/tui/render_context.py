"""Inputs of a pane: data, current time and selected row."""

from dataclasses import dataclass, field
from datetime import tzinfo

from mexc_tui.desk.api_types import Args, CommandKind, Result
from mexc_tui.tui.query_cache import QueryAnswer
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.staleness import AnswerAge, Answered


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
    answered: Answered = field(default_factory=Answered)
    """Ages of the query results used."""

    def ask(self, kind: CommandKind[Args, Result], args: Args, every_s: float) -> QueryAnswer[Result]:
        """Return the newest result of a query repeated every `every_s`, and record its age."""
        heard = self.source.answers.latest(kind, args, every_s)
        if heard.result is not None and heard.of_s is not None:
            # The loop clock stops while the machine is suspended; exchange time may be set back.
            age_ms = max((self.now_s - heard.of_s) * 1_000, self.now_ms - heard.of_ms)
            waited_ms = age_ms if heard.at_s is None else age_ms - (heard.at_s - heard.of_s) * 1_000
            self.answered.ages.append(AnswerAge(heard.of_ms, age_ms, waited_ms, every_s * 1_000))
        return heard
