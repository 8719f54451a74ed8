"""Every key on the welcome page works there, and the page never covers an opening."""

import pytest

from mexc_tui.model.mode import Mode
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.pages import HelpScreen
from mexc_tui.tui.screens.quit import CLOSE_BEFORE_MS, LeavePage, WelcomePage
from mexc_tui.tui.screens.welcome import welcome_text
from tests.support.tui.command_desk import CommandDesk, command_desk, done
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk


async def _welcomed(ui: CommandDesk) -> None:
    ui.app.action_welcome()
    await ui.until("Enter to continue.")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_key_named_on_the_welcome_page_works_there(size: tuple[int, int]) -> None:
    frozen = FrozenDesk()
    frozen.replies["halt"] = done("Entries are halted.")
    words = welcome_text(Mode.PRACTICE)
    assert all(key in words for key in ("1 to 9", "?  ", "h  ", "q  ", "Enter to continue."))
    async with command_desk(frozen, size) as ui:
        for number, name in ((1, "desk"), (4, "positions"), (9, "settings")):
            await _welcomed(ui)
            await ui.press(str(number))
            await ui.gone("Enter to continue.")
            assert isinstance(ui.app.screen, BoardScreen)
            assert ui.app.screen.name == name
        await _welcomed(ui)
        await ui.press("h")
        await ui.until("Entries are halted.")
        assert ui.sent_commands() == ["halt"]
        await ui.press("enter")
        await ui.gone("Enter to continue.")
        for key, page in (("question_mark", HelpScreen), ("q", LeavePage)):
            await _welcomed(ui)
            await ui.press(key)
            await ui.gone("Enter to continue.")
            assert isinstance(ui.app.screen, page)
            await ui.press("escape")


async def test_the_welcome_page_closes_before_an_opening_and_can_be_reopened() -> None:
    async with command_desk(size=(80, 24)) as ui:
        await _welcomed(ui)
        ui.frozen.now_ms = NOW_MS + 47_000 - CLOSE_BEFORE_MS
        await ui.gone("Enter to continue.")
        assert not isinstance(ui.app.screen, WelcomePage)
        await ui.until("Welcome closed before an opening. Reopen: ^p Welcome.")
        titles = [command.title for command in ui.app.get_system_commands(ui.app.screen)]
        assert "Welcome" in titles
