"""Details, zoom, pause, copy and export."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from mexc_tui.model.trading import TradingState
from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.actions import export
from mexc_tui.tui.actions.file_writer import save
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.input_line import MAX_TYPED
from mexc_tui.tui.widgets.text_bar import TextBar
from tests.support.tui.counting_driver import RecordingDriver
from tests.support.tui.desk_app import SOON_S, desk, seen, until
from tests.support.tui.frozen_desk import FrozenDesk, position, risk
from tests.support.tui.sample_rows import engine_alarm, settings

pytestmark = pytest.mark.timeout(120)  # drives the app


def _wire(app: DeskApp) -> RecordingDriver:
    wire = app._driver  # pyright: ignore[reportPrivateUsage]
    assert isinstance(wire, RecordingDriver)
    return wire


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


async def _written(pilot: Pilot[None], folder: Path, ending: str) -> None:
    """Wait until a file exists."""
    async with asyncio.timeout(SOON_S):
        while not any(name.endswith(ending) and name[0] != "." for name in _names(folder)):
            await pilot.pause(0.02)


async def test_enter_shows_details_beside_or_instead_of_panes_and_escape_closes_them() -> None:
    for size, is_all_seen in (((80, 24), False), ((160, 34), True)):
        async with desk(size=size) as (app, pilot, _):
            await until(pilot, app, "Snipes 1")
            await pilot.press("tab", "tab", "enter")
            text = await until(pilot, app, "OPENUSDT  open")
            assert "Details: Positions" in text
            assert ("Active signals" in text) is is_all_seen
            await pilot.press("down")
            await until(pilot, app, "QUXUSDT  open")
            await pilot.press("escape")
            text = await until(pilot, app, "Active signals 3")
            assert "Details" not in text


async def test_zoom_shows_one_pane_and_then_all_again() -> None:
    async with desk(size=(80, 24)) as (app, pilot, _):
        await until(pilot, app, "Snipes 1")
        await pilot.press("tab", "z")
        await seen(pilot, app, lambda text: "Snipes" not in text, "the other panes stayed")
        text = await until(pilot, app, "launch sequence")
        assert "Next openings" not in text
        await pilot.press("z")
        await until(pilot, app, "Next openings 5")


async def test_a_paused_display_catches_up_and_times_can_be_utc_only() -> None:
    async with desk() as (app, pilot, frozen):
        await until(pilot, app, "LOSTUSDT")
        await pilot.press("p")
        await until(pilot, app, "DISPLAY PAUSED 0.0s")
        frozen.positions.put("P-QUXUSDT", position("QUXUSDT", "0.441", "0.5", "13.2", "13.4"))
        frozen.now_ms += 3_000
        text = await until(pilot, app, "DISPLAY PAUSED 3.0s, p resumes")
        assert "13.20" not in text
        await pilot.press("p")
        text = await until(pilot, app, "▲ +13.20")
        assert "FROZEN" not in text
        assert "16:13 here" in text
        await pilot.press("t")
        await seen(pilot, app, lambda text: "here" not in text, "the time here stayed")


async def test_a_row_is_copied_to_terminal_and_file_and_tables_are_exported(tmp_path: Path) -> None:
    environment = AppEnvironment(folder=tmp_path / "exports", in_tmux=True)
    async with desk(environment=environment) as (app, pilot, _):
        await until(pilot, app, "LOSTUSDT")
        await pilot.press("tab", "tab", "y")
        await _written(pilot, tmp_path / "exports", ".txt")
        copied = (tmp_path / "exports" / "copied.txt").read_text()
        assert copied.startswith("OPENUSDT\t▲ +27.57\t▲ +38.1%\t0.03412\t")
        assert "\x1b]52;c;T1BFTlVTRFQJ" in _wire(app).written
        assert "\x1bPtmux;\x1b\x1b]52;c;T1BFTlVTRFQJ" in _wire(app).written
        await pilot.press("e")
        await _written(pilot, tmp_path / "exports", ".csv")
        await pilot.press("E")
        await _written(pilot, tmp_path / "exports", ".json")
        await app.run_action("picture")
        await _written(pilot, tmp_path / "exports", ".svg")
        names = _names(tmp_path / "exports")
        assert [Path(name).suffix for name in names] == [".txt", ".csv", ".json", ".svg"]
        found = json.loads((tmp_path / "exports" / names[2]).read_text())
        assert [row["symbol"] for row in found] == ["OPENUSDT", "QUXUSDT", "LOSTUSDT"]
        assert found[0]["entry_price"] == "0.02471"
        rows = list(csv.DictReader((tmp_path / "exports" / names[1]).read_text().splitlines()))
        assert rows[1]["unrealised"] == "-0.97"
        assert rows[2]["bid"] == ""


async def test_an_export_to_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with desk(environment=AppEnvironment(folder=tmp_path / "file")) as (app, pilot, _):
        await pilot.press("e")
        happened = app._activity  # pyright: ignore[reportPrivateUsage]
        # A message disappears after seconds; the activity log keeps it.
        await seen(pilot, app, lambda _: any(one.action == "Export" for _, one in happened), "nothing came")
        await pilot.press("m")
        await until(pilot, app, "Export not saved (File exists)")


async def test_a_pasted_megabyte_is_ignored_and_keys_still_work() -> None:
    async with desk(size=(80, 24)) as (app, pilot, frozen):
        text = "X\x1b[31mY\r" * 200_000
        app.post_message(Paste(text))
        await pilot.press("slash", "f")
        app.post_message(Paste(text))
        await pilot.press("o")
        assert len(app.screen.query_one(Input).value) <= MAX_TYPED
        await pilot.press("escape", "m")
        await until(pilot, app, "ACTION  ")
        assert {name for name, _ in frozen.received} <= {"journal", "settings"}


@pytest.mark.parametrize(("bell", "flash"), [(True, False), (False, True)])
async def test_critical_notices_ring_and_flash_as_configured(
    bell: bool, flash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flashed: list[float] = []

    def note(_: BoardScreen, for_s: float) -> None:
        flashed.append(for_s)

    monkeypatch.setattr(BoardScreen, "flash", note)
    frozen = FrozenDesk()
    frozen.replies["settings"] = settings(bell=bell, flash=flash)
    async with desk(frozen, size=(80, 24)) as (app, pilot, _):
        await pilot.pause()
        frozen.risk.put("risk", engine_alarm(risk(TradingState.HALTED, "drawdown of 12 %")))
        await until(pilot, app, "trading halted by engine")
        rung = _wire(app).written.replace("\x1b]22;default\x07", "")  # the pointer's shape
        assert ("\x07" in rung) is bell
        assert bool(flashed) is flash


async def test_a_flash_changes_the_header_for_a_moment() -> None:
    async with desk(size=(80, 24)) as (app, pilot, _):
        board = app.screen
        assert isinstance(board, BoardScreen)
        header = board.query_one("#header", TextBar)
        before = header.render_line(0)
        board.add_class("-flash")
        await pilot.pause()
        assert header.render_line(0) != before
        board.flash(0.01)
        await seen(pilot, app, lambda _: header.render_line(0) == before, "it stays loud")


def test_a_file_is_written_atomically_and_readable_by_this_user_only(tmp_path: Path) -> None:
    path = save(tmp_path / "new", "a.csv", b"1")
    save(tmp_path / "new", "a.csv", b"22")
    assert path.read_bytes() == b"22"
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in path.parent.iterdir()] == ["a.csv"]
    (tmp_path / "a folder").mkdir()
    with pytest.raises(OSError, match="a folder"):
        save(tmp_path, "a folder", b"3")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a folder", "new"]


@given(st.text())
def test_no_csv_text_is_a_formula_and_every_text_is_recoverable(text: str) -> None:
    rows = list(csv.reader(io.StringIO(export.as_csv([{"NAME": text}]).decode("utf-8", "strict"))))
    if text:
        assert not rows[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert rows[1][0].removeprefix("'").replace("\r\n", "\n") in (
            text.removeprefix("'").replace("\r\n", "\n"),
            text.replace("\r\n", "\n"),
        )


def test_a_file_name_states_its_content_and_contains_no_path() -> None:
    assert export.file_name("Next openings", 1_790_000_000_000, "csv") == (
        "next-openings-20260921T141320Z.csv"
    )
    assert export.file_name("../..\x1b[31m", 1_790_000_000_000, "csv").startswith("31m-2026")


def test_a_text_too_large_for_the_clipboard_is_not_sent() -> None:
    assert export.fits_clipboard("x" * 50_000)
    assert not export.fits_clipboard("x" * 60_000)
