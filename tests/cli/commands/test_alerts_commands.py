"""`mexc-tui alerts`: the list, the secret of a channel, and a test notification to a real server."""

import asyncio
import hmac
from collections.abc import Generator
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result
from keyring.backends.fail import Keyring as NoKeyring

from mexc_tui.cli.main import main
from mexc_tui.host.keys import keyring_storage, sealed_file
from tests.support.notify_server import notify_server
from tests.support.processes.file_keyring import FileKeyring
from tests.support.smtp_server import mail_server

SECRET = "CANARY-signing-key"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Use a private home and a keyring in a file."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring(tmp_path / "keyring.json"))
    monkeypatch.setattr(keyring_storage, "SAFE", frozenset((FileKeyring.__module__,)))
    yield
    keyring.set_keyring(before)


async def run(*words: str, typed: str = "") -> Result:
    """Run a command beside the event loop and check that its output contains no secret."""
    done = await asyncio.to_thread(CliRunner().invoke, main, words, input=typed)
    assert "CANARY" not in done.output
    return done


async def test_a_test_notification_is_signed_with_the_stored_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = await run("alerts", "secret", "webhook", "--stdin", typed=f"{SECRET}\n")
    assert (stored.exit_code, "alerts test webhook" in stored.output) == (0, True)
    async with notify_server() as server:
        monkeypatch.setenv("MEXC_TUI_NOTIFY_WEBHOOK_URL", server.origin)
        sent = await run("alerts", "test", "webhook")
        assert (sent.exit_code, sent.output) == (0, "Channel webhook accepted a test notification.\n")
        (received,) = server.received
        signature = hmac.digest(SECRET.encode(), received.body, "sha256").hex()
        assert received.headers["X-Signature-256"] == f"sha256={signature}"
        server.statuses = [403]
        refused = await run("alerts", "test", "webhook")
    assert refused.exit_code == 1
    assert "Refused with status 403." in refused.output


async def test_without_a_keyring_the_secret_is_encrypted_with_the_second_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_file, "COST", 2**4)
    keyring.set_keyring(NoKeyring())
    refused = await run("alerts", "secret", "webhook", "--stdin", typed=f"{SECRET}\n")
    assert (refused.exit_code, "last line of --stdin" in refused.output) == (1, True)
    stored = await run("alerts", "secret", "webhook", "--stdin", typed=f"{SECRET}\nfive words of a test\n")
    assert (stored.exit_code, "in the encrypted file" in stored.output) == (0, True)
    async with notify_server() as server:
        monkeypatch.setenv("MEXC_TUI_NOTIFY_WEBHOOK_URL", server.origin)
        assert (await run("alerts", "test", "webhook")).exit_code == 1  # no terminal to type the passphrase
        (tmp_path / "mexc-tui-practice-passphrase").write_text("five words of a test")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        assert (await run("alerts", "test", "webhook")).exit_code == 0


async def test_the_address_of_the_dead_mans_check_is_a_secret() -> None:
    stored = await run("alerts", "secret", "dead-man", "--stdin", typed="https://canary.example.org/CANARY\n")
    assert stored.exit_code == 0
    assert "mexc-tui settings dead_man_s 60" in stored.output


async def test_a_test_email_reaches_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEXC_TUI_NOTIFY_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("MEXC_TUI_NOTIFY_SMTP_FROM", "desk@example.org")
    missing = await run("alerts", "test", "email")
    assert (missing.exit_code, "mexc-tui settings notify_smtp_to VALUE" in missing.output) == (1, True)
    monkeypatch.setenv("MEXC_TUI_NOTIFY_SMTP_TO", "ann@example.org")
    async with mail_server() as server:
        monkeypatch.setenv("MEXC_TUI_NOTIFY_SMTP_PORT", str(server.port))
        assert (await run("alerts", "test", "email")).exit_code == 0
        assert server.received[0]["Subject"] == "mexc-tui: Test (info)"


async def test_a_channel_without_a_secret_names_the_next_step() -> None:
    done = await run("alerts", "test", "ntfy")
    assert done.exit_code == 1
    assert "Next step: mexc-tui alerts secret ntfy" in done.output


async def test_an_unknown_channel_is_wrong_usage() -> None:
    assert (await run("alerts", "test", "pager")).exit_code == 2


async def test_a_secret_needs_a_terminal_or_a_pipe() -> None:
    done = await run("alerts", "secret", "ntfy")
    assert (done.exit_code, "--stdin" in done.output) == (2, True)
    empty = await run("alerts", "secret", "ntfy", "--stdin", typed="\n")
    assert (empty.exit_code, "Not a valid secret" in empty.output) == (1, True)


async def test_alerts_without_a_subcommand_lists_alerts() -> None:
    done = await run("alerts", "--all", "--profile", "practice")
    assert "practice" in done.output
    assert "Usage" not in done.output
