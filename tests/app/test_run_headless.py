"""`mexc-tui --headless`: real processes, real sockets, exit codes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mexc_tui.practice.scenario import load
from tests.support.processes.exchange_thread import exchange_in_thread
from tests.support.processes.ready_line import ready_line

pytestmark = pytest.mark.timeout(180)  # runs processes

SHORT = """
name = "short"
duration_s = {duration_s}
[settings]
detection_pass_s = 0.5
maturity_s = 10
api_grace_s = 10
[market]
symbols = 30
active_pairs = 2
[[listings]]
base = "SOON"
opens_s = 1.5
visible_before_s = 1
"""


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")}


def desk(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", *arguments],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Path]:
    """Run an exchange whose day ends after three seconds; return the file with its endpoint."""
    scenario = tmp_path / "short.toml"
    scenario.write_text(SHORT.format(duration_s=3))
    with exchange_in_thread(load(str(scenario))) as endpoint:
        file = tmp_path / "exchange.json"
        file.write_bytes(msgspec.json.encode(endpoint))
        yield file


def test_until_done_prints_the_report_and_exits_with_0_also_after_the_day(
    tmp_path: Path, exchange: Path
) -> None:
    for more in ((), ("--json",)):
        engine = desk(tmp_path, "--headless", "--until-done", "--exchange", str(exchange), *more)
        said, complained = engine.communicate(timeout=40)
        assert engine.returncode == 0, complained
        assert "SOONUSDT" in said
        assert "Ready: profile practice" in complained
    assert json.loads(said)["totals"]["listings"] == 1


def test_a_signal_stops_engine_and_exchange_gracefully(tmp_path: Path) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text(SHORT.format(duration_s=600))
    engine = desk(tmp_path, "--headless", "--scenario", str(scenario), "--profile", "mine")
    assert "Ready: profile mine" in ready_line(engine)
    second = desk(tmp_path, "--headless", "--scenario", str(scenario), "--profile", "mine")
    _, complained = second.communicate(timeout=40)
    assert second.returncode == 3
    assert "is already running" in complained
    engine.send_signal(signal.SIGTERM)
    _, complained = engine.communicate(timeout=20)
    assert engine.returncode == 0
    assert "Stopping: by a signal." in complained


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--headless", "--exchange", "missing.json"), 3, "Cannot read missing.json"),
        (("--headless", "--profile", "No/Name"), 2, "is not a profile name"),
        (("--headless", "--mode", "nonsense"), 2, "Invalid value for '--mode'"),
        (("--headless", "--scenario", "missing"), 3, "No scenario 'missing'"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    engine = desk(tmp_path, *arguments)
    said, complained = engine.communicate(timeout=40)
    assert engine.returncode == code
    assert words in complained
    assert "Traceback" not in complained
    assert said == ""


def test_a_killed_engine_resumes_the_same_day(tmp_path: Path) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text(SHORT.format(duration_s=8))
    process = desk(tmp_path, "exchange", "--scenario", str(scenario))
    assert process.stdout is not None
    file = tmp_path / "exchange.json"
    file.write_text(process.stdout.readline())
    try:
        first = desk(tmp_path, "--headless", "--exchange", str(file))
        ready_line(first)
        first.kill()
        first.communicate(timeout=20)
        again = desk(tmp_path, "--headless", "--until-done", "--exchange", str(file))
        said, complained = again.communicate(timeout=40)
        assert again.returncode == 0, complained
        assert "SOONUSDT" in said
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    with sqlite3.connect(tmp_path / ".local/state/mexc-tui/practice/desk.sqlite3") as connection:
        raised = connection.execute("SELECT detector, subject, topic, state FROM signals").fetchall()
        started = connection.execute("SELECT count(*) FROM journal WHERE kind = 'engine_started'").fetchone()
    connection.close()
    assert started == (2,)
    assert len(raised) == len(set(raised))


def test_a_failing_log_does_not_stop_the_engine(tmp_path: Path) -> None:
    state = tmp_path / ".local/state/mexc-tui/practice"
    state.mkdir(mode=0o700, parents=True)
    (state / "engine.log").symlink_to("/dev/full")
    scenario = tmp_path / "short.toml"
    scenario.write_text(SHORT.format(duration_s=3))
    with open("/dev/full", "wb") as full:
        engine = subprocess.run(
            [sys.executable, "-m", "mexc_tui", "--headless", "--until-done", "--scenario", str(scenario)],
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert b"SOONUSDT" in engine.stdout
    assert engine.returncode == 0


def test_an_outage_is_a_few_log_lines_on_standard_error_and_in_the_file(tmp_path: Path) -> None:
    scenario = tmp_path / "outage.toml"
    scenario.write_text(
        SHORT.format(duration_s=12) + '\n[[faults]]\nkind = "executed_500"\npath = "/api/v3/defaultSymbols"\n'
    )
    engine = desk(
        tmp_path, "--headless", "--until-done", "--scenario", str(scenario), "--set", "http_retries=1"
    )
    _, complained = engine.communicate(timeout=60)
    assert engine.returncode == 0, complained
    written = (tmp_path / ".local/state/mexc-tui/practice/engine.log").read_text()
    failed = [line for line in written.splitlines() if "could not be read" in line]
    assert 1 <= len(failed) <= 4
    assert all(line in complained for line in failed)
