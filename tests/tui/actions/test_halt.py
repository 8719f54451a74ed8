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
class Dialog:
    """A dialog or page: the keys that open it, a text on it, and its hint for the halt key."""

    keys: tuple[str, ...]
    shown_text: str
    halt_hint: str

    @property
    def takes_text(self) -> bool:
        """Whether letters are typed text there."""
        return self.halt_hint.startswith("^x")


DIALOGS = {
    "help": Dialog(("question_mark",), "Screens", "h: halt"),
    "activity log": Dialog(("m",), "ACTION  ", "h: halt"),
    "palette": Dialog(("ctrl+p",), "Search commands", "^x: halt"),
    "palette with words": Dialog(("ctrl+p", "x"), "Flatten", "^x: halt"),
    "filter": Dialog(("slash",), "!word", "^x Halt"),
    "form of a listing": Dialog(("2", "N"), "NEWUSDT", "^x Halt"),
    "form of exits": Dialog(("4", "M"), "trail PCT", "^x Halt"),
    "details": Dialog(("2", "enter"), "Details", "h Halt"),
    "question by key": Dialog(("X",), "FLATTEN?", "h Halt"),
    "question of a share": Dialog(("4", "P"), "Select a share.", "h Halt"),
    "question by phrase": Dialog(("5", "L"), PHRASE, "^x Halt"),
    "leave": Dialog(("q",), "Enter detaches.", "h  Halt entries now"),
    "zoomed": Dialog(("z",), "equity", "h Halt"),
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


@pytest.mark.parametrize("dialog", [pytest.param(dialog, id=name) for name, dialog in DIALOGS.items()])
async def test_the_halt_key_is_shown_and_works_in_every_dialog(dialog: Dialog) -> None:
    async with _at() as ui:
        await ui.press(*dialog.keys)
        await ui.until(dialog.shown_text)
        await ui.until(dialog.halt_hint)
        ui.sent_commands()
        if dialog.takes_text:
            await ui.press("h")
            assert ui.sent_commands() == []
        await ui.press("ctrl+x" if dialog.takes_text else "h")
        await ui.until("halted: by hand")
        assert ui.sent_commands() == ["halt"]
        if not dialog.takes_text:
            await ui.press("ctrl+x")
            assert ui.sent_commands() == ["halt"]


async def test_the_halt_key_is_shown_and_works_on_every_screen_and_the_welcome_page() -> None:
    async with _at() as ui:
        for number in range(1, 10):
            await ui.press(str(number))
            await ui.until("h Halt")
            for key in ("h", "ctrl+x"):
                await ui.press(key)
                assert ui.sent_commands().count("halt") == 1, (number, key)
        ui.app.push_screen(WelcomePage("Welcome", welcome_text(Mode.PRACTICE)))
        await ui.until("h        halt entries")
        await ui.press("h")
        assert ui.sent_commands() == ["halt"]


async def test_a_timer_that_fires_after_the_screens_closed_raises_nothing() -> None:
    async with _at() as here:
        app = here.app
    assert not app.screen_stack
    app._show_command()  # pyright: ignore[reportPrivateUsage]
