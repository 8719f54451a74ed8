"""A live engine is locked until the user unlocks it; a practice exchange replaces MEXC."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.host.paths import paths_of
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import LiveLockChanged, SnipeRefused
from mexc_tui.model.plan_view import Preview
from mexc_tui.practice.server import PracticeServer
from mexc_tui.settings.layers import flag_layer
from mexc_tui.settings.load import Layers
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.sniping.request import ArmTerms
from tests.support.engine.paper_day import DAY, NAME, OPENS_S, QUIET
from tests.support.engine.practice_day import HOST, OVERRIDES, PORT, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

HAND = {**QUIET, "auto_arm": "never"}
RULE = {**QUIET, "auto_arm": "everywhere", "arm_outcomes": "100", "armed_detectors": "ready_state"}


class LiveDesk:
    """One running live engine."""

    def __init__(self, market: PracticeServer, running: RunningEngine, face: TradingQueries) -> None:
        self.market, self.running, self.queries = market, running, face
        components = running.engine.trading_components
        assert components is not None
        self.components = components

    async def at(self, second: float) -> None:
        passed_s = (self.components.port.now_ms() - self.market.session.start_ms) / 1_000
        await asyncio.sleep(max(second - passed_s, 0))

    async def phrase(self) -> str:
        """Wait until unlocking is possible, and return the phrase."""
        async with asyncio.timeout(30):
            while not (row := await self.queries.preview(Preview.UNLOCK, "", None)).is_allowed:  # noqa: ASYNC110 - virtual seconds
                await asyncio.sleep(0.5)
        return row.typed

    async def unlock(self) -> None:
        await self.queries.unlock("test", await self.phrase())

    async def locks(self) -> list[bool]:
        """Return, out of the journal, whether it was unlocked each time that changed."""
        page = await self.running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
        return [one.event.until_ms is not None for one in page if isinstance(one.event, LiveLockChanged)]

    @property
    def holds(self) -> bool:
        return self.components.ledger.state.position_of(NAME) is not None


@asynccontextmanager
async def live(sim: Simulation, folder: Path, **settings: str) -> AsyncGenerator[LiveDesk]:
    market = PracticeServer(DAY, 1, sim.clock)
    await sim.network.serve(HOST, PORT, market.application())
    given = {**{name: str(value) for name, value in OVERRIDES.items()}, "min_probability": "0.2", **settings}
    layers = Layers(flags=flag_layer({"mode": "live"}, [f"{name}={it}" for name, it in given.items()]))
    endpoint = msgspec.structs.replace(market.endpoint(PORT), exchange_session="")
    paths = paths_of("live", {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")})
    outside = EngineEnvironment(sim.clock, sim.rng, sim.network.connector, InlineThread)
    async with running_engine(EngineLocation(endpoint, False, paths, layers), outside) as running:
        face = await trading_queries(running.engine)
        assert face is not None
        yield LiveDesk(market, running, face)


def test_a_locked_engine_refuses_to_arm_and_states_how_to_unlock(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            assert desk.queries.risk().is_locked
            await desk.at(OPENS_S - 12)
            with pytest.raises(CommandRefused, match="unlock live trading"):
                await desk.queries.arm(NAME, "test")
            await desk.at(OPENS_S + 5)
            assert not desk.holds

    simulate(main)


def test_a_locked_engine_does_not_arm_automatically(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **RULE) as desk:
            await desk.at(OPENS_S + 5)
            assert not desk.holds
            page = await desk.running.store.read(
                "journal", lambda stored: list(stored.journal.after(0, 5_000))
            )
            refused = [one.event for one in page if isinstance(one.event, SnipeRefused)]
            assert any(verdict.name == "unlocked" for one in refused for verdict in one.verdicts)

    simulate(main)


def test_an_unlocked_engine_buys_and_a_locked_one_still_sells(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.unlock()
            assert not desk.queries.risk().is_locked
            await desk.at(OPENS_S - 12)
            await desk.queries.arm(NAME, "test")
            await desk.at(OPENS_S + 3)
            assert desk.holds
            await desk.queries.lock("test")
            closed = await desk.queries.close(NAME, None, "test")
            assert closed.is_all
            assert not desk.holds
            assert await desk.locks() == [True, False]

    simulate(main)


def test_an_armed_snipe_does_not_fire_while_locked(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.unlock()
            await desk.at(OPENS_S - 12)
            await desk.queries.arm(NAME, "test")
            await desk.at(OPENS_S - 0.3)  # it is ready, and built
            await desk.queries.lock("test")
            await desk.at(OPENS_S + 8)
            assert not desk.holds
            assert not desk.market.session.all_orders(NAME, 0, 2**60, limit=1_000)

    simulate(main)


def test_a_phrase_is_valid_for_one_attempt_within_a_minute(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            first, second = await desk.phrase(), await desk.phrase()
            assert first != second
            with pytest.raises(CommandRefused, match="Wrong phrase"):
                await desk.queries.unlock("test", first)
            with pytest.raises(CommandRefused, match="The phrase has expired"):
                await desk.queries.unlock("test", second)
            late = await desk.phrase()
            await asyncio.sleep(61)
            with pytest.raises(CommandRefused, match="The phrase has expired"):
                await desk.queries.unlock("test", late)
            assert desk.queries.risk().is_locked
            assert await desk.locks() == []

    simulate(main)


def test_no_phrase_is_issued_while_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.phrase()
            await desk.queries.halt("test", "lunch")
            refused = await desk.queries.preview(Preview.UNLOCK, "", None)
            assert not refused.is_allowed
            assert "lunch" in refused.text
            assert refused.typed == ""

    simulate(main)


def test_practice_has_no_lock(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            face = await trading_queries(running.engine)
            assert face is not None
            assert not face.risk().is_locked
            assert "nothing to unlock" in (await face.preview(Preview.UNLOCK, "", None)).text
            with pytest.raises(CommandRefused, match="nothing to lock"):
                await face.lock("test")

    simulate(main)


def test_the_terms_of_one_snipe_bound_price_size_and_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.unlock()
            await desk.at(OPENS_S - 12)
            terms = ArmTerms(spend=Decimal(7), max_price=Decimal(5), stop_loss_pct=Decimal(20))
            row = await desk.queries.what_if(NAME, terms)
            assert (row.spend_cap, row.price_cap, row.bound) == (7, 5, "at most 5")
            await desk.queries.arm(NAME, "test", terms)
            snipe = desk.components.ledger.state.snipe_of(NAME)
            assert snipe is not None
            assert (snipe.spend_cap, snipe.price_cap, snipe.plan.stop_loss_pct) == (7, 5, 20)
            await desk.at(OPENS_S + 5)
            assert desk.holds

    simulate(main)


def test_a_snipe_buys_nothing_above_its_maximum_price(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.unlock()
            await desk.at(OPENS_S - 12)
            await desk.queries.arm(NAME, "test", ArmTerms(max_price=Decimal("0.01")))
            await desk.at(OPENS_S + 8)
            assert not desk.holds

    simulate(main)


def test_a_size_above_the_live_cap_is_lowered_to_it(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, **HAND) as desk:
            await desk.unlock()
            await desk.at(OPENS_S - 12)
            row = await desk.queries.what_if(NAME, ArmTerms(spend=Decimal(500)))
            assert row.spend_cap == 20

    simulate(main)
