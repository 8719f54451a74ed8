"""Orders and ledger while requests, responses and updates are lost, repeated or late (reliability 2)."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.model.intent import OrderState
from mexc_tui.model.storage import StorageError
from mexc_tui.practice.scenario import DuplicateClientId, FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    assert_ledger_matches,
    fault_at_opening,
    faults_used_up,
    filled_buys,
    stored_orders,
)
from tests.support.engine.monitored_position import ARM_S, SYMBOL, buy, components_of, day_with, until
from tests.support.engine.open_position import place_take_profit

pytestmark = pytest.mark.timeout(120)  # runs whole engines

SETTLED_S = 45

PRIVATE = "spot@private"


def bought_under(
    tmp_path: Path, *faults: FaultPlan, knobs: Knobs | None = None, seed: int = 0, is_sure: bool = True
) -> None:
    """Buy at the opening with this fault: at most one buy, and a matching ledger."""

    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, faults=faults, knobs=knobs, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(ARM_S)
            await components_of(running).arming.arm(SYMBOL, "ann")
            await asyncio.sleep(SETTLED_S)
            await assert_ledger_matches(day, running)
            assert faults_used_up(day)
            assert not is_sure or len(filled_buys(day)) == 1
            assert len(components_of(running).ledger.state.positions) == len(filled_buys(day))
            assert not components_of(running).ledger.state.has_unknown(SYMBOL)

    simulate(main, seed=seed)


@pytest.mark.parametrize(
    ("kind", "is_sure"),
    [
        (FaultKind.LOSE_REQUEST, False),  # reliability R2: the snipe decides on a retry
        (FaultKind.LOSE_RESPONSE, True),  # reliability R3, R5
        (FaultKind.EXECUTED_500, True),  # R4
        (FaultKind.RESET, True),  # R6
        (FaultKind.HALF_OPEN, True),  # R7
    ],
)
@pytest.mark.parametrize("is_silent", [False, True], ids=["with pushes", "without"])
def test_r2_to_r7_a_missing_response_leads_to_at_most_one_buy(
    tmp_path: Path, kind: FaultKind, is_sure: bool, is_silent: bool
) -> None:
    quiet = (FaultPlan(kind=FaultKind.SILENCE, at_s=35, for_s=60, path=PRIVATE),) if is_silent else ()
    bought_under(tmp_path, fault_at_opening(kind), *quiet, is_sure=is_sure)


@pytest.mark.parametrize(
    ("late_ms", "is_executed"), [(1_500, True), (6_000, False)], ids=["within its window", "after its window"]
)
def test_r4_r5_a_buy_that_arrives_late_is_found_or_absent_and_never_repeated(
    tmp_path: Path, late_ms: int, is_executed: bool
) -> None:
    async def main(sim: Simulation) -> None:
        late = fault_at_opening(FaultKind.LATE_REQUEST, amount_ms=late_ms)
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=35, for_s=60, path=PRIVATE)
        overrides = {**EXITS_OFF, "http_order_s": 1}
        day = day_with(sim, tmp_path, faults=(late, silence), listing=NO_JITTER, overrides=overrides)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: components.ledger.state.has_unknown(SYMBOL))
            assert components.ledger.state.reserved() > 0
            await until(lambda: not components.ledger.state.has_unknown(SYMBOL))
            await asyncio.sleep(SETTLED_S)
            assert faults_used_up(day)
            (order,) = (await stored_orders(running)).values()
            assert order.state is (OrderState.FILLED if is_executed else OrderState.ABSENT)
            assert len(filled_buys(day)) == is_executed
            assert len(components.ledger.state.positions) == is_executed
            await assert_ledger_matches(day, running)

    simulate(main)


def test_an_order_missing_from_queries_for_a_while_is_not_absent(tmp_path: Path) -> None:
    bought_under(
        tmp_path, fault_at_opening(FaultKind.LOSE_RESPONSE), knobs=Knobs(visibility_ms=(2_000, 3_000))
    )


def test_o1_a_fill_received_long_before_the_response_is_booked_once(tmp_path: Path) -> None:
    bought_under(tmp_path, fault_at_opening(FaultKind.DELAY, amount_ms=2_500))


def test_r9_a_storm_of_429_after_the_buy_leaves_a_matching_ledger(tmp_path: Path) -> None:
    bought_under(tmp_path, FaultPlan(kind=FaultKind.TOO_MANY_REQUESTS, at_s=41, for_s=5))


def test_o4_a_cancel_that_is_rejected_and_executed_is_queried(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        quiet = FaultPlan(kind=FaultKind.SILENCE, at_s=42)
        knobs = Knobs(cancel_race=1.0)
        day = day_with(sim, tmp_path, listing=NO_JITTER, faults=(quiet,), knobs=knobs, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy(running)
            await place_take_profit(components, running)
            order = components.ledger.state.live_orders()[0]
            await components.execution.cancel(order, "a test")
            assert (await stored_orders(running))[order.client_order_id].state is OrderState.CANCELLED
            await assert_ledger_matches(day, running)

    simulate(main)


@pytest.mark.parametrize("rule", list(DuplicateClientId))
def test_r14_no_client_id_is_sent_twice_under_either_rule(tmp_path: Path, rule: DuplicateClientId) -> None:
    bought_under(
        tmp_path, fault_at_opening(FaultKind.LOSE_RESPONSE, times=1), knobs=Knobs(duplicate_client_id=rule)
    )


@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_PUSH, FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH, FaultKind.SILENCE]
)
def test_m11_o2_o3_fills_are_booked_once_with_lost_or_repeated_pushes(
    tmp_path: Path, kind: FaultKind
) -> None:
    path = PRIVATE if kind is FaultKind.SILENCE else ""
    chance = 0.5 if kind is FaultKind.DROP_PUSH else 1.0
    bought_under(tmp_path, FaultPlan(kind=kind, at_s=35, chance=chance, path=path))


def test_d3_evidence_refused_by_a_full_store_is_booked_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            taken = components.ledger.write

            async def full(name: str, *args: object, **more: object) -> object:
                if name == "order evidence":
                    raise StorageError("the disk is full")
                return await taken(name, *args, **more)  # type: ignore[arg-type] # pyright: ignore

            monkeypatch.setattr(components.ledger, "write", full)
            await until(lambda: filled_buys(day))
            await asyncio.sleep(3)
            assert components.ledger.is_behind
            assert "disk is full" in components.ledger.problem
            monkeypatch.undo()
            await until(lambda: not components.ledger.is_behind)
            await asyncio.sleep(5)
            await assert_ledger_matches(day, running)
            assert len(components.ledger.state.positions) == 1

    simulate(main)


@pytest.mark.parametrize("seed", range(4))
def test_any_mixture_of_faults_leaves_a_matching_ledger(tmp_path: Path, seed: int) -> None:
    async def main(sim: Simulation) -> None:
        kinds = [
            FaultKind.LOSE_REQUEST,
            FaultKind.LOSE_RESPONSE,
            FaultKind.EXECUTED_500,
            FaultKind.RESET,
            FaultKind.DROP_PUSH,
            FaultKind.DUPLICATE_PUSH,
            FaultKind.REORDER_PUSH,
        ]
        faults = tuple(
            FaultPlan(kind=kind, at_s=35, for_s=40, chance=sim.rng.uniform(0.05, 0.4), path="/api/v3/order")
            if kind not in (FaultKind.DROP_PUSH, FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH)
            else FaultPlan(kind=kind, at_s=35, for_s=40, chance=sim.rng.uniform(0.1, 0.6))
            for kind in sim.rng.sample(kinds, 4)
        )
        knobs = Knobs(visibility_ms=(0, sim.rng.randrange(1_500)), cancel_race=0.5)
        day = day_with(sim, tmp_path, faults=faults, knobs=knobs)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(ARM_S)
            await components_of(running).arming.arm(SYMBOL, "ann")
            await asyncio.sleep(80)
            await assert_ledger_matches(day, running)
            assert len(await stored_orders(running)) >= len(filled_buys(day))

    simulate(main, seed=seed)
