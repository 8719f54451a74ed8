"""Orders fired at openings of the practice exchange in virtual time: arrival times and outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from mexc_tui.exchange.client import MEXC_REST, MexcClient
from mexc_tui.exchange.firing.warm_connection import WarmConnection
from mexc_tui.exchange.rest.connection import Headers
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import RequestRefused
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Advice, Ambiguous, NotSent, Purpose, Rejected
from mexc_tui.ports.trading import FireResult
from mexc_tui.practice.rest.arrival_log import Arrival
from mexc_tui.practice.scenario import (
    EarlyOrder,
    FaultKind,
    FaultPlan,
    Knobs,
    ListingPlan,
    MarketPlan,
    MarketPolicy,
    Scenario,
)
from mexc_tui.practice.server import ARRIVALS_PATH, PracticeServer
from mexc_tui.simulation.clock import VirtualClock
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation, simulate

NS_PER_MS = 1_000_000
OPENS_S = 30
WINDOW_MS = 1_000
SYMBOL = "NEWUSDT"
LISTING = ListingPlan(base="NEW", opens_s=OPENS_S, jitter_ms=0, price=Decimal("0.05"))
PLAN = Scenario(name="opening", market=MarketPlan(symbols=1, active_pairs=0), listings=(LISTING,))
BUY = NewOrder(
    symbol=SYMBOL,
    side=Side.BUY,
    type=OrderType.IMMEDIATE_OR_CANCEL,
    client_order_id="",
    price=Decimal("0.09"),
    quantity=Decimal(200),
)
MARKET = NewOrder(symbol=SYMBOL, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(20))


def allow() -> bool:
    return True


@dataclass
class DeskAtOpening:
    """A desk shortly before an opening."""

    sim: Simulation
    host: Host
    client: MexcClient
    firing: WarmConnection
    opens_ms: int
    attempts: int = 0

    @property
    def aim_ns(self) -> int:
        """Return the send time at which the order arrives exactly at the opening."""
        return self.client.offset.monotonic_ns_at(self.opens_ms) - (self.firing.round_trip_ns or 0) // 2

    async def fire(
        self, order: NewOrder = BUY, *, after_ms: int = 0, purpose: Purpose = Purpose.ENTRY
    ) -> FireResult:
        """Fire so that the order arrives `after_ms` after the opening."""
        self.attempts += 1
        signed = self.firing.prepare(
            replace(order, client_order_id=f"mxt-{self.attempts}"),
            purpose=purpose,
            timestamp_ms=self.opens_ms + after_ms,
            recv_window_ms=WINDOW_MS,
        )
        return await self.firing.fire_at(signed, self.aim_ns + after_ms * NS_PER_MS, allow)

    async def late_ms(self) -> list[float]:
        """Return how long after the opening each order arrived, according to the exchange's log."""
        async with HttpTransport(self.sim.network.connector()) as transport:
            page = await transport.send(
                "GET", MEXC_REST, ARRIVALS_PATH, query="", headers=Headers({}), deadline_s=5
            )
        arrivals = msgspec.json.decode(page.body, type=list[Arrival])
        return [arrival.at_ns / NS_PER_MS - self.opens_ms for arrival in arrivals]


def run_at_opening(
    main: Callable[[DeskAtOpening], Awaitable[None]],
    plan: Scenario = PLAN,
    *,
    latency_s: tuple[float, float] = (0.02, 0.02),
    ahead_ms: float = 0.0,
) -> None:
    """Run `main` before an opening with a warm connection; `ahead_ms` shifts the exchange's clock."""

    async def live(sim: Simulation) -> None:
        server = PracticeServer(plan, 1, VirtualClock(ahead_ms=ahead_ms))
        host = await sim.network.serve("api.mexc.com", 443, server.application())
        host.latency_s = latency_s
        async with MexcClient(
            MEXC_REST,
            clock=sim.clock,
            rng=sim.rng,
            connector=sim.network.connector(),
            credentials=Credentials(server.api_key, Secret(server.api_secret)),
        ) as client:
            firing = client.firing_connection()
            await asyncio.sleep(OPENS_S - 5)
            await firing.warm()
            await main(DeskAtOpening(sim, host, client, firing, server.session.start_ms + OPENS_S * 1_000))
            await firing.close()

    simulate(live, seed=1)


@pytest.mark.parametrize("ahead_ms", [0.0, 700.0, -700.25])
def test_an_order_arrives_at_the_opening_by_the_exchanges_clock(ahead_ms: float) -> None:
    async def main(opening: DeskAtOpening) -> None:
        assert isinstance((await opening.fire(after_ms=3)).outcome, Accepted)
        estimate = opening.client.offset.estimate(opening.sim.clock.monotonic_ns())
        assert estimate is not None
        (late_ms,) = await opening.late_ms()
        assert abs(late_ms - 3) <= estimate.error_ms + 1

    run_at_opening(main, ahead_ms=ahead_ms)


