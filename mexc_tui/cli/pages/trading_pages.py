"""Text output of the trading commands."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from mexc_tui.cli.pages.tables import Pen, TextCell, TextColumn, TextTone, figure, fold, table
from mexc_tui.model.digits import exact, money_number, quantity_number, quote_number
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Protection
from mexc_tui.model.reconciliation import Difference, Trigger
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import RiskLevel, TradingState
from mexc_tui.model.trading_view import (
    LimitRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.wording.money import amount, price, signed
from mexc_tui.wording.previews import day_text, drawdown_text, tightening_text
from mexc_tui.wording.times import NONE, relative_time, when

OLD_MS = 2_000
"""Age from which a price is marked as not current."""
_SNIPE = (
    "SYMBOL",
    "STATE",
    TextColumn("OPENS (UTC)", 3),
    TextColumn("", 4),
    "SPEND",
    TextColumn("MAX PRICE", 2),
    TextColumn("ATTEMPTS", 5),
    "FILLED",
    TextColumn("SOURCE", 6),
    TextColumn("REASON", 1),
)
_ORDER = (
    "SYMBOL",
    "SIDE",
    TextColumn("TYPE", 2),
    "STATE",
    "PRICE",
    "QUANTITY",
    "FILLED",
    TextColumn("AVERAGE", 3),
    TextColumn("FEES", 5),
    TextColumn("SINCE (UTC)", 4),
    TextColumn("REASON", 1),
)
_POSITION = (
    "SYMBOL",
    TextColumn("STATE", 5),
    "QUANTITY",
    "ENTRY",
    TextColumn("BID", 2),
    "VALUE",
    "P&L",
    TextColumn("%", 1),
    TextColumn("REALISED", 4),
    TextColumn("STOP", 3),
)
_STATES = {
    SnipeState.FILLED: TextTone.GOOD,
    SnipeState.READY: TextTone.GOOD,
    SnipeState.REJECTED: TextTone.BAD,
    SnipeState.MISSED: TextTone.WARN,
    SnipeState.UNKNOWN: TextTone.BAD,
}


_CHECK_STAGES = {
    CheckStage.SCHEMA: "request",
    CheckStage.RULES: "rules",
    CheckStage.SECURITY: "security",
    CheckStage.RISK: "risk",
}


def label(value: str) -> str:
    """Return an identifier, such as a state or the name of a check, as words."""
    return value.replace("_", " ")


def snipes_page(rows: Sequence[SnipeRow], now_ms: int, pen: Pen) -> str:
    """Return snipes."""
    if not rows:
        return "No armed snipes."
    return table(_SNIPE, [_snipe(row, now_ms) for row in rows], pen)


def _snipe(row: SnipeRow, now_ms: int) -> tuple[TextCell, ...]:
    bought = f"{price(row.filled_quantity)} for {amount(row.filled_value)}" if row.filled_quantity else NONE
    return (
        TextCell(row.symbol),
        TextCell(label(row.state), _STATES.get(row.state, TextTone.PLAIN)),
        TextCell(when(row.opens_ms)[5:]),
        TextCell(relative_time(row.opens_ms, now_ms), TextTone.FAINT),
        _amount(row.spend_cap),
        _price(row.price_cap),
        TextCell(str(row.attempts), is_number=True),
        TextCell(bought),
        TextCell(row.by),
        TextCell(row.reason),
    )


def orders_page(rows: Sequence[OrderRow], pen: Pen) -> str:
    """Return orders, newest first."""
    if not rows:
        return "No open orders."
    return table(_ORDER, [_order(row) for row in rows], pen)


def _order(row: OrderRow) -> tuple[TextCell, ...]:
    return (
        TextCell(row.symbol),
        TextCell(row.side.value.lower(), TextTone.GOOD if row.side is Side.BUY else TextTone.WARN),
        TextCell("unknown" if row.state is OrderState.FOREIGN else label(row.role)),
        TextCell(label(row.state), TextTone.BAD if row.state is OrderState.UNKNOWN else TextTone.PLAIN),
        TextCell("market", is_number=True) if row.price is None else _price(row.price),
        _price(row.quantity),
        _price(row.filled_quantity),
        _price(row.average_price),
        TextCell(row.fees or NONE),
        TextCell(when(row.created_ms)[5:]),
        TextCell(row.reason),
    )


def positions_page(rows: Sequence[PositionRow], pen: Pen) -> str:
    """Return positions, followed by the protection of each open one."""
    if not rows:
        return "No open positions."
    lines = [table(_POSITION, [_position(row) for row in rows], pen)]
    for row in rows:
        lines += fold(f"{row.symbol}: {_protection(row, pen)}", "    ", pen)
    return "\n".join(lines)


def _position(row: PositionRow) -> tuple[TextCell, ...]:
    is_closed = row.closed_ms is not None
    gain, gain_pct = (row.realised, row.realised_pct) if is_closed else (row.unrealised, row.unrealised_pct)
    tone = TextTone.PLAIN if not gain else TextTone.GOOD if gain > 0 else TextTone.BAD
    return (
        TextCell(row.symbol),
        TextCell("delisted", TextTone.BAD) if row.delisted else TextCell(label(row.state)),
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
    """Return ~ if the bid, and so the position's value, is not current."""
    is_old = row.bid is not None and row.bid_age_ms is not None and row.bid_age_ms > OLD_MS
    return "~" if is_old else ""


