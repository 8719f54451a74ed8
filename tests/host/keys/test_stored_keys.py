"""The API key in the keyring: encrypting keyrings only, and no copy elsewhere."""

import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError, StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys

PASSPHRASE = "correct horse battery staple"
OTHER = "mx0vglOTHERKEY1"
KEY, SECRET = "mx0vglCANARYKEY9", "CANARYSECRET0123456789"
SAFE = frozenset((__name__,))
TODAY = date(2026, 1, 31)


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # pyright: ignore[reportAssignmentType]  # the library reads it as a class property

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.fails_to_write = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check(password)
        if self.fails_to_write:
            raise PasswordSetError(password)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("none")

    def _check(self, said: str = "") -> None:
        if self.is_locked:
            raise KeyringLocked(f"locked {SECRET}{said}")


class PlaintextKeyring(MemoryKeyring):
    """Stores passwords unencrypted, as the backend of that name in keyrings.alt."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


@pytest.fixture(autouse=True)
def memory_keyring() -> Iterator[MemoryKeyring]:
    Passphrase("live", {}).forget()  # of another test in this process
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_key_is_stored_per_profile_and_shown_by_its_last_characters(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keys = StoredKeys("live", environ, safe=SAFE)
    assert keys.read() is None
    keys.store(KEY, SECRET, TODAY)
    key, shown = keys.read(), keys.shown()
    assert key is not None
    assert key.access_key == KEY
    assert shown is not None
    assert shown.ends_with == KEY[-4:]
    assert "expires on 2026-05-01 (89 days left)" in shown.expiry_text(date(2026, 2, 1))
    assert "create a new key" in shown.expiry_text(date(2026, 5, 1))
    assert SECRET not in repr(key)
    assert StoredKeys("other", environ, safe=SAFE).read() is None


def test_a_removed_key_leaves_nothing(environ: dict[str, str], memory_keyring: MemoryKeyring) -> None:
    keys = StoredKeys("live", environ, safe=SAFE)
    keys.store(KEY, SECRET, TODAY)
    assert keys.remove()
    assert memory_keyring.kept == {}
    assert not keys.remove()


def test_a_key_stored_in_parts_by_an_older_version_is_read_and_replaced(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keys = StoredKeys("live", environ, safe=SAFE)
    memory_keyring.kept["mexc-tui", "live: access key"] = OTHER
    assert keys.read() is None, "it is incomplete"
    memory_keyring.kept |= {("mexc-tui", "live: secret"): SECRET, ("mexc-tui", "live: kept on"): "2026-01-01"}
    found = keys.load()
    assert found is not None
    assert (found[0].access_key, found[1].stored_on) == (OTHER, date(2026, 1, 1))
    keys.store(KEY, SECRET, TODAY)
    assert list(memory_keyring.kept) == [("mexc-tui", "live: key")]


def test_a_keyring_that_fails_while_a_key_is_replaced_keeps_the_old_one(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keys = StoredKeys("live", environ, safe=SAFE)
    keys.store(OTHER, SECRET, TODAY)
    memory_keyring.fails_to_write = True
    with pytest.raises(CredentialsError, match="refused access"):
        keys.store(KEY, SECRET, TODAY)
    found = keys.read()
    assert found is not None
    assert found.access_key == OTHER


@pytest.mark.parametrize("wrong", ["", "short", "with a space in it", "line\nbreak-in-it", "x" * 513])
def test_an_invalid_key_is_refused_without_printing_it(
    environ: dict[str, str], memory_keyring: MemoryKeyring, wrong: str
) -> None:
    keys = StoredKeys("live", environ, safe=SAFE)
    keys.store(KEY, SECRET, TODAY)
    before = dict(memory_keyring.kept)
    with pytest.raises(CredentialsError) as refused:
        keys.store(KEY, wrong, TODAY)
    assert not wrong or wrong not in str(refused.value)
    assert memory_keyring.kept == before


def test_a_locked_keyring_is_reported_without_its_message(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    memory_keyring.is_locked = True
    with pytest.raises(CredentialsError, match="Unlock it") as refused:
        StoredKeys("live", environ, safe=SAFE).read()
    assert "CANARY" not in "".join(traceback.format_exception(refused.value, chain=False))


def test_a_keyring_without_encryption_is_refused_by_name(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    with pytest.raises(CredentialsError, match=__name__):
        StoredKeys("live", environ).store(KEY, SECRET, TODAY, kind=StorageKind.KEYRING)
    assert memory_keyring.kept == {}


def test_a_machine_without_a_keyring_has_no_key(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keyring.set_keyring(NoKeyring())
    keys = StoredKeys("live", environ)
    assert (keys.read(), keys.kind(), keys.remove()) == (None, None, False)


def test_a_key_without_a_keyring_is_stored_in_an_encrypted_file(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keyring.set_keyring(NoKeyring())
    keys = StoredKeys("live", environ, new_passphrase=PASSPHRASE)
    assert keys.store(KEY, SECRET, TODAY) is StorageKind.FILE
    assert keys.kind() is StorageKind.FILE
    assert keys.remove()
    assert not keys.file.exists()


def test_a_key_moved_to_another_storage_leaves_no_copy(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keys = StoredKeys("live", environ, safe=SAFE, new_passphrase=PASSPHRASE)
    assert keys.store(KEY, SECRET, TODAY) is StorageKind.KEYRING
    assert keys.store(KEY, SECRET, TODAY, kind=StorageKind.FILE) is StorageKind.FILE
    assert memory_keyring.kept == {}
    assert keys.store(KEY, SECRET, TODAY) is StorageKind.KEYRING
    assert not keys.file.exists()


def test_a_systemd_credential_is_used_first_and_never_changed(
    environ: dict[str, str], memory_keyring: MemoryKeyring, tmp_path: Path
) -> None:
    StoredKeys("live", environ, safe=SAFE).store(OTHER, SECRET, TODAY)
    (tmp_path / "mexc-tui-live").write_text(f"{KEY}\n{SECRET}\n")
    keys = StoredKeys("live", environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)}, safe=SAFE)
    found = keys.load()
    assert found is not None
    assert (found[0].access_key, found[1].kind) == (KEY, StorageKind.SYSTEMD)
    for change in (lambda: keys.store(OTHER, SECRET, TODAY), keys.remove):
        with pytest.raises(CredentialsError, match="systemd-creds encrypt --name=mexc-tui-live"):
            change()


def test_a_credential_without_a_key_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "mexc-tui-live").write_text(f"{SECRET} in one line\n")
    with pytest.raises(CredentialsError, match="two lines") as refused:
        StoredKeys("live", environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)}).read()
    assert SECRET not in str(refused.value)


def test_a_plain_text_keyring_is_refused_by_name(
    environ: dict[str, str], memory_keyring: MemoryKeyring
) -> None:
    keyring.set_keyring(PlaintextKeyring())
    keys = StoredKeys("live", environ, new_passphrase=PASSPHRASE)
    with pytest.raises(CredentialsError, match="stores keys unencrypted"):
        keys.store(KEY, SECRET, TODAY, kind=StorageKind.KEYRING)
    assert __name__ in keys.keyring_problem()
    assert keys.store(KEY, SECRET, TODAY) is StorageKind.FILE
    assert keys.read() is not None
