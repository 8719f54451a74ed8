"""Secrets of channels: a systemd credential first, then the keyring; never a store that does not encrypt."""

from collections.abc import Generator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from mexc_tui.host.keys.channel_secrets import ChannelSecrets, parts_of
from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.model.notification import ChannelName
from tests.support.processes.file_keyring import FileKeyring

SAFE = frozenset((FileKeyring.__module__,))
NTFY = ChannelName.NTFY


@pytest.fixture(autouse=True)
def keyring_in_a_file(tmp_path: Path) -> Generator[None]:
    """Install a keyring that stores its file under `tmp_path`."""
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring(tmp_path / "keyring.json"))
    yield
    keyring.set_keyring(before)


def test_a_secret_is_stored_for_one_profile_and_channel() -> None:
    secrets = ChannelSecrets("live", {}, safe=SAFE)
    secrets.write(NTFY, "canary-topic tk_1")
    assert secrets.read(NTFY) == "canary-topic tk_1"
    assert secrets.read(ChannelName.TELEGRAM) == ""
    assert ChannelSecrets("paper", {}, safe=SAFE).read(NTFY) == ""


def test_a_credential_of_the_service_comes_before_the_keyring(tmp_path: Path) -> None:
    (tmp_path / "mexc-tui-live-ntfy").write_text("from-systemd\n")
    secrets = ChannelSecrets("live", {"CREDENTIALS_DIRECTORY": str(tmp_path)}, safe=SAFE)
    secrets.write(NTFY, "from-keyring")
    assert secrets.read(NTFY) == "from-systemd"


def test_a_keyring_that_does_not_encrypt_is_not_used() -> None:
    secrets = ChannelSecrets("live", {}, safe=frozenset())
    assert secrets.read(NTFY) == ""
    with pytest.raises(CredentialsError, match="mexc-tui-live-ntfy"):
        secrets.write(NTFY, "canary-topic")


def test_a_machine_without_a_keyring_has_no_secret() -> None:
    keyring.set_keyring(NoKeyring())
    assert ChannelSecrets("live", {}).read(NTFY) == ""


@pytest.mark.parametrize("text", ["", "two\nlines", "gr\u00fcn", "x" * 1_001])
def test_a_secret_is_one_line_of_plain_text(text: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        ChannelSecrets("live", {}, safe=SAFE).write(NTFY, text)
    assert not text or text not in str(caught.value)


def test_logs_hide_a_secret_and_its_token() -> None:
    shown = "sent to canary-topic tk_canary 42 and tk_canary"
    for part in parts_of("canary-topic tk_canary 42"):
        shown = part.removed_from(shown, "***")
    assert "canary" not in shown
    assert parts_of("") == ()
