"""Risk row: equity, exposure, trading state and how much of each limit is used. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.engine.accounting.recent_activity import RecentActivity
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.views.trading_rows import RowContext, mark_of
from mexc_tui.ledger.arithmetic import exactly, rounded
from mexc_tui.ledger.equity import market_value
from mexc_tui.model.intent import ZERO, OrderRole
from mexc_tui.model.position import TradingDay
from mexc_tui.model.trading import RiskLevel
from mexc_tui.model.trading_view import LimitRow, RiskRow
from mexc_tui.risk.candidate import HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.risk.entry_limits import DAY_MS, HOUR_MS, drawdown_pct, exposure, loss_of_day_pct

HUNDRED = Decimal(100)
MS = 1_000
CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMonitorView:
    """State of the risk monitor, and the day so far."""

    level: RiskLevel = RiskLevel.NORMAL
    text: str = ""
    day: TradingDay | None = None
    day_equity: Decimal | None = None
    """Equity at the start of the UTC day plus flows since; None: unknown."""


@exactly
def risk_row(
    ledger: LedgerState,
    seen: RiskBook,
    guarded: RiskMonitorView,
    *,
    limits: RiskLimits,
    context: RowContext,
    now_ms: int,
) -> RiskRow:
    """Return the risk row. `seen`: the state that entries are checked against; `now_ms`: exchange time.

    Entries are checked against equity marked once a second; here it is cash plus `exposure` at the same bids.
    """
    trading, cash = ledger.trading, ledger.cash(QUOTE)
    values = [market_value(mark_of(position, context)) for position in ledger.positions.values()]
    held = sum((value for value in values if value is not None), ZERO)
    equity, is_complete = cash + held, seen.equity is not None and None not in values
    seen = replace(seen, equity=equity if is_complete else None)
    start = guarded.day_equity
    day_pnl = None if start is None or not is_complete else equity - start
    return RiskRow(
        state=trading.state,
        cause=trading.cause,
        cause_text=trading.text,
        since_ms=trading.since_ms,
        by=trading.by,
        risk_level=guarded.level,
        risk_text=guarded.text,
        quote_asset=QUOTE,
        equity=equity,
        cash=cash,
        reserved=ledger.reserved(),
        exposure=held,
        peak=seen.peak,
        drawdown_pct=_pct(drawdown_pct(seen)),
        day_pnl=day_pnl,
        day_pct=_pct(day_pnl * HUNDRED / start) if day_pnl is not None and start else None,
        realised=ZERO if guarded.day is None else guarded.day.realised,
        losses_in_a_row=seen.losses_in_a_row,
        paused_until_ms=_paused_until(seen, limits, now_ms),
        is_complete=is_complete,
        limits=limit_rows(seen, limits, now_ms),
    )


@exactly
def risk_book(memory: LedgerState, recent: RecentActivity, day_equity: Decimal | None) -> RiskBook:
    """Return the state that entries are checked against, from memory."""
    point = memory.equity
    opens_ms = {snipe.id: snipe.opens_ms for snipe in memory.snipes.values()}
    return RiskBook(
        equity=point.equity if point is not None and point.is_complete else None,
        peak=Decimal(0) if point is None else point.peak,
        free_cash=memory.cash(QUOTE) - memory.reserved(),
        day_equity=day_equity,
        held=tuple(
            HeldPosition(position.symbol, position.remaining_cost) for position in memory.positions.values()
        ),
        reserved=tuple(
            Reserved(
                snipe_id=intent.snipe_id,
                symbol=intent.symbol,
                amount=intent.reserved,
                opens_ms=opens_ms.get(intent.snipe_id, intent.created_ms),
            )
            for intent in memory.intents.values()
            if intent.role is OrderRole.ENTRY
        ),
        entries_ms=recent.entries_ms,
        losses_in_a_row=recent.losses.count,
        last_loss_ms=recent.losses.last_ms,
    )


def limit_rows(seen: RiskBook, limits: RiskLimits, now_ms: int) -> tuple[LimitRow, ...]:
    """Return each limit and how much of it is used, under the name of its verdict."""
    equity, pending = seen.equity or ZERO, len(seen.reserved)
    bound = {item.symbol for item in (*seen.held, *seen.reserved)}
    hour, today = now_ms - HOUR_MS + 1, now_ms - now_ms % DAY_MS
    position_cap = min(limits.position_cap_quote, _share(equity, limits.position_cap_pct))
    return (
        _row("exposure", exposure(seen), _share(equity, limits.exposure_cap_pct), unit=QUOTE),
        _row(
            "position_cap", _largest(seen), position_cap, unit=QUOTE, text="largest position or reservation"
        ),
        _row("positions", Decimal(len(bound)), Decimal(limits.max_positions), unit="", text="open and armed"),
        _row("trades_hour", _count(seen.entries_ms, hour, pending), Decimal(limits.max_trades_hour), unit=""),
        _row("trades_day", _count(seen.entries_ms, today, pending), Decimal(limits.max_trades_day), unit=""),
        _row("daily_loss", _pct(loss_of_day_pct(seen)), limits.daily_loss_pct, unit="%", text="then halts"),
        _row("drawdown", _pct(drawdown_pct(seen)), limits.drawdown_pct, unit="%", text="then halts"),
        _row(
            "losses_in_a_row",
            Decimal(seen.losses_in_a_row),
            Decimal(limits.losses_halt),
            unit="",
            text=f"pauses at {limits.losses_pause}, then halts",
        ),
    )


def _row(name: str, used: Decimal | None, limit: Decimal, *, unit: str, text: str = "") -> LimitRow:
    return LimitRow(name=name, used=used, limit=limit, unit=unit, text=text)


def _largest(seen: RiskBook) -> Decimal:
    bound: dict[str, Decimal] = {}
    for symbol, amount in (
        *((position.symbol, position.value) for position in seen.held),
        *((reservation.symbol, reservation.amount) for reservation in seen.reserved),
    ):
        bound[symbol] = bound.get(symbol, ZERO) + amount
    return max(bound.values(), default=ZERO)


def _count(entries_ms: Iterable[int], since_ms: int, pending: int) -> Decimal:
    return Decimal(sum(at_ms >= since_ms for at_ms in entries_ms) + pending)


def _share(equity: Decimal, pct: Decimal) -> Decimal:
    return rounded(equity * pct / HUNDRED)


def _pct(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(CENT, ROUND_HALF_EVEN)


def _paused_until(seen: RiskBook, limits: RiskLimits, now_ms: int) -> int | None:
    if seen.last_loss_ms is None or seen.losses_in_a_row < limits.losses_pause:
        return None
    until_ms = seen.last_loss_ms + limits.losses_pause_s * MS
    return until_ms if until_ms > now_ms else None
