"""`kill --direct` on the practice exchange in virtual time."""

import asyncio
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import msgspec

from mexc_tui.app.direct_kill import DirectKillResult, KillEnvironment, kill_direct
from mexc_tui.app.endpoints import ExchangeHandle
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.lock import engine_lock, scope_of
from mexc_tui.ledger.ids import make_ids
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.trading import Cause
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PORT, PracticeDay

PAIRS, ORDERS = 5, 4


def quiet_day(
    sim: Simulation, folder: Path, knobs: Knobs | None = None, faults: tuple[FaultPlan, ...] = ()
) -> PracticeDay:
    market = msgspec.structs.replace(DAY.market, active_pairs=PAIRS + 1, trades_per_s=0.01)
    plan = msgspec.structs.replace(DAY, listings=(), market=market, knobs=knobs or Knobs(), faults=faults)
    day = PracticeDay(sim, folder, plan)
    day.paths.state.mkdir(parents=True)
    return day


async def killed(day: PracticeDay, said: list[str], deadline_s: float = 45.0) -> DirectKillResult:
    outside = KillEnvironment(day.sim.clock, day.sim.rng, day.sim.network.connector())
    lent = ExchangeHandle(day.server.endpoint(PORT))
    return await kill_direct(
        lent, day.paths, "ann", report=said.append, environment=outside, deadline_s=deadline_s
    )


def rest(day: PracticeDay, pairs: int = PAIRS, orders: int = ORDERS) -> list[str]:
    """Place resting buys of this desk; return the pairs."""
    session = day.server.session
    open_to_us = set(session.self_symbols())
    named = (one for one in session.visible_pairs() if one.symbol.endswith("USDT"))
    chosen = [one for one in named if one.symbol in open_to_us][:pairs]
    for number, pair in enumerate(chosen):
        for one in range(orders):
            name = make_ids("abcd", 1_700_000_000_000, number * 10 + one + 1, attempts=1)[0]
            session.place(buy(pair, name))
    return [one.symbol for one in chosen]


def buy(pair: PracticePair, name: str) -> NewOrder:
    """Return a buy at half the price, of 6 USDT."""
    price = (pair.last_price / 2).quantize(D(1).scaleb(-pair.rules.price_decimals))
    quantity = (6 / price).quantize(D(1).scaleb(-pair.rules.quantity_decimals))
    return NewOrder(
        symbol=pair.symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id=name,
        price=price,
        quantity=quantity,
    )


def test_twenty_orders_on_five_pairs_are_cancelled_within_a_second_and_the_user_s_orders_remain(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = quiet_day(sim, tmp_path)
        await day.open()
        symbols, said = rest(day), list[str]()
        first = day.server.session.pair(symbols[0])
        assert first is not None
        day.server.session.place(buy(first, "by-hand"))
        began_ms = day.server.session.now_ms
        done = await killed(day, said)
        assert done.is_done, done.words
        assert (done.seen, done.cancelled, done.left) == (20, 20, 0)
        rows = [row for one in symbols for row in day.server.session.all_orders(one, 0, 2**53, limit=1_000)]
        gone = [row for row in rows if row.client_order_id.startswith("mx")]
        assert max(row.updated_ms or 0 for row in gone) - began_ms < 1_000
        assert [row.client_order_id for row in rows if row.status.value == "NEW"] == ["by-hand"]
        kept = HaltFileOnDisk(day.paths.state, scope_of(day.server.endpoint(PORT))).read()
        assert kept is not None
        assert kept.cause is Cause.EMERGENCY

    simulate(main)


def test_one_empty_response_is_not_trusted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = quiet_day(sim, tmp_path, Knobs(visibility_ms=(2_000, 2_000)))
        await day.open()
        rest(day, 1, 1)
        done = await killed(day, [])
        assert done.is_done
        assert (done.seen, done.left) == (1, 0)

    simulate(main)


def test_an_unreachable_exchange_is_reported_at_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        away = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=0, method="GET", path="/api/v3/openOrders")
        day = quiet_day(sim, tmp_path, faults=(away,))
        await day.open()
        said = list[str]()
        killing = asyncio.ensure_future(killed(day, said))
        await asyncio.sleep(10)
        assert not killing.done()
        assert any(words.startswith("Cannot reach the exchange") for words in said)
        done = await killing
        assert not done.is_done
        assert "NOT CONFIRMED" in " ".join(done.words)

    simulate(main)


def test_an_unresponsive_engine_of_the_profile_is_reported(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = quiet_day(sim, tmp_path)
        await day.open()
        said = list[str]()
        with engine_lock(replace(day.paths, socket=tmp_path / "elsewhere.sock"), ""):
            done = await killed(day, said)
        assert done.is_done
        assert any("process" in words and "Cannot command" in words for words in said)

    simulate(main)


def test_an_unreadable_open_order_is_reported_as_unconfirmed_and_the_others_are_cancelled(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        torn = FaultPlan(kind=FaultKind.MALFORMED_ROW, method="GET", path="/api/v3/openOrders")
        day = quiet_day(sim, tmp_path, faults=(torn,))
        await day.open()
        (symbol,) = rest(day, 1, 3)
        said = list[str]()
        done = await killed(day, said, 20)
        assert not done.is_done
        assert (done.seen, done.cancelled, done.left) == (2, 2, 0)
        assert len(day.server.session.open_orders(symbol)) == 1  # its row is the one that cannot be read
        assert any(words.startswith("Cannot read every open order: 1 of ") for words in said)
        assert "NOT CONFIRMED" in " ".join(done.words)

    simulate(main)
