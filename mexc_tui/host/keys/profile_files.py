"""The encrypted files of a profile: its API key, and the secrets of its notification channels."""

from collections.abc import Mapping
from pathlib import Path

from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.sealed_file import SealedFile
from mexc_tui.host.paths import check_profile, profiles_of
from mexc_tui.model.notification import SecretName

KEY_FILE = "api-key.encrypted"


def key_file(profile: str, environ: Mapping[str, str]) -> Path:
    """Return the encrypted file of a profile's key. Raises PathsError."""
    return profiles_of(environ) / check_profile(profile) / KEY_FILE


def channel_files(
    profile: str, environ: Mapping[str, str], passphrase: Passphrase
) -> dict[SecretName, SealedFile]:
    """Return the encrypted file of each channel's secret, whether it exists or not. Raises PathsError."""
    folder = key_file(profile, environ).parent
    return {
        name: SealedFile(
            folder / f"channel-{name}.encrypted",
            f"{profile} channel {name}",
            passphrase,
            command=f"mexc-tui alerts secret {name}",
        )
        for name in SecretName
    }
