"""Detect news for the user: alerts, fills, closed positions, changes of the trading state."""

from dataclasses import dataclass, field

from mexc_tui.desk.engine_requests import JOURNAL, SETTINGS, JournalQuery, NoArguments
from mexc_tui.model import event
from mexc_tui.model.event import Alert, AnyEvent, Fact, FillBooked
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.tui.activity_log import MAX_KEPT, ActivityEntry, ActivityLog
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.trade_text import Filled, close_text, fill_text
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.wording.alert_titles import alert_title
from mexc_tui.wording.reasons import spaced

ASK_AGAIN_S = 5.0
SETTINGS_S = 60.0
_ALERTS = JournalQuery(kind="alert", limit=20)
_FILLS = JournalQuery(kind="fill_booked", limit=100)
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARNING: Tone.WARN}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. Critical ones may ring the bell or flash."""

    text: str
    tone: Tone
    is_critical: bool


@dataclass(frozen=True, slots=True)
class AlertSignals:
    """Signals for critical notices, from the settings."""

    bell: bool = True
    flash: bool = False


@dataclass(slots=True)
class _EventFollower:
    """Events of one kind: earlier ones, queried once, and new ones."""

    query: JournalQuery
    is_old_known: bool = False
    new_events: list[tuple[int, AnyEvent]] = field(default_factory=list[tuple[int, AnyEvent]])

    def drain(self, source: DeskSource) -> tuple[list[AnyEvent], list[AnyEvent]]:
        """Return earlier events once, then new ones; none until the earlier ones are known."""
        old: list[AnyEvent] = []
        if not self.is_old_known:
            page = source.queries.latest(JOURNAL, self.query, ASK_AGAIN_S).result
            if page is None:
                return [], []
            rows = sorted(page.rows, key=lambda fact: fact.sequence)
            old = [event.decode(bytes(row.body)) for row in rows]
            newest = max((row.sequence for row in rows), default=0)
            self.new_events = [(sequence, event) for sequence, event in self.new_events if sequence > newest]
            self.is_old_known = True
        new_events, self.new_events = self.new_events, []
        return old, [event for _, event in new_events]


class Notices:
    """Detects changes since the last check and adds them to the activity log."""

    def __init__(self, source: DeskSource, activity: ActivityLog) -> None:
        """Start without notices: the initial state is not news."""
        self._source, self._activity = source, activity
        self._alerts, self._fills = _EventFollower(_ALERTS), _EventFollower(_FILLS)
        self._filled: dict[str, Filled] = {}
        """Filled quantity of each order by its id."""
        self._closed: set[str] | None = None
        """Closed positions; None before the first update."""
        source.follow_events(self._on_fact)
        self._state: tuple[TradingState, int] | None = None

    def new_notices(self) -> list[Notice]:
        """Return new notices."""
        return [*self._new_alerts(), *self._new_fills(), *self._new_closes(), *self._trading()]

    def signals_for_critical(self) -> AlertSignals:
        """Return which signals critical notices use, from the settings."""
        found = self._source.queries.latest(SETTINGS, NoArguments(), SETTINGS_S).result
        if found is None:
            return AlertSignals()
        values = {row.name: row.value == "true" for row in found.rows if row.name in ("bell", "flash")}
        return AlertSignals(**values)

    def _on_fact(self, fact: Fact) -> None:
        match fact.event:
            case Alert():
                self._alerts.new_events.append((fact.sequence, fact.event))
            case FillBooked():
                self._fills.new_events.append((fact.sequence, fact.event))
            case _:
                pass

    def _new_alerts(self) -> list[Notice]:
        old, new_events = self._alerts.drain(self._source)
        for earlier in old:
            if isinstance(earlier, Alert):
                self._log_alert(earlier)
        notices = [self._log_alert(event) for event in new_events if isinstance(event, Alert)]
        return [notice for notice in notices if notice is not None]

    def _new_fills(self) -> list[Notice]:
        """Log one entry per order with all its fills; return the texts of new fills."""
        old, new_events = self._fills.drain(self._source)
        for earlier in old:
            if isinstance(earlier, FillBooked):
                self._log_fill(earlier)
        texts = {
            event.client_order_id: self._log_fill(event)
            for event in new_events
            if isinstance(event, FillBooked)
        }
        return [Notice(text, Tone.PLAIN, is_critical=False) for text in texts.values()]

    def _log_fill(self, fill: FillBooked) -> str:
        before = self._filled.pop(fill.client_order_id, Filled())
        filled = self._filled[fill.client_order_id] = before.plus(fill)
        while len(self._filled) > MAX_KEPT:
            del self._filled[next(iter(self._filled))]
        text = fill_text(fill, filled, self._source.positions.rows.get(fill.position_id))
        key = f"fill {fill.client_order_id}"
        self._activity.add(ActivityEntry(fill.at_ms, "engine", f"fill {fill.about}", text, Tone.PLAIN, key))
        return text

    def _new_closes(self) -> list[Notice]:
        view = self._source.positions
        if not view.is_complete:
            return []
        closed = {key: row for key, row in view.rows.items() if row.closed_ms is not None}
        before, self._closed = self._closed, set(closed)
        notices: list[Notice] = []
        for key, row in closed.items():
            if before is not None and key in before:
                continue
            text, tone = close_text(row)
            what = f"closed {row.symbol}"
            self._activity.add(ActivityEntry(row.closed_ms or 0, "engine", what, text, tone, what + key))
            if before is not None:
                notices.append(Notice(f"{what}: {text}", tone, is_critical=False))
        return notices

    def _log_alert(self, alert: Alert) -> Notice | None:
        """Log an alert; return its notice if its severity requires one."""
        tone = _TONES.get(alert.severity, Tone.BAD)
        text = alert.text if alert.about in alert.text else f"{alert.about}: {alert.text}"
        self._activity.add(ActivityEntry(alert.at_ms, "engine", alert_title(alert.rule), text, tone))
        if alert.severity is Severity.INFO:
            return None
        return Notice(text, tone, alert.severity is Severity.CRITICAL)

    def _trading(self) -> list[Notice]:
        risk = self._source.risk_row
        if risk is None:
            return []
        before, self._state = self._state, (risk.state, risk.since_ms)
        if before is None or before == self._state:
            return []
        what = f"trading {spaced(risk.state)}"
        tone = Tone.GOOD if risk.state is TradingState.ACTIVE else Tone.BAD
        who = risk.by or "engine"
        self._activity.add(ActivityEntry(risk.since_ms, who, what, risk.cause_text or "", tone))
        text = f"{what} by {who}" + (f": {risk.cause_text}" if risk.cause_text else "")
        return [Notice(text, tone, _is_grave(risk))]


def _is_grave(risk: RiskRow) -> bool:
    return (
        risk.state not in (TradingState.ACTIVE, TradingState.REDUCE_ONLY) and risk.cause is not Cause.MANUAL
    )
