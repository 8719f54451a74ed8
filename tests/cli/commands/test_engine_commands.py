"""Engine commands from another shell: real processes, sockets and store."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes.ready_line import ready_line
from tests.support.processes.shell import RUN, Shell

pytestmark = pytest.mark.timeout(180)  # runs processes


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    found = Shell(tmp_path_factory.mktemp("h"))
    (found.home / "run").mkdir(mode=0o700)
    return found


@pytest.fixture(scope="module")
def engine(shell: Shell) -> "Generator[subprocess.Popen[str]]":
    with shell.start("--headless", "--scenario", "listing-day", "--seed", "5") as process:
        ready_line(process)
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)


def _until(found: Callable[[], Any]) -> Any:
    """Return the first value that is true."""
    give_up_s = time.monotonic() + 40
    while not (value := found()):
        assert time.monotonic() < give_up_s
    return value


def _signals(shell: Shell) -> Any:
    """Return the signals, once a detection pass has raised one."""
    return _until(lambda: shell.json("signals"))


def _active_status(shell: Shell) -> Any:
    """Return the status of the engine, once entries are allowed; a busy machine delays that."""
    return _until(lambda: said if (said := shell.json("status"))["trading_state"] == "active" else None)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["status"], 3, ""),
        (["stop"], 3, "Start one with: mexc-tui --headless"),
        (["--mode", "paper", "stop"], 3, "Start one with: mexc-tui --headless --mode paper"),
        (["stop", "--profile", "mine"], 3, "Start one with: mexc-tui --headless --profile mine"),
        (["listings", "add", "NEWUSDT"], 3, "No engine responds"),
        (["listings", "add", "NEWUSDT", "--opens", "soon"], 2, "'soon' is not a time"),
        (["listings", "add"], 2, "Missing argument 'SYMBOL'"),
        (["listings", "add", "NEWUSDT", "--opens", "2020-01-01"], 2, "more than a day in the past"),
        (["listings", "add", "NEWUSDT", "--opens", "+31d"], 2, "more than 30 days ahead"),
        (["listings", "add", "NEWUSDT", "--note", "x" * 201], 2, "at most 200 characters"),
        (["report"], 3, "has run yet"),
        (["listings", "add", "BTC USDT"], 2, "'BTC USDT' is not a pair"),
        (["settings", "api_secret", "x"], 2, "Secrets are never settings"),
        (["journal", "--since", "-5"], 2, "'-5' is not a time"),
        (["settings", "max_position"], 2, "Did you mean max_positions?"),
        (["settings", "max_positions", "900"], 2, "Allowed: 1 to 50"),
        (["journal", "--last", "0"], 2, "0 is not in the range"),
        (["signals", "--profile", "../x"], 2, "is not a profile name"),
        (["signal"], 2, "No such command 'signal'"),
    ],
)
def test_without_an_engine_or_with_a_wrong_argument_one_line_is_printed(
    tmp_path: Path, words: Sequence[str], code: int, line: str
) -> None:
    done = Shell(tmp_path).run(*words)
    assert done.returncode == code
    assert line in done.stderr
    assert len((done.stderr or done.stdout).splitlines()) == 1
    assert not done.stderr or done.stderr.startswith("mexc-tui: ")


def test_before_the_first_engine_every_list_is_empty(tmp_path: Path) -> None:
    user = Shell(tmp_path)
    assert [user.json(name) for name in ("listings", "signals", "journal", "alerts")] == [[]] * 4
    told = user.run("listings")
    assert (told.returncode, told.stdout) == (0, "No listings.\n")
    assert "has run yet" in told.stderr
    asked = user.run("why", "NEWUSDT", "--json")
    assert (asked.returncode, json.loads(asked.stdout)["listings"]) == (1, [])


def test_stop_without_an_engine_prints_one_json_object(tmp_path: Path) -> None:
    done = Shell(tmp_path).run("stop", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["stopped"], said["pid"]) == (3, False, None)
    assert "No engine responds" in said["cause"]


def test_status_without_an_engine_prints_one_json_object(tmp_path: Path) -> None:
    done = Shell(tmp_path).run("status", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 3
    wanted = {
        "running",
        "pid",
        "profile",
        "mode",
        "exchange_session",
        "trading_state",
        "cause",
        "clock",
        "streams",
    }
    assert wanted <= set(said)
    assert (said["running"], said["pid"], said["profile"]) == (False, None, "practice")


def test_settings_are_read_and_written_without_an_engine(tmp_path: Path) -> None:
    user = Shell(tmp_path)
    assert user.run("settings", "max_positions", "7").returncode == 0
    row = user.json("settings", "max_positions")
    assert (row["value"], row["default"]) == ("7", "3")
    assert "settings.toml, line 2, section [practice]" in row["origin"]
    assert user.run("settings", "max_positions", "--default").returncode == 0
    assert {one["name"]: one["value"] for one in user.json("settings")}["max_positions"] == "3"


@pytest.mark.parametrize(("more", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_need_a_terminal_and_no_no_color(
    tmp_path: Path, more: dict[str, str], is_coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in Shell(tmp_path).environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [*RUN, "settings", "max_positions"], env=environ | more, stdout=theirs, stdin=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        said = os.read(ours, 1_000)
        process.wait()
    os.close(ours)
    assert b"max_positions" in said
    assert (b"\x1b[" in said) is is_coloured


def test_status_reports_the_state_of_the_engine(shell: Shell, engine: "subprocess.Popen[str]") -> None:
    said = _active_status(shell)
    assert said["running"] is True
    assert said["pid"] == engine.pid
    assert (said["profile"], said["mode"]) == ("practice", "practice")
    assert said["exchange_session"].startswith("listing-day-5-")
    assert {"offset_ms", "error_ms"} <= set(said["clock"])
    assert {"topics", "live", "stale"} <= set(said["streams"])
    assert f"process {engine.pid}" in shell.run("status").stdout


@pytest.mark.usefixtures("engine")
def test_a_listing_is_added_and_dropped_manually_with_its_history(shell: Shell) -> None:
    added = shell.json("listings", "add", "HANDMADEUSDT", "--opens", "+20m", "--note", "a friend")
    assert (added["stage"], added["opens_source"]) == ("scheduled", "manual")
    assert shell.run("listings", "drop", "handmadeusdt").stdout == "Dropped HANDMADEUSDT.\n"
    refused = shell.run("listings", "drop", "NOBODYUSDT")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    rows = shell.json("listings")
    stages = {row["symbol"]: row["stage"] for row in rows}
    assert stages["HANDMADEUSDT"] == "cancelled"
    assert len(stages) > 5
    story = shell.json("why", "HANDMADEUSDT")["listings"][0]
    assert len(story["detectors"]) == 7
    assert all(one["signals"] or one["why_not"] for one in story["detectors"])
    assert [one["source"] for one in story["sources"]] == ["manual"]


@pytest.mark.usefixtures("engine")
def test_signals_have_a_probability_with_its_sample(shell: Shell) -> None:
    rows = _signals(shell)
    assert {row["detector"] for row in rows} >= {"launch_sequence"}
    assert all(0 <= row["low"] <= row["probability"] <= row["high"] <= 1 for row in rows)
    assert all(row["reasons"] for row in rows)
    symbol = rows[0]["symbol"]
    assert {row["symbol"] for row in shell.json("signals", "--symbol", symbol)} == {symbol}


@pytest.mark.usefixtures("engine")
def test_a_changed_setting_is_applied_while_running_and_journalled(shell: Shell) -> None:
    assert shell.run("settings", "stop_confirm_trades", "9").returncode == 0
    assert shell.json("settings", "stop_confirm_trades")["value"] == "9"
    wrong = shell.run("settings", "stop_confirm_trades", "101")
    assert wrong.returncode == 2
    assert "Allowed: 1 to 100" in wrong.stderr
    facts = shell.json("journal", "--kind", "setting_changed", "--about", "stop_confirm_trades")
    assert [(fact["body"]["old"], fact["body"]["new"]) for fact in facts] == [("3", "9")]
    given = shell.json("journal", "--kind", "command_begun")
    assert any(fact["body"]["name"] == "settings_set" for fact in given)


@pytest.mark.usefixtures("engine")
def test_the_journal_is_followed_without_a_gap(shell: Shell) -> None:
    with subprocess.Popen(
        [*RUN, "journal", "--follow", "--json", "--last", "2"],
        env=shell.environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        numbers = [json.loads(process.stdout.readline())["sequence"] for _ in range(2)]
        shell.run("listings", "add", "FOLLOWUSDT")
        while True:
            fact = json.loads(process.stdout.readline())
            numbers.append(fact["sequence"])
            if fact["about"] == "FOLLOWUSDT":
                break
        process.send_signal(signal.SIGINT)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.usefixtures("engine")
def test_nothing_is_coloured_when_piped(shell: Shell) -> None:
    assert "\x1b" not in shell.run("listings", FORCE_COLOR="1").stdout
    assert "\x1b" not in shell.run("status").stdout


@pytest.mark.timeout(180)  # a dozen processes one after another
def test_after_a_stop_queries_read_the_store(shell: Shell, engine: "subprocess.Popen[str]") -> None:
    shell.json("listings", "add", "STOPPEDUSDT", "--opens", "+20m")
    _signals(shell)
    before = {row["id"] for row in shell.json("listings")}
    alerts = {(row["rule"], row["about"]) for row in shell.json("alerts", "--all")}
    stopped = shell.run("stop", "--yes")
    assert (stopped.returncode, str(engine.pid) in stopped.stdout) == (0, True)
    assert engine.wait(10) == 0
    assert before <= {row["id"] for row in shell.json("listings")}
    assert shell.json("signals")
    assert alerts <= {(row["rule"], row["about"]) for row in shell.json("alerts", "--all")}
    assert shell.json("why", "STOPPEDUSDT")["listings"]
    assert shell.json("journal", "--last", "1")[0]["kind"] in ("engine_stopped", "command_done")
    report = shell.json("report")
    assert "STOPPEDUSDT" in {row["symbol"] for row in report["listings"]}
    assert report["exchange_session"].startswith("listing-day-5-")
    assert "Report of listing-day-5" in shell.run("report").stdout
    status = shell.run("status", "--json")
    assert status.returncode == 3
    assert json.loads(status.stdout)["mode"] == "practice"
