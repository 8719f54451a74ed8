"""`mexc-tui alerts`: the list, the secret of a channel, and a test notification to a real server."""

import asyncio
import hmac
from collections.abc import Generator
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result

from mexc_tui.cli.main import main
from mexc_tui.host.keys import keyring_storage
from tests.support.notify_server import notify_server
from tests.support.processes.file_keyring import FileKeyring

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
