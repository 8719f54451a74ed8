"""A practice exchange in a thread of the test process."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.scenario import Scenario
from mexc_tui.practice.server import serving


@contextmanager
def exchange_in_thread(scenario: Scenario) -> Generator[Endpoint]:
    """Serve a scenario during the block; a separate process would take half a second to start."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[Endpoint] = []
    over = asyncio.Event()

    async def serve() -> None:
        async with serving(scenario, 1) as endpoint:
            found.append(endpoint)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
