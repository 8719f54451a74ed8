"""Live trading on screen: locked state, unlocking by a typed phrase, locking by the same key."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from textual.events import Paste

from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.tui.widgets.header_text import lines
from tests.support.tui.controller_bench import ControllerBench, previewed
from tests.support.tui.desk_app import desk, screen, until
from tests.support.tui.frozen_desk import FrozenDesk, risk, status
from tests.support.tui.live_desk import PHRASE, live_desk
from tests.support.tui.sample_rows import KNOWN

pytestmark = pytest.mark.timeout(120)  # drives the app


def sent_unlocks(frozen: FrozenDesk) -> list[tuple[str, Any]]:
    return [one for one in frozen.received if one[0] in ("unlock", "lock")]


def test_the_header_never_allows_entries_while_live_trading_is_locked() -> None:
    known = replace(KNOWN, status=status("live"), risk=msgspec.structs.replace(risk(), is_locked=True))
    for width in (60, 80, 120, 200):
        said = " ".join(part.text for line in lines(known, width) for part in line)
        assert "LIVE LOCKED" in said
        assert "entries allowed" not in said


async def test_unlocking_needs_the_whole_phrase_and_sends_it() -> None:
    bench = ControllerBench(live_desk(is_locked=True))
    await bench.press("L")
    assert "up to 3 positions of 100.00 USDT" in await bench.until(PHRASE)
    await bench.press("enter", "Y", "L")
    assert bench.sent_commands == []
    await bench.press("escape", "L")
    await bench.until(PHRASE)
    await bench.press(*PHRASE[:-1])
    assert bench.sent_commands == []
    await bench.press(PHRASE[-1])
    assert bench.sent_commands == ["unlock"]
    assert bench.args("unlock").typed == PHRASE


async def test_a_refused_unlock_states_its_reasons_and_sends_nothing() -> None:
    frozen = live_desk(is_locked=True)
    frozen.replies["preview"] = previewed("Not yet: the key CAN WITHDRAW.", is_allowed=False)
    bench = ControllerBench(frozen)
    await bench.press("L")
    assert "CAN WITHDRAW" in await bench.until("refused")
    assert bench.sent_commands == []


async def test_a_read_only_screen_cannot_unlock() -> None:
    frozen = live_desk(is_locked=True)
    frozen.may_operate = False
    bench = ControllerBench(frozen)
    await bench.press("L")
    await bench.until("Unavailable in read-only mode.")
    assert frozen.received == []


async def test_a_pasted_phrase_is_ignored_and_a_typed_one_unlocks() -> None:
    async with desk(live_desk(is_locked=True)) as (app, pilot, frozen):
        assert "LIVE LOCKED" in "\n".join(screen(app))
        await pilot.press("5")
        await until(pilot, app, "LIVE TRADING LOCKED")
        await pilot.press("L")
        await until(pilot, app, PHRASE)
        app.post_message(Paste(PHRASE))
        await until(pilot, app, "Pasted text is ignored")
        assert sent_unlocks(frozen) == []


async def test_the_unlock_key_locks_immediately_when_unlocked() -> None:
    async with desk(live_desk(is_locked=False)) as (app, pilot, frozen):
        assert "LIVE - REAL MONEY" in "\n".join(screen(app))
        await pilot.press("5")
        await until(pilot, app, "live trading unlocked until")
        await pilot.press("L")
        await until(pilot, app, "Live trading is locked.")
        assert [name for name, _ in sent_unlocks(frozen)] == ["lock"]


async def test_a_refused_unlock_is_shown_as_refused() -> None:
    frozen = live_desk(is_locked=True)
    frozen.replies["unlock"] = Reply(CommandOutcome.REFUSED, "No phrase is waiting.", None, is_repeated=False)
    bench = ControllerBench(frozen)
    await bench.press("L")
    await bench.until(PHRASE)
    await bench.press(*PHRASE)
    assert "No phrase is waiting" in await bench.until("refused")
