"""Everything that stops trading, on the practice exchange in virtual time."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.bookings import stem
from mexc_tui.engine.face import Refused
from mexc_tui.engine.trading import TradingRooms
from mexc_tui.halt_file import FileOfHalt
from mexc_tui.joining import Joined
from mexc_tui.ledger.ids import make
from mexc_tui.model.event import GuardActed
from mexc_tui.model.intent import CloseReason, Intent, OrderRole, OrderState
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.model.stream import BestQuote
from mexc_tui.model.trading import Cause, GuardLevel, Trading, TradingState
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.sniping.rounding import floored, grid_of
from tests.engine.closer import BookCloser
from tests.engine.days import DAY, LENT, PracticeDay

D = Decimal
SYMBOL = "CLEANUSDT"
OPENED_S = 45.0
HANDS_OFF = {"ladder": "", "stop_loss_pct": 50}
"""Positions stay as they are, unless a test does something."""


def rooms_of(running: Joined) -> TradingRooms:
    rooms = running.engine.rooms
    assert rooms is not None
    return rooms


def give_closer(running: Joined) -> BookCloser:
    rooms = rooms_of(running)
    closer = BookCloser(rooms, lambda: running.engine.known.knowledge.pairs)
    rooms.safety.stopping.closer = closer
    return closer


async def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(0.1)


@asynccontextmanager
async def holding(
    sim: Simulation, folder: Path, **lent: bool | float | str
) -> AsyncGenerator[tuple[PracticeDay, Joined, BookCloser]]:
    """An engine that bought a listing by hand and holds it."""
    settings = {**LENT, **HANDS_OFF, **lent}
    day = PracticeDay(sim, folder, msgspec.structs.replace(DAY, settings=settings))
    await day.open()
    async with day.engine() as running:
        closer = give_closer(running)
        await asyncio.sleep(22)
        rooms = rooms_of(running)
        await rooms.arming.arm(SYMBOL, "ann")
        await until(lambda: bool(rooms.keeper.open.positions))
        await asyncio.sleep(1)
        yield day, running, closer


async def rest_a_sale(rooms: TradingRooms, running: Joined) -> Intent:
    """Let half of the position rest as a take-profit."""
    position = next(iter(rooms.keeper.open.positions.values()))
    grid = grid_of(running.engine.known.knowledge.pairs[SYMBOL])
    bid = rooms.prices.of(SYMBOL).bid
    assert bid is not None
    names = rooms.keeper.client_ids(1)
    quantity = floored(position.remaining / 2, grid.quantity_step)
    intent = Intent(
        id=stem(names[0]),
        role=OrderRole.TAKE_PROFIT,
        symbol=SYMBOL,
        base_asset=position.base_asset,
        quote_asset="USDT",
        side=Side.SELL,
        client_ids=names,
        quantity=quantity,
        snipe_id=position.snipe_id,
        position_id=position.id,
        created_ms=rooms.port.now_ms(),
        reason="a rung",
    )
    await rooms.keeper.save_intent(intent)
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.SELL,
        type=OrderType.LIMIT,
        client_order_id=names[0],
        price=floored(bid * D("1.5"), grid.price_tick),
        quantity=quantity,
    )
    await rooms.execution.place(intent, order)
    await rooms.execution.settle(5)
    assert rooms.keeper.open.live_orders()
    return intent


async def guard_acted(running: Joined) -> list[GuardActed]:
    facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    return [fact.event for fact in facts if isinstance(fact.event, GuardActed)]


def fall_to(rooms: TradingRooms, share: str) -> None:
    """Let the bid be so much of what was paid, for one look of the guard."""
    position = next(iter(rooms.keeper.open.positions.values()))
    bid = position.entry_price * D(share)
    rooms.prices.on_quote(BestQuote(SYMBOL, bid, D(100), bid * 2, D(100), 0))
    rooms.safety.equity.mark()
    rooms.safety.guard.look()


def test_a_halt_disarms_and_outlives_the_engine_until_a_person_resumes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            rooms = rooms_of(running)
            await asyncio.sleep(22)
            await rooms.arming.arm(SYMBOL, "ann")
            acted = await rooms.safety.stopping.halt("ann", "lunch")
            assert acted.is_all
            assert acted.result.snipes_disarmed == 1
            assert acted.result.state is TradingState.HALTED
            assert not rooms.keeper.open.snipes
        async with day.engine() as running:
            rooms = rooms_of(running)
            trading = rooms.keeper.open.trading
            assert (trading.state, trading.cause, trading.words) == (
                TradingState.HALTED,
                Cause.PERSON,
                "lunch",
            )
            with pytest.raises(Refused, match="lunch"):
                await rooms.arming.arm(SYMBOL, "ann")
            assert rooms.refusal(OrderRole.ENTRY, SYMBOL)
            assert not rooms.refusal(OrderRole.STOP, SYMBOL)
            await rooms.safety.stopping.resume("ann", "")
            assert rooms.keeper.open.trading.state is TradingState.ACTIVE
        async with day.engine() as running:
            assert running.engine.trading()[0] is TradingState.ACTIVE

    simulate(main)


def test_flatten_cancels_sells_everything_and_leaves_the_desk_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, closer):
            rooms = rooms_of(running)
            await rest_a_sale(rooms, running)
            acted = await rooms.safety.stopping.flatten("ann")
            assert acted.is_all, acted.words
            done = acted.result
            assert (done.orders_cancelled, done.orders_left) == (1, 0)
            assert (done.positions_closed, done.positions_left) == (1, 0)
            assert done.state is TradingState.HALTED
            assert not await rooms.port.open_orders()
            assert closer.asked[0][2:] == (OrderRole.FLATTEN, CloseReason.FLATTEN)
            await rooms.safety.stopping.resume("ann", "")

    simulate(main)


def test_an_emergency_stop_takes_the_typed_word_to_resume_and_losses_count_anew(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            stopping = rooms.safety.stopping
            acted = await stopping.emergency_stop("ann")
            assert acted.is_all, acted.words
            assert rooms.keeper.open.trading.cause is Cause.EMERGENCY
            with pytest.raises(Refused, match="must be typed"):
                await stopping.resume("ann", "")
            resumed = await stopping.resume("ann", "resume")
            assert "losses count anew" in resumed.words
            assert rooms.safety.equity.losses().drawdown_pct == 0

    simulate(main)


def test_what_cannot_be_sold_is_left_and_said_and_exits_go_on_while_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, closer):
            rooms = rooms_of(running)
            closer.is_stuck = True
            acted = await rooms.safety.stopping.flatten("ann")
            assert not acted.is_all
            assert acted.result.positions_left == 1
            assert "no bid" in acted.words
            assert rooms.keeper.open.trading.state is TradingState.HALTED
            closer.is_stuck = False
            position = next(iter(rooms.keeper.open.positions.values()))
            closed = await closer.close(position, None, OrderRole.STOP, CloseReason.STOP, "the stop")
            assert not closed.left

    simulate(main)


def test_a_flattening_that_was_cut_short_goes_on_after_the_start(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (day, running, closer):
            rooms = rooms_of(running)
            closer.is_stuck = True
            cut = asyncio.ensure_future(rooms.safety.stopping.flatten("ann"))
            await asyncio.sleep(2)
            assert rooms.keeper.open.trading.state is TradingState.FLATTENING
            cut.cancel()
            folder = day.paths.state
            copy = FileOfHalt(folder, rooms.keeper.scope).read()
            assert copy is not None
            assert copy.state is TradingState.FLATTENING

    simulate(main)


def test_a_halt_file_alone_stops_the_next_start(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            scope = rooms_of(running).keeper.scope
        halt = Trading(state=TradingState.HALTED, cause=Cause.PERSON, words="kill --direct", since_ms=1)
        FileOfHalt(day.paths.state, scope).write(halt)
        FileOfHalt(day.paths.state, "another/world").clear()
        async with day.engine() as running:
            rooms = rooms_of(running)
            assert running.engine.trading() == (TradingState.HALTED, "kill --direct")
            assert rooms.refusal(OrderRole.ENTRY, SYMBOL)
            await rooms.safety.stopping.resume("ann", "")
        async with day.engine() as running:
            assert running.engine.trading()[0] is TradingState.ACTIVE

    simulate(main)


def test_a_halt_file_that_nobody_can_read_counts_and_one_of_other_books_does_not(tmp_path: Path) -> None:
    file = FileOfHalt(tmp_path, "mine")
    assert file.read() is None
    FileOfHalt(tmp_path, "theirs").write(Trading(state=TradingState.HALTED))
    assert file.read() is None
    (tmp_path / "halt.json").write_text("{")
    found = file.read()
    assert found is not None
    assert found.state is TradingState.HALTED


def test_a_halt_that_nothing_can_keep_goes_on_and_says_do_not_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (day, running, _closer):
            rooms = rooms_of(running)
            await rest_a_sale(rooms, running)

            async def full(*_: object, **__: object) -> None:
                raise StorageError("the disk is full")

            monkeypatch.setattr(rooms.keeper, "save_trading", full)
            (day.paths.state / f"halt.{os.getpid()}").mkdir()
            acted = await rooms.safety.stopping.emergency_stop("ann")
            assert not acted.is_all
            assert not acted.result.is_durable
            assert "do not restart" in acted.words
            assert acted.result.orders_left == 0
            assert not await rooms.port.open_orders()
            monkeypatch.undo()

    simulate(main)


def test_losses_of_a_day_warn_trim_close_and_halt_each_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        # A position of ten in a thousand: a full loss is one per cent.
        async with holding(sim, tmp_path, daily_loss_halt_pct=0.8) as (_, running, closer):
            rooms = rooms_of(running)
            fall_to(rooms, "0.5")
            assert rooms.safety.guard.grade.level is GuardLevel.MEDIUM
            assert rooms.keeper.open.trading.state is TradingState.REDUCE_ONLY
            assert rooms.keeper.open.trading.cause is Cause.WARNING
            await asyncio.sleep(0.5)
            assert [one[1] for one in closer.asked] == [D(30)]
            fall_to(rooms, "0.5")
            await asyncio.sleep(0.5)
            assert len(closer.asked) == 1
            await asyncio.sleep(10)
            assert rooms.keeper.open.trading.state is TradingState.ACTIVE
            acted = await guard_acted(running)
            assert [one.action for one in acted] == ["trim 30 %"]
            assert " -> " in acted[0].achieved

    simulate(main)


def test_a_loss_over_the_limit_halts_and_one_far_over_it_flattens(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path, daily_loss_halt_pct=0.3) as (_, running, closer):
            rooms = rooms_of(running)
            fall_to(rooms, "0.65")
            await asyncio.sleep(2)
            assert rooms.keeper.open.trading.state is TradingState.HALTED
            assert rooms.keeper.open.trading.cause is Cause.DAILY_LOSS
            assert rooms.keeper.open.positions
            fall_to(rooms, "0.1")
            await asyncio.sleep(5)
            assert not rooms.keeper.open.positions
            assert closer.asked[-1][2] is OrderRole.FLATTEN
            actions = [one.action for one in await guard_acted(running)]
            assert actions == ["halt", "emergency stop"]
            with pytest.raises(Refused, match="must be typed"):
                await rooms.safety.stopping.resume("ann", "")

    simulate(main)


def test_O16_an_order_of_another_desk_with_our_prefix_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            grid = grid_of(running.engine.known.knowledge.pairs[SYMBOL])
            ask = rooms.prices.of(SYMBOL).ask
            assert ask is not None
            price = floored(ask * D("0.5"), grid.price_tick)
            order = NewOrder(
                symbol=SYMBOL,
                side=Side.BUY,
                type=OrderType.LIMIT,
                client_order_id=make("zzzz", sim.clock.now_ms(), 1, 1)[0],
                price=price,
                quantity=floored(D(6) / price, grid.quantity_step),
            )
            await rooms.port.place(order, purpose=Purpose.ENTRY)
            await asyncio.sleep(2)
            trading = rooms.keeper.open.trading
            assert (trading.state, trading.cause) == (TradingState.HALTED, Cause.STRANGER)
            assert len(await rooms.port.open_orders()) == 1  # somebody else's: left alone
            with pytest.raises(Refused, match="must be typed"):
                await rooms.safety.stopping.resume("ann", "")

    simulate(main)


def test_a_refused_key_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            intent = await rest_a_sale(rooms, running)
            order = rooms.keeper.open.orders[intent.client_ids[0]]
            refused = msgspec.structs.replace(order, code=700006, reason="not on the key's list")
            await rooms.keeper.save_order(refused, "the answer")
            assert rooms.keeper.open.trading.cause is Cause.KEY
            await asyncio.sleep(2)
            assert (await guard_acted(running))[0].action == "halt"

    simulate(main)


def test_H6_an_order_worker_that_keeps_failing_halts_and_another_only_reduces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)

            async def broken() -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr(running.engine.outcomes, "label", broken)
            await until(lambda: rooms.keeper.open.trading.cause is Cause.WORKER, 60)
            assert rooms.keeper.open.trading.state is TradingState.REDUCE_ONLY
            monkeypatch.undo()
            monkeypatch.setattr(rooms.settling, "look", broken)
            await until(lambda: rooms.keeper.open.trading.cause is Cause.ORDER_WORKER, 60)
            assert rooms.keeper.open.trading.state is TradingState.HALTED
            monkeypatch.undo()

    simulate(main)


def test_I6_books_that_contradict_themselves_halt(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            memory = rooms.keeper.open
            position = next(iter(memory.positions.values()))
            wrong = msgspec.structs.replace(position, remaining=position.remaining + 1)
            for _ in range(40):
                memory.positions[position.id] = wrong  # what is stored meanwhile puts memory right
                await asyncio.sleep(0.1)
            assert memory.trading.cause is Cause.INVARIANT
            assert memory.trading.state is TradingState.HALTED
            assert memory.positions  # a breach of the books sells nothing

    simulate(main)


def test_doubts_lift_themselves_with_their_cause(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            keeper = rooms.keeper
            keeper.problem = "the disk is full"
            await asyncio.sleep(1.5)
            assert (keeper.open.trading.state, keeper.open.trading.cause) == (
                TradingState.REDUCE_ONLY,
                Cause.STORAGE,
            )
            with pytest.raises(Refused, match="wait by themselves"):
                await rooms.safety.stopping.resume("ann", "")
            keeper.problem = ""
            await asyncio.sleep(1.5)
            assert keeper.open.trading.state is TradingState.ACTIVE

    simulate(main)


def test_a_person_s_reduce_only_stays_until_resumed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await rooms_of(running).safety.stopping.reduce_only("ann", "news")
        async with day.engine() as running:
            rooms = rooms_of(running)
            await asyncio.sleep(3)
            assert running.engine.trading() == (TradingState.REDUCE_ONLY, "news")
            await rooms.safety.stopping.resume("ann", "")

    simulate(main)


def test_a_stopping_engine_holds_and_says_that_stops_end_with_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, closer):
            engine = running.engine
        assert "1 positions stay open, and their stops end with this engine: CLEANUSDT" in engine.farewell
        assert not closer.asked

    simulate(main)


def test_a_stopping_engine_told_to_flatten_sells_first(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path, on_stop="flatten") as (day, running, _closer):
            engine = running.engine
        assert engine.farewell == "Closed 1 positions at the stop, 0 left."
        async with day.engine() as running:
            assert running.engine.trading()[0] is TradingState.ACTIVE

    simulate(main)


def test_what_is_open_a_minute_after_the_day_is_closed_and_books_agree(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, closer):
            await running.engine.wait(until_done=True)
            assert not rooms_of(running).keeper.open.positions
            assert closer.asked[-1][3] is CloseReason.OVER
            assert running.engine.unexplained == ()

    simulate(main)


def test_I7_equity_is_start_and_profits_and_a_restart_keeps_its_peak(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (day, running, _closer):
            rooms = rooms_of(running)
            assert rooms.safety.equity.breaches() == ()
            point = rooms.keeper.open.equity
            assert point is not None
            assert point.is_complete
            assert point.peak >= 1_000
            await rooms.safety.stopping.flatten("ann")
            await asyncio.sleep(2)
            assert rooms.safety.equity.breaches() == ()
            before = rooms.keeper.open.equity
        async with day.engine() as running:
            rooms = rooms_of(running)
            after = rooms.keeper.open.equity
            assert before is not None
            assert after is not None
            assert after.peak == before.peak
            fallen = rooms.safety.equity.losses().drawdown_pct
            assert fallen is not None
            assert abs(fallen - (1 - before.equity / before.peak) * 100) < D("1e-9")
            assert rooms.safety.equity.day_equity == 1_000
            assert rooms.safety.equity.breaches() == ()

    simulate(main)


def test_unknown_orders_are_waited_for_before_a_stop_says_that_nothing_is_left(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            intent = await rest_a_sale(rooms, running)
            row = rooms.keeper.open.orders[intent.client_ids[0]]
            now_ms = rooms.port.now_ms()
            unknown = msgspec.structs.replace(row, state=OrderState.UNKNOWN, fence_ms=now_ms + 3_000)
            rooms.keeper.open.put_order(unknown)
            acted = await rooms.safety.stopping.emergency_stop("ann")
            assert acted.is_all, acted.words
            assert not any(one.state is OrderState.UNKNOWN for one in rooms.keeper.open.orders.values())
            assert not await rooms.port.open_orders()

    simulate(main)


def test_a_ban_stops_entries_and_no_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, closer):
            rooms = rooms_of(running)
            monkeypatch.setattr(rooms.port, "ban", lambda: "418 for a minute")
            await asyncio.sleep(1.5)
            assert rooms.keeper.open.trading.cause is Cause.BAN
            assert rooms.refusal(OrderRole.ENTRY, SYMBOL)
            position = next(iter(rooms.keeper.open.positions.values()))
            closed = await closer.close(position, None, OrderRole.STOP, CloseReason.STOP, "the stop")
            assert not closed.left
            monkeypatch.undo()

    simulate(main)


def test_money_from_outside_is_a_difference_that_the_end_of_the_day_tells(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (day, running, _closer):
            day.server.world.deposit("USDT", D(50))
            rooms_of(running).reconciler.hurry()
            await asyncio.sleep(10)
            assert running.engine.trading()[0] is TradingState.ACTIVE  # I8: booked as a drift, no breach
            await running.engine.wait(until_done=True)
            assert any("50 USDT" in words for words in running.engine.unexplained)
            assert rooms_of(running).safety.equity.breaches() == ()  # a flow, no gain
            losses = rooms_of(running).safety.equity.losses()
            assert losses.day_pct is not None
            assert abs(losses.day_pct) < 1

    simulate(main)


def test_an_emergency_stop_cancels_the_resting_ladder_and_sells_with_the_desk_s_own_seller(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path, ladder="30@100,40@200,30@300") as (_, running, _closer):
            rooms = rooms_of(running)
            rooms.safety.stopping.closer = rooms.selling
            await until(lambda: bool(rooms.keeper.open.live_orders()))
            acted = await rooms.safety.stopping.emergency_stop("ann")
            assert acted.is_all, acted.words
            assert acted.result.orders_cancelled > 0
            assert acted.result.positions_closed == 1
            assert not await rooms.port.open_orders()
            assert rooms.safety.invariants.breaches(D(20)) == ()
            await asyncio.sleep(3)
            assert rooms.keeper.open.trading.cause is Cause.EMERGENCY

    simulate(main)


def test_I9_what_nobody_looks_after_is_warned_of_and_then_halts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with holding(sim, tmp_path) as (_, running, _closer):
            rooms = rooms_of(running)
            assert rooms.safety.invariants.unprotected() == ()
            monkeypatch.setattr(rooms.safety.invariants, "heartbeat_ms", never)
            await asyncio.sleep(3)
            assert rooms.safety.guard.grade.level is GuardLevel.MEDIUM
            assert rooms.keeper.open.trading.state is TradingState.REDUCE_ONLY
            await asyncio.sleep(15)
            assert rooms.keeper.open.trading.cause is Cause.INVARIANT
            assert rooms.keeper.open.positions
            monkeypatch.undo()

    simulate(main)


def never(_: Position) -> int | None:
    return None
