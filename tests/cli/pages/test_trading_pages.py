"""Text output of the trading commands, from rows."""

from dataclasses import replace
from decimal import Decimal as D
from functools import partial

import msgspec
import pytest

from mexc_tui.cli.pages.json_output import StopJson, reconciliation
from mexc_tui.cli.pages.performance_page import performance_page
from mexc_tui.cli.pages.stop_page import stop_page
from mexc_tui.cli.pages.tables import Pen
from mexc_tui.cli.pages.trading_pages import (
    amount,
    orders_page,
    positions_page,
    price,
    reconciliation_page,
    risk_page,
    signed,
    snipes_page,
    verdict_lines,
    what_if_page,
)
from mexc_tui.engine.views.listing_rows import fact_row
from mexc_tui.engine.views.trading_rows import (
    offline_context,
    order_rows,
    position_rows,
    reconciliation_row,
    snipe_row,
)
from mexc_tui.model import event as events
from mexc_tui.model.event import Event, Fact
from mexc_tui.model.figure import Figure, FigureUnit
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Protection, TradingDay
from mexc_tui.model.reconciliation import Excluded, Reconciliation, Trigger, delisted_text
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import Cause, RiskLevel, Trading, TradingState
from mexc_tui.model.trading_view import MetricRow, WhatIfRow
from mexc_tui.wording.event_text import event_text
from tests.support.engine.fake_trading_engine import DIFFERENCE, NO, performance, reconciled, risk
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples

PEN = Pen()
DELISTED = Excluded(asset="NEW", text="NEWUSDT: unknown to the exchange now (delisted or renamed)")
LONG = "word " * 60


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1234567.891", "1,234,567.89"),
        ("0", "0.00"),
        ("0.00000012345678", "0.0000001235"),
        ("-3", "-3.00"),
    ],
)
def test_money_has_cents_or_four_digits_and_no_exponent(value: str, shown: str) -> None:
    assert amount(D(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1E-9", "0.000000001"),
        ("2.50", "2.5"),
        ("1E+3", "1000"),
        ("123456789012.345", "123,456,789,012"),
        ("0", "0"),
    ],
)
def test_prices_have_no_exponent_and_no_trailing_zeros(value: str, shown: str) -> None:
    assert price(D(value)) == shown


def test_unknown_values_are_a_dash_and_gains_are_signed() -> None:
    assert (amount(None), price(None), signed(None)) == ("–", "–", "–")
    assert (signed(D(2)), signed(D(-2)), signed(D(0))) == ("+2.00", "-2.00", "0.00")


def test_a_closed_position_shows_its_gain_in_percent() -> None:
    (row,) = position_rows(
        position_samples.ledger_state(position_samples.position()), position_samples.row_context()
    )
    closed = msgspec.structs.replace(
        row, closed_ms=5, unrealised=None, unrealised_pct=None, realised=D(2), realised_pct=D("12.5")
    )
    assert "+12.5" in positions_page([closed], PEN)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_every_page_fits_the_terminal(columns: int) -> None:
    pen = Pen(columns=columns)
    orders = order_rows(
        position_samples.ledger_state(
            None, msgspec.structs.replace(position_samples.take_profit(), reason=LONG)
        ),
        position_samples.row_context(),
    )
    positions = position_rows(
        position_samples.ledger_state(position_samples.position(trapped=LONG)), position_samples.row_context()
    )
    snipe = snipe_row(
        msgspec.structs.replace(samples.snipe(), reason=LONG, by="detector " * 9),
        position_samples.row_context(),
    )
    what = WhatIfRow(
        symbol="NEWUSDT",
        at_ms=1,
        approved=False,
        verdicts=(msgspec.structs.replace(NO, value=LONG, flip=LONG, until_ms=5),),
        spend_cap=D(1),
        price_cap=D(2),
        text=LONG,
    )
    lost = msgspec.structs.replace(risk(), state=TradingState.HALTED, cause_text=LONG, paused_until_ms=9)
    run = reconciled(msgspec.structs.replace(DIFFERENCE, text=LONG), problem=LONG)
    done = msgspec.structs.replace(
        performance(), metrics=(MetricRow(name="win rate", text=LONG),), days=(TradingDay(day="2026-11-22"),)
    )
    pages = (
        orders_page(orders, pen),
        positions_page(positions, pen),
        snipes_page([snipe], 0, pen),
        what_if_page(what, pen),
        risk_page(lost, pen),
        reconciliation_page(run, pen),
        performance_page(done, pen),
    )
    for page in pages:
        assert max(map(len, page.splitlines())) <= columns


def test_markup_in_a_reason_is_only_text() -> None:
    order = msgspec.structs.replace(position_samples.take_profit(), reason="[bold red]{0} %s[/]")
    assert "[bold red]{0} %s[/]" in orders_page(
        order_rows(position_samples.ledger_state(None, order), position_samples.row_context()), PEN
    )


def test_empty_lists_say_so() -> None:
    pages = (positions_page([], PEN), orders_page([], PEN), snipes_page([], 0, PEN))
    assert pages == ("No open positions.", "No open orders.", "No armed snipes.")


def test_an_unknown_order_is_marked() -> None:
    foreign = msgspec.structs.replace(samples.order(state=OrderState.FOREIGN, intent_id=""), position_id="")
    books = position_samples.ledger_state()
    books.foreign["x"] = foreign
    assert "unknown" in orders_page(order_rows(books, position_samples.row_context()), PEN)


