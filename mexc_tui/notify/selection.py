"""Selects the facts that become notifications. Pure."""

from collections.abc import Callable
from decimal import Decimal

from mexc_tui.model.event import (
    Alert,
    EngineStarted,
    EngineStopped,
    Fact,
    FillBooked,
    PositionChanged,
    SnipeRefused,
    TradingChanged,
)
from mexc_tui.model.notification import Notification
from mexc_tui.model.order import Side
from mexc_tui.model.position import CloseReason, Position
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import Cause, TradingState

LATE_MS = 3_600_000
"""A position that opened longer ago is not announced as opened when it changes."""
REPEATED = "engine:trading"
"""Alert of a trading state, which the change of that state already announced."""
STOPS = frozenset((CloseReason.STOP, CloseReason.TRAILING, CloseReason.BREAK_EVEN, CloseReason.TIME))

Titles = Callable[[str], str]


def notifications_of(fact: Fact, title: Titles) -> tuple[Notification, ...]:
    """Return what to send about a fact; empty: nothing. `title` returns the title of an alert's rule."""
    match fact.event:
        case Alert() as alert if alert.rule != REPEATED:
            return (_alert(fact.sequence, alert, title),)
        case FillBooked() as fill:
            return (_fill(fact.sequence, fill),)
        case PositionChanged() as change:
            return _position(change.at_ms, change.position)
        case SnipeRefused() as refused:
            return (_refusal(fact.sequence, refused),)
        case TradingChanged() as change:
            return (_trading(fact.sequence, change),)
        case EngineStarted() as started:
            return (_engine(fact.sequence, started, f"Profile {started.about}, mode {started.mode}."),)
        case EngineStopped() as stopped:
            return (_engine(fact.sequence, stopped, _stop_text(stopped)),)
        case _:
            return ()


def _alert(sequence: int, alert: Alert, title: Titles) -> Notification:
    text = alert.text if alert.about in alert.text else f"{alert.about}: {alert.text}"
    return Notification(
        key=f"fact:{sequence}",
        rule=alert.rule,
        about=alert.about,
        severity=alert.severity,
        title=title(alert.rule),
        text=text,
        at_ms=alert.at_ms,
    )


def _fill(sequence: int, fill: FillBooked) -> Notification:
    price = fill.value / fill.quantity if fill.quantity else Decimal(0)
    verb = "Bought" if fill.side is Side.BUY else "Sold"
    gain = f" Realised {fill.realised:+f}." if fill.side is Side.SELL else ""
    return Notification(
        key=f"fact:{sequence}",
        rule="fill",
        about=fill.about,
        severity=Severity.INFO,
        title=f"{verb} {fill.about}",
        text=f"{verb} {_plain(fill.quantity)} at {_price(price)} for {_plain(fill.value)}.{gain}",
        at_ms=fill.at_ms,
    )


def _position(at_ms: int, position: Position) -> tuple[Notification, ...]:
    """Return opening, stop and close of a position, each with a key that is used once per position."""
    found: list[Notification] = []

    def add(rule: str, severity: Severity, title: str, *, text: str) -> None:
        found.append(
            Notification(
                key=f"{rule}:{position.id}",
                rule=rule,
                about=position.symbol,
                severity=severity,
                title=f"{title} {position.symbol}",
                text=text,
                at_ms=at_ms,
            )
        )

    if position.is_open and at_ms - position.opened_ms <= LATE_MS:
        stop = f"stop {_plain(position.stop_price)}" if position.stop_price else "no stop"
        add("opened", Severity.INFO, "Opened", text=f"Entry {_price(position.entry_price)}, {stop}.")
    if position.is_open and position.fired in STOPS:
        add("stop", Severity.WARNING, "Stop fired", text=position.fired_text or position.fired.text)
    if not position.is_open:
        gain = f"{position.realised:+f} {position.quote_asset}"
        text = f"Realised {gain} after fees; {position.close_reason.text}."
        add("closed", Severity.INFO, "Closed", text=text)
    return tuple(found)


def _refusal(sequence: int, refused: SnipeRefused) -> Notification:
    reasons = "; ".join(f"{one.name}: {one.measured}" for one in refused.verdicts)
    return Notification(
        key=f"fact:{sequence}",
        rule="refused",
        about=refused.about,
        severity=Severity.INFO,
        title=f"Not armed {refused.about}",
        text=reasons or "No check was recorded.",
        at_ms=refused.at_ms,
    )


def _trading(sequence: int, change: TradingChanged) -> Notification:
    trading = change.trading
    severity, title = _STATES[trading.state]
    if trading.cause is Cause.EMERGENCY:
        severity, title = Severity.CRITICAL, f"Emergency stop: {title.lower()}"
    return Notification(
        key=f"fact:{sequence}",
        rule=f"trading:{trading.state}",
        about=change.about,
        severity=severity,
        title=title,
        text=f"{trading.text or trading.cause.value} (by {trading.by or 'the engine'})",
        at_ms=change.at_ms,
    )


_STATES = {
    TradingState.ACTIVE: (Severity.INFO, "Trading active"),
    TradingState.REDUCE_ONLY: (Severity.WARNING, "Entries paused"),
    TradingState.HALTED: (Severity.CRITICAL, "Trading halted"),
    TradingState.FLATTENING: (Severity.CRITICAL, "Closing all positions"),
}


def _engine(sequence: int, event: EngineStarted | EngineStopped, text: str) -> Notification:
    is_start = isinstance(event, EngineStarted)
    return Notification(
        key=f"fact:{sequence}",
        rule="engine:start" if is_start else "engine:stop",
        about=event.about,
        severity=Severity.INFO,
        title="Engine started" if is_start else "Engine stopped",
        text=text,
        at_ms=event.at_ms,
    )


def _stop_text(stopped: EngineStopped) -> str:
    reason = f": {stopped.reason}" if stopped.reason else ""
    return f"Profile {stopped.about}{reason}."


def _price(price: Decimal) -> str:
    return _plain(Decimal(f"{price:.8g}"))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
