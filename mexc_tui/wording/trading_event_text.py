"""Describe trading events in one line of plain text each."""

from mexc_tui.model import event as events
from mexc_tui.model.event import AnyEvent
from mexc_tui.model.intent import Order
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.wording.money import amount, price, signed
from mexc_tui.wording.reasons import reason_text, spaced


def trading_event_text(event: AnyEvent) -> str:
    """Return the text of a trading event; empty for other events."""
    match event:
        case events.SnipeChanged():
            return _snipe(event.snipe)
        case events.SnipeRefused():
            failed = "; ".join(
                f"{verdict.name.replace('_', ' ')} {verdict.value} ({verdict.bound})"
                for verdict in event.verdicts
            )
            return f"not armed: {failed}"
        case events.AttemptMade():
            return _attempt(event.attempt)
        case events.OrderChanged():
            return f"{_order(event.order)} ({event.source})"
        case events.FillBooked():
            realised = f", realised {signed(event.realised)}" if event.realised else ""
            side = event.side.value.lower()
            return f"{side} {price(event.quantity)} for {amount(event.value)}{realised}"
        case events.PositionChanged():
            return _position(event.position, event.text)
        case _:
            return _state_text(event)


def _state_text(event: AnyEvent) -> str:
    match event:
        case events.TradingChanged():
            text = f": {event.trading.text}" if event.trading.text else ""
            return f"trading {spaced(event.trading.state)}{text} (by {event.trading.by})"
        case events.RiskMonitorActed():
            return f"risk monitor {spaced(event.level)}: {event.finding}; {event.action}: {event.achieved}"
        case events.LiveLockChanged():
            state = "locked" if event.until_ms is None else "UNLOCKED, entries use real money"
            return f"live trading {state} (by {event.by})"
        case events.Reconciled():
            run = event.run
            differences = f"{len(run.explained)} explained, {len(run.unexplained)} unexplained differences"
            return f"reconciled ({reason_text(run.trigger)}): {differences}" + (
                f"; {run.problem}" if run.problem else ""
            )
        case events.RecoveryReported():
            return f"recovered from the previous run: {'; '.join(event.lines)}"
        case events.EntryBooked():
            return _entry(event.entry)
        case _:
            return ""


def _snipe(snipe: Snipe) -> str:
    bought = f", bought {price(snipe.filled_quantity)} for {amount(snipe.filled_value)}"
    return f"snipe {spaced(snipe.state)}: {snipe.reason}{bought if snipe.filled_quantity else ''}"


def _attempt(attempt: Attempt) -> str:
    code = "" if attempt.code is None else f" ({attempt.code})"
    then = f", then {attempt.next_step}" if attempt.next_step else ""
    return f"attempt {attempt.number} at {price(attempt.price)}: {attempt.answer}{code}{then}"


def _order(order: Order) -> str:
    at = "market" if order.price is None else price(order.price)
    filled = f", filled {price(order.filled_quantity)}" if order.filled_quantity else ""
    why = f": {order.reason}" if order.reason else ""
    return f"{order.side.value.lower()} {price(order.quantity)} at {at} {spaced(order.state)}{filled}{why}"


def _position(position: Position, text: str) -> str:
    if position.is_open:
        state = (
            f"{spaced(position.state)}, {price(position.remaining)} left, stop {price(position.stop_price)}"
        )
    else:
        state = f"closed: {reason_text(position.close_reason)}"
    realised = f", realised {signed(position.realised)}" if position.realised else ""
    return f"position {state}{realised}" + (f": {text}" if text else "")


def _entry(entry: LedgerEntry) -> str:
    moved = ", ".join(
        f"{spaced(posting.account)} {posting.amount:+f} {posting.asset}" for posting in entry.postings
    )
    return f"{spaced(entry.kind)}: {moved}" + (f" ({entry.text})" if entry.text else "")