def test_an_order_leaves_exactly_at_its_aim_and_never_before() -> None:
    async def main(opening: DeskAtOpening) -> None:
        fired = await opening.fire(after_ms=2_000)
        assert fired.aim_ns is not None
        assert fired.written_ns is not None
        assert 0 <= fired.written_ns - fired.aim_ns <= 10_000

    run_at_opening(main)


def test_a_connection_reset_shortly_before_the_opening_is_restored_in_time() -> None:
    async def main(opening: DeskAtOpening) -> None:
        waiting = asyncio.create_task(opening.fire(after_ms=5))
        await asyncio.sleep(3)
        opening.host.reset()
        fired = await waiting
        assert isinstance(fired.outcome, Accepted)
        assert fired.aim_ns is not None
        assert fired.written_ns is not None
        assert fired.written_ns - fired.aim_ns <= 10_000

    run_at_opening(main)


def test_a_reset_in_the_last_milliseconds_delays_the_order_without_losing_it() -> None:
    async def main(opening: DeskAtOpening) -> None:
        aim_ns = opening.aim_ns
        waiting = asyncio.create_task(opening.fire(after_ms=5))
        await asyncio.sleep((aim_ns - opening.sim.clock.monotonic_ns()) / 1e9)
        opening.host.reset()
        fired = await waiting
        assert isinstance(fired.outcome, Accepted)
        assert fired.written_ns is not None
        assert fired.aim_ns is not None
        assert 0.03e9 <= fired.written_ns - fired.aim_ns <= 0.05e9

    run_at_opening(main)


@pytest.mark.parametrize("early", [EarlyOrder.DIRECTION_NOT_ALLOWED, EarlyOrder.NOT_SUPPORTED])
def test_an_order_rejected_as_too_early_can_be_fired_again_at_once(early: EarlyOrder) -> None:
    async def main(opening: DeskAtOpening) -> None:
        outcome = (await opening.fire(after_ms=-200)).outcome
        assert isinstance(outcome, Rejected)
        assert outcome.refusal.code == int(early.value)
        assert outcome.refusal.listing_advice is Advice.RETRY_NOW
        assert isinstance((await opening.fire(after_ms=3)).outcome, Accepted)
        assert opening.host.connected == 1

    run_at_opening(main, msgspec.structs.replace(PLAN, knobs=Knobs(early_order=early)))


def test_a_rejection_above_the_price_ceiling_reports_the_ceiling_for_the_next_attempt() -> None:
    async def main(opening: DeskAtOpening) -> None:
        outcome = (await opening.fire(replace(BUY, price=Decimal("0.9")), after_ms=3)).outcome
        assert isinstance(outcome, Rejected)
        assert (outcome.refusal.code, outcome.refusal.advice) == (30010, Advice.REPRICE)
        assert outcome.refusal.number is not None
        again = await opening.fire(replace(BUY, price=outcome.refusal.number), after_ms=100)
        assert isinstance(again.outcome, Accepted)

    run_at_opening(main)


@pytest.mark.parametrize("policy", [MarketPolicy.DISABLED_30019, MarketPolicy.TYPE_REFUSED_30041])
def test_a_rejected_order_type_is_changed_and_accepted(policy: MarketPolicy) -> None:
    async def main(opening: DeskAtOpening) -> None:
        outcome = (await opening.fire(MARKET, after_ms=3)).outcome
        assert isinstance(outcome, Rejected)
        assert outcome.refusal.code == int(policy.value)
        assert outcome.refusal.advice is Advice.CHANGE_TYPE
        assert isinstance((await opening.fire(BUY, after_ms=100)).outcome, Accepted)

    listing = msgspec.structs.replace(LISTING, market_policy=policy)
    run_at_opening(main, msgspec.structs.replace(PLAN, listings=(listing,)))


@pytest.mark.parametrize(
    ("quantity", "code", "advice"),
    [(Decimal(1), 30002, Advice.RAISE_SIZE), (Decimal(100_000), 30004, Advice.REFRESH_BALANCES)],
)
def test_quantities_outside_the_limits_are_rejected_for_good(
    quantity: Decimal, code: int, advice: Advice
) -> None:
    async def main(opening: DeskAtOpening) -> None:
        outcome = (await opening.fire(replace(BUY, quantity=quantity), after_ms=3)).outcome
        assert isinstance(outcome, Rejected)
        assert (outcome.refusal.code, outcome.refusal.advice) == (code, advice)

    run_at_opening(main)


