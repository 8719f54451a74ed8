"""Bytes per second sent to a terminal while a page covers a live screen."""

from decimal import Decimal

import pytest

from mexc_tui.model.mode import Mode
from mexc_tui.tui.screens.quit import WelcomePage
from mexc_tui.tui.screens.welcome import welcome_text
from tests.support.tui.desk_on_pty import DeskOnPty, desk_on_pty
from tests.support.tui.frozen_desk import position

pytestmark = pytest.mark.timeout(120)  # drives the app

MOST_PER_S = 1_300
"""Of the quietest second: on a busy machine repaints of several seconds fall into one."""


async def _second(here: DeskOnPty, number: int) -> int:
    """Change prices, advance a second, and return the bytes until the header shows it."""
    begun = len(here.drawn)
    gain = str(Decimal(13) + number)
    here.frozen.positions.put("P-QUXUSDT", position("QUXUSDT", "0.441", "0.5", gain, gain))
    here.frozen.advance(1_000)
    here.app.call_later(here.app._each_second)  # pyright: ignore[reportPrivateUsage]
    seconds = here.frozen.now_ms // 1_000 % 60
    await here.until(lambda: f":{seconds:02}Z".encode() in here.drawn[begun:])
    return len(here.drawn) - begun


@pytest.mark.parametrize("keys", ["welcome", "?", "m", "q", ":"])
async def test_a_page_over_a_live_screen_is_not_resent_every_second(keys: str) -> None:
    async with desk_on_pty() as here:
        if keys == "welcome":
            page = WelcomePage("Welcome", welcome_text(Mode.PRACTICE))
            here.app.call_later(here.app.push_screen, page)
        else:
            here.send(keys.encode())
        await here.until(lambda: len(here.app.screen_stack) > 2)
        await _second(here, 0)
        await _second(here, 1)  # the page itself is painted
        assert min([await _second(here, number) for number in range(2, 6)]) < MOST_PER_S


async def test_a_notification_does_not_resend_the_screen_every_second() -> None:
    async with desk_on_pty() as here:
        here.app.call_later(here.app.show_message, "Settings changed.")
        await _second(here, 0)
        await _second(here, 1)
        assert "Settings changed." in here.notes()
        assert min([await _second(here, number) for number in range(2, 6)]) < 2 * MOST_PER_S


async def test_a_screen_is_current_when_the_page_over_it_closes() -> None:
    async with desk_on_pty() as here:
        here.send(b"?")
        await here.until(lambda: len(here.app.screen_stack) > 2)
        await _second(here, 7)
        begun = len(here.drawn)
        here.send(b"?")
        await here.until(lambda: b"20.00" in here.drawn[begun:])
        assert b":21Z" in here.drawn[begun:]
