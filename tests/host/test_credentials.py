"""The API key in the keyring: encrypting keyrings only, and no copy elsewhere."""

import traceback
from collections.abc import Iterator
from datetime import date

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from mexc_tui.host.credentials import CredentialsError, StoredKeys

KEY, SECRET = "mx0vglCANARYKEY9", "CANARYSECRET0123456789"
SAFE = frozenset((__name__,))
TODAY = date(2026, 1, 31)


class MemoryKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # pyright: ignore[reportAssignmentType]  # the library reads it as a class property

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check(password)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("none")

    def _check(self, said: str = "") -> None:
        if self.is_locked:
            raise KeyringLocked(f"locked {SECRET}{said}")


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_key_is_stored_per_profile_and_shown_by_its_last_characters(memory_keyring: MemoryKeyring) -> None:
    keys = StoredKeys("live", SAFE)
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
    assert StoredKeys("other", SAFE).read() is None


def test_a_removed_key_leaves_nothing(memory_keyring: MemoryKeyring) -> None:
    keys = StoredKeys("live", SAFE)
    keys.store(KEY, SECRET, TODAY)
    assert keys.remove()
    assert memory_keyring.kept == {}
    assert not keys.remove()


def test_an_incomplete_key_counts_as_none(memory_keyring: MemoryKeyring) -> None:
    keys = StoredKeys("live", SAFE)
    keys.store(KEY, SECRET, TODAY)
    memory_keyring.delete_password("mexc-tui", "live: secret")
    assert keys.read() is None


@pytest.mark.parametrize("wrong", ["", "short", "with a space in it", "line\nbreak-in-it", "x" * 513])
def test_an_invalid_key_is_refused_without_printing_it(memory_keyring: MemoryKeyring, wrong: str) -> None:
    keys = StoredKeys("live", SAFE)
    keys.store(KEY, SECRET, TODAY)
    before = dict(memory_keyring.kept)
    with pytest.raises(CredentialsError) as refused:
        keys.store(KEY, wrong, TODAY)
    assert not wrong or wrong not in str(refused.value)
    assert memory_keyring.kept == before


def test_a_locked_keyring_is_reported_without_its_message(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.is_locked = True
    with pytest.raises(CredentialsError, match="Unlock it") as refused:
        StoredKeys("live", SAFE).read()
    assert "CANARY" not in "".join(traceback.format_exception(refused.value, chain=False))


def test_a_keyring_without_encryption_is_refused_by_name(memory_keyring: MemoryKeyring) -> None:
    with pytest.raises(CredentialsError, match=__name__):
        StoredKeys("live").store(KEY, SECRET, TODAY)
    assert memory_keyring.kept == {}


def test_a_machine_without_a_keyring_prints_the_next_step(memory_keyring: MemoryKeyring) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(CredentialsError, match="Next step: install and unlock a Secret Service"):
        StoredKeys("live").read()