def _protection(row: PositionRow, pen: Pen) -> str:
    """Describe the protection of a position, or the reason of its close."""
    if row.closed_ms is not None:
        return f"closed {when(row.closed_ms)} UTC by {row.close_reason.text}"
    is_watched = row.protection is Protection.ENGINE
    parts = [pen.write(row.protection_text, TextTone.PLAIN if is_watched else TextTone.WARN)]
    parts += [f"rung {rung.number} {price(rung.price)} ({rung.where})" for rung in row.rungs]
    return "; ".join(parts)


def risk_page(row: RiskRow, pen: Pen) -> str:
    """Return equity, trading state and the remaining room of each limit."""
    tone = TextTone.GOOD if row.state is TradingState.ACTIVE else TextTone.BAD
    guard = TextTone.PLAIN if row.risk_level is RiskLevel.NORMAL else TextTone.WARN
    estimate = "" if row.is_complete else " (an estimate: a price is missing)"
    lines = [
        f"trading   {pen.write(label(row.state), tone)}" + (f": {row.cause_text}" if row.cause_text else ""),
        f"guard     {pen.write(label(row.risk_level), guard)}"
        + (f": {row.risk_text}" if row.risk_text else ""),
        f"equity    {amount(row.equity)} {row.quote_asset}{estimate}, cash {amount(row.cash)}, "
        f"reserved {amount(row.reserved)}, positions {amount(row.exposure)}",
        f"today     {day_text(row)}, realised {signed(row.realised)}, {drawdown_text(row)}",
    ]
    if row.is_locked:
        lines.append("live      locked: no entries before mexc-tui unlock")
    if row.unlocked_until_ms is not None:
        lines.append(f"live      UNLOCKED until {when(row.unlocked_until_ms)} UTC")
    if lowered := tightening_text(row.tightening):
        lines.append(
            f"limits    {pen.write(lowered, TextTone.WARN)}; to restore them: mexc-tui restore-limits"
        )
    if row.paused_until_ms is not None:
        lines.append(f"paused    until {when(row.paused_until_ms)} UTC")
    folded = [part for line in lines for part in fold(line, " " * 10, pen)]
    return "\n".join([*folded, limits_page(row.limits, pen)])


