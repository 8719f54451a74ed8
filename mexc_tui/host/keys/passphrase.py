"""The passphrase of an encrypted key file: typed once per start, or a systemd credential.

It stays in this process's memory, and in that of a desk that continues without its terminal.
"""

import getpass
import sys
from collections.abc import Mapping

from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.host.keys.systemd_credential import passphrase_name, read_credential

MIN_PASSPHRASE = 12
"""Minimum length of a new passphrase."""
NO_TERMINAL = (
    "The key of profile {profile} is in an encrypted file, and there is no terminal to type its passphrase. "
    "Next step: start the engine at a terminal, or pass the systemd credential {name} (docs/vps.md)."
)
NO_NEW = (
    "The key goes into an encrypted file, and there is no terminal to type its new passphrase. "
    "Next step: add it as the third line of --stdin, or run the command at a terminal."
)
SHORT = f"A passphrase needs at least {MIN_PASSPHRASE} characters, such as five words."
DIFFERENT = "The passphrases differ. Nothing was stored: try again."

_remembered: dict[str, str] = {}


class Passphrase:
    """The passphrase of one profile."""

    def __init__(self, profile: str, environ: Mapping[str, str], chosen: str = "") -> None:
        """`chosen`: a new passphrase from a pipe; empty: it is typed."""
        self._profile = profile
        self._environ = environ
        self._chosen = chosen

    def get(self) -> str:
        """Return the passphrase; at a terminal the user types it. Raises CredentialsError without one."""
        known = self._given() or _remembered.get(self._profile, "") or self._chosen
        return known or self._typed(f"Passphrase of the key of profile {self._profile} (not shown): ")

    def choose(self) -> str:
        """Return a new passphrase, typed twice. Raises CredentialsError if it is too short."""
        given = self._chosen or self._given()
        if not given and not sys.stdin.isatty():
            raise CredentialsError(NO_NEW)
        new = given or self._typed("New passphrase of the encrypted file (not shown): ")
        if len(new) < MIN_PASSPHRASE:
            raise CredentialsError(SHORT)
        if not given and new != self._typed("The same passphrase again: "):
            raise CredentialsError(DIFFERENT)
        return new

    def remember(self, passphrase: str) -> None:
        """Use a passphrase for the rest of this process: it opened the file."""
        _remembered[self._profile] = passphrase

    def forget(self) -> None:
        """Forget the passphrase: it is wrong."""
        _remembered.pop(self._profile, None)

    def _given(self) -> str:
        """Return the passphrase in a credential; empty: there is none."""
        return (read_credential(passphrase_name(self._profile), self._environ) or "").strip("\r\n")

    def _typed(self, prompt: str) -> str:
        if not sys.stdin.isatty():
            name = passphrase_name(self._profile)
            raise CredentialsError(NO_TERMINAL.format(profile=self._profile, name=name))
        try:
            return getpass.getpass(prompt, stream=sys.stderr)
        except (EOFError, KeyboardInterrupt):
            raise CredentialsError("No passphrase was typed. Nothing was done.") from None
