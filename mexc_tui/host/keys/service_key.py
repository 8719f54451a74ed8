"""The API key of an engine that runs as a systemd service: credentials of its unit (systemd-creds(1))."""

from pathlib import Path

from mexc_tui.host.keys.record import StorageKind
from mexc_tui.host.keys.systemd_credential import credential_name, passphrase_name
from mexc_tui.host.service_unit import USER_CREDENTIALS_SINCE

OLD_SYSTEMD = (
    "A user's service opens encrypted credentials since systemd {since} (here: {version}). Next step: "
    "mexc-tui service install --system USER, or start the engine at a terminal (docs/vps.md)."
)
IN_FILE = (
    "The key is in an encrypted file, and a service has no terminal to type its passphrase. "
    "Next step: --passphrase-credential FILE (docs/vps.md)."
)
IN_KEYRING = (
    "The key is in the keyring of this user, which a service of the system cannot open. "
    "Next step: --key-credential FILE (docs/vps.md)."
)


def unit_credentials(profile: str, key: Path | None, passphrase: Path | None) -> tuple[tuple[str, Path], ...]:
    """Return the names and files of the given encrypted credentials."""
    given = ((credential_name(profile), key), (passphrase_name(profile), passphrase))
    return tuple((name, file.absolute()) for name, file in given if file is not None)


def old_systemd_text(version: int) -> str:
    """Return why a user's service cannot open encrypted credentials; empty: it can. `version` 0: unknown."""
    if not 0 < version < USER_CREDENTIALS_SINCE:
        return ""
    return OLD_SYSTEMD.format(since=USER_CREDENTIALS_SINCE, version=version)


def unreadable_text(kind: StorageKind | None, *, is_system: bool) -> str:
    """Return why a service without a credential cannot open the key; empty: it can. `kind`: None: no key."""
    if kind is StorageKind.FILE:
        return IN_FILE
    return IN_KEYRING if kind is StorageKind.KEYRING and is_system else ""
