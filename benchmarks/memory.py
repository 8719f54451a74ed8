"""Memory of an engine over two hours of the calm practice day, in virtual time.

    python -m benchmarks.memory [HOURS] [FACTOR]

Prints every ten virtual minutes the bytes of all objects reachable from the engine, without those of the
practice exchange, the simulation and the event loop. `FACTOR` scales the market (0.2: a fifth of the pairs).
"""

import asyncio
import gc
import sys
import tempfile
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from msgspec.structs import replace

from mexc_tui.practice.scenario import Scenario, load
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import PracticeDay

NOT_THE_ENGINES = ("mexc_tui.practice", "mexc_tui.simulation", "asyncio", "tests.")
SKIPPED = (type, ModuleType, FunctionType, BuiltinFunctionType)


def reachable_bytes(root: object) -> tuple[int, int]:
    """Return number and size of the objects reachable from this one."""
    seen, number, size = {id(root)}, 0, 0
    todo: list[Any] = [root]
    while todo:
        one = todo.pop()
        number += 1
        size += sys.getsizeof(one)
        for other in gc.get_referents(one):
            if id(other) in seen or isinstance(other, SKIPPED):
                continue
            seen.add(id(other))
            if not type(other).__module__.startswith(NOT_THE_ENGINES):
                todo.append(other)
    return number, size


async def watch(sim: Simulation, plan: Scenario, minutes: int) -> None:
    """Run one engine and print its memory."""
    with tempfile.TemporaryDirectory() as folder:
        day = PracticeDay(sim, Path(folder), plan)
        await day.open()
        async with day.engine() as running:
            for minute in range(10, minutes + 1, 10):
                await asyncio.sleep(600)
                gc.collect()
                number, size = reachable_bytes(running)
                sys.stdout.write(f"{minute:4} min  {number:9,} objects  {size / 1e6:7.2f} MB\n")
                sys.stdout.flush()


def main() -> None:
    """Run the day with the arguments of the command line."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    factor = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    plan = load("calm")
    market = replace(plan.market, active_pairs=max(round(plan.market.active_pairs * factor), 1))
    simulate(lambda sim: watch(sim, replace(plan, market=market), round(hours * 60)))


if __name__ == "__main__":
    main()
