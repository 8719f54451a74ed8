"""A key or a passphrase that systemd passes to a service (systemd.exec(5), Credentials)."""

from collections.abc import Mapping
from pathlib import Path

from mexc_tui.host.keys.record import CredentialsError, KeyRecord, StorageKind

FOLDER = "CREDENTIALS_DIRECTORY"
MOST_BYTES = 4_096


def credential_name(profile: str) -> str:
    """Return the name of the credential with a profile's key: two lines, access key and secret."""
    return f"mexc-tui-{profile}"


def passphrase_name(profile: str) -> str:
    """Return the name of the credential with the passphrase of a profile's encrypted file."""
    return f"mexc-tui-{profile}-passphrase"


def read_credential(name: str, environ: Mapping[str, str]) -> str | None:
    """Return a credential of this service; None: there is none. Raises CredentialsError."""
    folder = environ.get(FOLDER, "")
    if not folder:
        return None
    try:
        content = (Path(folder) / name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialsError(
            f"The systemd credential {name} cannot be read: {error.strerror}. Check the service unit."
        ) from None
    try:
        return content[:MOST_BYTES].decode("utf-8")
    except UnicodeDecodeError:
        raise CredentialsError(f"The systemd credential {name} is not text. Create it again.") from None


class SystemdStorage:
    """The key of one profile in a credential of the running service. Read-only."""

    kind = StorageKind.SYSTEMD

    def __init__(self, profile: str, environ: Mapping[str, str]) -> None:
        self._name = credential_name(profile)
        self._environ = environ

    def is_available(self) -> bool:
        """Whether the service has a credential with a key."""
        return read_credential(self._name, self._environ) is not None

    def read(self) -> KeyRecord | None:
        """Return the key. Raises CredentialsError for a credential that holds no key."""
        text = read_credential(self._name, self._environ)
        if text is None:
            return None
        lines = [*(line.strip() for line in text.splitlines()), "", ""]
        record = KeyRecord(lines[0], lines[1])
        if not record.is_whole:
            raise CredentialsError(
                f"The systemd credential {self._name} holds no key. "
                "It needs two lines: access key and secret."
            )
        return record

    def write(self, record: KeyRecord) -> None:
        """Refuse: only the administrator of the machine changes credentials."""
        del record
        raise CredentialsError(self._read_only())

    def remove(self) -> bool:
        """Refuse to delete a credential; return False without one."""
        if self.is_available():
            raise CredentialsError(self._read_only())
        return False

    def _read_only(self) -> str:
        return (
            f"The key comes from the systemd credential {self._name}, which a service cannot change. "
            f"Next step: systemd-creds encrypt --name={self._name} - FILE, then restart the service "
            "(docs/vps.md)."
        )
