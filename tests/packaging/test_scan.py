"""The scan of `.ci/check` finds hidden characters and secrets in every tracked file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCAN = CHECKOUT / ".ci" / "scan"
PLANTED = [
    ("name = 'a\u202eb'", "hidden character U+202E"),
    ("name = 'a\u200bb'", "hidden character U+200B"),
    ("name = 'a\x1bb'", "hidden character U+001B"),
    ("key = 'mx0" + "vglAbCdEfGhIjKlMnOp'", "key of MEXC"),
    ("-----BEGIN EC " + "PRIVATE KEY-----", "private key"),
    ("token = '123456789:" + "A" * 35 + "'", "token of Telegram"),
    ("token = 'ghp" + "_" + "a1" * 18 + "'", "token of GitHub"),
    ("index = 'https://user:" + "password@example.org/'", "address with a password"),
]


def scan(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCAN, folder], capture_output=True, text=True, check=False)


def repository(folder: Path, text: str) -> None:
    (folder / "note.md").write_text(f"first\n{text}\n", "utf-8")
    (folder / "picture.png").write_bytes(b"\x00\x1b")
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=folder, check=True)


@pytest.mark.parametrize(("text", "problem"), PLANTED)
def test_a_planted_problem_is_found_and_a_secret_not_printed(tmp_path: Path, text: str, problem: str) -> None:
    repository(tmp_path, text)
    done = scan(tmp_path)
    assert (done.returncode, done.stdout) == (1, f"note.md, line 2: {problem}\n")


def test_a_plain_repository_passes(tmp_path: Path) -> None:
    repository(tmp_path, "a tab\tand an umlaut: ü")
    assert scan(tmp_path).returncode == 0


@pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="not a checkout")
def test_this_repository_passes_and_ci_runs_the_scan() -> None:
    assert scan(CHECKOUT).stdout == ""
    assert ".ci/scan" in (CHECKOUT / ".ci" / "check").read_text("utf-8").splitlines()


def test_statements_are_built_from_text_only_where_names_are_constants() -> None:
    found = {
        str(file.relative_to(CHECKOUT))
        for file in (CHECKOUT / "mexc_tui").rglob("*.py")
        if "S608" in file.read_text("utf-8")
    }
    assert found == {"mexc_tui/store/sqlite/retention.py", "mexc_tui/store/sqlite/tables/sealed.py"}


def test_every_test_named_on_the_security_page_exists() -> None:
    page = (CHECKOUT / "SECURITY.md").read_text("utf-8")
    named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", page)
    assert len(named) >= 10
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (CHECKOUT / file).read_text("utf-8")
    ]
    assert missing == []
