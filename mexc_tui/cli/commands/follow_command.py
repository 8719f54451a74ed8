"""Follow the journal: print every event after a number, across restarts of the engine."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.desk.api_types import Role
from mexc_tui.desk.client import DeskClient, Link, LinkState
from mexc_tui.engine.views.listing_rows import fact_row
from mexc_tui.host.standard_streams import OUTPUT, OutputLost
from mexc_tui.model.event import Fact
from mexc_tui.model.view import FactRow


def follow(
    socket: Path, who: str, after: int, *, show: Callable[[FactRow], None], report: Callable[[str], None]
) -> None:
    """Print events until interrupted; `report` receives connection problems. Starts an event loop.

    Raises OutputLost when the reader of standard output has exited.
    """
    asyncio.run(_follow(socket, who, after, show=show, report=report))


async def _follow(
    socket: Path, who: str, after: int, *, show: Callable[[FactRow], None], report: Callable[[str], None]
) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_exception(OutputLost())

    def on_fact(fact: Fact) -> None:
        try:
            show(fact_row(fact))
        except OutputLost:
            end()

    def on_link(state: LinkState) -> None:
        if state.link is not Link.CONNECTED:
            report(state.cause)

    client = DeskClient(socket, who=who, role=Role.VIEW, now_ms=SystemClock().now_ms, rng=Random())
    client.on_link(on_link)
    client.follow(after, on_fact)
    running = asyncio.create_task(client.run())
    if stat.S_ISFIFO(os.fstat(OUTPUT).st_mode):
        loop.add_reader(OUTPUT, end)  # a pipe's writing end is ready to read once its reader is gone
    try:
        await ended
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
