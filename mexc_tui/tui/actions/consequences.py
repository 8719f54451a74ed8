"""What a command would do, in numbers, out of the rows that are shown. Pure.

The engine says it more exactly (`PREVIEW`); this is said until it has, and when it cannot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.plan_view import PreviewRow
from mexc_tui.model.text import many
from mexc_tui.model.trading_view import OrderRow, PositionRow
from mexc_tui.tui.source import DeskSource
from mexc_tui.wording.money import amount, price, signed

_FOREIGN = OrderState.FOREIGN
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Target:
    """What one command is aimed at; it stays that, however rows move. Empty symbol: the desk."""

    symbol: str = ""
    share_pct: Decimal | None = None
    made: msgspec.Struct | None = None
    """The command's arguments, where a line was typed for it (`forms.py`)."""
    words: str = ""
    """What that line would do."""


def no_words(*_: object) -> str:
    """Say nothing."""
    return ""


def of_profile(source: DeskSource) -> str:
    """Return the option that names the engine's profile on a command line; empty: it needs none."""
    status = source.status_row
    return "" if status is None or status.profile == "practice" else f" --profile {status.profile}"


def elsewhere(command: str, source: DeskSource) -> str:
    """Say where somebody can do what a read-only screen cannot."""
    profile = of_profile(source)
    typed = f"Type mexc-tui {command}{profile}, or open" if command else "Open"
    return f"{typed} the desk with mexc-tui attach{profile}."


def closing(source: DeskSource, target: Target) -> str:
    """Say what selling a position, or a part of it, would bring at the bid."""
    row = held(source, target.symbol)
    if row is None:
        return ""
    share = (target.share_pct or _HUNDRED) / _HUNDRED
    quantity = f"{price(row.quantity * share)} {row.base_asset}"
    if row.value is None or row.unrealised is None:
        return f"Sells {quantity} at the market. No fresh price is known, so neither is what it brings."
    value, gain = amount(row.value * share), signed(row.unrealised * share)
    return f"Sells {quantity} at the market, worth {value} {row.quote_asset} at the bid: {gain}."


def stopping(source: DeskSource, _: Target) -> str:
    """Say what a halt cancels and disarms."""
    entries = sum(order.side is Side.BUY for order in _standing(source))
    return f"Cancels {many(entries, 'buy order')}, disarms {many(_waiting(source), 'snipe')}; exits go on."


def stopping_all(source: DeskSource, _: Target) -> str:
    """Say what is sold, cancelled and disarmed when everything is to end."""
    rows = open_positions(source)
    values = [row.value for row in rows]
    known = [value for value in values if value is not None]
    worth = f" worth about {amount(sum(known, Decimal(0)))}" if known else ""
    more = "" if len(known) == len(rows) else f" and {len(rows) - len(known)} without a price"
    return (
        f"Sells {many(len(rows), 'position')}{worth}{more} at the market, "
        f"cancels {many(len(_standing(source)), 'order')}, disarms {many(_waiting(source), 'snipe')}, "
        "and halts."
    )


def stopping_engine(source: DeskSource, _: Target) -> str:
    """Say what is left alone when the engine ends."""
    rows = open_positions(source)
    if not rows:
        waits = _waiting(source)
        armed = f"{many(waits, 'armed snipe').capitalize()} will not fire" if waits else "Nothing is bought"
        return f"No position is open. {armed} while no engine runs."
    return (
        f"{many(len(rows), 'position').capitalize()} would stay open with no stop: "
        "stops live in this engine and end with it."
    )


def left(source: DeskSource) -> str:
    """Say what is still there while something is being done."""
    orders, positions = len(_standing(source)), len(open_positions(source))
    return f"{many(orders, 'order')} and {many(positions, 'position')} left"


def previewed(row: PreviewRow) -> str:
    """Return what the engine says it would do, with who refuses."""
    said = [one.flip or str(one) for one in row.refusals]
    more = [] if row.is_allowed else [one for one in said if one not in row.words]
    return " ".join([row.words, "; ".join(more)]).strip()


def held(source: DeskSource, symbol: str) -> PositionRow | None:
    """Return the open position of a pair."""
    return next((row for row in open_positions(source) if row.symbol == symbol), None)


def open_positions(source: DeskSource) -> Sequence[PositionRow]:
    """Return the open positions."""
    return [row for row in source.positions.rows.values() if row.closed_ms is None]


def _standing(source: DeskSource) -> Sequence[OrderRow]:
    return [
        row for row in source.orders.rows.values() if not row.state.is_terminal and row.state is not _FOREIGN
    ]


def _waiting(source: DeskSource) -> int:
    return sum(row.state.may_buy for row in source.snipes.rows.values())
