"""How a systemd service opens the key."""

from pathlib import Path

import pytest

from mexc_tui.host.keys.record import StorageKind
from mexc_tui.host.keys.service_key import old_systemd_text, unit_credentials, unreadable_text


@pytest.mark.parametrize(
    ("kind", "is_system", "text"),
    [
        (None, True, ""),
        (StorageKind.KEYRING, False, ""),
        (StorageKind.KEYRING, True, "--key-credential FILE"),
        (StorageKind.FILE, False, "--passphrase-credential FILE"),
        (StorageKind.FILE, True, "--passphrase-credential FILE"),
    ],
)
def test_a_service_that_cannot_open_the_key_names_the_option(
    kind: StorageKind | None, is_system: bool, text: str
) -> None:
    found = unreadable_text(kind, is_system=is_system)
    assert (text in found) if text else not found


@pytest.mark.parametrize(("version", "is_old"), [(0, False), (255, True), (256, False)])
def test_services_of_a_user_open_credentials_since_systemd_256(version: int, is_old: bool) -> None:
    assert bool(old_systemd_text(version)) == is_old


def test_credentials_are_named_after_the_profile() -> None:
    assert unit_credentials("second", Path("/k"), None) == (("mexc-tui-second", Path("/k")),)
    assert unit_credentials("second", None, Path("/p")) == (("mexc-tui-second-passphrase", Path("/p")),)
