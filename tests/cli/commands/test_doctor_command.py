"""`doctor` from a shell: without and with an engine, and with damaged files."""

import json
from pathlib import Path

import pytest

from tests.support.processes.command_server import run_command
from tests.support.processes.engine_and_exchange import DeskProcesses, desk, environment, stop_engine
from tests.support.processes.shell import Shell

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk"]


def statuses(text: str) -> dict[str, str]:
    return {line["name"]: line["status"] for line in json.loads(text)}


def test_before_the_first_engine_nothing_fails_and_nothing_is_written(tmp_path: Path) -> None:
    done = Shell(tmp_path / "home").run("doctor", "--books")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("0 fail")
    assert not (tmp_path / "home").exists()


def test_invalid_settings_are_one_failure_beside_the_other_checks(tmp_path: Path) -> None:
    done = Shell(tmp_path).run("doctor", "--json", MEXC_TUI_MAX_POSITIONS="many")
    assert done.returncode == 1
    found = statuses(done.stdout)
    assert found.pop("settings") == "fail"
    assert "fail" not in found.values()


def test_an_unused_profile_is_refused(tmp_path: Path) -> None:
    done = Shell(tmp_path).run("doctor", "--profile", "mistyped")
    assert (done.returncode, "does not exist" in done.stderr) == (3, True)


def test_with_a_running_engine_every_line_is_ok_until_a_file_is_opened_to_others(desk: DeskProcesses) -> None:
    def doctor(*more: str) -> tuple[int, str]:
        words = ["doctor", "--exchange", str(desk.file), *more]
        done = run_command(words, environment(desk.folder), desk.folder.parent)
        return done.returncode, done.stdout

    engine = desk.engine()
    try:
        code, text = doctor("--json", "--books")
        assert code == 0, text
        found = statuses(text)
        assert {name for name, status in found.items() if status != "ok"} <= {"backup", "sources"}
        assert found.keys() >= {
            "engine",
            "workers",
            "clock",
            "rest",
            "websocket",
            "weights",
            "books",
            "database",
        }
    finally:
        stop_engine(engine)
    database = desk.state / "desk.sqlite3"
    database.chmod(0o644)
    code, text = doctor()
    assert code == 1
    assert f"Fix: chmod 600 {database}" in text
    assert text.splitlines()[-1].endswith("1 fail")
