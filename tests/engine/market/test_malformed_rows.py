"""A malformed row of exchangeInfo affects its own pair only and is reported."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from mexc_tui.model.listing import ListingSource
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, PracticeDay

INFO = "/api/v3/exchangeInfo"


def test_other_pairs_load_despite_a_malformed_row(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        fault = FaultPlan(kind=FaultKind.MALFORMED_ROW, path=INFO)
        day = PracticeDay(sim, tmp_path, replace(DAY, faults=(fault,)))
        await day.open()
        async with day.engine() as running:
            known = running.engine.knowledge_store.knowledge.pairs
            status = running.queries.status()
            assert len(known) > 20
            (message,) = status.budget.skipped_rows
            assert message.startswith(f"{INFO}: 1 of ")
            assert all(source.failures == 0 for source in status.sources)
            skipped = message.split("skipped: ")[1].split(":")[0]
            assert skipped
            assert skipped not in known

    simulate(main)


def test_a_pair_whose_row_becomes_malformed_keeps_its_previous_version(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        fault = FaultPlan(kind=FaultKind.MALFORMED_ROW, path=INFO, at_s=10)
        day = PracticeDay(sim, tmp_path, replace(DAY, faults=(fault,)))
        await day.open()
        async with day.engine() as running:
            before = set(running.engine.knowledge_store.knowledge.pairs)
            await asyncio.sleep(11)
            await running.engine.polls.poll_now(ListingSource.EXCHANGE_INFO)
            assert running.queries.status().budget.skipped_rows
            assert before <= set(running.engine.knowledge_store.knowledge.pairs)

    simulate(main)
