"""Secrets of notification channels: a systemd credential, or the keyring of the operating system."""

import os
from collections.abc import Mapping

from mexc_tui.host.keys.keyring_storage import KeyringStorage
from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.host.keys.systemd_credential import credential_name, read_credential
from mexc_tui.host.paths import check_profile
from mexc_tui.model.credentials import Secret
from mexc_tui.model.notification import ChannelName

MOST_CHARACTERS = 1_000
INVALID = "Not a valid secret of {channel}: one line of 1 to 1000 printable ASCII characters. Copy it again."
NO_STORAGE = (
    "{problem} Next step: pass the secret of {channel} as the systemd credential {name} (docs/alerts.md)."
)


class ChannelSecrets:
    """Secrets of one profile's channels. Methods block, possibly until the user unlocks the keyring."""

    def __init__(
        self, profile: str, environ: Mapping[str, str] | None = None, *, safe: frozenset[str] | None = None
    ) -> None:
        """`environ`: None: of this process. `safe`: usable keyring backends; None: all that encrypt.

        Raises PathsError for an invalid profile.
        """
        self._profile = check_profile(profile)
        self._environ = os.environ if environ is None else environ
        self._keyring = KeyringStorage(profile, safe)

    def read(self, channel: ChannelName) -> str:
        """Return the secret of a channel; empty: there is none. Raises CredentialsError."""
        given = read_credential(self._credential(channel), self._environ)
        if given is not None:
            return given.strip()
        return self._keyring.read_text(_entry(channel)) if self._keyring.is_available() else ""

    def write(self, channel: ChannelName, secret: str) -> None:
        """Store a secret in the keyring, replacing the previous one. Raises CredentialsError."""
        is_whole = 0 < len(secret) <= MOST_CHARACTERS and secret.isascii() and secret.isprintable()
        if not is_whole:
            raise CredentialsError(INVALID.format(channel=channel))
        problem = self._keyring.absence_text()
        if problem:
            name = self._credential(channel)
            raise CredentialsError(NO_STORAGE.format(problem=problem, channel=channel, name=name))
        self._keyring.write_text(_entry(channel), secret)

    def _credential(self, channel: ChannelName) -> str:
        return f"{credential_name(self._profile)}-{channel}"


def stored_secret(profile: str, channel: ChannelName) -> str:
    """Return the secret of a profile's channel; empty: there is none. Blocks. Raises CredentialsError."""
    return ChannelSecrets(profile).read(channel)


def parts_of(secret: str) -> tuple[Secret, ...]:
    """Return what logs must hide: the secret and its longer parts; a chat number alone is too short."""
    return tuple(Secret(part) for part in {secret, *secret.split(" ")} if len(part) >= 8)


def _entry(channel: ChannelName) -> str:
    return f"channel {channel}"
