"""Run the app on a frozen desk, read its screen and wait for text."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mexc_tui.tui.action_mixin import DEFAULT_ENVIRONMENT, AppEnvironment
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.panes import LOADING
from mexc_tui.tui.themes import all_themes
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.frozen_desk import FrozenDesk

THEMES = all_themes(Path("/nonexistent"))
ZONE = timezone(timedelta(hours=2))
SOON_S = 40.0
"""Generous limit for a loaded machine."""


@asynccontextmanager
async def desk(
    frozen: FrozenDesk | None = None,
    size: tuple[int, int] = (120, 40),
    theme: str = "dark",
    environment: AppEnvironment = DEFAULT_ENVIRONMENT,
) -> AsyncGenerator[tuple[DeskApp, Pilot[None], FrozenDesk]]:
    """Open the desk; yield once the first screen shows money."""
    frozen = frozen or FrozenDesk()
    app = DeskApp(
        frozen.source(),
        THEMES,
        THEMES.by_name[theme],
        zone=ZONE,
        environment=environment,
        driver_class=RecordingDriver,
    )
    async with app.run_test(headless=False, size=size, notifications=True) as pilot:
        await until(pilot, app, "equity")
        yield app, pilot, frozen


def screen(app: DeskApp) -> list[str]:
    """Return the lines of the screen without colours."""
    strips = app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage]
    return [strip.text for strip in strips]


async def until(pilot: Pilot[None], app: DeskApp, words: str) -> str:
    """Wait until these words are on the screen; return all of its text."""
    return await seen(pilot, app, lambda text: words in text, f"{words!r} did not appear")


async def seen(pilot: Pilot[None], app: DeskApp, is_so: Callable[[str], bool], problem: str) -> str:
    """Wait until the screen satisfies the condition, however busy the machine is; return its text."""
    try:
        async with asyncio.timeout(SOON_S):
            while True:
                await pilot.pause(0.05)
                if is_so(text := "\n".join(screen(app))):
                    return text
    except TimeoutError:
        raise AssertionError(f"{problem}:\n" + "\n".join(screen(app))) from None


SAME_FOR = 4
"""Number of equal reads in a row that count as settled."""


async def settled(pilot: Pilot[Any], app: DeskApp) -> str:
    """Wait until every response has arrived and nothing changes; return the text of the screen."""
    before, same = "", 0
    for _ in range(400):
        await pilot.pause(0.05)
        now = "\n".join(line.rstrip() for line in screen(app))
        same = same + 1 if now == before and LOADING not in now else 0
        before = now
        if same >= SAME_FOR:
            return now
    raise AssertionError(f"the screen did not settle:\n{before}")
