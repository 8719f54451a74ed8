"""Pings are sent at an interval while the engine works; failing pings are reported once."""

import asyncio

from mexc_tui.notify.dead_man import DeadMan
from mexc_tui.notify.http import DeliveryFailed
from mexc_tui.simulation.run import Simulation, simulate


class Service:
    """Counts pings and reports."""

    def __init__(self) -> None:
        self.pings = 0
        self.is_down = False
        self.problem = ""
        self.reported: list[str] = []

    async def ping(self) -> None:
        self.pings += 1
        if self.is_down:
            raise DeliveryFailed("Refused with status 500.")

    async def report(self, text: str) -> None:
        self.reported.append(text)

    def worker(self) -> DeadMan:
        return DeadMan(self.ping, lambda: self.problem, interval_s=60, report=self.report)


def test_pings_end_while_the_engine_does_not_work() -> None:
    async def main(_: Simulation) -> None:
        service = Service()
        running = asyncio.create_task(service.worker().run())
        await asyncio.sleep(190)
        assert service.pings == 4
        service.problem = "the exits of NEWUSDT are not checked"
        await asyncio.sleep(300)
        assert service.pings == 4
        service.problem = ""
        await asyncio.sleep(60)
        assert service.pings == 5
        running.cancel()

    simulate(main)


def test_three_failed_pings_are_reported_once_and_closed_by_the_next_success() -> None:
    async def main(_: Simulation) -> None:
        service = Service()
        service.is_down = True
        running = asyncio.create_task(service.worker().run())
        await asyncio.sleep(110)
        assert service.reported == []
        await asyncio.sleep(200)
        assert service.reported == ["3 pings of the dead man's check failed. Refused with status 500."]
        service.is_down = False
        await asyncio.sleep(130)
        assert service.reported[1:] == [""]
        running.cancel()

    simulate(main)
