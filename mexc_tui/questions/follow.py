"""Goes on listening: every fact behind a number, as it happens, across an engine's restarts."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from mexc_tui.bootstrap import SystemClock
from mexc_tui.desk.client import DeskClient, Link, LinkState
from mexc_tui.desk.kinds import Role
from mexc_tui.engine.rows import fact_row
from mexc_tui.model.event import Fact
from mexc_tui.model.view import FactRow


def follow(
    socket: Path, who: str, after: int, show: Callable[[FactRow], None], tell: Callable[[str], None]
) -> None:
    """Show facts until interrupted; `tell` hears when the engine is gone. Not for use in a running loop."""
    asyncio.run(_follow(socket, who, after, show, tell))


async def _follow(
    socket: Path, who: str, after: int, show: Callable[[FactRow], None], tell: Callable[[str], None]
) -> None:
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_fact(fact: Fact) -> None:
        try:
            show(fact_row(fact))
        except BrokenPipeError as error:  # whoever reads along has gone
            if not ended.done():
                ended.set_exception(error)

    def on_link(state: LinkState) -> None:
        if state.link is not Link.CONNECTED:
            tell(state.words)

    client = DeskClient(socket, who, Role.VIEW, SystemClock().now_ms, Random())
    client.on_link(on_link)
    client.follow(after, on_fact)
    running = asyncio.create_task(client.run())
    try:
        await ended
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
