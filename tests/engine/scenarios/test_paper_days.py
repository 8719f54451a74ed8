"""Days on paper, in virtual time: a practice exchange stands in for MEXC, orders go to the paper exchange."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal as D
from pathlib import Path

import pytest
from aiohttp import web

from mexc_tui.app.composition import EngineEnvironment, EngineLocation, RunningEngine, joined
from mexc_tui.app.paper import SCOPE
from mexc_tui.engine.views.trading_facade import EngineTradingFace, trading_face
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.event import AnyEvent, OrderChanged, SnipeRefused
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.trading import TradingState
from mexc_tui.ports.store import Stored
from mexc_tui.practice.mirror import MirrorWorld
from mexc_tui.practice.scenario import ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.practice.values import OrderRecord
from mexc_tui.settings.layers import flag_layer
from mexc_tui.settings.load import Layers
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.inline_store import InlineThread
from tests.support.engine.practice_day import HOST, LENT, PORT

pytestmark = pytest.mark.timeout(60)  # runs whole engines

NAME = "NEWUSDT"
OPENS_S = 40.0
PAPER_PORT = 8081
DAY = Scenario(
    name="stand-in",
    duration_s=120,
    market=MarketPlan(symbols=20, active_pairs=1, trades_per_s=0.5),
    listings=(
        ListingPlan(
            base="NEW", opens_s=OPENS_S, prepared_before_s=600, visible_before_s=30, ready_before_s=20
        ),
    ),
)
QUIET = {"ladder": "", "stop_loss_pct": "50"}
"""Nothing is sold for a while."""


class PaperDay:
    """An exchange that stands in for MEXC, and what desks on paper asked it and their own exchange."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        self.sim = sim
        self.market = PracticeServer(DAY, 1, sim.clock)
        self.asked: list[web.BaseRequest] = []
        self.papers: list[PracticeServer] = []
        self.paths = paths_of("paper", {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")})

    async def open(self) -> None:
        @web.middleware
        async def note(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self.asked.append(request)
            return await handler(request)

        application = self.market.application()
        application.middlewares.append(note)
        await self.sim.network.serve(HOST, PORT, application)

    @asynccontextmanager
    async def serve_paper(self, server: PracticeServer) -> AsyncGenerator[Endpoint]:
        """Serve the paper exchange in memory as well."""
        self.papers.append(server)
        host = await self.sim.network.serve(HOST, PAPER_PORT, server.application())
        try:
            yield server.endpoint(PAPER_PORT)
        finally:
            await host.stop()

    @asynccontextmanager
    async def desk(self, **settings: str) -> AsyncGenerator["Desk"]:
        given = {**{name: str(value) for name, value in LENT.items()}, "min_probability": "0.2", **settings}
        layers = Layers(flags=flag_layer({"mode": "paper"}, [f"{name}={it}" for name, it in given.items()]))
        whole = self.market.endpoint(PORT)
        public = Endpoint(whole.rest, whole.ws, whole.web)
        sim = self.sim
        outside = EngineEnvironment(sim.clock, sim.rng, sim.network.connector, InlineThread, self.serve_paper)
        async with joined(EngineLocation(public, False, self.paths, layers), outside) as running:
            face = await trading_face(running.engine)
            assert face is not None
            yield Desk(self, running, face)


class Desk:
    """One running desk on paper, as a test looks at it."""

    def __init__(self, day: PaperDay, running: RunningEngine, face: EngineTradingFace) -> None:
        self.day, self.running, self.face = day, running, face
        rooms = running.engine.rooms
        assert rooms is not None
        self.rooms = rooms
        world = day.papers[-1].world
        assert isinstance(world, MirrorWorld)
        self.world: MirrorWorld = world

    async def at(self, second: float) -> None:
        passed_s = (self.rooms.port.now_ms() - self.day.market.world.start_ms) / 1_000
        await asyncio.sleep(max(second - passed_s, 0))

    async def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 - virtual seconds
                await asyncio.sleep(0.05)

    async def buy(self) -> None:
        """Arm the listing by hand, and wait until it is held."""
        await self.at(OPENS_S - 12)
        await self.face.arm(NAME, "test")
        await self.at(OPENS_S)
        await self.until(lambda: self.rooms.keeper.open.position_of(NAME) is not None)
        await asyncio.sleep(1)

    def records(self, side: Side) -> list[OrderRecord]:
        """Return the paper exchange's own records of orders in the listing, oldest first."""
        found = self.world.all_orders(NAME, 0, 2**60, 1_000)
        return [one for one in found[::-1] if one.side is side]

    def held(self) -> dict[str, D]:
        """Return what the paper exchange says its account holds."""
        return {one.asset: one.free + one.locked for one in self.world.balances()}

    async def booked(self) -> dict[str, D]:
        """Return what the ledger says is held, by asset."""
        rows = await self.running.store.read(
            "balances", lambda stored: list(stored.trading(SCOPE).entries.balances())
        )
        found = dict[str, D]()
        for one in rows:
            if one.account.value in ("desk", "own") and one.amount:
                found[one.asset] = found.get(one.asset, D(0)) + one.amount
        return found

    async def facts(self) -> list[AnyEvent]:
        """Return the journal, oldest first."""
        page = await self.running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
        return [one.event for one in page]

    async def codes(self) -> list[int | None]:
        """Return the exchange's codes in the answers to the listing's snipe, in the order of its attempts."""

        def read(stored: Stored) -> list[int | None]:
            rows = stored.trading(SCOPE)
            (snipe,) = rows.snipes.of_symbol(NAME)
            return [one.code for one in rows.attempts.of_snipe(snipe.id)]

        return await self.running.store.read("codes", read)

    async def assert_books_agree(self) -> None:
        assert await self.booked() == self.held()
        assert (await self.face.reconcile()).unexplained == ()


def test_a_listing_without_an_earlier_price_is_filled_at_the_markets_prices(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET, entry_early_ms="500") as desk:
            before = desk.held()
            await desk.buy()
            assert set(await desk.codes()) == {None}
            filled = [one for one in desk.records(Side.BUY) if one.executed]
            assert filled
            spent = sum((one.executed_quote for one in filled), D(0))
            fills = desk.world.my_trades(NAME)
            prices = [one.price for one in day.market.world.trades(NAME, 1_000)]
            assert (
                min(prices)
                <= min(one.price for one in fills)
                <= max(one.price for one in fills)
                <= max(prices)
            )
            assert desk.held()["NEW"] == sum((one.executed for one in filled), D(0))
            assert desk.held()["USDT"] == before["USDT"] - spent - sum((one.fee for one in fills), D(0))
            await desk.assert_books_agree()
        assert not day.market.world.all_orders(NAME, 0, 2**60, 1_000), "nothing reached the market"

    simulate(main)


def test_the_way_to_the_exchange_lies_before_a_match_as_well_as_after_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET, paper_delay_ms="600") as desk:
            await desk.buy()
            began_ms = desk.rooms.port.now_ms()
            await desk.face.close(NAME, None, "test")
            sold = desk.records(Side.SELL)[-1]
            assert 300 <= sold.created_ms - began_ms < 600
            await desk.assert_books_agree()

    simulate(main)


def test_the_market_is_asked_nothing_but_public_questions_while_paper_trades(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET) as desk:
            await desk.buy()
        assert {one.method for one in day.asked} == {"GET"}
        signed = [one.path for one in day.asked if "X-MEXC-APIKEY" in one.headers or "signature" in one.query]
        assert signed == []
        assert not [one.path for one in day.asked if "listenKey" in one.path_qs]

    simulate(main)


def test_a_restart_keeps_position_and_cash_and_replaces_orders_that_are_gone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(stop_loss_pct="50", ladder="100@400") as desk:
            await desk.buy()
            await desk.until(lambda: bool(desk.world.open_orders(NAME)))
            bought = desk.rooms.keeper.open.position_of(NAME)
            (resting,) = desk.world.open_orders(NAME)
            held = desk.held()
            assert bought is not None
        async with day.desk(stop_loss_pct="50", ladder="100@400") as desk:
            again = desk.rooms.keeper.open.position_of(NAME)
            assert again is not None
            assert (again.id, again.remaining) == (bought.id, bought.remaining)
            assert desk.held() == held
            await asyncio.sleep(5)
            await desk.assert_books_agree()
            assert desk.rooms.keeper.open.trading.state is TradingState.ACTIVE
            facts = await desk.facts()
            ends = [
                (one.order.state, one.order.reason)
                for one in facts
                if isinstance(one, OrderChanged) and one.about == NAME
                if one.order.client_order_id == resting.client_order_id
            ]
            state, reason = ends[-1]
            assert state is OrderState.CANCELLED
            assert "forgotten" in reason
            await desk.until(lambda: bool(desk.world.open_orders(NAME)))
            (anew,) = desk.world.open_orders(NAME)
            assert (anew.price, anew.quantity) == (resting.price, resting.quantity)

    simulate(main)


def test_a_resting_take_profit_is_filled_when_the_market_reaches_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(stop_loss_pct="50", ladder="100@3") as desk:
            await desk.buy()
            await desk.until(lambda: desk.rooms.keeper.open.position_of(NAME) is None, 60)
            (sold,) = [one for one in desk.records(Side.SELL) if one.executed]
            assert sold.is_maker
            assert sold.average_price >= sold.price
            assert "NEW" not in desk.held() or desk.held()["NEW"] < 1
            await desk.assert_books_agree()

    simulate(main)


def test_nothing_trades_at_old_prices_while_the_market_is_not_heard(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(**QUIET) as desk:
            await desk.buy()
            assert desk.world.depth(NAME).bids
            market = sim.network.find(HOST, PORT)
            market.refusing = True
            market.reset()
            await desk.until(lambda: not desk.world.depth(NAME).bids)
            market.refusing = False
            await desk.until(lambda: bool(desk.world.depth(NAME).bids))

    simulate(main)


@pytest.mark.parametrize(
    ("auto_arm", "gates"), [("practice", ["automatic", "outcomes"]), ("everywhere", ["outcomes"])]
)
def test_a_signal_arms_nothing_on_paper_until_that_is_set_and_outcomes_are_there(
    tmp_path: Path, auto_arm: str, gates: list[str]
) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(auto_arm=auto_arm) as desk:
            await desk.at(OPENS_S + 5)
            (refused,) = [one for one in await desk.facts() if isinstance(one, SnipeRefused)]
            assert [one.name for one in refused.verdicts] == gates
            assert desk.records(Side.BUY) == []

    simulate(main)
