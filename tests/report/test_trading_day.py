"""Trading part of the report: refusals, entries, exits and the ledger check."""

import dataclasses
from decimal import Decimal as D
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.day_report import report_day
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.model.event import RecoveryReported, SnipeRefused
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.position import LedgerAccount, PositionState
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.snipe import Attempt, Snipe, SnipeState, Stamps
from mexc_tui.report.day import DayReport, to_json
from mexc_tui.report.day_builder import report_of
from mexc_tui.report.inputs import DayInputs, EquityInputs, TradingInputs
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.engine.fake_trading_engine import DIFFERENCE, NO
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples
from tests.support.samples.report_samples import (
    DAY,
    FROM_MS,
    future_listing,
    opened_listing,
    outcome,
    unfolded_text,
)

LISTING = opened_listing()
MONEY = EquityInputs(
    start=D(1_000),
    flows=D(0),
    realised=D("4.98"),
    unrealised=D(0),
    equity=D("1004.98"),
    fees=D("0.04"),
    gap=D(0),
    at_cost=0,
)
SNIPE: Snipe = msgspec.structs.replace(
    samples.snipe(),
    listing_id=LISTING.id,
    armed_ms=FROM_MS + 15_000,
    state=SnipeState.FILLED,
    reason="bought what was wanted",
    reference_price=D(2),
    attempts=2,
    filled_quantity=D(10),
    filled_value=D("20.1"),
)
CLOSED = position_samples.position(
    state=PositionState.CLOSED,
    opened_ms=FROM_MS + 20_000,
    closed_ms=FROM_MS + 40_000,
    close_reason=CloseReason.LADDER,
    sold_value=D("25.12"),
    realised=D("4.98"),
    fees=D("0.04"),
    remaining=D(0),
    remaining_cost=D(0),
)
STAMPS = Stamps(
    aim_ns=0, decided_ns=1_000_000, written_ns=1_250_000, answered_ns=9_250_000, filled_ns=12_250_000
)


def attempt(number: int, answer: str, code: int | None = None, then: str = "") -> Attempt:
    base = samples.attempt(number, answer=answer)
    return msgspec.structs.replace(base, code=code, next_step=then, stamps=STAMPS)


def refusal(at_ms: int = 9_000, listing_id: str = LISTING.id) -> SnipeRefused:
    return SnipeRefused(
        at_ms=FROM_MS + at_ms, about="NEWUSDT", listing_id=listing_id, signal_id="signal", verdicts=(NO,)
    )


def run(at_ms: int, *, differs: bool = False, problem: str = "") -> Reconciliation:
    unexplained = (DIFFERENCE,) if differs else ()
    return Reconciliation(
        at_ms=FROM_MS + at_ms, trigger=Trigger.TIMER, unexplained=unexplained, problem=problem
    )


TRADING = TradingInputs(
    money=MONEY,
    snipes=(SNIPE,),
    attempts=(attempt(2, "filled"), attempt(1, "not open yet", 30001, "try again at once")),
    positions=(CLOSED,),
    refusals=(refusal(8_000), refusal(9_000)),
    runs=(run(50_000), run(10_000, differs=True)),
)


def report(trading: TradingInputs | None = TRADING) -> DayReport:
    return report_of(DAY, DayInputs(listings=(LISTING,), outcomes=(outcome(LISTING),), trading=trading))


def test_a_listing_shows_refusals_entry_and_exit() -> None:
    listing = report().listings[0]
    assert [one.at_ms - FROM_MS for one in listing.refusals] == [8_000, 9_000]
    sniped = listing.snipes[0]
    assert [(one.number, one.code) for one in sniped.attempts] == [(1, 30001), (2, None)]
    assert [(one.name, one.ms) for one in sniped.attempts[0].stages] == [
        ("aim to written", 1.25),
        ("decided to written", 0.25),
        ("written to response", 8.0),
        ("written to first fill", 11.0),
    ]
    assert (sniped.average_price, sniped.slippage_bps) == (D("2.01"), 50.0)
    assert [(one.close_reason, one.realised) for one in sniped.positions] == [(CloseReason.LADDER, D("4.98"))]


def test_without_a_prior_quote_slippage_is_to_the_first_trade() -> None:
    bare = msgspec.structs.replace(SNIPE, reference_price=None)
    kept = TradingInputs(money=MONEY, snipes=(bare,))
    sniped = report(kept).listings[0].snipes[0]
    assert sniped.slippage_to == "the first public trade"
    untraded = report_of(DAY, DayInputs(listings=(LISTING,), trading=kept)).listings[0].snipes[0]
    assert (untraded.slippage_bps, untraded.slippage_to) == (None, "")


def test_totals_and_the_ledger_check_of_a_day() -> None:
    trading = report().trading
    assert trading is not None
    totals = trading.totals
    assert (totals.armed, totals.refused, totals.attempts, totals.filled) == (1, 0, 2, 1)
    assert (totals.closed, totals.open, totals.won, totals.lost) == (1, 0, 1, 0)
    assert totals.realised == D("4.98")
    accounts = trading.accounts
    assert (accounts.compared, accounts.unexplained, accounts.unexplained_last) == (2, 1, 0)


def test_a_refused_listing_counts_as_refused() -> None:
    later = future_listing()
    kept = TradingInputs(money=MONEY, refusals=(refusal(9_000, later.id),))
    trading = report_of(DAY, DayInputs(listings=(later,), trading=kept)).trading
    assert trading is not None
    assert trading.totals.refused == 1


def test_an_unfinished_last_reconciliation_is_unknown() -> None:
    kept = TradingInputs(money=MONEY, runs=(run(1_000), run(2_000, problem="no answer")))
    trading = report(kept).trading
    assert trading is not None
    assert trading.accounts.unexplained_last is None
    assert "last: not finished" in unfolded_text(report(kept))


