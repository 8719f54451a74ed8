"""What a pane is drawn from: what is known, the moment, and the row somebody chose."""

from dataclasses import dataclass, field
from datetime import tzinfo

from mexc_tui.desk.kinds import Args, CommandKind, Result
from mexc_tui.tui.query_cache import QueryAnswer
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.staleness import AnswerAge, Answered


@dataclass(frozen=True, slots=True)
class RenderContext:
    """One look at the desk."""

    source: DeskSource
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
    answered: Answered = field(default_factory=Answered)
    """Ages of the answers that were drawn from."""

    def ask(self, kind: CommandKind[Args, Result], args: Args, every_s: float) -> QueryAnswer[Result]:
        """Return the newest answer, which is asked for again after `every_s`, and take note of its age."""
        heard = self.source.answers.latest(kind, args, every_s)
        if heard.result is not None and heard.of_s is not None:
            # The loop's clock stands still while the machine sleeps, and the exchange's time may be set back.
            age_ms = max((self.now_s - heard.of_s) * 1_000, self.now_ms - heard.of_ms)
            waited_ms = age_ms if heard.at_s is None else age_ms - (heard.at_s - heard.of_s) * 1_000
            self.answered.ages.append(AnswerAge(heard.of_ms, age_ms, waited_ms, every_s * 1_000))
        return heard
