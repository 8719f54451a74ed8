"""A frozen desk that records the commands it receives, and the keys that send them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.widgets.table import Table
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import desk, screen, seen, until
from tests.support.tui.frozen_desk import FrozenDesk

QUESTIONS = {"preview", "journal", "settings", "market", "performance", "equity", "what_if", "why"}


@dataclass
class CommandDesk:
    """A desk driven by a test, with a clock that the test moves."""

    app: DeskApp
    pilot: Pilot[None]
    frozen: FrozenDesk
    now: list[float]

    async def press(self, *keys: str) -> None:
        """Press keys, with a human pause before each."""
        for key in keys:
            self.now[0] += 1.0
            await self.pilot.press(key)

    async def until(self, words: str) -> str:
        """Wait until the screen contains these words."""
        return await until(self.pilot, self.app, words)

    async def gone(self, words: str) -> None:
        """Wait until the screen no longer contains these words."""
        await seen(self.pilot, self.app, lambda text: words not in text, f"{words!r} stayed")

    @property
    def wire(self) -> RecordingDriver:
        """Return the bytes sent to the terminal."""
        driver = self.app._driver  # pyright: ignore[reportPrivateUsage]
        assert isinstance(driver, RecordingDriver)
        return driver

    @property
    def text(self) -> str:
        """Return the text on the screen."""
        return "\n".join(screen(self.app))

    @property
    def table(self) -> Table:
        """Return the table that receives keys."""
        assert isinstance(self.app.screen, BoardScreen)
        table = self.app.screen.table
        assert table is not None
        return table

    def sent_commands(self) -> list[str]:
        """Return the names of the commands received since the last call."""
        names = [name for name, _ in self.frozen.received if name not in QUESTIONS]
        self.frozen.received.clear()
        return names


@asynccontextmanager
async def command_desk(
    frozen: FrozenDesk | None = None, size: tuple[int, int] = (100, 26)
) -> AsyncGenerator[CommandDesk]:
    """Open a desk."""
    now = [100.0]
    async with desk(frozen, size, environment=AppEnvironment(now_s=lambda: now[0])) as (app, pilot, held):
        yield CommandDesk(app, pilot, held, now)


def done(words: str, outcome: CommandOutcome = CommandOutcome.DONE) -> Reply[Any]:
    return Reply(outcome, words, None, is_repeated=False)
