"""Performance figures from a real store."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal as D
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.ledger.equity import PriceMark
from mexc_tui.model.position import (
    EntryKind,
    EquityPoint,
    HeldPrice,
    LedgerAccount,
    LedgerEntry,
    Position,
    Posting,
    TradingDay,
)
from mexc_tui.model.snipe import Attempt, Stamps
from mexc_tui.model.trading_view import MetricRow, PerformanceRow
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples

SCOPE = samples.SCOPE
DAY_MS = 86_400_000


def entry(name: str, *lines: tuple[LedgerAccount, str, str], flow: str = "0") -> LedgerEntry:
    postings = tuple(Posting(account, asset, D(amount)) for account, asset, amount in lines)
    kind = EntryKind.START if name == "start" else EntryKind.TRADE
    return LedgerEntry(id=name, kind=kind, at_ms=1, postings=postings, flow=D(flow))


def cash(
    name: str, amount: str, other: LedgerAccount = LedgerAccount.EXCHANGE, flow: str = "0"
) -> LedgerEntry:
    return entry(name, (LedgerAccount.DESK, "USDT", amount), (other, "USDT", str(-D(amount))), flow=flow)


def closed(name: str, realised: str, opened_ms: int) -> Position:
    base = samples.position(name, opened_ms=opened_ms, closed_ms=opened_ms + 60_000, realised=realised)
    return msgspec.structs.replace(
        base,
        bought_quantity=D(10),
        bought_value=D(20),
        sold_value=D(20),
        fees=D("0.04"),
        initial_stop=D("1.8"),
    )


def write_books(unit: UnitOfWork) -> None:
    """A thousand to begin with, fifty from outside, a coin held for 20.02, five lost, seven gained."""
    tables = unit.trading(SCOPE)
    tables.entries.add(cash("start", "1000", LedgerAccount.EXTERNAL))
    tables.entries.add(cash("deposit", "50", LedgerAccount.EXTERNAL, flow="50"))
    tables.entries.add(cash("buy", "-20.02"))
    tables.entries.add(cash("losses", "-5"))
    tables.entries.add(cash("gains", "7"))
    tables.snipes.save(samples.snipe("s1"))
    tables.positions.save(position_samples.position())
    tables.positions.save(closed("p2", "-5", 1_000))
    tables.positions.save(closed("p3", "7", 2_000))


@asynccontextmanager
async def stored(folder: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(folder / "desk.sqlite3", SystemClock())
    try:
        await store.write("books", write_books)
        yield store
    finally:
        await store.close()


async def performance(store: SqliteStore, *marks: PriceMark) -> PerformanceRow:
    by_id = {mark.position.id: mark for mark in marks}
    return await store.read(
        "performance", lambda reading: performance_of(reading.trading(SCOPE), SCOPE, by_id)
    )


async def test_time_in_market_is_a_share_of_the_time_that_the_ledger_covers(tmp_path: Path) -> None:
    def one_trade(unit: UnitOfWork) -> None:
        tables = unit.trading(SCOPE)
        tables.entries.add(cash("start", "1000", LedgerAccount.EXTERNAL))
        trade = closed("p1", "1", 1_001)
        tables.positions.save(msgspec.structs.replace(trade, closed_ms=trade.opened_ms + 7_000))
        point = EquityPoint(at_ms=700_001, cash=D(1_001), holdings=D(0), peak=D(1_001))
        tables.equity.add(point)

    store = await SqliteStore.open(tmp_path / "desk.sqlite3", SystemClock())
    try:
        await store.write("books", one_trade)
        figure = named(await performance(store))["time in market"]
        assert (figure.value, figure.n) == (0.01, 1)
        assert figure.text.startswith("1.0%")

        def hold(unit: UnitOfWork) -> None:
            still_open = position_samples.position(opened_ms=350_001, id="p9", snipe_id="")
            unit.trading(SCOPE).positions.save(still_open)

        await store.write("books", hold)
        assert named(await performance(store))["time in market"].value == 0.51
    finally:
        await store.close()


def named(row: PerformanceRow) -> dict[str, MetricRow]:
    return {metric.name: metric for metric in row.metrics}


async def test_equity_is_start_flows_and_profits(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        row = await performance(store, PriceMark(position_samples.position(), D("2.1"), D("0.001")))
    assert (row.start_equity, row.flows, row.realised) == (D(1_000), D(50), D(2))
    assert (row.unrealised, row.equity) == (D("0.959"), D("1052.959"))
    assert row.identity_gap == 0
    assert row.fees == D("0.10")


async def test_unexplained_money_is_a_gap(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.write("lost", lambda unit: unit.trading(SCOPE).entries.add(cash("gone", "-3")))
        row = await performance(store, PriceMark(position_samples.position(), D("2.1"), D("0.001")))
    assert row.identity_gap == D(-3)


async def test_without_a_price_a_position_is_valued_at_cost_with_a_note(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        row = await performance(store)
    assert (row.unrealised, row.equity, row.identity_gap) == (D(0), D(1_052), D(0))
    assert "1 at cost: no current price" in named(row)["exposure"].text


async def test_a_figure_with_too_few_samples_has_a_text_instead_of_a_number(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        row = await performance(store)
    rate = named(row)["win rate"]
    assert (rate.value, rate.n) == (None, 2)
    assert rate.text == f"not enough data (2 of {rate.minimum})"
    for level, least in (("95 %", 100), ("99 %", 500)):
        for name in ("VaR", "ES"):
            day, minute = named(row)[f"{name} {level}, a day"], named(row)[f"{name} {level}, a minute"]
            assert (day.value, day.text) == (None, f"not enough data (0 of {least})")
            assert (minute.value, minute.text) == (None, "not enough data (0 of 200 minutes of NEWUSDT)")


def with_history(unit: UnitOfWork, minutes: int, days: int) -> None:
    """Store equity of so many days, and of the last one a price each minute."""
    table = unit.trading(SCOPE).equity
    random = Random(7)
    for day in range(days):
        equity = D(1_000) + D(random.randrange(-900, 900)) / 10
        table.add(EquityPoint(at_ms=day * DAY_MS, cash=equity, holdings=D(0)))
    for minute in range(minutes):
        price = HeldPrice("NEWUSDT", D(200 + random.randrange(-20, 20)) / 100)
        at_ms = days * DAY_MS + minute * 60_000
        table.add(EquityPoint(at_ms=at_ms, cash=D(1_000), holdings=D(20), prices=(price,)))


async def test_value_at_risk_follows_the_stored_history(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.write("history", lambda unit: with_history(unit, 240, 120))
        figures = named(await performance(store, PriceMark(position_samples.position(), D("2.5"), D(0))))
        closes, points = await store.read(
            "history",
            lambda unit: (
                unit.trading(SCOPE).equity.daily_closes(400),
                unit.trading(SCOPE).equity.between(120 * DAY_MS, 121 * DAY_MS),
            ),
        )
    days = sorted(float(b.equity / a.equity) - 1 for a, b in pairwise(closes))
    minutes = sorted(float(b.prices[0].bid / a.prices[0].bid) - 1 for a, b in pairwise(points))
    for returns, worth, words in ((days, 1052 + 5 - 0.02, "a day"), (minutes, 25.0, "a minute")):
        place = 0.05 * (len(returns) - 1)
        low, high = returns[int(place)], returns[int(place) + 1]
        value = figures[f"VaR 95 %, {words}"].value
        assert value is not None
        assert abs(value + (low + (high - low) * (place % 1)) * worth) < 0.05
        assert figures[f"VaR 95 %, {words}"].n == len(returns)
        worse = figures[f"ES 95 %, {words}"].value
        assert worse is not None
        assert worse > value


async def test_open_positions_may_gap_down(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        figures = named(await performance(store, PriceMark(position_samples.position(), D("2.5"), D(0))))
    # Ten coins at 2.5.
    gaps = [figures[f"lost if coins open {lower} % lower"].value for lower in (30, 50, 100)]
    assert gaps == [7.5, 12.5, 25.0]


async def test_with_enough_trades_rates_have_reproducible_intervals(tmp_path: Path) -> None:
    def more(unit: UnitOfWork) -> None:
        for number in range(30):
            gain = "4" if number % 3 else "-2"
            unit.trading(SCOPE).positions.save(closed(f"more{number}", gain, 10_000 + number))

    async with stored(tmp_path) as store:
        await store.write("trades", more)
        first, again = named(await performance(store)), named(await performance(store))
    rate, expected = first["win rate"], first["expectancy"]
    assert (rate.value, rate.n) == (21 / 32, 32)
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < 21 / 32 < rate.high
    assert expected.value == (2 - 20 + 80) / 32
    assert first == again


async def test_stages_of_attempts_and_refusals_are_counted(tmp_path: Path) -> None:
    def attempts(unit: UnitOfWork) -> None:
        for number in range(1, 31):
            stamps = Stamps(aim_ns=0, decided_ns=0, written_ns=number * 1_000_000, answered_ns=50_000_000)
            code = 30001 if number <= 15 else None
            attempt: Attempt = msgspec.structs.replace(samples.attempt(number), code=code, stamps=stamps)
            unit.trading(SCOPE).attempts.save(attempt)

    async with stored(tmp_path) as store:
        await store.write("attempts", attempts)
        figures = named(await performance(store))
    assert figures["decided to written, p50"].value == 15.5
    assert figures["decided to written, p99"].text == "not enough data (30 of 100)"
    assert figures["refused with 30001"].value == 0.5


async def test_entry_slippage_is_measured_from_the_ask_at_send(tmp_path: Path) -> None:
    def entries(unit: UnitOfWork) -> None:
        tables = unit.trading(SCOPE)
        bought = msgspec.structs.replace(
            samples.snipe("bought"),
            attempts=1,
            spend_cap=D(20),
            reference_price=D("1.9"),
            filled_quantity=D(10),
            filled_value=D("20.2"),
        )
        tables.snipes.save(bought)
        attempt = samples.attempt(1, "bought", "taken")
        stamps = Stamps(filled_ns=1)
        tables.attempts.save(msgspec.structs.replace(attempt, best_ask=D(2), stamps=stamps))

    async with stored(tmp_path) as store:
        await store.write("entries", entries)
        figures = named(await performance(store))
    to_ask = figures["entry slippage to the ask"]
    assert to_ask.value is not None
    assert round(to_ask.value, 6) == 100
    assert figures["entry slippage to the decision price"].n == 1
    shortfall = figures["implementation shortfall"]
    # 20 / 1.9 were ordered; ten filled 0.1 above the decision price and 0.02 above the ask.
    assert shortfall.value is not None
    assert round(shortfall.value, 3) == round((10 * 0.12 + (20 / 1.9 - 10) * 0.1) / 20 * 10_000, 3)


async def test_returns_are_daily_closes_without_external_flows(tmp_path: Path) -> None:
    def closes(unit: UnitOfWork) -> None:
        for day, (worth, flows) in enumerate((("100", "0"), ("160", "50"), ("144", "50"))):
            point = EquityPoint(at_ms=day * DAY_MS + 5, cash=D(worth), holdings=D(0), flows=D(flows))
            unit.trading(SCOPE).equity.add(point)
        unit.trading(SCOPE).days.save(TradingDay(day="1970-01-02", realised=D(2)))

    async with stored(tmp_path) as store:
        await store.write("closes", closes)
        row = await performance(store)
    total, fall = named(row)["total return"], named(row)["maximum drawdown"]
    assert total.value is not None
    assert round(total.value, 9) == -0.01
    assert fall.value is not None
    assert round(fall.value, 9) == 0.1
    assert [day.day for day in row.days] == ["1970-01-02"]
    assert len(row.points) == 3


async def test_ledgers_of_other_scopes_are_not_read(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        row = await store.read(
            "other", lambda reading: performance_of(reading.trading(samples.OTHER), samples.OTHER, {})
        )
    assert (row.equity, row.realised, row.start_equity) == (D(0), D(0), D(0))
