"""The rate budget measured at the exchange: a server counts arrivals in virtual time."""

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


class CountingServer:
    """Answers every request and records its arrival time."""

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

    def worst_window(self, lane: LaneLimit) -> int:
        """Return the largest amount within any window of the lane."""
        log = [(at_s, amount) for at_s, route in self.arrived if (amount := lane_cost(route, lane.name))]
        ends = [at_s for at_s, _ in log]
        return max(
            (sum(amount for at_s, amount in log if end_s - lane.window_s < at_s <= end_s) for end_s in ends),
            default=0,
        )


def lane_cost(route: routes.Route, lane: LaneName) -> int:
    """Return the amount that a request takes from a lane."""
    if lane is LaneName.WEIGHT:
        return route.weight
    return int(
        lane is LaneName.REQUESTS or lane in route.lanes or (lane is LaneName.ORDERS and route.is_order)
    )


@asynccontextmanager
async def counting_server(
    sim: Simulation, limits: ClientLimits | None = None
) -> AsyncGenerator[tuple[MexcClient, CountingServer, Host]]:
    """Yield a client with a measured clock and the counting server it sends to."""
    counter = CountingServer(sim)
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


def test_an_order_that_cannot_be_answered_in_time_is_not_sent() -> None:
    async def main(sim: Simulation) -> None:
        lanes = tuple(
            LaneLimit(LaneName.ORDERS, 1, window_s=4.9) if lane.name is LaneName.ORDERS else lane
            for lane in DEFAULT_LANES
        )
        async with counting_server(sim, ClientLimits(budget=BudgetLimits(lanes))) as (client, counter, _):
            assert isinstance(await client.orders.place(ORDER, purpose=Purpose.ENTRY), Accepted)
            second = await client.orders.place(ORDER, purpose=Purpose.ENTRY, deadline_s=5)
            assert isinstance(second, NotSent)
            await asyncio.sleep(30)
            assert sum(route is routes.PLACE_ORDER for _, route in counter.arrived) == 1

    simulate(main)


def test_cancelled_and_refused_queries_use_up_no_breaker_probe() -> None:
    async def main(sim: Simulation) -> None:
        async with counting_server(sim) as (client, _, host):
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


def make_call(client: MexcClient, which: int, purpose: Purpose) -> Awaitable[object]:
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


async def send_random_calls(client: MexcClient, sim: Simulation) -> None:
    """Make random calls at random times and for random purposes; abandon some of them."""
    rng = sim.rng
    for _ in range(40):
        await asyncio.sleep(rng.choice((0, 0, 0.01, 0.3, 1)))
        with suppress(ExchangeError, TimeoutError):
            async with asyncio.timeout(rng.uniform(0, 1.5) if rng.random() < 0.3 else None):
                await make_call(client, rng.randrange(70), rng.choice(list(Purpose)))


@pytest.mark.parametrize("seed", range(3))
def test_R10_no_window_at_the_exchange_overflows_and_all_permits_return(seed: int) -> None:
    async def main(sim: Simulation) -> None:
        async with counting_server(sim) as (client, counter, host):
            host.latency_s = (0.02, 0.2)  # a new connection takes two more of them
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(send_random_calls(client, sim))
            assert len(counter.arrived) > 300
            for lane in DEFAULT_LANES:
                assert counter.worst_window(lane) <= lane.limit, lane.name
            await asyncio.sleep(30)
            state = client.budget.state()
            assert state.waiting == 0
            assert not any(lane.used for lane in state.lanes)

    simulate(main, seed=seed)
