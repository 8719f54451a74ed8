"""The desk by mouse only: screens, rows, keys; dangerous actions still ask."""

import pytest

from mexc_tui.tui.screens.registry import NAMES
from tests.support.tui.command_desk import CommandDesk, command_desk, done

pytestmark = pytest.mark.timeout(120)  # drives the app


async def _click(one: CommandDesk, words: str) -> None:
    """Click the last occurrence of a text."""
    one.now[0] += 1.0
    line = one.text.splitlines()[-1]
    await one.pilot.click(offset=(line.index(words), one.app.size.height - 1))


async def test_every_screen_is_one_click_away() -> None:
    for size in ((80, 24), (120, 40)):
        async with command_desk(size=size) as one:
            for number, name in enumerate(NAMES[1:], 2):
                await _click(one, f" {number}")
                await one.until(f"[{number}]")
                assert one.app.screen.name == name
            await _click(one, " 1 ")
            await one.until("[1]")


async def test_a_click_selects_the_row_that_a_clicked_key_acts_on() -> None:
    async with command_desk(size=(120, 40)) as one:
        one.frozen.replies["disarm"] = done("QUUXUSDT is disarmed.")
        await _click(one, " 2 ")
        lines = (await one.until("[2]")).splitlines()
        y = next(number for number, line in enumerate(lines) if "QUUXUSDT" in line)
        await one.pilot.click(offset=(4, y))
        assert one.table.cursor == "L-QUUXUSDT"
        await _click(one, "a Disarm")
        await one.until("QUUXUSDT is disarmed.")
        assert one.frozen.received[-1][1].symbol == "QUUXUSDT"
        await one.pilot.double_click(offset=(4, y))
        await one.until("Details: ")


async def test_a_clicked_dangerous_action_asks_and_further_clicks_do_not_confirm() -> None:
    async with command_desk(size=(120, 40)) as one:
        one.frozen.replies |= {"flatten": done("all sold"), "halt": done("halted: by hand")}
        await _click(one, "X Flatten")
        await one.until("FLATTEN?")
        await _click(one, "X Flatten")
        await one.gone("FLATTEN?")
        assert one.sent_commands() == []
        await _click(one, "X Flatten")
        await one.until("FLATTEN?")
        await _click(one, "h Halt")
        await one.until("halted: by hand")
        assert one.sent_commands() == ["halt"]


async def test_the_remaining_keys_can_be_clicked_while_typing() -> None:
    async with command_desk(size=(120, 40)) as one:
        one.frozen.replies["halt"] = done("halted: by hand")
        await _click(one, "/ Filter")
        await one.until("^x Halt")
        await _click(one, "^x Halt")
        await one.until("halted: by hand")
        await _click(one, "esc cancel")
        await one.until("h Halt")
        await one.press("escape")
        await one.gone("halted: by hand")
