"""A day of the whole engine on the practice exchange, in virtual time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.views import stored_queries
from mexc_tui.host.paths import paths_of
from mexc_tui.model.notification import SecretName
from mexc_tui.model.view import ListingRow
from mexc_tui.practice.scenario import ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation

HOST, PORT = "127.0.0.1", 8080
OVERRIDES: dict[str, bool | int | float | str] = {
    "calendar_poll_s": 5,
    "symbols_poll_s": 5,
    "symbols_poll_near_s": 3,
    "near_before_s": 60,
    "opening_before_s": 20,
    "advance_s": 60,
    "detection_pass_s": 1.0,
    "maturity_s": 20,
    "api_grace_s": 20,
}
DAY = Scenario(
    name="short",
    duration_s=120,
    market=MarketPlan(symbols=30, active_pairs=2, trades_per_s=0.5),
    listings=(
        ListingPlan(base="CLEAN", opens_s=40, visible_before_s=30, prepared_before_s=60, ready_before_s=15),
        ListingPlan(base="GONE", opens_s=70, visible_before_s=20, cancelled_before_s=10),
        ListingPlan(base="CLOSED", opens_s=50, visible_before_s=20, api_allowed=False),
    ),
    settings=OVERRIDES,
)


def no_secret(profile: str, name: SecretName) -> str:
    """Return no secret for any notification channel."""
    del profile, name
    return ""


class PracticeDay:
    """An exchange that outlives the engines connected to it."""

    def __init__(self, sim: Simulation, folder: Path, scenario: Scenario = DAY) -> None:
        self.sim = sim
        self.thread = InlineThread
        self.channel_secret = no_secret
        """Returns the secrets of notification channels."""
        self.server = PracticeServer(scenario, 1, sim.clock)
        self.paths = paths_of(
            "practice",
            {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")},
        )

    async def open(self) -> None:
        await self.sim.network.serve(HOST, PORT, self.server.application())

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[RunningEngine]:
        endpoint = self.server.endpoint(PORT)
        outside = EngineEnvironment(
            self.sim.clock,
            self.sim.rng,
            self.sim.network.connector,
            self.thread,
            channel_secret=self.channel_secret,
        )
        async with running_engine(EngineLocation(endpoint, True, self.paths), outside) as running:
            yield running


async def every_listing(running: RunningEngine) -> list[ListingRow]:
    """Return every listing ever stored, as an offline query returns them."""
    settings, now_ms = running.engine.detection_settings(), running.engine.parts.market.now_ms()
    return await running.store.read(
        "listings",
        lambda stored: stored_queries.listings(
            stored, now_ms, settings, before_ms=2**62, before_id="", limit=1_000
        ),
    )


def setting_text(running: RunningEngine, name: str) -> str:
    """Return the value of a setting in force, as text."""
    return next(row.value for row in running.engine.parts.settings.rows() if row.name == name)