def with_fault(kind: FaultKind, amount_ms: int = 0) -> Scenario:
    """Return a scenario in which this fault hits the first order."""
    fault = FaultPlan(kind=kind, path="/api/v3/order", method="POST", times=1, amount_ms=amount_ms)
    return msgspec.structs.replace(PLAN, faults=(fault,))


def test_a_429_stops_entries_and_lets_stops_pass() -> None:
    async def main(opening: DeskAtOpening) -> None:
        assert isinstance((await opening.fire(after_ms=3)).outcome, Rejected)
        assert isinstance((await opening.fire(after_ms=50)).outcome, NotSent)
        stop = await opening.fire(after_ms=100, purpose=Purpose.STOP)
        assert isinstance(stop.outcome, Accepted)
        assert len(await opening.late_ms()) == 2

    run_at_opening(main, with_fault(FaultKind.TOO_MANY_REQUESTS, 60_000))


@pytest.mark.parametrize("kind", [FaultKind.LOSE_RESPONSE, FaultKind.EXECUTED_500, FaultKind.RESET])
def test_a_lost_response_is_ambiguous_and_the_order_is_found_by_its_client_id(kind: FaultKind) -> None:
    async def main(opening: DeskAtOpening) -> None:
        outcome = (await opening.fire(after_ms=3)).outcome
        assert isinstance(outcome, Ambiguous)
        assert outcome.fence_ms == opening.opens_ms + 3 + WINDOW_MS + 3_000
        found = await opening.client.orders.order(SYMBOL, client_order_id="mxt-1")
        assert found.client_order_id == "mxt-1"

    run_at_opening(main, with_fault(kind))


def test_a_lost_request_is_ambiguous_and_no_order_is_found() -> None:
    async def main(opening: DeskAtOpening) -> None:
        assert isinstance((await opening.fire(after_ms=3)).outcome, Ambiguous)
        with pytest.raises(RequestRefused):
            await opening.client.orders.order(SYMBOL, client_order_id="mxt-1")

    run_at_opening(main, with_fault(FaultKind.LOSE_REQUEST))


def test_R4_an_order_that_arrives_late_inside_its_window_is_placed_and_found() -> None:
    async def main(opening: DeskAtOpening) -> None:
        opening.host.latency_s = (0.8, 0.8)
        assert isinstance((await opening.fire(after_ms=3)).outcome, Accepted)

    run_at_opening(main)


def test_R5_an_order_that_arrives_after_its_window_is_rejected() -> None:
    async def main(opening: DeskAtOpening) -> None:
        opening.host.latency_s = (1.2, 1.2)
        outcome = (await opening.fire(after_ms=3)).outcome
        assert isinstance(outcome, Rejected)
        assert outcome.refusal.code == 700003
        assert opening.client.clock_suspect.is_set()

    run_at_opening(main)


def test_R2_a_request_that_hangs_is_abandoned_at_its_deadline() -> None:
    async def main(opening: DeskAtOpening) -> None:
        began_ns = opening.aim_ns
        outcome = (await opening.fire(after_ms=3)).outcome
        assert isinstance(outcome, Ambiguous)
        assert opening.sim.clock.monotonic_ns() - began_ns < 5.1e9

    run_at_opening(main, with_fault(FaultKind.HALF_OPEN))


def housekeeping(client: MexcClient) -> list[Coroutine[Any, Any, object]]:
    """Return the queries of reconciliations and polls, many of them concurrent."""
    return [
        *[client.orders.all_orders(SYMBOL) for _ in range(20)],
        *[client.orders.my_trades(SYMBOL) for _ in range(10)],
        *[client.account.account() for _ in range(5)],
        *[client.market.exchange_info() for _ in range(5)],
    ]


def test_an_order_leaves_in_time_while_housekeeping_queries_are_queued() -> None:
    async def main(opening: DeskAtOpening) -> None:
        await asyncio.sleep(4.5)
        housekeeping_tasks: list[asyncio.Task[object]] = [
            asyncio.create_task(query) for query in housekeeping(opening.client)
        ]
        await asyncio.sleep(0.01)
        assert opening.client.budget.state().waiting > 10
        for number in range(4):
            fired = await opening.fire(after_ms=1 + 100 * number)
            assert isinstance(fired.outcome, Accepted)
            assert fired.written_ns == fired.aim_ns
        for task in housekeeping_tasks:
            task.cancel()
        await asyncio.gather(*housekeeping_tasks, return_exceptions=True)

    run_at_opening(main)
