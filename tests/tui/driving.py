"""A desk in a terminal that a test drives and reads."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta, timezone
from pathlib import Path

from textual.pilot import Pilot

from mexc_tui.tui.acting import HERE, Outside
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.themes import all_themes
from tests.tui.frozen import Frozen
from tests.tui.painting import Counting

THEMES = all_themes(Path("/nonexistent"))
ZONE = timezone(timedelta(hours=2))


@asynccontextmanager
async def desk(
    frozen: Frozen | None = None,
    size: tuple[int, int] = (120, 40),
    theme: str = "dark",
    outside: Outside = HERE,
) -> AsyncGenerator[tuple[DeskApp, Pilot[None], Frozen]]:
    """Open the desk; it is left once the first screen shows money."""
    frozen = frozen or Frozen()
    app = DeskApp(
        frozen.source(), THEMES, THEMES.by_name[theme], ZONE, outside=outside, driver_class=Counting
    )
    async with app.run_test(headless=False, size=size, notifications=True) as pilot:
        await until(pilot, app, "equity")
        yield app, pilot, frozen


def screen(app: DeskApp) -> list[str]:
    """Return what is on the screen, without its colours."""
    strips = app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage]
    return [strip.text for strip in strips]


async def until(pilot: Pilot[None], app: DeskApp, words: str) -> str:
    """Wait until words are on the screen; return all that is on it then."""
    for _ in range(250):
        await pilot.pause(0.02)
        text = "\n".join(screen(app))
        if words in text:
            return text
    raise AssertionError(f"{words!r} did not come:\n" + "\n".join(screen(app)))
