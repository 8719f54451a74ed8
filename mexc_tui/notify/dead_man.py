"""Pings a monitoring service while the engine works. The service raises the alarm when the pings end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mexc_tui.notify.http import DeliveryFailed

log = logging.getLogger(__name__)

FAILURES = 3
"""Failed pings in a row after which an alert is raised."""


class DeadMan:
    """Worker that pings at an interval, but only while `problem` returns nothing."""

    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        problem: Callable[[], str],
        *,
        interval_s: float,
        report: Callable[[str], Awaitable[None]],
    ) -> None:
        """`ping` raises DeliveryFailed. `problem`: why the engine does not work; empty: it does.

        `report`: raises an alert about failing pings; an empty text closes it.
        """
        self._ping = ping
        self._problem = problem
        self._interval_s = interval_s
        self._report = report
        self._failures = 0

    async def run(self) -> None:
        """Ping until cancelled."""
        while True:
            await self._once()
            await asyncio.sleep(self._interval_s)

    async def _once(self) -> None:
        if problem := self._problem():
            log.warning("no ping of the dead man's check: %s", problem)
            return
        try:
            await self._ping()
        except DeliveryFailed as error:
            self._failures += 1
            log.warning("ping %d of the dead man's check failed: %s", self._failures, error)
            if self._failures == FAILURES:
                await self._report(f"{FAILURES} pings of the dead man's check failed. {error}")
            return
        if self._failures >= FAILURES:
            await self._report("")
        self._failures = 0
