"""Table of active and ended signals."""

import msgspec

from mexc_tui.model.signal import DetectorName, Signal, SignalEnd, SignalKey
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, Value, integer

_signal = Body(Signal, "signal")

_INSERT = """
    INSERT INTO signals (detector, version, subject, topic, state, symbol, detected_at_ms, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = """
    UPDATE signals SET ended_at_ms = ?
    WHERE detector = ? AND subject = ? AND topic = ? AND ended_at_ms IS NULL
"""
_ACTIVE = """
    SELECT id, body FROM signals
    WHERE detector = ? AND subject = ? AND topic = ? AND ended_at_ms IS NULL
"""
_SIGNALS = "SELECT body FROM signals "
_LABELLED = """
    SELECT body FROM signals WHERE subject IN (
        SELECT listing_id FROM listing_outcomes WHERE label_version = ? ORDER BY labelled_ms DESC LIMIT ?
    )
"""


class SignalRows:
    """Every signal ever raised. Each key has at most one active signal."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def add(self, signal: Signal) -> None:
        """Store a new signal and end the previous one of its key."""
        key = signal.key
        self._rows.run(_END, signal.at_ms, key.detector.value, key.subject, key.topic)
        self._rows.run(
            _INSERT,
            key.detector.value,
            signal.version,
            key.subject,
            key.topic,
            signal.state,
            signal.symbol,
            signal.at_ms,
            _signal.write(signal),
        )

    def end(self, ended: SignalEnd) -> bool:
        """End a signal. False: it was not active."""
        key = ended.key
        if ended.goes_on_as is not None and self._move_to_key(ended, ended.goes_on_as):
            return True
        sql = _END + "AND state = ?"
        changed = self._rows.run(sql, ended.at_ms, key.detector.value, key.subject, key.topic, ended.state)
        return changed > 0

    def _move_to_key(self, ended: SignalEnd, later: SignalKey) -> bool:
        """Move an active signal to another key, unless that key has an active one."""
        if self._rows.one(_ACTIVE, *_key_columns(later)) is not None:
            return False
        row = self._rows.one(_ACTIVE + "AND state = ?", *_key_columns(ended.key), ended.state)
        if row is None:
            return False
        body = _signal.write(msgspec.structs.replace(_signal.read(row[1]), key=later))
        self._rows.run("UPDATE signals SET subject = ?, body = ? WHERE id = ?", later.subject, body, row[0])
        return True

    def active(self) -> list[Signal]:
        """Return active signals, oldest first. A restart must not raise them again."""
        # Without a hint SQLite scans all signals by time instead of sorting the few active ones.
        return self._many("INDEXED BY signals_standing WHERE ended_at_ms IS NULL ORDER BY detected_at_ms")

    def of_symbol(self, symbol: str, limit: int = 100) -> list[Signal]:
        """Return signals about the pair with this name, newest first."""
        return self._many("WHERE symbol = ? ORDER BY detected_at_ms DESC LIMIT ?", symbol, limit)

    def of_listing(self, listing_id: str, limit: int = 100) -> list[Signal]:
        """Return signals about a listing under any name, newest first."""
        return self._many("WHERE subject = ? ORDER BY detected_at_ms DESC LIMIT ?", listing_id, limit)

    def of_detector(self, name: DetectorName, version: int, limit: int = 200) -> list[Signal]:
        """Return signals of one detector version, newest first."""
        sql = "WHERE detector = ? AND version = ? ORDER BY detected_at_ms DESC LIMIT ?"
        return self._many(sql, name.value, version, limit)

    def labelled(self, label_version: str, listings: int = 200) -> list[Signal]:
        """Return every signal about the `listings` most recently labelled listings."""
        rows = self._rows.all(_LABELLED, label_version, listings)
        return list(self._rows.damage.readable("signal", rows, lambda row: _signal.read(row[0])))

    def latest(self, limit: int = 100, before_ms: int = 2**62) -> list[Signal]:
        """Return signals raised before `before_ms`, newest first."""
        return self._many("WHERE detected_at_ms < ? ORDER BY detected_at_ms DESC LIMIT ?", before_ms, limit)

    def page(self, before: int = 2**62, limit: int = 100, symbol: str = "") -> list[tuple[int, Signal, bool]]:
        """Return signals below number `before`, newest first, each with its number and whether it is active.

        With `symbol`, only those about the pair with that name.
        """
        sql = "SELECT id, body, ended_at_ms IS NULL FROM signals WHERE id < ? "
        if symbol:
            rows = self._rows.all(sql + "AND symbol = ? ORDER BY id DESC LIMIT ?", before, symbol, limit)
        else:
            rows = self._rows.all(sql + "ORDER BY id DESC LIMIT ?", before, limit)
        return list(self._rows.damage.readable("signal", rows, _numbered))

    def _many(self, where: str, *values: Value) -> list[Signal]:
        rows = self._rows.all(_SIGNALS + where, *values)
        return list(self._rows.damage.readable("signal", rows, lambda row: _signal.read(row[0])))


def _numbered(row: Row) -> tuple[int, Signal, bool]:
    number, body, is_active = row
    return integer(number), _signal.read(body), bool(is_active)


def _key_columns(key: SignalKey) -> tuple[str, str, str]:
    return key.detector.value, key.subject, key.topic
