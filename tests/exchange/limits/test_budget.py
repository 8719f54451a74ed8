"""The rate budget: no window overflows, bans are respected and every caller is served."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.exchange.limits.bans import BanKind
from mexc_tui.exchange.limits.breaker import Breaker
from mexc_tui.exchange.limits.budget import BudgetLimits, BudgetRefused, RateBudget
from mexc_tui.exchange.limits.rate_windows import DEFAULT_LANES, LaneLimit, LaneName
from mexc_tui.exchange.rest.requester import SendPermit
from mexc_tui.model.outcome import Purpose
from mexc_tui.simulation.run import Simulation, simulate

WEIGHT = next(lane for lane in DEFAULT_LANES if lane.name is LaneName.WEIGHT)
ORDERS = next(lane for lane in DEFAULT_LANES if lane.name is LaneName.ORDERS)
LONG_S = 3_600.0


@dataclass(frozen=True)
class Call:
    """A caller: arrival, weight and purpose, patience, and network latency (`latency`, 0 to 1)."""

    at_s: float
    weight: int
    purpose: Purpose
    is_order: bool
    gives_up_after_s: float | None = None
    latency: float = 0.0
    is_quick: bool = False
    """Whether it checks for room first and records the send afterwards, as the firing connection does."""


@dataclass(frozen=True)
class Grant:
    arrival_order: int
    """How many callers arrived earlier."""
    call: Call
    at_s: float


def now_s(sim: Simulation) -> float:
    """Return the virtual time, to the millisecond."""
    return round(sim.clock.monotonic_ns() / 1e9, 3)


def calls(*, may_give_up: bool = False) -> st.SearchStrategy[list[Call]]:
    call = st.builds(
        Call,
        # Many at the same instant, and bursts around the edges of the windows.
        at_s=st.sampled_from([0.0, 0.0, 0.5, 0.999, 1.0, 1.2, 5.0, 9.999, 10.0, 11.0]) | st.floats(0, 25),
        weight=st.sampled_from([1, 1, 3, 10, 25, 60]),
        purpose=st.sampled_from(list(Purpose)),
        is_order=st.booleans(),
        gives_up_after_s=st.none() | st.floats(0, 15) if may_give_up else st.none(),
        latency=st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
        is_quick=st.booleans(),
    )
    return st.lists(call, min_size=1, max_size=60)


async def play(sim: Simulation, budget: RateBudget, planned: Sequence[Call]) -> list[Grant]:
    """Run every caller at its time and return the grants in the order in which they were made."""
    grants: list[Grant] = []
    arrival_numbers, breaker = count(), Breaker(sim.clock)

    async def acquire_permit(call: Call) -> None:
        needs = budget.lane_costs(call.weight, call.purpose, is_order=call.is_order)
        quick = SendPermit(breaker=breaker, budget=budget, lane_costs=needs, purpose=call.purpose)
        if call.is_quick and quick.is_available():
            quick.record_sent(sim.clock.monotonic_ns())
        else:
            await budget.acquire(call.weight, call.purpose, is_order=call.is_order, deadline_s=LONG_S)

    async def run_call(call: Call) -> None:
        await asyncio.sleep(call.at_s)
        arrival_order = next(arrival_numbers)
        try:
            async with asyncio.timeout(call.gives_up_after_s):
                await acquire_permit(call)
        except TimeoutError:
            return
        grants.append(Grant(arrival_order, call, asyncio.get_running_loop().time()))

    async with asyncio.TaskGroup() as group:
        for call in planned:
            group.create_task(run_call(call))
    return grants


def worst_window(arrivals: Sequence[tuple[float, int]], window_s: float) -> int:
    """Return the largest total within any window of this length."""
    # Slightly shorter than the window: at a distance of exactly one window, floats would decide.
    return max(
        sum(amount for at_s, amount in arrivals if start_s <= at_s < start_s + window_s - 1e-7)
        for start_s, _ in arrivals
    )


@settings(max_examples=60)
@given(planned=calls())
def test_R10_no_window_at_the_exchange_ever_exceeds_the_limit(planned: list[Call]) -> None:
    async def main(sim: Simulation) -> list[Grant]:
        return await play(sim, RateBudget(sim.clock), planned)

    grants = simulate(main)
    assert len(grants) == len(planned), "not every caller was served"
    weights = [(g.at_s + g.call.latency * WEIGHT.margin_s, g.call.weight) for g in grants]
    assert worst_window(weights, WEIGHT.window_s) <= WEIGHT.limit
    orders = [(g.at_s + g.call.latency * ORDERS.margin_s, 1) for g in grants if g.call.is_order]
    if orders:
        assert worst_window(orders, ORDERS.window_s) <= ORDERS.limit


@settings(max_examples=40)
@given(planned=calls())
def test_entries_never_use_the_reserve_of_exits_nor_queries_that_of_entries(
    planned: list[Call],
) -> None:
    async def main(sim: Simulation) -> list[Grant]:
        return await play(sim, RateBudget(sim.clock), planned)

    grants = simulate(main)
    for i, grant in enumerate(grants):
        if grant.call.purpose.reduces_risk:
            continue
        since = [g for g in grants[: i + 1] if g.at_s > grant.at_s - WEIGHT.window_s]
        assert sum(g.call.weight for g in since) <= WEIGHT.cap(grant.call.purpose)
        if grant.call.is_order:
            recent = [g for g in grants[: i + 1] if g.at_s > grant.at_s - ORDERS.window_s]
            assert sum(g.call.is_order for g in recent) <= ORDERS.cap(grant.call.purpose)


ATTEMPTS = min(lane.entries for lane in DEFAULT_LANES if lane.name in (LaneName.REQUESTS, LaneName.ORDERS))
"""Number of orders that always fit into one second."""
HOUSEKEEPING = st.builds(
    Call,
    at_s=st.sampled_from([0.0, 0.5, 0.999, 1.0]) | st.floats(0, 3),
    weight=st.sampled_from([1, 3, 10, 25, 60]),
    purpose=st.just(Purpose.ORDINARY),
    is_order=st.just(False),
    gives_up_after_s=st.none() | st.floats(0, 5),
)


@settings(max_examples=60)
@given(
    busy=st.lists(HOUSEKEEPING, min_size=20, max_size=60),
    attempts_s=st.lists(st.sampled_from([0.0, 1.0, 2.0]) | st.floats(0, 3), min_size=1, max_size=ATTEMPTS),
    is_quick=st.booleans(),
)
def test_an_entry_never_waits_behind_housekeeping(
    busy: list[Call], attempts_s: list[float], is_quick: bool
) -> None:
    entry_calls = [Call(at_s, 1, Purpose.ENTRY, is_order=True, is_quick=is_quick) for at_s in attempts_s]

    async def main(sim: Simulation) -> list[Grant]:
        return await play(sim, RateBudget(sim.clock), [*busy, *entry_calls])

    grants = [grant for grant in simulate(main) if grant.call.purpose is Purpose.ENTRY]
    assert len(grants) == len(entry_calls)
    for grant in grants:
        assert abs(grant.at_s - grant.call.at_s) < 1e-5, "the virtual clock ticks microseconds"


@settings(max_examples=40)
@given(planned=calls())
def test_callers_of_one_purpose_and_kind_are_served_in_order_of_arrival(planned: list[Call]) -> None:
    async def main(sim: Simulation) -> list[Grant]:
        return await play(sim, RateBudget(sim.clock), planned)

    grants = simulate(main)
    for purpose in Purpose:
        for is_order in (False, True):
            of_a_kind = [g for g in grants if g.call.purpose is purpose and g.call.is_order is is_order]
            arrival_order = [g.arrival_order for g in of_a_kind]
            assert arrival_order == sorted(arrival_order)


@settings(max_examples=40)
@given(planned=calls(may_give_up=True))
def test_callers_that_give_up_release_their_reservations(planned: list[Call]) -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        grants = await play(sim, budget, planned)
        ends_s = sim.clock.monotonic_ns() / 1e9
        state = budget.state()
        counted = [g for g in grants if g.at_s + WEIGHT.window_s + WEIGHT.margin_s >= ends_s]
        assert state.lane(LaneName.WEIGHT).used == sum(g.call.weight for g in counted)
        assert state.waiting == 0
        assert state.granted == len(grants)
        await asyncio.sleep(60)
        assert all(lane.used == 0 for lane in budget.state().lanes)

    simulate(main)


def test_a_caller_cancelled_in_the_instant_of_its_grant_returns_it() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        await budget.acquire(100, Purpose.ORDINARY, is_order=False, deadline_s=1)
        big = asyncio.create_task(budget.acquire(200, Purpose.ORDINARY, is_order=False, deadline_s=60))
        small = asyncio.create_task(budget.acquire(10, Purpose.ORDINARY, is_order=True, deadline_s=60))
        await asyncio.sleep(0.1)
        assert budget.state().waiting == 2
        # The first cancel admits the small caller; the second arrives before it has run again.
        big.cancel()
        asyncio.get_running_loop().call_soon(small.cancel)
        results = await asyncio.gather(big, small, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert budget.state().lane(LaneName.WEIGHT).used == 100
        assert budget.state().lane(LaneName.ORDERS).used == 0

    simulate(main)


def test_waiting_callers_are_served_stop_before_exit_before_entry_before_ordinary() -> None:
    async def main(sim: Simulation) -> list[str]:
        budget = RateBudget(sim.clock)
        await budget.acquire(240, Purpose.ENTRY, is_order=False, deadline_s=1)
        await budget.acquire(60, Purpose.EXIT, is_order=False, deadline_s=1)
        served: list[str] = []

        async def ask(purpose: Purpose) -> None:
            await budget.acquire(30, purpose, is_order=False, deadline_s=60)
            served.append(purpose.name)

        async with asyncio.TaskGroup() as group:
            for purpose in (Purpose.ORDINARY, Purpose.ENTRY, Purpose.EXIT, Purpose.STOP):
                group.create_task(ask(purpose))
        return served

    assert simulate(main) == ["STOP", "EXIT", "ENTRY", "ORDINARY"]


def test_waiting_for_a_small_window_delays_only_callers_that_need_it() -> None:
    async def main(sim: Simulation) -> float:
        budget = RateBudget(sim.clock)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                ask = budget.acquire(
                    10, Purpose.ORDINARY, is_order=False, deadline_s=60, lanes=[LaneName.ACCOUNT]
                )
                group.create_task(ask)
            await asyncio.sleep(0.1)
            assert budget.state().waiting == 2
            await budget.acquire(3, Purpose.ORDINARY, is_order=False, deadline_s=60)
            return now_s(sim)

    assert simulate(main) == 0.1


@pytest.mark.parametrize(
    ("lane", "in_two_seconds"),
    [(LaneName.ACCOUNT, 4), (LaneName.ANNOUNCEMENTS, 5)],
)
def test_small_windows_limit_their_endpoint(lane: LaneName, in_two_seconds: int) -> None:
    async def main(sim: Simulation) -> int:
        budget = RateBudget(sim.clock)
        done = 0

        async def ask() -> None:
            nonlocal done
            await budget.acquire(1, Purpose.ORDINARY, is_order=False, deadline_s=60, lanes=[lane])
            done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(9):
                group.create_task(ask())
            await asyncio.sleep(1.99)
            return done

    assert simulate(main) <= in_two_seconds


def test_a_caller_still_queued_at_its_deadline_is_refused_with_a_reason() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        await budget.acquire(WEIGHT.cap(Purpose.ORDINARY), Purpose.ORDINARY, is_order=False, deadline_s=1)
        with pytest.raises(BudgetRefused, match=r"Not sent \(ordinary request\): .* more than 2 s"):
            await budget.acquire(1, Purpose.ORDINARY, is_order=False, deadline_s=2)
        assert now_s(sim) == 2
        assert budget.state().refused == 1
        assert budget.state().waiting == 0

    simulate(main)


def test_a_request_larger_than_its_lane_is_a_value_error() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        with pytest.raises(ValueError, match="can never fit the weight lane"):
            await budget.acquire(241, Purpose.ORDINARY, is_order=False, deadline_s=1)
        await budget.acquire(241, Purpose.EXIT, is_order=False, deadline_s=1)

    simulate(main)


BANS = [
    pytest.param(429, None, 600.0, id="429"),
    pytest.param(429, 30.0, 30.0, id="429-retry-after"),
    pytest.param(403, None, 90.0, id="403"),
    pytest.param(418, None, 120.0, id="418"),
    pytest.param(418, 300.0, 300.0, id="418-retry-after"),
    pytest.param(503, 20.0, 20.0, id="503-retry-after"),
]


@pytest.mark.parametrize(("status", "retry_after_s", "length_s"), BANS)
def test_R9_during_a_ban_the_server_receives_only_permitted_requests(
    status: int, retry_after_s: float | None, length_s: float
) -> None:
    """All callers keep sending requests; the server records arrival times and purposes."""
    arrivals: list[tuple[float, str]] = []

    async def main(sim: Simulation) -> None:
        loop = asyncio.get_running_loop()

        async def answer(request: web.Request) -> web.Response:
            arrivals.append((loop.time(), request.headers["purpose"]))
            if len(arrivals) > 1:
                return web.Response()
            headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
            return web.Response(status=status, headers=headers)

        app = web.Application()
        app.router.add_get("/", answer)
        await sim.network.serve("api.test", 80, app)
        budget = RateBudget(sim.clock)
        async with aiohttp.ClientSession(connector=sim.network.connector()) as session:

            async def keep_requesting(purpose: Purpose) -> None:
                while loop.time() < length_s + 10:
                    try:
                        await budget.acquire(1, purpose, is_order=False, deadline_s=1)
                    except BudgetRefused:
                        await asyncio.sleep(0.2)
                        continue
                    async with session.get("http://api.test/", headers={"purpose": purpose.name}) as got:
                        wait = got.headers.get("Retry-After")
                        budget.record_response(got.status, float(wait) if wait is not None else None)

            first = await session.get("http://api.test/", headers={"purpose": "ORDINARY"})
            budget.record_response(first.status, retry_after_s)
            async with asyncio.TaskGroup() as group:
                for purpose in Purpose:
                    group.create_task(keep_requesting(purpose))

    simulate(main)
    banned_s = arrivals[0][0]
    during = [(at_s, purpose_name) for at_s, purpose_name in arrivals[1:] if at_s < banned_s + length_s]
    allowed, every_s = ({"STOP"}, 5.0) if status == 418 else ({"STOP", "EXIT"}, 1.0)
    assert {purpose_name for _, purpose_name in during} <= allowed
    assert len(during) >= length_s / every_s - 2
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(during)]
    assert min(gaps) >= every_s - 0.01
    after = {purpose_name for at_s, purpose_name in arrivals if at_s >= banned_s + length_s}
    assert after == {purpose.name for purpose in Purpose}


def test_R9_an_exit_passes_a_429_and_waits_through_a_418() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        budget.record_response(429)
        await budget.acquire(1, Purpose.EXIT, is_order=True, deadline_s=0.1)
        budget.record_response(418, 10)
        await budget.acquire(1, Purpose.STOP, is_order=True, deadline_s=0.1)
        with pytest.raises(BudgetRefused, match="418"):
            await budget.acquire(1, Purpose.EXIT, is_order=True, deadline_s=5)
        assert sim.clock.monotonic_ns() == 0, "the exit was not refused at once"
        await budget.acquire(1, Purpose.EXIT, is_order=True, deadline_s=15)
        assert now_s(sim) == 10

    simulate(main)


def test_R9_the_ban_is_visible_with_its_kind_and_end() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        assert budget.state().ban is None
        budget.record_response(429)
        budget.record_response(418)
        ban = budget.state().ban
        assert ban is not None
        assert ban.kind is BanKind.BANNED
        assert ban.left_s == 120
        assert ban.until_ms == sim.clock.now_ms() + 120_000
        with pytest.raises(BudgetRefused, match="address banned"):
            await budget.acquire(1, Purpose.ORDINARY, is_order=False, deadline_s=10)
        assert budget.state().refused_by_ban == 1
        await asyncio.sleep(121)
        milder = budget.state().ban
        assert milder is not None
        assert milder.kind is BanKind.TOO_MANY
        await asyncio.sleep(480)
        assert budget.state().ban is None

    simulate(main)


def test_R9_every_further_418_doubles_the_wait_and_one_ban_counts_once() -> None:
    async def main(sim: Simulation) -> list[float]:
        budget = RateBudget(sim.clock)
        lengths: list[float] = []
        for _ in range(14):
            budget.record_response(418)
            budget.record_response(418)  # another request of the same moment
            ban = budget.state().ban
            assert ban is not None
            lengths.append(ban.left_s)
            await asyncio.sleep(ban.left_s)
        return lengths

    lengths = simulate(main)
    assert lengths[:4] == [120, 240, 480, 960]
    assert lengths[-1] == 3 * 86_400


@pytest.mark.parametrize("retry_after_s", [float("nan"), float("inf"), -5.0, 0.0, 1e30])
def test_R9_an_absurd_retry_after_still_results_in_a_bounded_ban(retry_after_s: float) -> None:
    async def main(sim: Simulation) -> float:
        budget = RateBudget(sim.clock)
        budget.record_response(429, retry_after_s)
        ban = budget.state().ban
        assert ban is not None
        return ban.left_s

    assert 1 <= simulate(main) <= 3 * 86_400


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500, 503])
def test_other_statuses_start_no_ban(status: int) -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        budget.record_response(status)
        budget.record_response(200, 5)
        assert budget.state().ban is None

    simulate(main)


def test_exits_have_room_in_weight_and_orders_when_everything_else_is_used_up() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        lanes = {lane.name: lane for lane in DEFAULT_LANES}
        for _ in range(ORDERS.limit - ORDERS.reserve):
            await budget.acquire(30, Purpose.ENTRY, is_order=True, deadline_s=0.1)
        with pytest.raises(BudgetRefused):
            await budget.acquire(1, Purpose.ENTRY, is_order=True, deadline_s=0.1)
        for _ in range(ORDERS.reserve):
            await budget.acquire(15, Purpose.STOP, is_order=True, deadline_s=0.001)
        state = budget.state()
        assert state.lane(LaneName.WEIGHT).used == lanes[LaneName.WEIGHT].limit
        assert [state.lane(LaneName.WEIGHT).available(purpose) for purpose in Purpose] == [0, 0, 0, 0]

    simulate(main)


def test_C1_a_step_of_the_wall_clock_neither_frees_nor_fills_the_budget() -> None:
    async def main(sim: Simulation) -> None:
        budget = RateBudget(sim.clock)
        budget.record_response(403)
        await budget.acquire(200, Purpose.EXIT, is_order=False, deadline_s=1)
        for step_ms in (3_600_000, -7_200_000):
            sim.clock.step_wall(step_ms)
            ban = budget.state().ban
            assert ban is not None
            assert ban.left_s == 90
            assert ban.until_ms == sim.clock.now_ms() + 90_000
            assert budget.state().lane(LaneName.WEIGHT).used == 200

    simulate(main)


def test_limits_can_be_replaced() -> None:
    async def main(sim: Simulation) -> None:
        tight = tuple(
            LaneLimit(LaneName.WEIGHT, 5, 1.0) if lane.name is LaneName.WEIGHT else replace(lane)
            for lane in DEFAULT_LANES
        )
        budget = RateBudget(sim.clock, BudgetLimits(lanes=tight))
        await budget.acquire(5, Purpose.ORDINARY, is_order=False, deadline_s=1)
        await budget.acquire(1, Purpose.ORDINARY, is_order=False, deadline_s=2)
        assert now_s(sim) == 1

    simulate(main)
