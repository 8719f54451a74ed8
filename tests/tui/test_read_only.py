"""Read-only mode is shown everywhere, offers only what works, and names the command for the rest."""

import pytest

from mexc_tui.model.trading import TradingState
from mexc_tui.tui.actions.actions import BY_ID
from mexc_tui.tui.keys import KEYS, footer, help_text, palette
from mexc_tui.tui.screens.registry import NAMES
from tests.support.tui.command_desk import command_desk, done
from tests.support.tui.frozen_desk import FrozenDesk, risk, status

pytestmark = pytest.mark.timeout(120)  # drives the app

SIZES = [(80, 24), (120, 40), (200, 60), (40, 24)]


def _read_only() -> FrozenDesk:
    frozen = FrozenDesk()
    frozen.may_operate = False
    return frozen


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen_and_page_shows_read_only(size: tuple[int, int]) -> None:
    async with command_desk(_read_only(), size) as ui:
        for number in range(1, len(NAMES) + 1):
            await ui.press(str(number))
            await ui.until("READ-ONLY")
        for key in ("question_mark", "m", "ctrl+p"):
            await ui.press(key)
            await ui.until("READ-ONLY")
            await ui.press("escape")


async def test_an_operator_screen_does_not_show_read_only() -> None:
    async with command_desk(size=(120, 40)) as ui:
        assert "READ-ONLY" not in ui.text


async def test_a_halt_from_a_read_only_screen_states_how_to_resume() -> None:
    frozen = _read_only()
    frozen.replies["halt"] = done("Entries are halted.")
    async with command_desk(frozen, (80, 24)) as ui:
        await ui.press("h")
        text = " ".join((await ui.until("Entries are halted.")).split())
        assert "Read-only mode cannot resume." in text
        assert "mexc-tui resume" in text
        assert "h or R resume" not in text
        ui.frozen.risk.put("risk", risk(TradingState.HALTED, "by hand"))
        await ui.press("h")
        text = " ".join((await ui.until("Unavailable in read-only mode.")).split())
        assert "Run mexc-tui resume, or open the desk with mexc-tui attach." in text
        assert ui.sent_commands() == ["halt"]


async def test_the_commands_to_use_instead_name_the_profile() -> None:
    frozen = _read_only()
    frozen.status.put("engine", status("live"))
    frozen.replies["reduce_only"] = done("No entries from now on.")
    async with command_desk(frozen, (120, 40)) as ui:
        await ui.press("r")
        text = " ".join((await ui.until("esc close")).split())
        assert "mexc-tui resume --profile live" in text
        assert "mexc-tui attach --profile live" in text


def test_read_only_help_names_no_unavailable_key() -> None:
    hidden = {key.id for key in KEYS if key.needs_operator}
    assert not any(BY_ID[name].lowers_risk for name in hidden if name in BY_ID)
    offered = [name for name, _, _ in palette(may_operate=False)]
    for board in NAMES:
        offered += [spot.text for spot in footer(400, may_operate=False, board=board)]
    for key in KEYS:
        if key.id in hidden:
            assert not any(one.endswith((f" {key.name}", f"{key.name} ({key.shown})")) for one in offered)
    assert "offer to resume" not in help_text(may_operate=False)
    assert "offer to resume" not in str(palette(may_operate=False))


def test_actions_that_read_only_mode_cannot_undo_name_the_command_that_can() -> None:
    for action in BY_ID.values():
        if action.lowers_risk and action.undo_hint:
            assert action.undo, action.id
