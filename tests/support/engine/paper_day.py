"""A day of paper trading in virtual time, with a practice exchange in place of MEXC."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal as D
from pathlib import Path

from aiohttp import web

from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.app.paper import SCOPE
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.event import AnyEvent
from mexc_tui.model.order import Side
from mexc_tui.ports.store import Stored
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.mirror import MirrorSession
from mexc_tui.practice.scenario import ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.settings.layers import flag_layer
from mexc_tui.settings.load import Layers
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation
from tests.support.engine.practice_day import HOST, OVERRIDES, PORT

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
"""Settings with which nothing is sold for a while."""


class PaperDay:
    """A substitute for MEXC that records the requests of paper desks to it and to their own exchange."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        self.sim = sim
        self.market = PracticeServer(DAY, 1, sim.clock)
        self.requests: list[web.BaseRequest] = []
        self.paper_servers: list[PracticeServer] = []
        self.paths = paths_of("paper", {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")})

    async def open(self) -> None:
        @web.middleware
        async def record_request(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self.requests.append(request)
            return await handler(request)

        application = self.market.application()
        application.middlewares.append(record_request)
        await self.sim.network.serve(HOST, PORT, application)

    @asynccontextmanager
    async def serve_paper(self, server: PracticeServer) -> AsyncGenerator[Endpoint]:
        """Serve the paper exchange in memory as well."""
        self.paper_servers.append(server)
        host = await self.sim.network.serve(HOST, PAPER_PORT, server.application())
        try:
            yield server.endpoint(PAPER_PORT)
        finally:
            await host.stop()

    @asynccontextmanager
    async def desk(self, **settings: str) -> AsyncGenerator["PaperDesk"]:
        setting_values = {
            **{name: str(value) for name, value in OVERRIDES.items()},
            "min_probability": "0.2",
            **settings,
        }
        layers = Layers(
            flags=flag_layer({"mode": "paper"}, [f"{name}={text}" for name, text in setting_values.items()])
        )
        market_endpoint = self.market.endpoint(PORT)
        public = Endpoint(rest=market_endpoint.rest, ws=market_endpoint.ws, web=market_endpoint.web)
        sim = self.sim
        outside = EngineEnvironment(sim.clock, sim.rng, sim.network.connector, InlineThread, self.serve_paper)
        async with running_engine(EngineLocation(public, False, self.paths, layers), outside) as running:
            queries = await trading_queries(running.engine)
            assert queries is not None
            yield PaperDesk(self, running, queries)


class PaperDesk:
    """A running paper desk with queries of its state."""

    def __init__(self, day: PaperDay, running: RunningEngine, queries: TradingQueries) -> None:
        self.day, self.running, self.queries = day, running, queries
        components = running.engine.trading_components
        assert components is not None
        self.components = components
        session = day.paper_servers[-1].session
        assert isinstance(session, MirrorSession)
        self.session: MirrorSession = session

    async def at(self, second: float) -> None:
        passed_s = (self.components.port.now_ms() - self.day.market.session.start_ms) / 1_000
        await asyncio.sleep(max(second - passed_s, 0))

    async def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 - virtual seconds
                await asyncio.sleep(0.05)

    async def buy(self) -> None:
        """Arm the listing manually and wait for its position."""
        await self.at(OPENS_S - 12)
        await self.queries.arm(NAME, "test")
        await self.at(OPENS_S)
        await self.until(lambda: self.components.ledger.state.position_of(NAME) is not None)
        await asyncio.sleep(1)

    def records(self, side: Side) -> list[OrderRecord]:
        """Return the paper exchange's records of orders in the listing, oldest first."""
        found = self.session.all_orders(NAME, 0, 2**60, limit=1_000)
        return [order for order in found[::-1] if order.side is side]

    def exchange_balances(self) -> dict[str, D]:
        """Return the balances of the account at the paper exchange."""
        return {balance.asset: balance.free + balance.locked for balance in self.session.balances()}

    async def ledger_balances(self) -> dict[str, D]:
        """Return the balances in the ledger, by asset."""
        rows = await self.running.store.read(
            "balances", lambda stored: list(stored.trading(SCOPE).entries.balances())
        )
        found = dict[str, D]()
        for row in rows:
            if row.account.value in ("desk", "own") and row.amount:
                found[row.asset] = found.get(row.asset, D(0)) + row.amount
        return found

    async def facts(self) -> list[AnyEvent]:
        """Return the journal, oldest first."""
        page = await self.running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
        return [fact.event for fact in page]

    async def codes(self) -> list[int | None]:
        """Return the exchange's response codes to the listing's snipe, in the order of its attempts."""

        def read(stored: Stored) -> list[int | None]:
            rows = stored.trading(SCOPE)
            (snipe,) = rows.snipes.of_symbol(NAME)
            return [attempt.code for attempt in rows.attempts.of_snipe(snipe.id)]

        return await self.running.store.read("codes", read)

    async def assert_ledger_agrees(self) -> None:
        assert await self.ledger_balances() == self.exchange_balances()
        assert (await self.queries.reconcile()).unexplained == ()
