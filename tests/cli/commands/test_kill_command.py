"""`kill --direct` with real processes: the engine dead, frozen, or its database locked (reliability 1.5)."""

import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.desk.api_types import CommandOutcome
from mexc_tui.desk.single_request import send_command
from mexc_tui.desk.trading_requests import RESUME, ResumeRequest
from mexc_tui.host.paths import paths_of
from mexc_tui.ledger.ids import PREFIX
from tests.support.processes.engine_and_exchange import (
    DeskProcesses,
    desk,
    environment,
    start_command,
    start_exchange,
    stop_engine,
)

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk"]

LOOKS = 6


LADDER = """
name = "ladder"
duration_s = 3600
[settings]
require_calendar = false
calendar_poll_s = 5
symbols_poll_s = 5
symbols_poll_near_s = 3
near_before_s = 60
opening_before_s = 20
detection_pass_s = 0.5
min_probability = 0.2
armed_detectors = "ready_state,pre_ready,launch_sequence"
stop_loss_pct = 50
ladder = "30@300, 30@400, 30@500"
[market]
symbols = 30
active_pairs = 2
[[listings]]
base = "KIA"
opens_s = 30
announced_before_s = 3600
prepared_before_s = 600
visible_before_s = 20
ready_before_s = 15
shape = "rush"
"""


@pytest.fixture
def session_with_a_listing(tmp_path: Path) -> Iterator[DeskProcesses]:
    yield from start_exchange(tmp_path, LADDER)


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    late = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < late
        time.sleep(0.1)


def test_with_a_dead_engine_only_orders_of_the_desk_are_cancelled_and_the_next_engine_is_halted(
    desk: DeskProcesses,
) -> None:
    engine = desk.engine()
    stop_engine(engine, signal.SIGKILL)
    desk.place_orders()
    killed = desk.kill("--yes")
    assert killed.returncode == 0, killed.stderr + killed.stdout
    assert "1 orders of this desk found, 1 closed, 0 still open" in killed.stdout
    assert "No open orders of this desk" in killed.stdout
    assert desk.open_orders() == ["somebody-else"]
    engine = desk.engine()
    try:
        status = desk.status()
        assert status["trading_state"] == "halted"
        assert "kill --direct" in str(status["cause"])
    finally:
        stop_engine(engine)


def test_with_a_frozen_engine_orders_are_cancelled_and_the_engine_halts_when_it_continues(
    desk: DeskProcesses,
) -> None:
    engine = desk.engine()
    try:
        engine.send_signal(signal.SIGSTOP)
        desk.place_orders()
        killed = desk.kill("--yes", "--json")
        assert killed.returncode == 0, killed.stderr + killed.stdout
        assert json.loads(killed.stdout)["left"] == 0
        assert desk.open_orders() == ["somebody-else"]
        engine.send_signal(signal.SIGCONT)
        until(lambda: desk.status()["trading_state"] == "halted")
    finally:
        engine.send_signal(signal.SIGCONT)
        stop_engine(engine)


@pytest.mark.timeout(400)
def test_a_running_engine_is_commanded_first_and_places_no_order_until_a_manual_resume(
    session_with_a_listing: DeskProcesses,
) -> None:
    desk = session_with_a_listing

    def ours() -> list[str]:
        return [name for name in desk.open_orders() if name.startswith(PREFIX)]

    def look_often() -> None:
        for _ in range(LOOKS):  # together longer than placing a ladder takes
            assert not ours()
            time.sleep(1)

    engine = desk.engine()
    try:
        until(lambda: len(ours()) == 3, 120)
        killed = desk.kill("--yes")
        assert killed.returncode == 0, killed.stderr + killed.stdout
        assert f"The engine (process {engine.pid}): halted" in killed.stdout
        look_often()
        stop_engine(engine, signal.SIGKILL)
        engine = desk.engine()
        until(lambda: desk.status()["trading_state"] == "halted")
        look_often()
        socket = paths_of("practice", environment(desk.folder)).socket
        now_ms = SystemClock().now_ms()
        typed = ResumeRequest(typed="resume")
        reply = send_command(socket, RESUME, typed, who="ann", now_ms=now_ms, deadline_s=20)
        assert reply.outcome is CommandOutcome.DONE, reply.message
        until(lambda: len(ours()) == 3, 60)
    finally:
        stop_engine(engine)


def test_a_locked_database_is_reported_and_orders_are_cancelled(desk: DeskProcesses) -> None:
    stop_engine(desk.engine())
    desk.place_orders()
    holder = sqlite3.connect(desk.state / "desk.sqlite3")
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("CREATE TABLE held (x)")
    try:
        killed = desk.kill("--yes")
    finally:
        holder.rollback()
        holder.close()
    assert killed.returncode == 0, killed.stderr + killed.stdout
    assert "Cannot read the ledger" in killed.stdout
    assert desk.open_orders() == ["somebody-else"]
    assert (desk.state / "halt.json").exists()


def test_without_an_exchange_or_a_confirmation_nothing_is_done(desk: DeskProcesses) -> None:
    refused = desk.kill()
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert not (desk.state / "halt.json").exists()
    alone = start_command(desk.folder, "kill", "--direct", "--yes")
    _, complained = alone.communicate(timeout=20)
    assert alone.returncode == 3
    assert "--exchange FILE" in complained


def test_without_an_exchange_the_running_engine_halts_and_cancels(desk: DeskProcesses) -> None:
    engine = desk.engine()
    try:
        stopped = start_command(desk.folder, "kill", "--direct", "--yes")
        said, complained = stopped.communicate(timeout=60)
        assert stopped.returncode == 0, complained
        assert "Halt written" in said
        assert f"The engine (process {engine.pid}): halted" in said
        assert "To sell them: `mexc-tui flatten`" in said
        assert (desk.state / "halt.json").exists()
        assert desk.status()["trading_state"] == "halted"
    finally:
        stop_engine(engine)


def test_without_an_exchange_a_frozen_engine_is_halted_on_disk_and_the_next_step_is_printed(
    desk: DeskProcesses,
) -> None:
    engine = desk.engine()
    try:
        engine.send_signal(signal.SIGSTOP)
        stopped = start_command(desk.folder, "kill", "--direct", "--yes")
        said, complained = stopped.communicate(timeout=60)
        assert stopped.returncode == 1
        assert "NO ORDER WAS CANCELLED" in said
        assert "--exchange FILE" in complained
        assert (desk.state / "halt.json").exists()
        engine.send_signal(signal.SIGCONT)
        until(lambda: desk.status()["trading_state"] == "halted")
    finally:
        engine.send_signal(signal.SIGCONT)
        stop_engine(engine)
