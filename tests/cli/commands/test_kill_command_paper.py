"""`kill --direct` on paper: halts the paper ledger and sends nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mexc_tui.app.paper import SCOPE
from mexc_tui.cli.main import main
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.model.trading import Cause, TradingState

pytestmark = pytest.mark.timeout(180)  # runs processes


def test_kill_direct_on_paper_writes_the_halt_and_explains_paper_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("MEXC_TUI_MODE", "paper")
    unasked = CliRunner().invoke(main, ["kill", "--direct"], prog_name="mexc-tui")
    folder = tmp_path / ".local/state/mexc-tui/paper"
    assert unasked.exit_code == 2
    assert HaltFileOnDisk(folder, SCOPE).read() is None
    done = CliRunner().invoke(main, ["kill", "--direct", "--yes"], prog_name="mexc-tui")
    assert done.exit_code == 0, done.stderr
    assert "exist in the engine's process only" in done.stdout
    halt = HaltFileOnDisk(folder, SCOPE).read()
    assert halt is not None
    assert (halt.state, halt.cause) == (TradingState.HALTED, Cause.EMERGENCY)
    told = CliRunner().invoke(main, ["kill", "--direct", "--yes", "--json"], prog_name="mexc-tui")
    assert json.loads(told.stdout)["left"] == 0
