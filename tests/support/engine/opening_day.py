"""A day around one opening on the practice exchange in virtual time, and queries of its result."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from mexc_tui.app.composition import RunningEngine
from mexc_tui.host.paths import Paths
from mexc_tui.model.event import SnipeRefused
from mexc_tui.model.intent import Order
from mexc_tui.model.order import NewOrder
from mexc_tui.model.snipe import Attempt, Snipe, SnipeState
from mexc_tui.practice.matching.values import OrderRecord, PracticeRefusal
from mexc_tui.practice.matching.values import Side as ExchangeSide
from mexc_tui.practice.scenario import FaultPlan, Knobs, ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.simulation.run import Simulation
from tests.support.engine.practice_day import OVERRIDES, PracticeDay

NAME = "NEWUSDT"
OPENS_S = 40.0
PACE: dict[str, bool | int | float | str] = {
    **OVERRIDES,
    "detection_pass_s": 0.5,
    "symbols_poll_opening_s": 2,
    "clock_resync_opening_s": 10,
    "min_probability": 0.2,
    "armed_detectors": "ready_state,pre_ready,launch_sequence",
    "ladder": "",
    "stop_loss_pct": 50,
}


def listing(base: str = "NEW", **changes: object) -> ListingPlan:
    given: dict[str, object] = {
        "base": base,
        "opens_s": OPENS_S,
        "announced_before_s": 3600,
        "prepared_before_s": 600,
        "visible_before_s": 30,
        "ready_before_s": 20,
        **changes,
    }
    return ListingPlan(**given)  # pyright: ignore[reportArgumentType]


def scenario(
    *listings: ListingPlan,
    knobs: Knobs | None = None,
    faults: tuple[FaultPlan, ...] = (),
    **overrides: bool | float | str,
) -> Scenario:
    return Scenario(
        name="opening",
        duration_s=120,
        knobs=knobs or Knobs(),
        market=MarketPlan(symbols=20, active_pairs=1, trades_per_s=0.5),
        listings=listings or (listing(),),
        faults=faults,
        settings={**PACE, **overrides},
    )


class ScriptedSession(ExchangeSession):
    """Rejects the first buys as scripted and records every buy with its arrival time."""

    def __init__(
        self, plan: Scenario, seed: int, start_ms: int, refusals: tuple[PracticeRefusal, ...]
    ) -> None:
        super().__init__(plan, seed, start_ms)
        self.refusals = list(refusals)
        self.buys_received: list[tuple[int, NewOrder]] = []
        """Every buy that arrived, with its arrival time."""
        self.executes_refused = False
        """Whether a rejected buy is executed all the same."""

    def place(self, order: NewOrder) -> OrderRecord:
        if order.side is ExchangeSide.BUY:
            self.buys_received.append((self.now_ms, order))
            if self.refusals:
                if self.executes_refused:
                    super().place(order)
                raise self.refusals.pop(0)
        return super().place(order)


class OpeningBench:
    """A running engine with queries of its state and history."""

    def __init__(self, day: PracticeDay, session: ScriptedSession, running: RunningEngine) -> None:
        self.day, self.session, self.running = day, session, running
        components = running.engine.trading_components
        assert components is not None
        self.components = components

    @property
    def now_s(self) -> float:
        return (self.components.port.now_ms() - self.session.start_ms) / 1_000

    async def at(self, second: float) -> None:
        await asyncio.sleep(max(second - self.now_s, 0))

    async def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 - virtual seconds
                await asyncio.sleep(0.02)

    def record_states(self) -> list[SnipeState]:
        """Return a list that receives every committed state of a snipe from now on."""
        states: list[SnipeState] = []
        self.components.ledger.on_change(
            lambda written: states.extend(snipe.state for snipe in written.snipes)
        )
        return states

    async def snipes(self, symbol: str = NAME) -> list[Snipe]:
        """Return a pair's snipes, oldest first."""
        scope = self.components.ledger.scope
        found = await self.running.store.read(
            "snipes", lambda stored: stored.trading(scope).snipes.of_symbol(symbol)
        )
        return found[::-1]

    async def last(self, symbol: str = NAME) -> Snipe:
        return (await self.snipes(symbol))[-1]

    async def attempts(self, snipe: Snipe) -> list[Attempt]:
        scope = self.components.ledger.scope
        return await self.running.store.read(
            "attempts", lambda stored: list(stored.trading(scope).attempts.of_snipe(snipe.id))
        )

    async def orders(self, snipe: Snipe) -> list[Order]:
        scope = self.components.ledger.scope
        return await self.running.store.read(
            "orders", lambda stored: list(stored.trading(scope).orders.of_intent(snipe.id))
        )

    async def refused(self, symbol: str = NAME) -> list[SnipeRefused]:
        page = await self.running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
        facts = [fact.event for fact in page]
        return [fact for fact in facts if isinstance(fact, SnipeRefused) and fact.about == symbol]

    def bought(self) -> Decimal:
        """Return the amount spent on the new pair according to the exchange."""
        return sum((order.executed_quote for order in self.buys()), Decimal(0))

    def buys(self, symbol: str = NAME) -> list[OrderRecord]:
        """Return the exchange's records of buys of a pair, oldest first."""
        found = self.session.all_orders(symbol, 0, 2**60, limit=1_000)
        return [order for order in found[::-1] if order.side is ExchangeSide.BUY]


class OpeningExchange:
    """The practice exchange of one day; engines come and go."""

    def __init__(self, sim: Simulation, folder: Path, plan: Scenario, *refusals: PracticeRefusal) -> None:
        self.session = ScriptedSession(plan, 1, sim.clock.now_ms(), refusals)
        self._day = PracticeDay(sim, folder, plan)
        self._day.server = PracticeServer(plan, 1, sim.clock, session=self.session)

    @property
    def paths(self) -> Paths:
        """Return the data paths of its engines."""
        return self._day.paths

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[OpeningBench]:
        async with self._day.engine() as running:
            yield OpeningBench(self._day, self.session, running)

    async def open(self) -> None:
        await self._day.open()


@asynccontextmanager
async def opening_engine(
    sim: Simulation, folder: Path, plan: Scenario, *refusals: PracticeRefusal
) -> AsyncGenerator[OpeningBench]:
    """Yield an engine on an exchange that rejects the first buys as scripted."""
    exchange = OpeningExchange(sim, folder, plan, *refusals)
    await exchange.open()
    async with exchange.engine() as watcher:
        yield watcher
