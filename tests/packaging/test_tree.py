"""Checks of the source tree: locks, generated code, TLS, hidden characters."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = sorted((CHECKOUT / "mexc_tui").rglob("*.py"))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_contain_hashes_and_no_addresses(name: str) -> None:
    text = (CHECKOUT / name).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+.*\\$", text, re.MULTILINE)
    assert len(pins) > 20
    assert len(re.findall(r"^ {4}--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) >= len(pins)


def test_installed_versions_are_the_locked_ones() -> None:
    def pins(name: str) -> set[str]:
        return set(
            re.findall(r"^([a-z0-9._-]+==[^ ;\\]+)", (CHECKOUT / name).read_text("utf-8"), re.MULTILINE)
        )

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_every_runtime_dependency_has_a_reason() -> None:
    project = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    names = re.findall(r'^  "([a-z-]+)>=', project.split("[project.optional-dependencies]")[0], re.MULTILINE)
    reasons = (CHECKOUT / "docs" / "dependencies.md").read_text("utf-8")
    assert len(names) == 10
    assert [name for name in names if f"| {name} |" not in reasons] == []


def test_generated_module_matches_the_schema(tmp_path: Path) -> None:
    schema = "mexc_tui/proto/stream.proto"
    protoc = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-I",
        ".",
        f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}",
    ]
    subprocess.run([*protoc, schema], check=True, cwd=CHECKOUT)
    for name in ("stream_pb2.py", "stream_pb2.pyi"):
        made = (tmp_path / "mexc_tui" / "proto" / name).read_text("utf-8")
        assert made == (CHECKOUT / "mexc_tui" / "proto" / name).read_text("utf-8")


def test_nothing_disables_certificate_checks() -> None:
    banned = re.compile(r"ssl\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|verify\s*=\s*False|verify_ssl")
    assert [file.name for file in SOURCES if banned.search(file.read_text("utf-8"))] == []


def test_sources_contain_no_hidden_characters() -> None:
    hidden = [
        f"{file.name}: U+{ord(char):04X}"
        for file in SOURCES
        for char in file.read_text("utf-8")
        if unicodedata.category(char) in {"Cf", "Cc", "Co"} and char != "\n"
    ]
    assert hidden == []
