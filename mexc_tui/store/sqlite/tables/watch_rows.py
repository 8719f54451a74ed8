"""Tables of alerts, detection passes and settings changes."""

from mexc_tui.model.event import Alert, SettingChanged
from mexc_tui.model.signal import DetectionPass
from mexc_tui.model.storage import StoredAlert
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, Value, integer

_alert = Body(Alert, "alert")
_pass = Body(DetectionPass, "detection pass")
_setting = Body(SettingChanged, "setting change")

_REPEAT = """
    UPDATE alerts SET last_ms = ?, times = times + 1, severity = ?, body = ?
    WHERE rule = ? AND about = ? AND closed_ms IS NULL
"""
_INSERT_ALERT = """
    INSERT INTO alerts (rule, about, severity, first_ms, last_ms, times, body) VALUES (?, ?, ?, ?, ?, 1, ?)
"""
_ALERTS = "SELECT body, first_ms, last_ms, times, closed_ms FROM alerts "


class AlertRows:
    """Alerts. Rule and subject identify one alert until it is closed."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def add(self, alert: Alert) -> bool:
        """Store an alert. False: it is already open, and its count was increased."""
        body = _alert.write(alert)
        severity = alert.severity.value
        if self._rows.run(_REPEAT, alert.at_ms, severity, body, alert.rule, alert.about):
            return False
        self._rows.run(_INSERT_ALERT, alert.rule, alert.about, severity, alert.at_ms, alert.at_ms, body)
        return True

    def close(self, rule: str, about: str, at_ms: int) -> bool:
        """Close an alert. False: none with this rule and subject was open."""
        sql = "UPDATE alerts SET closed_ms = ? WHERE rule = ? AND about = ? AND closed_ms IS NULL"
        return self._rows.run(sql, at_ms, rule, about) > 0

    def open(self) -> list[StoredAlert]:
        """Return open alerts, by rule and subject."""
        return self._many("WHERE closed_ms IS NULL ORDER BY rule, about")

    def latest(self, limit: int = 100) -> list[StoredAlert]:
        """Return alerts, newest first, including closed ones."""
        return self._many("ORDER BY last_ms DESC LIMIT ?", limit)

    def _many(self, where: str, *values: Value) -> list[StoredAlert]:
        rows = self._rows.all(_ALERTS + where, *values)
        return list(self._rows.damage.readable("alert", rows, _stored))


class PassRows:
    """Detection passes."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def add(self, done: DetectionPass) -> None:
        """Store one pass."""
        sql = "INSERT INTO detection_passes (at_ms, body) VALUES (?, ?)"
        self._rows.run(sql, done.at_ms, _pass.write(done))

    def latest(self, limit: int = 100) -> list[DetectionPass]:
        """Return the newest passes, newest first."""
        rows = self._rows.all("SELECT body FROM detection_passes ORDER BY at_ms DESC LIMIT ?", limit)
        return list(self._rows.damage.readable("detection pass", rows, lambda row: _pass.read(row[0])))


class SettingRows:
    """Settings changes. They are never deleted."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def add(self, change: SettingChanged) -> None:
        """Store one change."""
        sql = "INSERT INTO settings_changes (name, at_ms, body) VALUES (?, ?, ?)"
        self._rows.run(sql, change.about, change.at_ms, _setting.write(change))

    def of(self, name: str, limit: int = 100) -> list[SettingChanged]:
        """Return the newest changes of one setting, newest first."""
        sql = "SELECT body FROM settings_changes WHERE name = ? ORDER BY at_ms DESC LIMIT ?"
        rows = self._rows.all(sql, name, limit)
        return list(self._rows.damage.readable("setting", rows, lambda row: _setting.read(row[0])))


def _stored(row: Row) -> StoredAlert:
    body, first_ms, last_ms, times, closed_ms = row
    return StoredAlert(
        alert=_alert.read(body),
        first_ms=integer(first_ms),
        last_ms=integer(last_ms),
        times=integer(times),
        closed_ms=None if closed_ms is None else integer(closed_ms),
    )
