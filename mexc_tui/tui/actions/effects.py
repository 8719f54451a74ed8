"""Describe the effect of a command in numbers, from the rows shown.

Shown until the exact preview of the engine (`PREVIEW`) arrives, or instead of it.
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
    """Target of one command, independent of the cursor. Empty symbol: the desk."""

    symbol: str = ""
    share_pct: Decimal | None = None
    request: msgspec.Struct | None = None
    """Arguments of the command, parsed from a typed line (`forms.py`)."""
    effect: str = ""
    """Effect of that line."""


def no_text(*_: object) -> str:
    """Return no text."""
    return ""


def profile_option(source: DeskSource) -> str:
    """Return the CLI option for the profile; empty for the default profile."""
    status = source.status_row
    return "" if status is None or status.profile == "practice" else f" --profile {status.profile}"


def operator_hint(command: str, source: DeskSource) -> str:
    """Return the command for an action that read-only mode cannot do."""
    profile = profile_option(source)
    typed = f"Run mexc-tui {command}{profile}, or open" if command else "Open"
    return f"{typed} the desk with mexc-tui attach{profile}."


def close_effect(source: DeskSource, target: Target) -> str:
    """Describe the sale of a position or a part of it at the bid."""
    row = position_of(source, target.symbol)
    if row is None:
        return ""
    share = (target.share_pct or _HUNDRED) / _HUNDRED
    quantity = f"{price(row.quantity * share)} {row.base_asset}"
    if row.value is None or row.unrealised is None:
        return f"Sells {quantity} at market. No current price: proceeds unknown."
    value, gain = amount(row.value * share), signed(row.unrealised * share)
    return f"Sells {quantity} at market, worth {value} {row.quote_asset} at the bid, P&L {gain}."


def halt_effect(source: DeskSource, _: Target) -> str:
    """Describe what a halt cancels and disarms."""
    entries = sum(order.side is Side.BUY for order in _open_orders(source))
    snipes = many(_armed_snipes(source), "snipe")
    return f"Cancels {many(entries, 'buy order')}, disarms {snipes}; exits stay active."


def flatten_effect(source: DeskSource, _: Target) -> str:
    """Describe what flatten or emergency stop sells, cancels and disarms."""
    rows = open_positions(source)
    values = [row.value for row in rows]
    known = [value for value in values if value is not None]
    worth = f" worth ~{amount(sum(known, Decimal(0)))}" if known else ""
    more = "" if len(known) == len(rows) else f" and {len(rows) - len(known)} without a price"
    return (
        f"Sells {many(len(rows), 'position')}{worth}{more} at market, "
        f"cancels {many(len(_open_orders(source)), 'order')}, "
        f"disarms {many(_armed_snipes(source), 'snipe')}, "
        "and halts."
    )


def stop_engine_effect(source: DeskSource, _: Target) -> str:
    """Describe what stays unattended when the engine stops."""
    rows = open_positions(source)
    if not rows:
        armed_count = _armed_snipes(source)
        armed = (
            f"{many(armed_count, 'armed snipe').capitalize()} will not fire" if armed_count else "No entries"
        )
        return f"No open position. {armed} while the engine is stopped."
    return (
        f"{many(len(rows), 'position').capitalize()} would stay open without a stop: "
        "the engine monitors the stops."
    )


def remaining_text(source: DeskSource) -> str:
    """Return the remaining open orders and positions."""
    orders, positions = len(_open_orders(source)), len(open_positions(source))
    return f"{many(orders, 'order')} and {many(positions, 'position')} left"


def preview_with_refusals(row: PreviewRow) -> str:
    """Return the text of a preview with its refusals."""
    refusals = [verdict.flip or str(verdict) for verdict in row.refusals]
    more = [] if row.is_allowed else [text for text in refusals if text not in row.text]
    return " ".join([row.text, "; ".join(more)]).strip()


def position_of(source: DeskSource, symbol: str) -> PositionRow | None:
    """Return the open position of a symbol."""
    return next((row for row in open_positions(source) if row.symbol == symbol), None)


def open_positions(source: DeskSource) -> Sequence[PositionRow]:
    """Return the open positions."""
    return [row for row in source.positions.rows.values() if row.closed_ms is None]


def _open_orders(source: DeskSource) -> Sequence[OrderRow]:
    return [
        row for row in source.orders.rows.values() if not row.state.is_terminal and row.state is not _FOREIGN
    ]


def _armed_snipes(source: DeskSource) -> int:
    return sum(row.state.may_buy for row in source.snipes.rows.values())
