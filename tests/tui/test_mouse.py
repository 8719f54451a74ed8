"""The desk by mouse only: screens, rows, keys; dangerous actions still ask."""

import pytest

from mexc_tui.tui.screens.registry import NAMES
from tests.support.tui.command_desk import CommandDesk, command_desk, done

pytestmark = pytest.mark.timeout(120)  # drives the app


async def _click(ui: CommandDesk, words: str) -> None:
    """Click the last occurrence of a text."""
    ui.now[0] += 1.0
    line = ui.text.splitlines()[-1]
    await ui.pilot.click(offset=(line.index(words), ui.app.size.height - 1))


async def test_every_screen_is_one_click_away() -> None:
    for size in ((80, 24), (120, 40)):
        async with command_desk(size=size) as ui:
            for number, name in enumerate(NAMES[1:], 2):
                await _click(ui, f" {number}")
                await ui.until(f"[{number}]")
                assert ui.app.screen.name == name
            await _click(ui, " 1 ")
            await ui.until("[1]")


async def test_a_click_selects_the_row_that_a_clicked_key_acts_on() -> None:
    async with command_desk(size=(120, 40)) as ui:
        ui.frozen.replies["disarm"] = done("QUUXUSDT is disarmed.")
        await _click(ui, " 2 ")
        lines = (await ui.until("[2]")).splitlines()
        y = next(number for number, line in enumerate(lines) if "QUUXUSDT" in line)
        await ui.pilot.click(offset=(4, y))
        assert ui.table.cursor == "L-QUUXUSDT"
        await _click(ui, "a Disarm")
        await ui.until("QUUXUSDT is disarmed.")
        assert ui.frozen.received[-1][1].symbol == "QUUXUSDT"
        await ui.pilot.double_click(offset=(4, y))
        await ui.until("Details: ")


async def test_a_clicked_dangerous_action_asks_and_further_clicks_do_not_confirm() -> None:
    async with command_desk(size=(120, 40)) as ui:
        ui.frozen.replies |= {"flatten": done("all sold"), "halt": done("halted: by hand")}
        await _click(ui, "X Flatten")
        await ui.until("FLATTEN?")
        await _click(ui, "X Flatten")
        await ui.gone("FLATTEN?")
        assert ui.sent_commands() == []
        await _click(ui, "X Flatten")
        await ui.until("FLATTEN?")
        await _click(ui, "h Halt")
        await ui.until("halted: by hand")
        assert ui.sent_commands() == ["halt"]


async def test_the_remaining_keys_can_be_clicked_while_typing() -> None:
    async with command_desk(size=(120, 40)) as ui:
        ui.frozen.replies["halt"] = done("halted: by hand")
        await _click(ui, "/ Filter")
        await ui.until("^x Halt")
        await _click(ui, "^x Halt")
        await ui.until("halted: by hand")
        await _click(ui, "esc cancel")
        await ui.until("h Halt")
        await ui.press("escape")
        await ui.gone("halted: by hand")
