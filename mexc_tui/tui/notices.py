"""What a person is told without having asked: alerts, and a trading state that became another."""

from dataclasses import dataclass

from mexc_tui.desk.asking import JOURNAL, SETTINGS, JournalAsked, Nothing
from mexc_tui.model import event
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.tui.cell import Tone
from mexc_tui.tui.happened import Happened, Happening
from mexc_tui.tui.source import Source
from mexc_tui.wording.alerts import alert_title

ASK_AGAIN_S = 5.0
SETTINGS_S = 60.0
_ALERTS = JournalAsked(kind="alert", limit=20)
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARNING: Tone.WARN}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something new to be told. Critical: loud, if the person wants that."""

    words: str
    tone: Tone
    is_critical: bool


@dataclass(frozen=True, slots=True)
class Loudness:
    """How a person wants to be told of what is critical."""

    bell: bool = True
    flash: bool = False


class Notices:
    """Looks for what is new since the last look, and keeps it among what happened."""

    def __init__(self, source: Source, happened: Happened) -> None:
        """What was there at the beginning is no news."""
        self._source, self._happened = source, happened
        self._is_old_known = False
        self._came: list[tuple[int, Alert]] = []
        """Alerts since the last look, under their numbers."""
        source.follow_news(self._hear)
        self._state: tuple[TradingState, int] | None = None

    def look(self) -> list[Notice]:
        """Return what is new."""
        return [*self._alerts(), *self._trading()]

    def loudness(self) -> Loudness:
        """Return what the settings say."""
        found = self._source.answers.latest(SETTINGS, Nothing(), SETTINGS_S).result
        if found is None:
            return Loudness()
        values = {row.name: row.value == "true" for row in found.rows if row.name in ("bell", "flash")}
        return Loudness(**values)

    def _alerts(self) -> list[Notice]:
        """Keep the alerts of before, once they are known; then return those that came since."""
        if not self._is_old_known:
            page = self._source.answers.latest(JOURNAL, _ALERTS, ASK_AGAIN_S).result
            if page is None:
                return []
            for row in sorted(page.rows, key=lambda one: one.sequence):
                alert = event.decode(bytes(row.body))
                if isinstance(alert, Alert):
                    self._keep(alert)
            newest = max((row.sequence for row in page.rows), default=0)
            self._came = [(sequence, alert) for sequence, alert in self._came if sequence > newest]
            self._is_old_known = True
        came, self._came = self._came, []
        notices = [self._keep(alert) for _, alert in came]
        return [notice for notice in notices if notice is not None]

    def _hear(self, fact: Fact) -> None:
        if isinstance(fact.event, Alert):
            self._came.append((fact.sequence, fact.event))

    def _keep(self, alert: Alert) -> Notice | None:
        """Keep an alert; return how it is told, if it is worth that."""
        tone = _TONES.get(alert.severity, Tone.BAD)
        words = alert.text if alert.about in alert.text else f"{alert.about}: {alert.text}"
        self._happened.add(Happening(alert.at_ms, "engine", alert_title(alert.rule), words, tone))
        if alert.severity is Severity.INFO:
            return None
        return Notice(words, tone, alert.severity is Severity.CRITICAL)

    def _trading(self) -> list[Notice]:
        risk = next(iter(self._source.risk.rows.values()), None)
        if risk is None:
            return []
        before, self._state = self._state, (risk.state, risk.since_ms)
        if before is None or before == self._state:
            return []
        what = f"trading {risk.state.value.replace('_', ' ')}"
        tone = Tone.GOOD if risk.state is TradingState.ACTIVE else Tone.BAD
        who = risk.by or "engine"
        self._happened.add(Happening(risk.since_ms, who, what, risk.cause_words or "", tone))
        words = f"{what} by {who}" + (f": {risk.cause_words}" if risk.cause_words else "")
        return [Notice(words, tone, _is_grave(risk))]


def _is_grave(risk: RiskRow) -> bool:
    return (
        risk.state not in (TradingState.ACTIVE, TradingState.REDUCE_ONLY) and risk.cause is not Cause.PERSON
    )
