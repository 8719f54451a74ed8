"""Each fact of a diagnosis gives ok, warn or fail, and everything but ok names its fix."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

from mexc_tui.doctor.check import Check, CheckStatus
from mexc_tui.doctor.engine_checks import check_engine, check_no_engine
from mexc_tui.doctor.exchange_checks import check_announcements, check_clock, check_latency, check_weights
from mexc_tui.doctor.machine_checks import (
    MIB,
    FileFacts,
    KeyFacts,
    ServiceFacts,
    TerminalFacts,
    check_backup,
    check_disk,
    check_files,
    check_key,
    check_service,
    check_terminal,
)
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.trading import TradingState
from mexc_tui.model.view import BudgetRow, LaneRow, SourceRow, WorkerRow
from tests.support.tui.frozen_desk import status

OK, WARN, FAIL = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
TODAY = date(2026, 12, 1)
PRIVATE = FileFacts(Path("/state/desk.sqlite3"), is_folder=False, mode=0o600, is_own=True)
TERMINAL = TerminalFacts(
    is_terminal=True, kind="xterm-256color", encoding="utf-8", columns=120, lines=40, has_true_colour=True
)
SERVICE = ServiceFacts(
    is_installed=True,
    state="active (running)",
    is_running=True,
    is_enabled=True,
    user="trader",
    survives_logout=True,
)


def judged(found: Check) -> CheckStatus:
    """Return the status, after checking that a finding and only a finding names its fix."""
    assert found.text
    assert bool(found.fix) == (found.status is not OK)
    return found.status


def test_a_file_open_to_others_fails_with_the_command_that_closes_it() -> None:
    assert judged(check_files([PRIVATE])) is OK
    folder = FileFacts(Path("/state dir"), is_folder=True, mode=0o755, is_own=True)
    found = check_files([PRIVATE, replace(PRIVATE, mode=0o640), folder])
    assert judged(found) is FAIL
    assert found.fix == "chmod 600 /state/desk.sqlite3; chmod 700 '/state dir'"


def test_a_file_of_another_user_fails() -> None:
    found = check_files([replace(PRIVATE, is_own=False)])
    assert (judged(found), "chown" in found.fix) == (FAIL, True)


@pytest.mark.parametrize(
    ("free_mib", "used_mib", "status"),
    [(100, 1, FAIL), (500, 1, WARN), (2_000, 1_500, WARN), (2_000, 10, OK)],
)
def test_a_full_disk_fails_and_a_nearly_full_one_warns(
    free_mib: int, used_mib: int, status: CheckStatus
) -> None:
    assert judged(check_disk(free_mib * MIB, used_mib * MIB)) is status


def test_a_missing_or_old_backup_names_the_command_that_makes_one() -> None:
    folder = Path("/state/backups")
    for newest_ms in (None, DAY_MS):
        found = check_backup(newest_ms, 4 * DAY_MS, folder)
        assert (judged(found), found.fix) == (WARN, "mexc-tui backup")
    assert judged(check_backup(3 * DAY_MS, 4 * DAY_MS, folder)) is OK


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (TERMINAL, OK),
        (replace(TERMINAL, is_terminal=False), OK),
        (replace(TERMINAL, kind="dumb"), WARN),
        (replace(TERMINAL, kind=""), WARN),
        (replace(TERMINAL, encoding="ascii"), WARN),
        (replace(TERMINAL, columns=60), WARN),
    ],
)
def test_a_terminal_that_cannot_show_the_desk_warns(found: TerminalFacts, status: CheckStatus) -> None:
    assert judged(check_terminal(found)) is status


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (SERVICE, OK),
        (ServiceFacts(is_installed=False), OK),
        (replace(SERVICE, is_running=False), FAIL),
        (replace(SERVICE, survives_logout=False), WARN),
        (replace(SERVICE, is_enabled=False), WARN),
    ],
)
def test_an_installed_service_must_run_and_survive_a_logout(found: ServiceFacts, status: CheckStatus) -> None:
    assert judged(check_service(found)) is status


def test_a_key_warns_fifteen_days_before_it_expires() -> None:
    assert judged(check_key(None, TODAY)) is FAIL
    assert judged(check_key(KeyFacts("abcd", date(2026, 12, 17)), TODAY)) is OK
    assert judged(check_key(KeyFacts("abcd", date(2026, 12, 16)), TODAY)) is WARN
    assert judged(check_key(KeyFacts("abcd", date(2026, 11, 16)), TODAY)) is WARN
    assert judged(check_key(KeyFacts("abcd", None), TODAY)) is OK


@pytest.mark.parametrize(
    ("offset_ms", "error_ms", "status"),
    [(3, 2, OK), (-1_500, 2, WARN), (90_000, 2, FAIL), (0, 300, WARN), (0, 950, FAIL)],
)
def test_a_wrong_or_uncertain_clock_is_reported(
    offset_ms: float, error_ms: float, status: CheckStatus
) -> None:
    assert judged(check_clock(offset_ms, error_ms)) is status


def test_a_slow_endpoint_warns() -> None:
    assert judged(check_latency("rest", "api.mexc.com", 80)) is OK
    assert judged(check_latency("rest", "api.mexc.com", 900)) is WARN


def test_a_ban_fails_and_a_nearly_used_budget_warns() -> None:
    def budget(used: int, ban: str = "") -> BudgetRow:
        return BudgetRow(lanes=(LaneRow(name="weight", used=used, limit=500, window_s=10),), ban=ban)

    assert judged(check_weights(budget(20))) is OK
    assert judged(check_weights(budget(450))) is WARN
    assert judged(check_weights(budget(20, "banned"))) is FAIL
    paced = LaneRow(name="requests", used=20, limit=20, window_s=1)
    assert judged(check_weights(BudgetRow(lanes=(paced,)))) is OK


def test_an_announced_change_of_the_api_warns_for_thirty_days() -> None:
    change = Announcement(title="Update of the Spot API rate limits", url="https://x/1", post_time=DAY_MS)
    listing = Announcement(title="MEXC will list CAPITAL (API)"[:20], post_time=DAY_MS)
    found = check_announcements([listing, change], 2 * DAY_MS)
    assert (judged(found), found.fix) == (WARN, "Read it: https://x/1")
    assert judged(check_announcements([change], 40 * DAY_MS)) is OK
    assert judged(check_announcements([listing], 2 * DAY_MS)) is OK


def test_an_engine_with_a_failing_worker_fails_and_a_halted_one_warns() -> None:
    worker = WorkerRow(
        name="polls",
        state="failed",
        since_ms=0,
        is_degraded=True,
        failures=3,
        restarts=3,
        last_error="no route",
    )
    source = SourceRow(source="calendar", read_ms=None, failures=4, problem="HTTP 403")
    sick = msgspec.structs.replace(
        status(),
        trading_state=TradingState.HALTED,
        cause="by hand",
        workers=(worker,),
        sources=(source,),
        pending_settings=("mode",),
    )
    assert {found.name: judged(found) for found in check_engine(sick)} == {
        "engine": WARN,
        "workers": FAIL,
        "sources": WARN,
        "settings": WARN,
    }
    assert {judged(found) for found in check_engine(status())} == {OK}


def test_an_unresponsive_engine_fails_and_none_is_fine() -> None:
    assert judged(check_no_engine("no engine is running", is_held=False)) is OK
    assert judged(check_no_engine("the engine (process 7) does not respond", is_held=True)) is FAIL
