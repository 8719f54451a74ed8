"""What commands of trading print for people: snipes, orders, positions, risk, verdicts, books."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from mexc_tui.cli.tables import Cell, Column, Pen, Tone, figure, fold, table
from mexc_tui.model.digits import exact, money_number, quantity_number, quote_number
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Protection
from mexc_tui.model.reconciliation import Difference
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import GuardLevel, TradingState
from mexc_tui.model.trading_view import (
    LimitRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)
from mexc_tui.model.verdict import Verdict
from mexc_tui.wording.moments import NONE, ahead, when
from mexc_tui.wording.money import amount, price, signed
from mexc_tui.wording.previews import day_words, drawdown_words, tightening_words

OLD_MS = 2_000
"""An older price is marked: its pair is delisted or over, or its stream is down."""
_SNIPE = (
    "SYMBOL",
    "STATE",
    Column("OPENS (UTC)", 3),
    Column("", 4),
    "SPEND",
    Column("AT MOST", 2),
    Column("TRIES", 5),
    "BOUGHT",
    Column("BY", 6),
    Column("WHY", 1),
)
_ORDER = (
    "SYMBOL",
    "SIDE",
    Column("FOR", 2),
    "STATE",
    "PRICE",
    "QUANTITY",
    "FILLED",
    Column("AVERAGE", 3),
    Column("FEES", 5),
    Column("SINCE (UTC)", 4),
    Column("WHY", 1),
)
_POSITION = (
    "SYMBOL",
    Column("STATE", 5),
    "QUANTITY",
    "ENTRY",
    Column("BID", 2),
    "VALUE",
    "P&L",
    Column("%", 1),
    Column("REALISED", 4),
    Column("STOP", 3),
)
_STATES = {
    SnipeState.FILLED: Tone.GOOD,
    SnipeState.READY: Tone.GOOD,
    SnipeState.REJECTED: Tone.BAD,
    SnipeState.MISSED: Tone.WARN,
    SnipeState.UNKNOWN: Tone.BAD,
}


def snipes_page(rows: Sequence[SnipeRow], now_ms: int, pen: Pen) -> str:
    """Return snipes."""
    if not rows:
        return "No snipe is armed."
    return table(_SNIPE, [_snipe(row, now_ms) for row in rows], pen)


def _snipe(row: SnipeRow, now_ms: int) -> tuple[Cell, ...]:
    bought = f"{price(row.filled_quantity)} for {amount(row.filled_value)}" if row.filled_quantity else NONE
    return (
        Cell(row.symbol),
        Cell(row.state.value, _STATES.get(row.state, Tone.PLAIN)),
        Cell(when(row.opens_ms)[5:]),
        Cell(ahead(row.opens_ms, now_ms), Tone.FAINT),
        _amount(row.spend_cap),
        _price(row.price_cap),
        Cell(str(row.attempts), is_number=True),
        Cell(bought),
        Cell(row.by),
        Cell(row.reason),
    )


def orders_page(rows: Sequence[OrderRow], pen: Pen) -> str:
    """Return orders, newest first."""
    if not rows:
        return "No order is open."
    return table(_ORDER, [_order(row) for row in rows], pen)


def _order(row: OrderRow) -> tuple[Cell, ...]:
    return (
        Cell(row.symbol),
        Cell(row.side.value.lower(), Tone.GOOD if row.side is Side.BUY else Tone.WARN),
        Cell("somebody else" if row.state is OrderState.FOREIGN else row.role.value.replace("_", " ")),
        Cell(row.state.value, Tone.BAD if row.state is OrderState.UNKNOWN else Tone.PLAIN),
        Cell("market", is_number=True) if row.price is None else _price(row.price),
        _price(row.quantity),
        _price(row.filled_quantity),
        _price(row.average_price),
        Cell(row.fees or NONE),
        Cell(when(row.created_ms)[5:]),
        Cell(row.reason),
    )


def positions_page(rows: Sequence[PositionRow], pen: Pen) -> str:
    """Return positions, and under them where the protection of each open one lives."""
    if not rows:
        return "No position is open."
    lines = [table(_POSITION, [_position(row) for row in rows], pen)]
    for row in rows:
        lines += fold(f"{row.symbol}: {_ending(row, pen)}", "    ", pen)
    return "\n".join(lines)


def _position(row: PositionRow) -> tuple[Cell, ...]:
    is_closed = row.closed_ms is not None
    gain, gain_pct = (row.realised, row.realised_pct) if is_closed else (row.unrealised, row.unrealised_pct)
    tone = Tone.PLAIN if not gain else Tone.GOOD if gain > 0 else Tone.BAD
    return (
        Cell(row.symbol),
        Cell("delisted", Tone.BAD) if row.delisted else Cell(row.state.value),
        _price(row.quantity),
        _price(row.entry_price),
        _price(row.bid, _mark(row)),
        _amount(row.value, _mark(row)),
        _signed(gain, tone),
        _signed(gain_pct, tone, 1),
        _signed(row.realised),
        _price(row.stop_price or None),
    )


def _mark(row: PositionRow) -> str:
    """Return a ~ where the bid, and what it makes the position worth, are not current."""
    is_old = row.bid is not None and row.bid_age_ms is not None and row.bid_age_ms > OLD_MS
    return "~" if is_old else ""


def _ending(row: PositionRow, pen: Pen) -> str:
    """Say how a position is protected, or how it was closed."""
    if row.closed_ms is not None:
        return f"closed {when(row.closed_ms)} UTC by {row.close_reason.value or 'no reason kept'}"
    is_safe = row.protection is Protection.ENGINE
    parts = [pen.write(row.protection_words, Tone.PLAIN if is_safe else Tone.WARN)]
    parts += [f"rung {one.number} {price(one.price)} ({one.where})" for one in row.rungs]
    return "; ".join(parts)


def risk_page(row: RiskRow, pen: Pen) -> str:
    """Return what the desk is worth, what it may do, and what is left of each limit."""
    tone = Tone.GOOD if row.state is TradingState.ACTIVE else Tone.BAD
    guard = Tone.PLAIN if row.guard is GuardLevel.NORMAL else Tone.WARN
    guessed = "" if row.is_complete else " (an estimate: a price is missing)"
    lines = [
        f"trading   {pen.write(row.state.value, tone)}" + (f": {row.cause_words}" if row.cause_words else ""),
        f"guard     {pen.write(row.guard.value, guard)}"
        + (f": {row.guard_words}" if row.guard_words else ""),
        f"equity    {amount(row.equity)} {row.quote_asset}{guessed}, cash {amount(row.cash)}, "
        f"reserved {amount(row.reserved)}, positions {amount(row.exposure)}",
        f"today     {day_words(row)}, realised {signed(row.realised)}, {drawdown_words(row)}",
    ]
    if row.is_locked:
        lines.append("live      locked: nothing is bought before mexc-tui unlock")
    if row.unlocked_until_ms is not None:
        lines.append(f"live      UNLOCKED until {when(row.unlocked_until_ms)} UTC")
    if lowered := tightening_words(row.tightening):
        lines.append(f"limits    {pen.write(lowered, Tone.WARN)}; to lift it: mexc-tui restore-limits")
    if row.paused_until_ms is not None:
        lines.append(f"paused    until {when(row.paused_until_ms)} UTC")
    folded = [one for line in lines for one in fold(line, " " * 10, pen)]
    return "\n".join([*folded, limits_page(row.limits, pen)])


def limits_page(rows: Sequence[LimitRow], pen: Pen) -> str:
    """Return limits and what is left of each."""
    cells = [
        (
            Cell(row.name.replace("_", " ")),
            _of(row.used, row.unit),
            _of(row.limit, row.unit),
            _of(_left(row), row.unit),
            Cell(row.unit),
            Cell(row.words),
        )
        for row in rows
    ]
    return table(("LIMIT", "USED", "OF", "LEFT", "", Column("", 1)), cells, pen)


def _left(row: LimitRow) -> Decimal | None:
    return None if row.used is None else max(row.limit - row.used, Decimal(0))


def _of(value: Decimal | None, unit: str) -> Cell:
    return _amount(value) if unit else _price(value)


def _amount(value: Decimal | None, mark: str = "") -> Cell:
    found = exact(value)
    return figure(None if found is None else replace(quote_number(found), before=mark))


def _price(value: Decimal | None, mark: str = "") -> Cell:
    found = exact(value)
    return figure(None if found is None else replace(quantity_number(found), before=mark))


def _signed(value: Decimal | None, tone: Tone = Tone.PLAIN, places: int | None = None) -> Cell:
    found = exact(value)
    if found is None:
        return figure(None, tone)
    number = quote_number(found) if places is None else money_number(found, places)
    return figure(replace(number, before="+" if found > 0 else ""), tone)


def what_if_page(row: WhatIfRow, pen: Pen) -> str:
    """Return what every validator would say."""
    verdict = pen.write("would be armed", Tone.GOOD) if row.approved else pen.write("refused", Tone.BAD)
    caps = f", {row.bound}" if row.bound else ""
    spend = f", spending {amount(row.spend_cap)}{caps}" if row.spend_cap is not None else ""
    lines = fold(f"{pen.write(row.symbol, Tone.HEAD)}  {verdict}{spend}", " " * 4, pen)
    lines += fold(f"  {row.words}", " " * 4, pen) if row.words else []
    return "\n".join([*lines, *verdict_lines(row.verdicts, pen)])


def verdict_lines(verdicts: Iterable[Verdict], pen: Pen) -> Iterable[str]:
    """Return one line for each verdict, with what would turn a no round."""
    for one in verdicts:
        mark = pen.write("yes", Tone.GOOD) if one.passed else pen.write("NO ", Tone.BAD)
        words = f"  {mark}  {one.stage.value} {one.name}: {one.value} (limit {one.limit})"
        flip = f"; turns round: {one.flip}" if one.flip else ""
        until = f" (by itself {when(one.until_ms)} UTC)" if one.until_ms is not None else ""
        yield from fold(words + flip + until, " " * 7, pen)


def reconciliation_page(row: ReconciliationRow, pen: Pen) -> str:
    """Return what a comparison with the exchange's books found."""
    head = (
        f"Books compared {when(row.at_ms)} UTC ({row.trigger}): "
        f"{len(row.explained)} explained, {len(row.unexplained)} unexplained differences."
    )
    lines = fold(head, "    ", pen)
    if row.problem:
        lines += fold(pen.write(f"It could not be finished: {row.problem}", Tone.BAD), "    ", pen)
    for one in row.unexplained:
        lines += fold(pen.write(f"  unexplained: {_difference(one)}", Tone.BAD), " " * 6, pen)
    for one in row.excluded:
        lines += fold(pen.write(f"  not compared: {one.words}", Tone.WARN), " " * 6, pen)
    for one in row.explained:
        lines += fold(f"  explained: {_difference(one)}", " " * 6, pen)
    return "\n".join(lines)


def _difference(one: Difference) -> str:
    worth = f", worth {amount(one.value)}" if one.value else ""
    kind = one.kind.value.replace("_", " ")
    return f"{kind} of {one.about}: ours {one.ours}, theirs {one.theirs}{worth}: {one.words}"
