"""A short day with an exchange, a desk and a second shell, each in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mexc_tui.practice.scenario import load
from mexc_tui.report.text import MOST_COLUMNS
from tests.support.processes.ready_line import ready_line
from tests.support.samples.report_samples import whole_lines

pytestmark = pytest.mark.timeout(180)  # runs processes

SCENARIO = Path(__file__).with_name("short-day.toml")
RUN = [sys.executable, "-m", "mexc_tui"]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")}


def shell(folder: Path) -> Callable[..., str]:
    """Return a second shell in which each command must succeed."""

    def ask(*words: str) -> str:
        asked = subprocess.run(
            [*RUN, *words], env=environment(folder), capture_output=True, text=True, timeout=30, check=False
        )
        assert asked.returncode == 0, asked.stderr
        return asked.stdout

    return ask


def blocks(report: str) -> dict[str, str]:
    """Return the section of the report about each listing, by symbol."""
    parts = (part for part in report.split("\n\n") if "  outcome   " in part)
    return {part.split(maxsplit=1)[0]: part for part in parts}


def test_a_day_in_processes_reports_listings_signals_and_outcomes(tmp_path: Path) -> None:
    ask = shell(tmp_path)
    command = [*RUN, "--headless", "--until-done", "--scenario", str(SCENARIO), "--seed", "5"]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as desk:
        assert desk.stdout is not None
        session = ready_line(desk).rstrip(".\n").split()[-1]
        start_ms = int(session.rsplit("-", 1)[1])
        ask("listings", "add", "HANDUSDT", "--opens", str(start_ms + 12_500))
        listed = {row["symbol"] for row in json.loads(ask("listings", "--json"))}
        assert {"CLEANUSDT", "HANDUSDT"} <= listed
        assert json.loads(ask("signals", "--json"))
        assert "CLEANUSDT" in ask("why", "CLEANUSDT")
        report, complained = desk.communicate(timeout=50)
        assert desk.returncode == 0, complained
    assert [line for line in report.splitlines() if len(line) > MOST_COLUMNS] == []
    report = whole_lines(report)
    tell = blocks(report)
    known = {f"{plan.base}USDT" for plan in load(str(SCENARIO)).listings} - {"OLDUSDT"} | {"FRESHUSDT"}
    assert set(tell) == known
    for symbol, words in {
        "CLEANUSDT": ("calendar        lists CLEANUSDT", "launch_sequence", "no history", "opened; open"),
        "MOVEDUSDT": ("opening moved by +3.0 s", "risk_warning moved", "opened; open since"),
        "GONEUSDT": ("no longer lists GONEUSDT", "risk_warning cancelled", "was cancelled"),
        "CLOSEDUSDT": ("API disabled", "was never open to API keys"),
        "FRESHUSDT": ("(before: OLDUSDT)", "risk_warning renamed", "opened; open since"),
        "EARLYUSDT": ("before schedule", "risk_warning early"),
        "HANDUSDT": ("manual          lists HANDUSDT", "opened; open since"),
        "LATEUSDT": ("is undecided", "the day ended within 10 s of its opening"),
    }.items():
        assert [one for one in words if one not in tell[symbol]] == [], tell[symbol]
    assert "one of a cluster of 2" in tell["TWOAUSDT"]
    assert any("signalled" in line and "cluster" in line for line in report.splitlines())
    assert "maturity_s = 10" in report
    assert "Undecided at the end of the day: LATEUSDT." in report
