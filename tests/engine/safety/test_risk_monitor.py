"""The risk monitor: losses, invariants, workers, unknown orders, on the practice exchange in virtual time."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.ledger.ids import make_ids
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.position import Position
from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.sniping.rounding import floored, grid_of
from tests.support.engine.open_position import (
    SYMBOL,
    D,
    components_of,
    drop_bid,
    engine_with_position,
    pinned_bid,
    place_take_profit,
    risk_monitor_actions,
    until,
)

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def test_losses_of_a_day_warn_trim_and_lower_limits_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        # A position of ten in a thousand: a full loss is one per cent.
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8) as (_, running, closer):
            components = components_of(running)
            await drop_bid(components, "0.52")
            assert components.ledger.state.trading.state is TradingState.ACTIVE
            await asyncio.sleep(0.5)
            assert [one[1] for one in closer.asked] == [D(30)]
            await drop_bid(components, "0.52")
            await asyncio.sleep(0.5)
            assert len(closer.asked) == 1
            acted = await risk_monitor_actions(running)
            assert [one.action for one in acted] == ["tighten limits", "trim 30 %"]
            assert {one.level for one in acted} == {RiskLevel.MEDIUM}
            assert " -> " in acted[1].achieved

    simulate(main)


def test_lowered_limits_are_shown_survive_a_restart_and_are_lifted_by_the_user(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8) as (day, running, _):
            components = components_of(running)
            before = (await face_of(running)).risk()
            await drop_bid(components, "0.52")
            await asyncio.sleep(2)
            lowered = (await face_of(running)).risk()
            assert limit(lowered, "position_cap") < limit(before, "position_cap") * D("0.6")
            assert limit(lowered, "positions") == 1
            assert lowered.tightening.steps == 1
            assert "daily loss" in lowered.tightening.cause
        async with day.engine() as running:
            face = await face_of(running)
            assert face.risk().tightening.steps == 1
            assert limit(face.risk(), "positions") == 1
            await face.restore_limits("ann")
            assert face.risk().tightening.steps == 0
            assert limit(face.risk(), "positions") == limit(before, "positions")
            with pytest.raises(CommandRefused, match="already apply"):
                await face.restore_limits("ann")
            assert (await risk_monitor_actions(running))[-1].action == "restore limits"

    simulate(main)


def test_lowered_limits_expire(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8, guard_tighten_s=60) as (
            _,
            running,
            _c,
        ):
            components = components_of(running)
            await drop_bid(components, "0.52")
            await asyncio.sleep(2)
            assert components.safety.tightening.now.steps == 1
            await asyncio.sleep(60)
            assert components.safety.tightening.now.steps == 0

    simulate(main)


def test_a_low_quote_of_two_seconds_neither_sells_nor_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.3) as (_, running, closer):
            components = components_of(running)
            with pinned_bid(components, "0.01"):
                for _ in range(2):
                    components.safety.equity.mark()
                    components.safety.risk_monitor.check()
                    await asyncio.sleep(1)
            await asyncio.sleep(10)
            assert closer.asked == []
            assert components.ledger.state.positions
            assert components.ledger.state.trading.state is TradingState.ACTIVE
            assert await risk_monitor_actions(running) == []

    simulate(main)


def test_each_check_stores_its_metrics_and_result(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8) as (_, running, _closer):
            components = components_of(running)
            await drop_bid(components, "0.52")
            await asyncio.sleep(130)
            checks = await components.ledger.read("checks", lambda tables: tables.risk_checks.latest())
            assert [one.level for one in checks].count(RiskLevel.MEDIUM) >= 1
            (warned,) = [one for one in checks if one.level is RiskLevel.MEDIUM][-1:]
            assert warned.daily_loss_pct is not None
            assert warned.daily_loss_pct > D("0.4")
            assert warned.exposure_pct is not None
            assert warned.actions == ("alert", "trim", "tighten")
            assert len([one for one in checks if one.level is RiskLevel.NORMAL]) >= 3

    simulate(main)


async def face_of(running: RunningEngine) -> TradingQueries:
    face = await trading_queries(running.engine)
    assert face is not None
    return face


def limit(row: RiskRow, name: str) -> Decimal:
    return next(one.limit for one in row.limits if one.name == name)


def test_a_trim_is_not_repeated_by_the_engine_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8, position_quote=20) as (
            day,
            running,
            _,
        ):
            components = components_of(running)
            components.safety.emergency_stop.closer = components.exit_execution
            before = next(iter(components.ledger.state.positions.values())).remaining
            await drop_bid(components, "0.72")
            await until(lambda: next(iter(components.ledger.state.positions.values())).remaining < before)
            await asyncio.sleep(2)
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(2)
            held = next(iter(components.ledger.state.positions.values())).remaining
            await drop_bid(components, "0.6")
            assert components.safety.risk_monitor.grade.level is RiskLevel.MEDIUM
            assert next(iter(components.ledger.state.positions.values())).remaining == held
            assert [one.action for one in await risk_monitor_actions(running)].count("trim 30 %") == 1

    simulate(main)


@pytest.mark.parametrize(("on_critical", "is_sold"), [("halt", False), ("flatten", True), ("unset", True)])
def test_a_loss_over_the_limit_halts_and_flattens_as_configured(
    tmp_path: Path, on_critical: str, *, is_sold: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.3, on_critical=on_critical)
        async with day as (_, running, closer):
            components = components_of(running)
            await drop_bid(components, "0.65")
            await asyncio.sleep(10)
            assert components.ledger.state.trading.state is TradingState.HALTED
            assert components.ledger.state.trading.cause is Cause.DAILY_LOSS
            assert bool(components.ledger.state.positions) is not is_sold
            if is_sold:
                assert closer.asked[-1][2] is OrderRole.FLATTEN
            actions = [one.action for one in await risk_monitor_actions(running)]
            assert actions == ["emergency stop" if is_sold else "halt"]
            with pytest.raises(CommandRefused, match="type `resume` to resume"):
                await components.safety.emergency_stop.resume("ann", "")

    simulate(main)


def test_O16_an_order_of_another_desk_with_our_prefix_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            grid = grid_of(running.engine.knowledge_store.knowledge.pairs[SYMBOL])
            ask = components.prices.of(SYMBOL).ask
            assert ask is not None
            price = floored(ask * D("0.5"), grid.price_tick)
            order = NewOrder(
                symbol=SYMBOL,
                side=Side.BUY,
                type=OrderType.LIMIT,
                client_order_id=make_ids("zzzz", sim.clock.now_ms(), 1, attempts=1)[0],
                price=price,
                quantity=floored(D(6) / price, grid.quantity_step),
            )
            await components.port.place(order, purpose=Purpose.ENTRY)
            await asyncio.sleep(2)
            trading = components.ledger.state.trading
            assert (trading.state, trading.cause) == (TradingState.HALTED, Cause.UNRECORDED_ORDER)
            assert len(await components.port.open_orders()) == 1  # foreign: left alone
            with pytest.raises(CommandRefused, match="type `resume` to resume"):
                await components.safety.emergency_stop.resume("ann", "")

    simulate(main)


def test_a_refused_key_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            intent = await place_take_profit(components, running)
            order = components.ledger.state.orders[intent.client_ids[0]]
            refused = msgspec.structs.replace(order, code=700006, reason="not on the key's list")
            await components.ledger.save_order(refused, "the answer")
            assert components.ledger.state.trading.cause is Cause.KEY
            await asyncio.sleep(2)
            assert (await risk_monitor_actions(running))[0].action == "halt"

    simulate(main)


def test_H6_a_failing_order_worker_halts_and_any_other_sets_reduce_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)

            async def broken(**_: object) -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr(running.engine.outcomes, "label", broken)
            await until(lambda: components.ledger.state.trading.cause is Cause.WORKER, 60)
            assert components.ledger.state.trading.state is TradingState.REDUCE_ONLY
            monkeypatch.undo()
            monkeypatch.setattr(components.order_resolution, "_check_orders", broken)
            await until(lambda: components.ledger.state.trading.cause is Cause.ORDER_WORKER, 60)
            assert components.ledger.state.trading.state is TradingState.HALTED
            monkeypatch.undo()

    simulate(main)


def test_I6_a_contradictory_ledger_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            memory = components.ledger.state
            position = next(iter(memory.positions.values()))
            wrong = msgspec.structs.replace(position, remaining=position.remaining + 1)
            for _ in range(400):  # longer than an unsettled state may last
                memory.positions[position.id] = wrong  # data stored meanwhile corrects memory
                await asyncio.sleep(0.1)
            assert memory.trading.cause is Cause.INVARIANT
            assert memory.trading.state is TradingState.HALTED
            assert memory.positions  # a breach of the ledger sells nothing

    simulate(main)


def test_temporary_pauses_end_with_their_cause(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            ledger = components.ledger
            ledger.problem = "the disk is full"
            await asyncio.sleep(1.5)
            assert (ledger.state.trading.state, ledger.state.trading.cause) == (
                TradingState.REDUCE_ONLY,
                Cause.STORAGE,
            )
            with pytest.raises(CommandRefused, match="entries are paused until"):
                await components.safety.emergency_stop.resume("ann", "")
            ledger.problem = ""
            await asyncio.sleep(1.5)
            assert ledger.state.trading.state is TradingState.ACTIVE

    simulate(main)


def test_I7_equity_is_start_plus_profits_and_its_peak_survives_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            components = components_of(running)
            assert components.safety.equity.breaches() == ()
            point = components.ledger.state.equity
            assert point is not None
            assert point.is_complete
            assert point.peak >= 1_000
            await components.safety.emergency_stop.flatten("ann")
            await asyncio.sleep(2)
            assert components.safety.equity.breaches() == ()
            before = components.ledger.state.equity
        async with day.engine() as running:
            components = components_of(running)
            after = components.ledger.state.equity
            assert before is not None
            assert after is not None
            assert after.peak == before.peak
            fallen = components.safety.equity.losses().drawdown_pct
            assert fallen is not None
            assert abs(fallen - (1 - before.equity / before.peak) * 100) < D("1e-9")
            assert components.safety.equity.day_equity == 1_000
            assert components.safety.equity.breaches() == ()

    simulate(main)


def test_a_ban_pauses_entries_and_not_exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, closer):
            components = components_of(running)
            monkeypatch.setattr(components.port, "ban", lambda: "418 for a minute")
            await asyncio.sleep(1.5)
            assert components.ledger.state.trading.cause is Cause.BAN
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            position = next(iter(components.ledger.state.positions.values()))
            closed = await closer.close(
                position, None, OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            assert not closed.left
            monkeypatch.undo()

    simulate(main)


def test_an_external_flow_is_a_difference_in_the_day_report(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            day.server.session.deposit("USDT", D(50))
            components_of(running).reconciler.request_comparison()
            await asyncio.sleep(25)
            assert running.engine.trading_state()[0] is TradingState.ACTIVE  # a booked drift (reliability I8)
            await running.engine.wait(until_done=True)
            assert any("50 USDT" in words for words in running.engine.unexplained)
            assert components_of(running).safety.equity.breaches() == ()  # a flow, no gain
            losses = components_of(running).safety.equity.losses()
            assert losses.day_pct is not None
            assert abs(losses.day_pct) < 1

    simulate(main)


def test_I9_an_unmonitored_position_warns_and_then_halts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            assert components.safety.invariants.unprotected() == ()
            monkeypatch.setattr(components.safety.invariants, "heartbeat_ms", never)
            await asyncio.sleep(3)
            assert components.safety.risk_monitor.grade.level is RiskLevel.MEDIUM
            assert components.ledger.state.trading.state is TradingState.REDUCE_ONLY
            await asyncio.sleep(15)
            assert components.ledger.state.trading.cause is Cause.INVARIANT
            assert components.ledger.state.positions
            monkeypatch.undo()

    simulate(main)


def never(_: Position) -> int | None:
    return None


async def open_alerts(running: RunningEngine, prefix: str) -> list[str]:
    """Return the rules of open alerts that begin so."""
    stored = await running.store.read("alerts", lambda found: found.alerts.open())
    return [one.alert.rule for one in stored if one.alert.rule.startswith(prefix)]


def test_an_alert_of_the_risk_monitor_closes_a_minute_after_its_finding_ends(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, daily_loss_halt_pct=0.8) as (_, running, _closer):
            components = components_of(running)
            await drop_bid(components, "0.52")
            await asyncio.sleep(6)
            assert await open_alerts(running, "guard:") == ["guard:medium"]
            stored = await running.store.read("alerts", lambda found: found.alerts.open())
            assert {one.alert.about for one in stored if one.alert.rule.startswith("guard:")} == {
                "daily loss"
            }
            await asyncio.sleep(40)
            assert await open_alerts(running, "guard:") == ["guard:medium"]
            await asyncio.sleep(30)
            assert await open_alerts(running, "guard:") == []

    simulate(main)


def test_a_halt_without_a_limit_value_lasts_until_the_user_resumes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            components.safety.risk_monitor.on_unrecorded_order("mxtother0000-1")
            await asyncio.sleep(90)
            assert await open_alerts(running, "guard:") == ["guard:critical"]
            await components.safety.emergency_stop.resume("ann", "resume")
            await asyncio.sleep(10)
            assert await open_alerts(running, "guard:") == []

    simulate(main)


def test_an_alert_about_a_position_is_closed_with_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            await components.ledger.write("alert", lambda desk: desk.alert("guardian", SYMBOL, "no price"))
            await asyncio.sleep(10)
            assert await open_alerts(running, "guardian") == ["guardian"]
            components.safety.emergency_stop.closer = components.exit_execution
            await components.safety.emergency_stop.sell_all(OrderRole.CLOSE, CloseReason.MANUAL, "a test")
            await asyncio.sleep(10)
            assert await open_alerts(running, "guardian") == []

    simulate(main)
