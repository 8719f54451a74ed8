"""Paper mode with real processes: market data of a practice exchange, orders to the paper exchange."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(180)  # runs processes

SCENARIO = """
name = "short"
duration_s = 600
[market]
symbols = 30
active_pairs = 2
[[listings]]
base = "SOON"
opens_s = {opens_s}
visible_before_s = 30
ready_before_s = 30
prepared_before_s = 30
"""
FAST = (
    *("--set", "calendar_poll_s=5", "--set", "symbols_poll_s=5", "--set", "symbols_poll_near_s=3"),
    *("--set", "near_before_s=60", "--set", "opening_before_s=20", "--set", "detection_pass_s=0.5"),
    *("--set", "ladder=", "--set", "stop_loss_pct=50"),  # keeps positions open
)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")}


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", *arguments],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(folder: Path, *arguments: str) -> Any:
    process = begin(folder, "--mode", "paper", *arguments, "--json")
    said, complained = process.communicate(timeout=30)
    assert said, complained
    return json.loads(said)


def told(folder: Path, *arguments: str) -> str:
    process = begin(folder, "--mode", "paper", *arguments)
    said, complained = process.communicate(timeout=70)
    return said + complained


def until(is_so: Callable[[], bool], seconds: float = 40) -> None:
    late = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < late
        time.sleep(0.3)


def engine_on(folder: Path, file: Path) -> subprocess.Popen[str]:
    engine = begin(folder, "--headless", "--mode", "paper", "--exchange", str(file), *FAST)
    assert engine.stderr is not None
    if not any("Ready: profile paper" in line for line in engine.stderr):  # a slow disk is reported before
        pytest.fail(f"it did not start: {end(engine)}")
    return engine


def end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=30)[1]


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Path]:
    """Run an exchange in place of MEXC; return the file with its endpoint."""
    scenario = tmp_path / "short.toml"
    scenario.write_text(SCENARIO.format(opens_s=20))
    process = begin(tmp_path, "exchange", "--scenario", str(scenario))
    assert process.stdout is not None
    file = tmp_path / "exchange.json"
    file.write_text(process.stdout.readline())
    yield file
    end(process)


def test_a_listing_is_bought_on_paper_and_the_ledger_continues_after_a_restart(
    tmp_path: Path, market: Path
) -> None:
    engine = engine_on(tmp_path, market)
    try:
        until(lambda: asked(tmp_path, "risk")["state"] == "active")
        assert asked(tmp_path, "risk")["equity"] == "1000"
        until(lambda: "SOONUSDT armed: at most" in told(tmp_path, "arm", "SOONUSDT", "--yes"))
        until(lambda: bool(asked(tmp_path, "positions")))
        held = asked(tmp_path, "positions")[0]
        assert held["symbol"] == "SOONUSDT"
        assert asked(tmp_path, "reconcile")["unexplained"] == []
    finally:
        said = end(engine)
    assert "left open without stops until the next start: SOONUSDT" in said
    engine = engine_on(tmp_path, market)
    try:
        again = asked(tmp_path, "positions")[0]
        assert (again["id"], again["quantity"]) == (held["id"], held["quantity"])
        assert asked(tmp_path, "reconcile")["unexplained"] == []
    finally:
        end(engine)
