"""What faces are shown of risk, as examples."""

from dataclasses import replace
from decimal import Decimal as D

from mexc_tui.engine.views.risk_rows import RiskMonitorView, limit_rows, risk_row
from mexc_tui.model.position import TradingDay
from mexc_tui.model.trading import Cause, RiskLevel, Trading, TradingState
from mexc_tui.risk.candidate import Candidate, HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.risk.entry_limits import check_entry
from tests.support.samples import position_samples

NOON_MS = 1_800_014_400_000
LIMITS = RiskLimits()
BOOK = RiskBook(
    equity=D(1_000),
    peak=D(1_250),
    free_cash=D(970),
    day_equity=D(1_010),
    held=(HeldPosition("NEWUSDT", D(20)),),
    reserved=(Reserved(snipe_id="s2", symbol="XUSDT", amount=D(10), opens_ms=NOON_MS),),
    entries_ms=(NOON_MS - 7_200_000, NOON_MS - 60_000),
    losses_in_a_row=3,
    last_loss_ms=NOON_MS - 600_000,
)


def test_equity_and_risk_are_one_row() -> None:
    day = TradingDay(day="2027-01-15", realised=D("-4.5"))
    row = risk_row(
        position_samples.ledger_state(),
        BOOK,
        RiskMonitorView(level=RiskLevel.MEDIUM, text="daily loss at 50 %", day=day, day_equity=D(1_010)),
        limits=LIMITS,
        context=position_samples.row_context(),
        now_ms=NOON_MS,
    )
    assert (row.equity, row.cash, row.exposure, row.reserved) == (
        D("1000.959"),
        D("979.98"),
        D("20.979"),
        D(0),
    )
    assert (row.day_pnl, row.day_pct, row.realised) == (D("-9.041"), D("-0.8951"), D("-4.5"))
    assert (row.peak, row.drawdown_pct) == (D(1_250), D("19.9233"))
    assert (row.risk_level, row.risk_text) == (RiskLevel.MEDIUM, "daily loss at 50 %")
    assert row.paused_until_ms == NOON_MS + 3_000_000
    assert row.is_complete


def test_equity_is_cash_plus_open_positions_at_the_same_bids() -> None:
    for equity in (D(1), D(1_000), D(5_000)):
        book = replace(BOOK, equity=equity)
        row = risk_row(
            position_samples.ledger_state(),
            book,
            RiskMonitorView(day_equity=D(1_000)),
            limits=LIMITS,
            context=position_samples.row_context(),
            now_ms=NOON_MS,
        )
        assert row.equity == row.cash + row.exposure
        assert row.day_pnl == row.equity - D(1_000)


def test_an_expired_pause_is_not_shown() -> None:
    row = risk_row(
        position_samples.ledger_state(),
        BOOK,
        RiskMonitorView(),
        limits=LIMITS,
        context=position_samples.row_context(),
        now_ms=NOON_MS + 3_000_000,
    )
    assert row.paused_until_ms is None


def test_equity_with_a_missing_price_is_marked_as_an_estimate() -> None:
    book = RiskBook(equity=None, peak=D(1_250), free_cash=D(970), day_equity=D(1_010))
    row = risk_row(
        position_samples.ledger_state(),
        book,
        RiskMonitorView(),
        limits=LIMITS,
        context=position_samples.row_context(None, None),
        now_ms=NOON_MS,
    )
    assert (row.is_complete, row.equity, row.exposure) == (False, D("979.98"), D(0))


def test_trading_state_and_cause_come_from_the_ledger() -> None:
    books = position_samples.ledger_state()
    books.trading = Trading(
        state=TradingState.HALTED, cause=Cause.DAILY_LOSS, text="lost 2 %", since_ms=5, by="risk monitor"
    )
    row = risk_row(
        books, BOOK, RiskMonitorView(), limits=LIMITS, context=position_samples.row_context(), now_ms=NOON_MS
    )
    assert (row.state, row.cause, row.cause_text, row.since_ms, row.by) == (
        TradingState.HALTED,
        Cause.DAILY_LOSS,
        "lost 2 %",
        5,
        "risk monitor",
    )


def test_each_limit_shows_its_usage() -> None:
    rows = {row.name: (row.used, row.limit, row.unit) for row in limit_rows(BOOK, LIMITS, NOON_MS)}
    assert rows == {
        "exposure": (D(30), D(200), "USDT"),
        "position_cap": (D(20), D(50), "USDT"),
        "positions": (D(2), D(3), ""),
        "trades_hour": (D(2), D(5), ""),
        "trades_day": (D(3), D(10), ""),
        "daily_loss": (D("0.9901"), D(2), "%"),
        "drawdown": (D(20), D(10), "%"),
        "losses_in_a_row": (D(3), D(5), ""),
    }


def test_limits_have_the_names_of_their_checks() -> None:
    verdicts = {
        one.name
        for one in check_entry(
            Candidate(symbol="YUSDT", spend=D(5), opens_ms=NOON_MS), BOOK, LIMITS, now_ms=NOON_MS
        )
    }
    assert {row.name for row in limit_rows(BOOK, LIMITS, NOON_MS)} <= verdicts