def test_checks_print_value_limit_and_the_value_needed_to_pass() -> None:
    timed = msgspec.structs.replace(NO, until_ms=0)
    assert list(verdict_lines((samples.APPROVED, timed), PEN)) == [
        "  yes  risk exposure: 10 USDT (limit 200 USDT)",
        "  NO   risk exposure: 210 quote with this one (limit 200 quote); to pass: close 10 of positions "
        "(passes 1970-01-01 00:00:00 UTC)",
    ]


def test_an_equity_gap_is_shown_unrounded() -> None:
    off = msgspec.structs.replace(performance(), identity_gap=D("-0.02"))
    assert "differs by -0.02" in performance_page(off, PEN)
    assert "holds" in performance_page(msgspec.structs.replace(off, identity_gap=D("1E-18")), PEN)


def test_a_figure_is_printed_with_its_sample() -> None:
    words = str(Figure(value=0.5, n=40, minimum=20, unit=FigureUnit.SHARE, low=0.35, high=0.65))
    done = msgspec.structs.replace(performance(), metrics=(MetricRow(name="win rate", text=words),))
    assert "win rate  50.0% (35.0% to 65.0%), n 40" in performance_page(done, PEN)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            events.SnipeChanged(
                at_ms=1,
                about="NEWUSDT",
                snipe=msgspec.structs.replace(samples.snipe(), state=SnipeState.READY),
            ),
            "snipe ready: ready",
        ),
        (
            events.SnipeRefused(at_ms=1, about="NEWUSDT", listing_id="l", signal_id="s", verdicts=(NO,)),
            "not armed: exposure 210 quote with this one (limit 200 quote)",
        ),
        (
            events.AttemptMade(at_ms=1, about="NEWUSDT", attempt=samples.attempt()),
            "attempt 1 at 1: 30001",
        ),
        (
            events.OrderChanged(
                at_ms=1, about="NEWUSDT", order=position_samples.take_profit(), source="stream"
            ),
            "sell 3 at 2.2 acknowledged (stream)",
        ),
        (
            events.FillBooked(
                at_ms=1,
                about="NEWUSDT",
                client_order_id="x",
                side=Side.SELL,
                quantity=D(3),
                value=D("6.6"),
                position_id="p1",
                realised=D("0.5"),
            ),
            "sell 3 for 6.60, realised +0.5",
        ),
        (
            events.PositionChanged(
                at_ms=1, about="NEWUSDT", position=position_samples.position(), text="opened"
            ),
            "position open, 10 left, stop 1.8: opened",
        ),
        (
            events.TradingChanged(
                at_ms=1,
                about="practice",
                trading=Trading(state=TradingState.HALTED, cause=Cause.MANUAL, text="lunch", by="me"),
            ),
            "trading halted: lunch (by me)",
        ),
        (
            events.RiskMonitorActed(
                at_ms=1,
                about="desk",
                level=RiskLevel.HIGH,
                finding="loss",
                action="close",
                achieved="2 closed",
            ),
            "risk monitor high: loss; close: 2 closed",
        ),
        (
            events.Reconciled(
                at_ms=1,
                about="books",
                run=Reconciliation(at_ms=1, trigger=Trigger.START, explained=(DIFFERENCE,)),
            ),
            "reconciled (at start): 1 explained, 0 unexplained differences",
        ),
        (
            events.RecoveryReported(at_ms=1, about="books", lines=("1 position was open", "books agree")),
            "recovered from the previous run: 1 position was open; books agree",
        ),
        (
            events.EntryBooked(at_ms=1, about="NEW", entry=samples.entry()),
            "trade: desk +9 NEW, exchange -9 NEW, desk -10 USDT, exchange +10 USDT",
        ),
    ],
)
def test_trading_events_are_printed_as_text(event: Event, words: str) -> None:
    assert words in event_text(fact_row(Fact(1, event)))


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        ((), "Process 7 has stopped."),
        (("AUSDT",), "1 position stays open, and stops are not monitored until the next start: AUSDT."),
        (("AUSDT", "BUSDT"), "2 positions stay open, and stops are not monitored until the next start"),
    ],
)
def test_stop_lists_the_positions_left_open(symbols: tuple[str, ...], words: str) -> None:
    gone = StopJson(profile="practice", stopped=True, pid=7, held=symbols)
    assert words in " ".join(stop_page(gone, PEN).split())


def test_a_position_of_a_delisted_pair_is_shown_as_such_and_without_a_price() -> None:
    run = Reconciliation(at_ms=1, trigger=Trigger.TIMER, excluded=(DELISTED,))
    for sight in (
        replace(position_samples.row_context(), delisted=partial(delisted_text, run)),
        offline_context("no engine is running", run),
    ):
        (row,) = position_rows(position_samples.ledger_state(), sight)
        assert (row.bid, row.value, row.unrealised, row.protection) == (None, None, None, Protection.NONE)
        page = positions_page([row], PEN)
        assert "delisted" in page.splitlines()[1]
        assert "the exchange no longer lists this pair" in " ".join(page.split())


def test_excluded_items_of_a_reconciliation_are_printed_with_the_reason() -> None:
    run = Reconciliation(at_ms=1, trigger=Trigger.TIMER, excluded=(DELISTED,))
    page = reconciliation_page(reconciliation_row(run), PEN)
    assert "not compared: NEWUSDT: unknown to the exchange now" in " ".join(page.split())
    assert reconciliation(reconciliation_row(run)).excluded == (DELISTED,)
