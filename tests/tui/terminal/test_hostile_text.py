"""Terminal output when every text of every row contains control sequences (reliability 4.5)."""

import re
import unicodedata

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.keys import KEYS, KeyGroup
from mexc_tui.tui.screens.registry import NAMES
from mexc_tui.tui.widgets.cell import Tone
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.hostile_desk import TEXTS, HostileDesk

pytestmark = pytest.mark.timeout(120)  # drives the app

_OWN = re.compile(
    r"\x1b\[(?:\?2026[hl]|\?25[hl]|\d+;\d+H|[0-9;]*m)|\x1b\]22;[a-z-]*\x07|\x1b\[\?1[0-9]{3}[hl]|\r?\n"
)
"""Sequences sent with clean data: synchronised output, positions, colours, pointer shape."""
_WORDS = ("777", "]52;", "]0;", "\x9b", "\x90", "P1;1|")


def _is_bad(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _check(app: DeskApp, where: str) -> None:
    wire = app._driver  # pyright: ignore[reportPrivateUsage]
    assert isinstance(wire, RecordingDriver)
    rest = _OWN.sub("", wire.written)
    assert {char for char in rest if _is_bad(char)} == set(), where
    for word in _WORDS:
        at = wire.written.find("\x1b" + word)
        assert at < 0, (where, wire.written[at : at + 40])
    assert "\x1b[777" not in wire.written, where
    assert re.search(r"[\u0300-\u036f]{3}", rest) is None, where
    width = app.screen.size.width
    assert {cell_len(line) for line in screen(app)} == {width}, where
    wire.written = ""


async def _settle(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause(0.02)


async def test_row_text_cannot_control_the_terminal_or_break_lines() -> None:
    async with desk(HostileDesk(), size=(160, 48)) as (app, pilot, _):
        numbers = [key for key in KEYS if key.group is KeyGroup.SCREENS]
        assert len(numbers) == len(NAMES)
        seen = ""
        for key in numbers:
            await pilot.press(key.keys)
            await _settle(pilot)
            await pilot.press("enter")
            await _settle(pilot)
            _check(app, key.id)
            seen += "\n".join(screen(app))
        assert "[@click=app" in seen  # markup is shown as it is written


async def test_text_of_actions_news_and_pages_cannot_control_the_terminal() -> None:
    async with desk(HostileDesk(), size=(80, 24)) as (app, pilot, _):
        for key in ("4", "D", "n", "X", "n", "R", "n", "a", "B"):
            await pilot.press(key)
            await _settle(pilot)
            _check(app, key)
        app.log_result("; ".join(TEXTS), "; ".join(text[:24] for text in TEXTS), Tone.BAD)
        await until(pilot, app, "copied;")
        _check(app, "news")
        for key in ("m", "down", "escape", "slash"):
            await pilot.press(key)
            await _settle(pilot)
            _check(app, key)
