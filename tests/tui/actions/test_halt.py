"""The halt key works and is shown on every screen and page."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from mexc_tui.desk.trading_requests import PreviewQuery
from mexc_tui.model.mode import Mode
from mexc_tui.model.plan_view import Preview
from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.screens.quit import WelcomePage
from mexc_tui.tui.screens.welcome import welcome_text
from tests.support.tui.command_desk import CommandDesk, done
from tests.support.tui.desk_app import desk
from tests.support.tui.live_desk import OFFER, PHRASE, live_desk

pytestmark = pytest.mark.timeout(120)  # drives the app


@dataclass(frozen=True)
class Place:
    """A dialog or page: the keys that open it, a text on it, and its hint for the halt key."""

    keys: tuple[str, ...]
    seen: str
    says: str

    @property
    def has_words(self) -> bool:
        """Whether letters are typed text there."""
        return self.says.startswith("^x")


PLACES = {
    "help": Place(("question_mark",), "Screens", "h: halt"),
    "activity log": Place(("m",), "ACTION  ", "h: halt"),
    "palette": Place(("ctrl+p",), "Search commands", "^x: halt"),
    "palette with words": Place(("ctrl+p", "x"), "Flatten", "^x: halt"),
    "filter": Place(("slash",), "!word", "^x Halt"),
    "form of a listing": Place(("2", "N"), "NEWUSDT", "^x Halt"),
    "form of exits": Place(("4", "M"), "trail PCT", "^x Halt"),
    "details": Place(("2", "enter"), "Details", "h Halt"),
    "question by key": Place(("X",), "FLATTEN?", "h Halt"),
    "question of a share": Place(("4", "P"), "Select a share.", "h Halt"),
    "question by phrase": Place(("5", "L"), PHRASE, "^x Halt"),
    "leave": Place(("q",), "Enter detaches.", "h  Halt entries now"),
    "zoomed": Place(("z",), "equity", "h Halt"),
}


@asynccontextmanager
async def _at() -> AsyncGenerator[CommandDesk]:
    now = [100.0]
    frozen = live_desk(is_locked=True)

    async def preview(asked: PreviewQuery) -> object:
        return OFFER if asked.name is Preview.UNLOCK else None

    frozen.replies |= {"halt": done("halted: by hand"), "preview": preview}
    async with desk(frozen, (120, 40), environment=AppEnvironment(now_s=lambda: now[0])) as (app, pilot, _):
        yield CommandDesk(app, pilot, frozen, now)


@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, place in PLACES.items()])
async def test_the_halt_key_is_shown_and_works_in_every_dialog(place: Place) -> None:
    async with _at() as one:
        await one.press(*place.keys)
        await one.until(place.seen)
        await one.until(place.says)
        one.sent_commands()
        if place.has_words:
            await one.press("h")
            assert one.sent_commands() == []
        await one.press("ctrl+x" if place.has_words else "h")
        await one.until("halted: by hand")
        assert one.sent_commands() == ["halt"]
        if not place.has_words:
            await one.press("ctrl+x")
            assert one.sent_commands() == ["halt"]


async def test_the_halt_key_is_shown_and_works_on_every_screen_and_the_welcome_page() -> None:
    async with _at() as one:
        for number in range(1, 10):
            await one.press(str(number))
            await one.until("h Halt")
            for key in ("h", "ctrl+x"):
                await one.press(key)
                assert one.sent_commands().count("halt") == 1, (number, key)
        one.app.push_screen(WelcomePage("Welcome", welcome_text(Mode.PRACTICE)))
        await one.until("h        halt entries")
        await one.press("h")
        assert one.sent_commands() == ["halt"]


async def test_a_timer_that_fires_after_the_screens_closed_raises_nothing() -> None:
    async with _at() as here:
        app = here.app
    assert not app.screen_stack
    app._show_command()  # pyright: ignore[reportPrivateUsage]
