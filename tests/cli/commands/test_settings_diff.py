"""`settings diff` from a shell."""

import json
from pathlib import Path

import pytest

from tests.support.processes.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


def file(folder: Path, text: str, name: str = "other.toml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_the_settings_in_force_are_compared_with_a_file(shell: Shell, tmp_path: Path) -> None:
    other = file(tmp_path, "max_positions = 7\nladder = ['50@10']\n")
    found = shell.json("settings", "diff", "now", other)
    assert {(row["name"], row["first"], row["second"]) for row in found} >= {("max_positions", "3", "7")}
    assert {row["name"] for row in found} == {"max_positions", "ladder"}
    lines = shell.run("settings", "diff", "now", other).stdout.splitlines()
    assert lines[0].split() == ["SETTING", "now", "other.toml"]


def test_equal_settings_are_reported_as_such(shell: Shell) -> None:
    done = shell.run("settings", "diff", "now", "now")
    assert (done.returncode, done.stdout, done.stderr) == (0, "The settings are equal.\n", "")
    assert json.loads(shell.run("settings", "diff", "now", "now", "--json").stdout) == []


def test_the_settings_of_a_json_file_are_read(shell: Shell, tmp_path: Path) -> None:
    now = shell.run("settings", "--json").stdout
    assert shell.json("settings", "diff", file(tmp_path, now, "now.json"), "now") == []


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("diff",), 2, "needs two names"),
        (("diff", "now"), 2, "needs two names"),
        (("diff", "now", "missing.toml"), 3, "'missing.toml' is neither"),
        (("theme", "sea", "more"), 2, "Unexpected argument 'more'"),
    ],
)
def test_a_wrong_argument_is_one_line(shell: Shell, words: tuple[str, ...], code: int, line: str) -> None:
    done = shell.run("settings", *words)
    assert (done.returncode, done.stdout, line in done.stderr) == (code, "", True)


def test_a_file_without_settings_is_one_line(shell: Shell, tmp_path: Path) -> None:
    for name, text in (("a.json", "[1]"), ("b.json", "{"), ("c.toml", "max_positions = 900")):
        done = shell.run("settings", "diff", "now", file(tmp_path, text, name))
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), name
