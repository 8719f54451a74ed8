"""Hours of the whole desk in virtual time: rotations of connections, renewals of the listen key, maintenance.

`python -m benchmarks soak [--hours 72]`. A quiet exchange closes every connection after 24 hours, expires
listen keys after one, opens a listing every six hours, and is under maintenance twice a day. The real engine
arms, buys and sells each listing. Each hour it must be reconciled, active and connected; at the end the
ledger equals the exchange (invariants of reliability 2.8). A breach is one sentence, and the exit code is 1.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.common import Row, emit
from benchmarks.engine import rss_mb
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.app.trading_adapter import MexcTrading
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.host.paths import paths_of
from mexc_tui.model.trading import TradingState
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs, ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import HOST, PracticeServer
from mexc_tui.simulation.clock import VirtualClock
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.verification import invariants
from mexc_tui.verification.invariants import Exchange
from mexc_tui.verification.plan import SETTINGS
from mexc_tui.verification.run import MAX_CONNECTIONS, MAX_TASKS, stored_rows

HOUR_S = 3_600.0
FIRST_LISTING_S, LISTING_EVERY_S = 1_800.0, 6 * HOUR_S
MAINTENANCE_AT_S, MAINTENANCE_EVERY_S, MAINTENANCE_S = 4.5 * HOUR_S, 12 * HOUR_S, 900.0
CHECK_AT_S = 0.95 * HOUR_S
"""Within each hour: long after a listing and a maintenance."""
MOST_KEYS = 2
GROWTH_MB = 8.0
PORT = 8080
ARMING: dict[str, bool | int | float | str] = {
    "armed_detectors": "ready_state,pre_ready,launch_sequence",
    "min_probability": 0.2,
    "time_stop_s": 60,
    "symbols_poll_s": 60,
    "calendar_poll_s": 60,
}


@dataclass(slots=True)
class Soaked:
    """What hours of an engine showed."""

    hours: float
    violations: list[str] = field(default_factory=list[str])
    rotations: int = 0
    connects: int = 0
    keys: int = 0
    """Live listen keys, at most."""
    listings: int = 0
    bought: int = 0
    maintenances: int = 0
    tasks: int = 0
    connections: int = 0
    facts: int = 0
    memory: list[float] = field(default_factory=list[float])
    """MB, each hour."""
    cpu_s: float = 0.0


def scenario(hours: float, knobs: Knobs, maintenance_at_s: float) -> Scenario:
    """Return a quiet exchange for so many hours."""
    starts = range(int((hours * HOUR_S - maintenance_at_s) // MAINTENANCE_EVERY_S) + 1)
    maintenance = [
        FaultPlan(
            kind=kind, at_s=maintenance_at_s + one * MAINTENANCE_EVERY_S, for_s=MAINTENANCE_S, path=path
        )
        for one in starts
        for kind, path in ((FaultKind.MAINTENANCE, ""), (FaultKind.SILENCE, "spot@"))
    ]
    return Scenario(
        name="soak",
        knobs=knobs,
        market=MarketPlan(symbols=20, active_pairs=0, trades_per_s=0.0),
        listings=(
            ListingPlan(
                base="SOAK",
                opens_s=FIRST_LISTING_S,
                every_s=LISTING_EVERY_S,
                announced_before_s=1_500,
                prepared_before_s=600,
                visible_before_s=120,
                ready_before_s=60,
                trades_per_s=5.0,
            ),
        ),
        faults=tuple(maintenance),
        settings={**SETTINGS, **ARMING},
    )


def soak(hours: float, *, knobs: Knobs | None = None, maintenance_at_s: float = MAINTENANCE_AT_S) -> Soaked:
    """Run the desk for so many virtual hours.

    `knobs`: another behaviour of the exchange; `maintenance_at_s`: begin of the first maintenance.
    """
    began_s = time.process_time()
    with TemporaryDirectory() as folder:
        plan = scenario(hours, knobs or Knobs(), maintenance_at_s)
        found = simulate(lambda sim: _Soak(sim, plan, Path(folder), hours).run())
    found.cpu_s = time.process_time() - began_s
    return found


class _Soak:
    def __init__(self, sim: Simulation, plan: Scenario, folder: Path, hours: float) -> None:
        self._sim, self._loop = sim, asyncio.get_running_loop()
        self._server = PracticeServer(plan, 1, VirtualClock(self._loop))
        self._paths = paths_of("practice", {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")})
        self._found = Soaked(hours)
        self._symbols = Counter[str]()

    async def run(self) -> Soaked:
        """Run the engine to the end, checking it each hour."""
        host = await self._sim.network.serve(HOST, PORT, self._server.application())
        environment = EngineEnvironment(
            self._sim.clock, Random(1), self._sim.network.connector, InlineThread, has_desk=False
        )
        location = EngineLocation(self._server.endpoint(PORT), True, self._paths)
        async with running_engine(location, environment) as running:
            components = running.engine.trading_components
            assert components is not None
            components.ledger.on_change(
                lambda changes: self._symbols.update(order.symbol for order in changes.orders)
            )
            for hour in range(int(self._found.hours)):
                await asyncio.sleep(hour * HOUR_S + CHECK_AT_S - self._loop.time())
                self._check(f"hour {hour + 1}", running, components, len(host.ends))
            await asyncio.sleep(self._found.hours * HOUR_S - self._loop.time())
            await self._check_end(running, components)
        return self._found

    def _check(
        self, when: str, running: RunningEngine, components: TradingComponents, connections: int
    ) -> None:
        found, engine = self._found, running.engine
        private, trading = components.port.private_state(), components.ledger.state.trading
        found.tasks = max(found.tasks, len(asyncio.all_tasks()))
        found.connections = max(found.connections, connections)
        found.keys = max(found.keys, len(self._server.live_listen_keys()))
        found.memory.append(rss_mb())
        degraded = [worker.name for worker in engine.workers() if worker.is_degraded]
        checks = (
            (components.reconciler.is_done, "the ledger is not reconciled"),
            (trading.state is TradingState.ACTIVE, f"trading is {trading.state.value}: {trading.text}"),
            (private.is_live, f"the user stream is not connected: {private.reason}"),
            (not degraded, f"workers keep failing: {', '.join(degraded)}"),
            (not components.ledger.state.symbols(), "a position is still open"),
        )
        found.violations += [f"{when}: {text}" for is_met, text in checks if not is_met]

    async def _check_end(self, running: RunningEngine, components: TradingComponents) -> None:
        found, session = self._found, self._server.session
        scope = components.ledger.scope
        stored = await running.store.read("soak", lambda rows: stored_rows(rows, scope))
        orders = [
            order
            for symbol in self._symbols
            if session.pair(symbol) is not None
            for order in session.all_orders(symbol, 0, 2**53, limit=1_000)
        ]
        balances = {one.asset: one.free + one.locked for one in session.balances()}
        found.violations += invariants.at_the_end(Exchange(orders, balances), stored, frozenset())
        port = components.port
        line = port.private_line() if isinstance(port, MexcTrading) else None
        found.rotations, found.connects = (line.rotations, line.connects) if line else (0, 0)
        found.facts = len(stored.facts)
        found.listings = sum(pair.symbol.startswith("SOAK") for pair in session.visible_pairs())
        found.bought = len({position.symbol for position in stored.positions})
        found.maintenances = len(session.scenario.faults) // 2
        found.violations += failures(found, session.scenario.knobs)


def failures(found: Soaked, knobs: Knobs) -> list[str]:
    """Return one sentence for each bound that was exceeded."""
    expected = int(found.hours * HOUR_S // knobs.socket_lifetime_s)
    growth = found.memory[-1] - found.memory[len(found.memory) // 3] if found.memory else 0.0
    checks = (
        (found.connects > expected, f"{found.connects} connections in {found.hours:g} hours"),
        (found.keys <= MOST_KEYS, f"{found.keys} listen keys at once; the bound is {MOST_KEYS}"),
        (found.bought == found.listings > 0, f"{found.bought} of {found.listings} listings were bought"),
        (found.tasks <= MAX_TASKS, f"{found.tasks} tasks; the bound is {MAX_TASKS}"),
        (found.connections <= MAX_CONNECTIONS, f"{found.connections} connections at once"),
        (growth <= GROWTH_MB, f"the memory grew by {growth:.1f} MB, not {GROWTH_MB:g}"),
    )
    return [text for is_met, text in checks if not is_met]


def main() -> int:
    """Run, print the figures, and return 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=72.0)
    found = soak(parser.parse_args().hours)
    group = f"soak, {found.hours:g} virtual hours"
    emit([
        Row(group, "rotations of the user stream", found.rotations, found.rotations, "",
            note=f"{found.connects} connections, {found.keys} listen keys at once"),
        Row(group, "listings bought and sold", found.bought, found.listings, "",
            note=f"p99: listings; {found.maintenances} maintenances of {MAINTENANCE_S / 60:.0f} minutes"),
        Row(group, "memory", found.memory[0], found.memory[-1], "MB", note="first and last hour"),
        Row(group, "violations", len(found.violations), len(found.violations), "",
            note=f"{found.facts:,} facts, {found.tasks} tasks, {found.connections} connections"),
        Row(group, "processor time", found.cpu_s, found.cpu_s, "s"),
    ])  # fmt: skip
    for text in found.violations:
        print(f"soak: {text}.", file=sys.stderr)
    return 1 if found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
