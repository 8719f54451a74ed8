"""An engine that ends at any point of a snipe, and the next one, on a running exchange."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.model.event import RecoveryReported
from mexc_tui.model.intent import CloseReason, Order, OrderRole
from mexc_tui.model.reconciliation import Trigger
from mexc_tui.model.snipe import Snipe, SnipeState
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import TradingState
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import cut_power
from tests.support.engine.opening_day import NAME, OPENS_S, OpeningBench, OpeningExchange, listing, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LOST = FaultPlan(kind=FaultKind.LOSE_RESPONSE, path="/api/v3/order", method="POST", times=1)


def state_of(watcher: OpeningBench) -> SnipeState | None:
    snipe: Snipe | None = watcher.components.ledger.state.snipe_of(NAME)
    return None if snipe is None else snipe.state


def has_order(watcher: OpeningBench) -> bool:
    return any(one.symbol == NAME for one in watcher.components.ledger.state.orders.values())


POINTS: dict[str, Callable[[OpeningBench], bool]] = {
    "watching": lambda one: one.now_s > 12,
    "armed": lambda one: state_of(one) is SnipeState.ARMED,
    "ready": lambda one: state_of(one) is SnipeState.READY,
    "firing before it is sent": lambda one: state_of(one) is SnipeState.FIRING,
    "sent": has_order,
    "answered": lambda one: bool(one.session.buys_received),
    "bought": lambda one: bool(one.buys()),
    "filled": lambda one: bool(one.components.ledger.state.positions),
    "over": lambda one: one.now_s > OPENS_S + 6,
}


async def leave_at(watcher: OpeningBench, is_there: Callable[[OpeningBench], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_there(watcher):  # noqa: ASYNC110 - virtual milliseconds
            await asyncio.sleep(0.001 if watcher.now_s > OPENS_S - 2 else 0.1)


async def books_agree(watcher: OpeningBench, snipes: list[Snipe]) -> None:
    run = await watcher.components.reconciler.compare(Trigger.MANUAL)
    assert not run.unexplained
    bought = sum((one.filled_value for one in snipes), Decimal(0))
    assert watcher.bought() == bought
    assert len({order.client_order_id.rpartition("-")[0] for order in watcher.buys() if order.executed}) <= 1
    assert bought <= max(one.spend_cap for one in snipes)
    assert all(one.state.is_over for one in snipes)


@pytest.mark.parametrize("point", POINTS)
def test_a_restart_never_buys_twice_and_finds_every_fill(tmp_path: Path, point: str) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0)))
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS[point])
        async with exchange.engine() as watcher:
            await watcher.at(OPENS_S + 20)
            await books_agree(watcher, await watcher.snipes())

    simulate(main)


def test_a_restart_after_a_lost_response_finds_the_buy(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0), faults=(LOST,)))
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, lambda one: state_of(one) is SnipeState.UNKNOWN)
        async with exchange.engine() as watcher:
            await watcher.at(OPENS_S + 20)
            snipes = await watcher.snipes()
            assert snipes[-1].state is SnipeState.FILLED
            await books_agree(watcher, snipes)

    simulate(main)


def test_a_snipe_that_was_armed_before_a_restart_still_fires(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario())
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS["armed"])
        async with exchange.engine() as watcher:
            await watcher.at(OPENS_S + 8)
            snipes = await watcher.snipes()
            assert [one.state for one in snipes] == [SnipeState.FILLED]
            await books_agree(watcher, snipes)

    simulate(main)


def test_a_start_does_not_query_a_pair_that_is_only_armed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario())
        await exchange.open()
        asked: list[str] = []
        session, all_orders = exchange.session, exchange.session.all_orders

        def noted(
            symbol: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
        ) -> list[OrderRecord]:
            asked.append(symbol)
            return all_orders(symbol, start_ms, end_ms, limit=limit)

        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS["armed"])
        session.all_orders = noted
        async with exchange.engine() as watcher:
            assert state_of(watcher) is SnipeState.ARMED
            assert watcher.components.ledger.state.reconciled is not None
            assert not asked
            await watcher.at(OPENS_S + 4)
            await watcher.components.reconciler.compare(Trigger.MANUAL)
            assert NAME in asked

    simulate(main)


def test_a_start_reports_what_it_found_and_its_outcome(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0)))
        await exchange.open()
        async with exchange.engine() as watcher:
            assert watcher.components.reconciler.recovery_reported.is_set()
            assert not watcher.components.reconciler.recovery_lines
            await leave_at(watcher, POINTS["armed"])
        async with exchange.engine() as watcher:
            reconciler = watcher.components.reconciler
            await reconciler.recovery_reported.wait()
            lines = reconciler.recovery_lines
            assert lines[0] == "0 positions, 0 orders and 1 snipe were open"
            assert any(one.startswith(f"snipe {NAME}: was armed, still is") for one in lines)
            assert any("unexplained: 0" in one for one in lines)
            page = await watcher.running.store.read("journal", lambda one: list(one.journal.latest(500)))
            told = [one.event for one in page if isinstance(one.event, RecoveryReported)]
            assert [one.lines for one in told] == [lines]

    simulate(main)


def test_a_start_reports_that_positions_are_protected_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0), ladder="100@400"))
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS["over"])
        async with exchange.engine() as watcher:
            reconciler = watcher.components.reconciler
            await reconciler.recovery_reported.wait()
            lines = reconciler.recovery_lines
            assert lines[0] == "1 position, 1 order and 0 snipes were open"
            assert any(f"position {NAME}" in one and "monitoring its stop" in one for one in lines)
            assert any(f"order {NAME} sell" in one and "is acknowledged" in one for one in lines)

    simulate(main)


def test_a_damaged_ledger_stops_entries_but_no_exit(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0), listing("TWO", opens_s=90)))
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS["over"])
            assert watcher.components.ledger.state.positions
        with closing(sqlite3.connect(exchange.paths.store)) as connection, connection:
            connection.execute(
                "UPDATE attempts SET body = CAST(replace(body, 'accepted', 'excepted') AS BLOB)"
            )
        async with exchange.engine() as watcher:
            await watcher.at(70)
            assert not watcher.components.reconciler.is_done
            trading = watcher.components.ledger.state.trading
            assert trading.state is TradingState.REDUCE_ONLY
            assert "the stored ledger is damaged: Row" in trading.text
            alerts = await watcher.running.store.read("alerts", lambda stored: stored.alerts.open())
            assert "engine:books" in {one.alert.rule for one in alerts}
            await watcher.components.safety.emergency_stop.sell_all(
                OrderRole.CLOSE, CloseReason.MANUAL, "a test"
            )
            await watcher.until(lambda: not watcher.components.ledger.state.positions)
            await watcher.at(100)
            assert not watcher.buys("TWOUSDT")

    simulate(main)


def test_the_second_reconciliation_of_a_start_serves_requests_made_during_the_first(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(reconcile_s=60))
        await exchange.open()
        async with exchange.engine() as watcher:
            await leave_at(watcher, POINTS["armed"])
        async with exchange.engine() as watcher:
            reconciler, scope = watcher.components.reconciler, watcher.components.ledger.scope
            began_ms = watcher.components.port.now_ms()
            reconciler.request_comparison()
            await reconciler.recovery_reported.wait()
            await asyncio.sleep(3)
            runs = await watcher.running.store.read(
                "runs", lambda stored: stored.trading(scope).reconciliations.page()
            )
            assert [one.trigger for _, one in runs if one.at_ms > began_ms] == [Trigger.START]

    simulate(main)


def test_a_snipe_found_firing_is_reported_with_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0)))
        await exchange.open()
        with suppress(StorageError):
            async with exchange.engine() as watcher:
                await leave_at(watcher, POINTS["firing before it is sent"])
                cut_power(watcher.running, monkeypatch)
        monkeypatch.undo()
        async with exchange.engine() as watcher:
            reconciler = watcher.components.reconciler
            await reconciler.recovery_reported.wait()
            said = next(one for one in reconciler.recovery_lines if one.startswith(f"snipe {NAME}"))
            assert "was firing, is " in said
            assert "all attempts resolved" in said

    simulate(main)


async def cut_off_once_sent(watcher: OpeningBench) -> None:
    """End the engine while its order is in flight: neither row nor response is stored."""
    sent, running = watcher.components.ledger.register_sent, watcher.running

    async def refuse(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise StorageError("the power is cut")

    async def no_farewell() -> str:
        return ""

    def last(order: Order) -> None:
        vars(running.store)["write"] = refuse
        sent(order)

    vars(watcher.components.ledger)["register_sent"] = last
    vars(watcher.components)["stop"] = no_farewell
    await watcher.until(lambda: bool(watcher.buys()), 60)
    for task in tuple(watcher.components.execution._running):  # pyright: ignore[reportPrivateUsage]
        task.cancel()


def unanswered(path: str, from_s: float, for_s: float) -> FaultPlan:
    return FaultPlan(kind=FaultKind.MAINTENANCE, path=path, method="GET", at_s=from_s, for_s=for_s)


def test_a_buy_is_found_although_its_order_is_not_listed_for_a_minute(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        faults = (unanswered("/api/v3/allOrders", OPENS_S, 60), unanswered("/api/v3/order", OPENS_S, 60))
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0), faults=faults))
        await exchange.open()
        with suppress(StorageError):
            async with exchange.engine() as watcher:
                await cut_off_once_sent(watcher)
        async with exchange.engine() as watcher:
            await watcher.at(OPENS_S + 50)
            assert state_of(watcher) is SnipeState.FIRING
            assert watcher.components.ledger.state.reserved() > 0
            await watcher.until(lambda: bool(watcher.components.ledger.state.positions), 60)
            await watcher.at(OPENS_S + 110)
            snipes = await watcher.snipes()
            assert snipes[-1].state is SnipeState.FILLED
            await books_agree(watcher, snipes)

    simulate(main)


def test_no_entry_is_sent_before_the_reconciliation_after_the_fence(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        faults = (unanswered("/api/v3/account", OPENS_S + 2.5, 60),)
        exchange = OpeningExchange(sim, tmp_path, scenario(listing(jitter_ms=0), faults=faults))
        await exchange.open()
        with suppress(StorageError):
            async with exchange.engine() as watcher:
                await cut_off_once_sent(watcher)
        async with exchange.engine() as watcher:
            await watcher.at(OPENS_S + 30)
            assert watcher.components.refusal(OrderRole.ENTRY, "OTHERUSDT")
            assert not watcher.components.refusal(OrderRole.STOP, NAME)
            await watcher.until(lambda: not watcher.components.refusal(OrderRole.ENTRY, "OTHERUSDT"), 60)
            await books_agree(watcher, await watcher.snipes())

    simulate(main)
