"""Secrets of channels: a systemd credential, the keyring, or a file encrypted with a passphrase."""

from collections.abc import Generator
from datetime import date
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from mexc_tui.host.keys import sealed_file
from mexc_tui.host.keys.channel_secrets import ChannelSecrets, parts_of
from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError, StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.model.notification import SecretName
from tests.support.processes.file_keyring import FileKeyring

SAFE = frozenset((FileKeyring.__module__,))
NTFY = SecretName.NTFY
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def keyring_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Install a keyring that stores its file under `tmp_path`."""
    monkeypatch.setattr(sealed_file, "COST", 2**4)
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring(tmp_path / "keyring.json"))
    yield
    keyring.set_keyring(before)


def secrets_in(
    folder: Path, profile: str = "live", *, safe: frozenset[str] = SAFE, passphrase: str = ""
) -> ChannelSecrets:
    """Return the secrets of a profile, whose credentials are in the folder too."""
    environ = {"XDG_STATE_HOME": str(folder / "state"), "CREDENTIALS_DIRECTORY": str(folder)}
    return ChannelSecrets(profile, environ, safe=safe, passphrase=passphrase)


def forget(profile: str) -> None:
    """Forget what this process remembers, as another process would."""
    Passphrase(profile, {}).forget()


def test_a_secret_is_stored_for_one_profile_and_channel(tmp_path: Path) -> None:
    secrets = secrets_in(tmp_path)
    assert secrets.write(NTFY, "canary-topic tk_1") is StorageKind.KEYRING
    assert secrets.read(NTFY) == "canary-topic tk_1"
    assert secrets.read(SecretName.TELEGRAM) == ""
    assert secrets_in(tmp_path, "paper").read(NTFY) == ""


def test_a_credential_of_the_service_comes_before_the_keyring(tmp_path: Path) -> None:
    (tmp_path / "mexc-tui-live-ntfy").write_text("from-systemd\n")
    secrets = secrets_in(tmp_path)
    secrets.write(NTFY, "from-keyring")
    assert secrets.read(NTFY) == "from-systemd"


def test_without_a_keyring_that_encrypts_a_secret_goes_into_an_encrypted_file(tmp_path: Path) -> None:
    secrets = secrets_in(tmp_path, safe=frozenset(), passphrase=PASSPHRASE)
    assert secrets.write(NTFY, "canary-topic") is StorageKind.FILE
    file = tmp_path / "state" / "mexc-tui" / "live" / "channel-ntfy.encrypted"
    assert b"canary" not in file.read_bytes()
    forget("live")
    with pytest.raises(CredentialsError, match="mexc-tui-live-passphrase"):
        secrets_in(tmp_path, safe=frozenset()).read(NTFY)
    (tmp_path / "mexc-tui-live-passphrase").write_text(PASSPHRASE)
    assert secrets_in(tmp_path, safe=frozenset()).read(NTFY) == "canary-topic"
    assert secrets_in(tmp_path, safe=frozenset()).read(SecretName.TELEGRAM) == ""


def test_all_encrypted_files_of_a_profile_have_one_passphrase(tmp_path: Path) -> None:
    keyring.set_keyring(NoKeyring())
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}
    keys = StoredKeys("live", environ, new_passphrase=PASSPHRASE)
    keys.store("mx0vglCANARYKEY9", "CANARYSECRET0123456789", date(2026, 12, 1))
    forget("live")
    with pytest.raises(CredentialsError, match="Wrong passphrase"):
        secrets_in(tmp_path, passphrase="another passphrase").write(NTFY, "canary-topic")
    secrets_in(tmp_path, passphrase=PASSPHRASE).write(NTFY, "canary-topic")
    again = StoredKeys("live", environ, new_passphrase="a third passphrase")
    forget("live")
    with pytest.raises(CredentialsError, match="Wrong passphrase"):
        again.store("mx0vglCANARYKEY8", "CANARYSECRET9876543210", date(2026, 12, 1))


def test_one_file_is_opened_to_unlock_all(tmp_path: Path) -> None:
    secrets = secrets_in(tmp_path, safe=frozenset(), passphrase=PASSPHRASE)
    secrets.write(NTFY, "canary-topic")
    secrets.write(SecretName.DEAD_MAN, "https://canary.example.org/ping")
    forget("live")
    secrets_in(tmp_path, safe=frozenset(), passphrase=PASSPHRASE).unlock()
    assert secrets_in(tmp_path, safe=frozenset()).read(SecretName.DEAD_MAN).startswith("https://")
    forget("live")


def test_a_machine_without_a_keyring_has_no_secret(tmp_path: Path) -> None:
    keyring.set_keyring(NoKeyring())
    assert secrets_in(tmp_path).read(NTFY) == ""


@pytest.mark.parametrize("text", ["", "two\nlines", "gr\u00fcn", "x" * 1_001])
def test_a_secret_is_one_line_of_plain_text(tmp_path: Path, text: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        secrets_in(tmp_path).write(NTFY, text)
    assert not text or text not in str(caught.value)


def test_logs_hide_a_secret_and_its_token() -> None:
    shown = "sent to canary-topic tk_canary 42 and tk_canary"
    for part in parts_of("canary-topic tk_canary 42"):
        shown = part.removed_from(shown, "***")
    assert "canary" not in shown
    assert parts_of("") == ()