def test_other_days_snipes_and_reconciliations_are_left_out() -> None:
    old = msgspec.structs.replace(SNIPE, armed_ms=FROM_MS - 1)
    trading = report(
        TradingInputs(money=MONEY, snipes=(old,), runs=(run(-5),), refusals=(refusal(-1),))
    ).trading
    assert trading is not None
    assert (trading.totals.armed, trading.totals.refused, trading.accounts.compared) == (0, 0, 0)
    assert "Reconciliations: none" in unfolded_text(report(TradingInputs(money=MONEY)))


@pytest.mark.parametrize(
    "words",
    [
        "refused      9.0 s  not armed (and 1 times before)",
        "- risk exposure: 210 quote with this one (limit 200 quote)",
        "armed       15.0 s  by ready_state, for at most 10.50",
        "attempt          1  at 1: not open yet (30001); then try again at once",
        "aim to written 1.25 ms, decided to written 0.25 ms",
        "snipe     filled: bought what was wanted; bought 10 for 20.10, 2.01 each, +50.0 bps to",
        "closed by ladder: bought for 20.00, sold for 25.12, fees 0.04, profit +4.98",
        "1 snipes armed, 0 listings refused, 2 attempts, 1 snipes filled",
        "equity 1,004.98 = start 1,000.00 + flows 0.00 + realised +4.98 + unrealised 0.00: holds",
        "Reconciliations: 2, explained 0, unexplained 1 (last: 0)",
    ],
)
def test_the_text_shows_trading(words: str) -> None:
    assert words in unfolded_text(report())


def test_many_attempts_are_shown_by_the_first_and_the_last() -> None:
    many = tuple(attempt(number, "not open yet", 30001) for number in range(1, 9))
    text = unfolded_text(report(TradingInputs(money=MONEY, snipes=(SNIPE,), attempts=many)))
    assert text.count("not open yet") == 2
    assert "6 attempts in between" in text


def test_an_equity_gap_is_shown_to_the_last_digit() -> None:
    off = TradingInputs(
        money=EquityInputs(
            start=D(1_000),
            flows=D(0),
            realised=D(0),
            unrealised=D(0),
            equity=D("999.98"),
            fees=D(0),
            gap=D("-0.02"),
            at_cost=2,
        )
    )
    text = unfolded_text(report(off))
    assert "(2 open positions at cost): differs by -0.02" in text


def test_without_a_ledger_trading_is_left_out() -> None:
    bare = report(None)
    assert (bare.trading, "Trading" in unfolded_text(bare)) == (None, False)


def test_json_round_trips_with_money_as_text() -> None:
    body = to_json(report())
    assert msgspec.json.decode(body, type=DayReport) == report()
    assert msgspec.json.decode(body)["trading"]["accounts"]["equity"] == "1004.98"


def remember(unit: UnitOfWork) -> None:
    unit.record(refusal())
    for scope in ("0123456789ab/other-session", f"0123456789ab/{DAY.exchange_session}"):
        tables = unit.trading(scope)
        tables.reconciliations.add(run(50_000))
        start = samples.entry(
            "start", (LedgerAccount.DESK, "USDT", "1000"), (LedgerAccount.EXTERNAL, "USDT", "-1000")
        )
        gain = samples.entry(
            "gain", (LedgerAccount.DESK, "USDT", "4.98"), (LedgerAccount.EXCHANGE, "USDT", "-4.98")
        )
        tables.entries.add(start)
        tables.entries.add(gain)
        tables.snipes.save(SNIPE)
        tables.attempts.save(attempt(1, "filled"))
        tables.positions.save(CLOSED)


async def test_the_report_reads_the_ledger_of_its_own_session(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "desk.sqlite3", SystemClock())
    try:
        await store.write("books", remember)
        found = (await report_day(store, DAY)).trading
        await store.write(
            "another", lambda unit: unit.trading("x/elsewhere").reconciliations.add(run(60_000))
        )
        none = (await report_day(store, DAY)).trading
    finally:
        await store.close()
    assert found is not None
    assert (found.totals.armed, found.totals.attempts, found.totals.refused) == (1, 1, 0)
    assert (found.accounts.equity, found.accounts.gap) == (D("1004.98"), D(0))
    assert none is None


def test_recovery_at_start_is_part_of_the_day_s_trading() -> None:
    lines = (
        "1 position, 0 orders and 0 snipes were open",
        "position NEWUSDT: 3 left; closed since by ladder",
    )
    found = RecoveryReported(at_ms=FROM_MS + 61_500, about="books", lines=lines)
    other_day = RecoveryReported(at_ms=FROM_MS - 1, about="books", lines=("long ago",))
    told = report(dataclasses.replace(TRADING, recoveries=(other_day, found)))
    assert told.trading is not None
    assert [(one.at_ms, one.lines) for one in told.trading.restarts] == [(found.at_ms, lines)]
    text = unfolded_text(told)
    assert "restarted, recovery completed at 61.5 s" in text
    assert all(f"- {one}" in text for one in lines)
    assert "long ago" not in text


def test_slippage_is_to_the_ask_when_sent_with_the_shortfall() -> None:
    asked = msgspec.structs.replace(attempt(2, "filled"), best_ask=D(2))
    kept = TradingInputs(money=MONEY, snipes=(SNIPE,), attempts=(asked,))
    sniped = report(kept).listings[0].snipes[0]
    assert sniped.slippage_to == "the best ask when sent"
    assert sniped.slippage_bps == 50.0
    assert sniped.shortfall_bps is not None
    assert f"shortfall {sniped.shortfall_bps:+.1f} bps" in unfolded_text(report(kept))
