"""Arming from signals on paper once enough outcomes are recorded (formulas E7)."""

from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.market.outcome_labels import label_version
from mexc_tui.model.event import SnipeRefused
from mexc_tui.model.order import Side
from mexc_tui.model.signal import ClaimKind
from mexc_tui.ports.store import UnitOfWork
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.paper_day import OPENS_S, PaperDay


async def remember(running: RunningEngine, outcomes: int) -> None:
    """Let so many listings of the past have been judged, each as claimed."""
    version = label_version(running.engine.detection_settings())

    def work(unit: UnitOfWork) -> None:
        for claim in ClaimKind:
            for number in range(outcomes):
                unit.verdicts(version).add_base(claim, f"past {number}", hit=True)

    await running.store.write("the past", work)


@pytest.mark.parametrize(
    ("outcomes", "auto_arm", "armed"),
    [(100, "everywhere", True), (99, "everywhere", False), (100, "practice", False)],
)
def test_signals_arm_on_paper_once_enabled_with_100_outcomes_stored(
    tmp_path: Path, outcomes: int, auto_arm: str, armed: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = PaperDay(sim, tmp_path)
        await day.open()
        async with day.desk(auto_arm="never", armed_detectors="ready_state") as desk:
            await remember(desk.running, outcomes)
        async with day.desk(auto_arm=auto_arm, armed_detectors="ready_state") as desk:
            await desk.at(OPENS_S + 2)
            assert bool(desk.records(Side.BUY)) is armed
            refused = [one for one in await desk.facts() if isinstance(one, SnipeRefused)]
            gates = {verdict.name for one in refused for verdict in one.verdicts}
            assert ("outcomes" in gates) is (outcomes < 100)
            assert ("automatic" in gates) is (auto_arm != "everywhere")

    simulate(main)
