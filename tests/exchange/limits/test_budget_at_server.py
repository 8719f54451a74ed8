"""The rate budget as the exchange sees it: a server counts what arrives, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import pytest
from aiohttp import web

from mexc_tui.exchange.client import MEXC_REST, ClientLimits, MexcClient
from mexc_tui.exchange.limits.breaker import BreakerPhase
from mexc_tui.exchange.limits.budget import BudgetLimits
from mexc_tui.exchange.limits.rate_windows import DEFAULT_LANES, LaneLimit, LaneName
from mexc_tui.exchange.rest import routes
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import ExchangeError, NothingSent
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, NotSent, Purpose
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation, simulate

ROUTES = {(route.method, route.path): route for route in vars(routes).values() if type(route) is routes.Route}
ORDER = NewOrder(
    symbol="AUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    client_order_id="c1",
    price=Decimal(1),
    quantity=Decimal(1),
)
BODIES: dict[routes.Route, object] = {
    routes.PLACE_ORDER: {"symbol": "AUSDT", "orderId": "1"},
    routes.CANCEL_ORDER: {"symbol": "AUSDT", "orderId": "1"},
    routes.ACCOUNT: {"balances": []},
    routes.ANNOUNCEMENTS: {"code": 0, "data": []},
    routes.DEPTH: {"lastUpdateId": 1, "bids": [], "asks": []},
    routes.EXCHANGE_INFO: {"serverTime": 1, "symbols": []},
}


class Counter:
    """Answers whatever is asked, and remembers what arrived when."""

    def __init__(self, sim: Simulation) -> None:
        self.arrived: list[tuple[float, routes.Route]] = []
        self._sim = sim

    async def answer(self, request: web.Request) -> web.Response:
        route = ROUTES[request.method, request.path]
        self.arrived.append((asyncio.get_running_loop().time(), route))
        if route is routes.TIME:
            return web.json_response({"serverTime": self._sim.clock.now_ms()})
        await asyncio.sleep(self._sim.rng.uniform(0, 1))
        return web.json_response(BODIES.get(route, []))

    def worst(self, lane: LaneLimit) -> int:
        """Return the most that any window of the lane's length held."""
        log = [(at_s, amount) for at_s, route in self.arrived if (amount := taken_of(route, lane.name))]
        ends = [at_s for at_s, _ in log]
        return max(
            (sum(amount for at_s, amount in log if end_s - lane.window_s < at_s <= end_s) for end_s in ends),
            default=0,
        )


def taken_of(route: routes.Route, lane: LaneName) -> int:
    """Return what a request takes of a lane."""
    if lane is LaneName.WEIGHT:
        return route.weight
    return int(
        lane is LaneName.REQUESTS or lane in route.lanes or (lane is LaneName.ORDERS and route.is_order)
    )


@asynccontextmanager
async def counted(
    sim: Simulation, limits: ClientLimits | None = None
) -> AsyncGenerator[tuple[MexcClient, Counter, Host]]:
    """A client with a measured clock, and the counting server it talks to."""
    counter = Counter(sim)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", counter.answer)
    host = await sim.network.serve("api.mexc.com", 443, app)
    async with MexcClient(
        MEXC_REST,
        clock=sim.clock,
        rng=sim.rng,
        connector=sim.network.connector(),
        credentials=Credentials("key", Secret("secret")),
        limits=limits,
    ) as client:
        await client.measure_clock(samples=1)
        yield client, counter, host


def test_an_order_that_could_not_be_answered_in_time_is_not_sent() -> None:
    async def main(sim: Simulation) -> None:
        lanes = tuple(
            LaneLimit(LaneName.ORDERS, 1, window_s=4.9) if lane.name is LaneName.ORDERS else lane
            for lane in DEFAULT_LANES
        )
        async with counted(sim, ClientLimits(budget=BudgetLimits(lanes))) as (client, counter, _):
            assert isinstance(await client.orders.place(ORDER, purpose=Purpose.ENTRY), Accepted)
            second = await client.orders.place(ORDER, purpose=Purpose.ENTRY, deadline_s=5)
            assert isinstance(second, NotSent)
            await asyncio.sleep(30)
            assert sum(route is routes.PLACE_ORDER for _, route in counter.arrived) == 1

    simulate(main)


def test_questions_that_are_cancelled_or_held_back_use_up_no_probe_of_a_breaker() -> None:
    async def main(sim: Simulation) -> None:
        async with counted(sim) as (client, _, host):
            host.refusing = True
            host.reset()
            for _ in range(2):
                with suppress(ExchangeError):
                    await client.orders.open_orders()
            host.refusing = False
            await asyncio.sleep(30)
            assert client.breakers[routes.RouteGroup.ORDERS].phase is BreakerPhase.HALF_OPEN
            for _ in range(5):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.0005):
                        await client.orders.open_orders()
            client.budget.record_response(429, 5)
            for _ in range(5):
                with pytest.raises(NothingSent):
                    await client.orders.open_orders(purpose=Purpose.ENTRY)
            await asyncio.sleep(5)
            assert (await client.orders.open_orders()).rows == ()

    simulate(main)


def ask(client: MexcClient, which: int, purpose: Purpose) -> Awaitable[object]:
    """Make one of several calls."""
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.orders.place(ORDER, purpose=purpose),
        lambda: client.orders.cancel("AUSDT", order_id="1", purpose=purpose),
        lambda: client.orders.open_orders(purpose=purpose),
        lambda: client.market.depth("AUSDT", purpose=purpose),
        lambda: client.account.account(purpose=purpose),
        lambda: client.market.exchange_info(),
        lambda: client.market.announcements(),
    ]
    return calls[which % len(calls)]()


async def press(client: MexcClient, sim: Simulation) -> None:
    """Ask this and that at odd moments, for odd purposes; now and then lose patience."""
    rng = sim.rng
    for _ in range(40):
        await asyncio.sleep(rng.choice((0, 0, 0.01, 0.3, 1)))
        with suppress(ExchangeError, TimeoutError):
            async with asyncio.timeout(rng.uniform(0, 1.5) if rng.random() < 0.3 else None):
                await ask(client, rng.randrange(70), rng.choice(list(Purpose)))


@pytest.mark.parametrize("seed", range(3))
def test_R10_no_window_of_the_exchange_holds_too_much_and_all_leave_comes_back(seed: int) -> None:
    async def main(sim: Simulation) -> None:
        async with counted(sim) as (client, counter, host):
            host.latency_s = (0.02, 0.2)  # a new connection takes two of them more
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(press(client, sim))
            assert len(counter.arrived) > 300
            for lane in DEFAULT_LANES:
                assert counter.worst(lane) <= lane.limit, lane.name
            await asyncio.sleep(30)
            state = client.budget.state()
            assert state.waiting == 0
            assert not any(lane.used for lane in state.lanes)

    simulate(main, seed=seed)
