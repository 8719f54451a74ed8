"""Settings over the desk API: rows, checks, and undo of a change."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import NoArguments, SettingChange, SettingUndo
from mexc_tui.model.view import SettingRow
from mexc_tui.settings.all_settings import TABLE
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.desk_server import client_of
from tests.support.desk_server import running_client as attached
from tests.support.engine.practice_day import PracticeDay, setting_text

pytestmark = pytest.mark.timeout(120)  # runs whole engines

NAME = "max_positions"


async def undo(client: DeskClient, name: str = "") -> Reply[SettingRow]:
    return await client.send(engine_requests.UNDO, SettingUndo(name=name), deadline_s=5)


async def check(client: DeskClient, name: str, text: str) -> Reply[engine_requests.CheckPassed]:
    return await client.send(engine_requests.CHECK_SETTING, SettingChange(name=name, text=text), deadline_s=5)


async def change(client: DeskClient, name: str, text: str) -> None:
    reply = await client.send(engine_requests.SET, SettingChange(name=name, text=text), deadline_s=5)
    assert reply.outcome is CommandOutcome.DONE, reply.message


def test_the_last_change_is_undone_and_redone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running, attached(client_of(day.paths.socket)) as client:
            nothing = await undo(client)
            assert (nothing.outcome, nothing.message) == (
                CommandOutcome.REFUSED,
                "No setting has been changed.",
            )
            before = TABLE[NAME].default
            await change(client, NAME, "7")
            done = await undo(client)
            assert done.message == f"{NAME} = {before} again; it was 7."
            assert setting_text(running, NAME) == before
            again = await undo(client, NAME)
            assert again.message == f"{NAME} = 7 again; it was {before}."
            assert setting_text(running, NAME) == "7"

    simulate(main)


def test_undo_with_a_name_reverts_the_change_of_that_setting(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running, attached(client_of(day.paths.socket)) as client:
            await change(client, NAME, "7")
            await change(client, "max_trades_hour", "9")
            assert (await undo(client, NAME)).outcome is CommandOutcome.DONE
            assert setting_text(running, NAME) == TABLE[NAME].default
            assert setting_text(running, "max_trades_hour") == "9"

    simulate(main)


def test_a_setting_changed_in_the_file_since_then_is_not_undone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running, attached(client_of(day.paths.socket)) as client:
            await change(client, NAME, "7")
            day.paths.settings.write_text("")
            running.engine.parts.settings.reload(sim.clock.now_ms())
            reply = await undo(client, NAME)
            assert reply.outcome is CommandOutcome.REFUSED
            assert "is no longer 7" in reply.message

    simulate(main)


def test_rows_state_value_and_origin_of_a_setting(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine(), attached(client_of(day.paths.socket)) as client:
            await asyncio.sleep(0)
            reply = await client.send(engine_requests.SETTINGS, NoArguments(), deadline_s=5)
            assert reply.result is not None
            rows = {one.name: one for one in reply.result.rows}
            row = rows["daily_loss_halt_pct"]
            assert (row.group, row.unit, row.allowed, row.default) == ("Risk", "%", "0.1 to 50", "2")
            assert (row.needs_restart, row.origin, bool(row.help)) == (False, "the default", True)
            assert set(rows) == set(TABLE)

    simulate(main)


def test_a_change_is_checked_before_it_is_made(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running, attached(client_of(day.paths.socket)) as client:
            before = day.paths.settings.read_text() if day.paths.settings.exists() else ""
            answers = [await check(client, NAME, text) for text in ("7", "ab", "0")]
            assert [one.outcome for one in answers] == [
                CommandOutcome.DONE,
                CommandOutcome.REFUSED,
                CommandOutcome.REFUSED,
            ]
            assert answers[1].message.startswith(f"{NAME} = ab: ")
            stays = await check(client, NAME, setting_text(running, NAME))
            assert "stays" in stays.message
            assert (await check(client, "no_such", "1")).outcome is CommandOutcome.REFUSED
            after = day.paths.settings.read_text() if day.paths.settings.exists() else ""
            assert after == before

    simulate(main)