def limits_page(rows: Sequence[LimitRow], pen: Pen) -> str:
    """Return limits and the remaining room of each."""
    cells = [
        (
            TextCell(label(row.name)),
            _of(row.used, row.unit),
            _of(row.limit, row.unit),
            _of(_left(row), row.unit),
            TextCell(row.unit),
            TextCell(row.text),
        )
        for row in rows
    ]
    return table(("LIMIT", "USED", "OF", "LEFT", "", TextColumn("", 1)), cells, pen)


def _left(row: LimitRow) -> Decimal | None:
    return None if row.used is None else max(row.limit - row.used, Decimal(0))


def _of(value: Decimal | None, unit: str) -> TextCell:
    return _amount(value) if unit else _price(value)


def _amount(value: Decimal | None, mark: str = "") -> TextCell:
    found = exact(value)
    return figure(None if found is None else replace(quote_number(found), before=mark))


def _price(value: Decimal | None, mark: str = "") -> TextCell:
    found = exact(value)
    return figure(None if found is None else replace(quantity_number(found), before=mark))


def _signed(value: Decimal | None, tone: TextTone = TextTone.PLAIN, places: int | None = None) -> TextCell:
    found = exact(value)
    if found is None:
        return figure(None, tone)
    number = quote_number(found) if places is None else money_number(found, places)
    return figure(replace(number, before="+" if found > 0 else ""), tone)


def what_if_page(row: WhatIfRow, pen: Pen) -> str:
    """Return the result of the pre-trade checks."""
    verdict = (
        pen.write("would be armed", TextTone.GOOD) if row.approved else pen.write("refused", TextTone.BAD)
    )
    caps = f", {row.bound}" if row.bound else ""
    spend = f", spending {amount(row.spend_cap)}{caps}" if row.spend_cap is not None else ""
    lines = fold(f"{pen.write(row.symbol, TextTone.HEAD)}  {verdict}{spend}", " " * 4, pen)
    lines += fold(f"  {row.text}", " " * 4, pen) if row.text else []
    return "\n".join([*lines, *verdict_lines(row.verdicts, pen)])


def verdict_lines(verdicts: Iterable[Verdict], pen: Pen) -> Iterable[str]:
    """Return one line per check, with the value needed to pass a failed one."""
    for verdict in verdicts:
        mark = pen.write("yes", TextTone.GOOD) if verdict.passed else pen.write("NO ", TextTone.BAD)
        text = f"  {mark}  {_CHECK_STAGES[verdict.stage]} {label(verdict.name)}: {verdict.measured}"
        flip = f"; to pass: {verdict.flip}" if verdict.flip else ""
        until = f" (passes {when(verdict.until_ms)} UTC)" if verdict.until_ms is not None else ""
        yield from fold(text + flip + until, " " * 7, pen)


def reconciliation_page(row: ReconciliationRow, pen: Pen) -> str:
    """Return the result of a reconciliation."""
    trigger = "manual" if row.trigger == Trigger.MANUAL else row.trigger
    head = (
        f"Reconciled {when(row.at_ms)} UTC ({trigger}): "
        f"{len(row.explained)} explained, {len(row.unexplained)} unexplained differences."
    )
    lines = fold(head, "    ", pen)
    if row.problem:
        lines += fold(pen.write(f"Not finished: {row.problem}", TextTone.BAD), "    ", pen)
    for difference in row.unexplained:
        lines += fold(pen.write(f"  unexplained: {_difference(difference)}", TextTone.BAD), " " * 6, pen)
    for difference in row.excluded:
        lines += fold(pen.write(f"  not compared: {difference.text}", TextTone.WARN), " " * 6, pen)
    for difference in row.explained:
        lines += fold(f"  explained: {_difference(difference)}", " " * 6, pen)
    return "\n".join(lines)


def _difference(difference: Difference) -> str:
    worth = f", worth {amount(difference.value)}" if difference.value else ""
    kind = label(difference.kind)
    sides = f"ledger {difference.ours}, exchange {difference.theirs}"
    return f"{kind} of {difference.about}: {sides}{worth}: {difference.text}"
