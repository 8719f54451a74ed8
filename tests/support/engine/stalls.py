"""Stall the event loop, stop the process or suspend the machine, in virtual time."""

import asyncio

from mexc_tui.simulation.loop import VirtualLoop
from mexc_tui.simulation.run import Simulation


def stop_process(seconds: float) -> None:
    """Stop the process for this long: both clocks continue, nothing runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.stand_still(seconds)


def suspend_machine(sim: Simulation, seconds: float) -> None:
    """Suspend the machine for this long: only the wall clock continues."""
    sim.clock.step_wall(seconds * 1_000)
