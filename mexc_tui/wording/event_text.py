"""Describe journal events in one line of plain text each."""

from typing import cast

import msgspec

from mexc_tui.model import event as events
from mexc_tui.model.event import AnyEvent
from mexc_tui.model.listing import ListingFacts, Sighting
from mexc_tui.model.signal import SignalKey
from mexc_tui.model.view import FactRow
from mexc_tui.wording.alert_titles import alert_title
from mexc_tui.wording.digits import plain, plain_json
from mexc_tui.wording.times import when
from mexc_tui.wording.trading_event_text import trading_event_text

_HEAD = frozenset({"kind", "at_ms", "about", "version"})


def event_text(row: FactRow) -> str:
    """Return the text of an event without time, kind and subject; for an unknown kind, its fields."""
    try:
        event = events.decode(bytes(row.body))
        return _detection_text(event) or trading_event_text(event) or _fields(row.body)
    except events.BadEvent:
        return _fields(row.body)


def _detection_text(event: AnyEvent) -> str:
    match event:
        case events.ListingSeen():
            return f"{event.sighting.source} {_sighting_text(event.sighting)}"
        case events.ListingChanged():
            change = event.change
            after = when(int(change.after)) if change.after.isdecimal() else change.after
            return f"{change.kind}: {after} ({change.source or 'time'})"
        case events.ListingLabelled():
            return f"outcome: {event.outcome.end}"
        case events.SignalRaised():
            signal = event.signal
            reasons = "; ".join(signal.reasons)
            return f"{_signal_name(signal.key)}: {reasons} ({signal.probability})"
        case events.SignalEnded():
            why = f" ({event.ended.reason})" if event.ended.reason else ""
            return f"{_signal_name(event.ended.key)} ended{why}"
        case _:
            return _desk_text(event)


def _signal_name(key: SignalKey) -> str:
    return f"{key.detector} ({key.topic})".replace("_", " ")


def _desk_text(event: AnyEvent) -> str:
    match event:
        case events.Alert():
            return f"{event.severity}: {alert_title(event.rule)}: {event.text}"
        case events.SettingChanged():
            later = ", after restart" if event.needs_restart else ""
            return f"{event.old} → {event.new}{later} ({event.origin})"
        case events.EngineStarted():
            return f"mode {event.mode} {event.exchange_session}".rstrip()
        case events.EngineStopped():
            return event.reason
        case events.CommandBegun():
            return f"{event.who}: {event.name} {event.args}"
        case events.CommandDone():
            return f"{event.name} {event.outcome}: {event.text}"
        case _:
            return ""


def _sighting_text(sighting: Sighting) -> str:
    if not sighting.present:
        return "withdrawn"
    facts: ListingFacts = sighting.facts
    parts = [f"opens {when(facts.opens_ms)}"] if facts.opens_ms is not None else []
    if facts.triple is not None:
        parts.append(f"state {facts.triple}")
    if facts.traded_ms is not None or facts.quoted_ms is not None:
        parts.append("first trade" if facts.traded_ms is not None else "first quote")
    if facts.price is not None:
        parts.append(f"at {facts.price:f}")
    if facts.note:
        parts.append(facts.note)
    return ", ".join(parts) or "listed"


def _fields(body: msgspec.Raw) -> str:
    event = cast("dict[str, object]", msgspec.json.decode(body))
    parts = [(name, value) for name, value in event.items() if name not in _HEAD]
    return " ".join(f"{name}={_short(value)}" for name, value in parts if value not in ("", None))


def _short(value: object) -> str:
    return plain(value) if isinstance(value, str) else plain_json(msgspec.json.encode(value)).decode()
