"""The report of a finished day, from the store."""

from pathlib import Path

from mexc_tui.app.day_report import BEFORE_START_MS, stored_report
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.model.event import EngineStarted
from mexc_tui.settings.load import Layers, load
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.store import SqliteStore

DAY_MS = 10_000_000


async def _store(path: Path, *starts: tuple[int, str]) -> None:
    store = await SqliteStore.open(path, SystemClock())
    for at_ms, session in starts:
        started = EngineStarted(at_ms=at_ms, about="practice", mode="practice", exchange_session=session)
        await store.write("start", lambda unit, started=started: unit.record(started))
    await store.close()


async def test_a_day_lasts_from_the_first_start_of_its_session_to_its_newest_event(
    tmp_path: Path,
) -> None:
    path = tmp_path / "desk.sqlite3"
    await _store(path, (DAY_MS, "old"), (2 * DAY_MS, "new"), (3 * DAY_MS, "new"))
    loaded = load(Layers())
    report = read_offline(
        path, SystemClock(), lambda stored: stored_report(stored, loaded, None, since_ms=None)
    )
    assert (report.exchange_session, report.from_ms, report.to_ms) == (
        "new",
        2 * DAY_MS - BEFORE_START_MS,
        3 * DAY_MS,
    )
    running = read_offline(
        path, SystemClock(), lambda stored: stored_report(stored, loaded, 4 * DAY_MS, since_ms=DAY_MS)
    )
    assert (running.from_ms, running.to_ms) == (DAY_MS, 4 * DAY_MS)
    assert report.unknown[0] == "No listings."


async def test_on_the_real_exchange_a_day_begins_with_the_last_start(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite3"
    await _store(path, (DAY_MS, ""), (2 * DAY_MS, ""))
    loaded = load(Layers())
    report = read_offline(
        path, SystemClock(), lambda stored: stored_report(stored, loaded, None, since_ms=None)
    )
    assert (report.exchange_session, report.from_ms) == ("", 2 * DAY_MS - BEFORE_START_MS)
