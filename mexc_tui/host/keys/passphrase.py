"""The passphrase of an encrypted key file: typed once per start, or a systemd credential.

It stays in this process's memory, and in that of a desk that continues without its terminal.
"""

import getpass
import signal
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.host.keys.systemd_credential import passphrase_name, read_credential

MIN_PASSPHRASE = 12
"""Minimum length of a new passphrase."""
TRIES = 3
"""Attempts to type the passphrase of a file."""
_CLEAR_LINE = "\r\x1b[K"
"""Overwrites the line of the loading screen."""
NO_TERMINAL = (
    "A secret of profile {profile} is in an encrypted file, and there is no terminal to type its passphrase. "
    "Next step: start the engine at a terminal, or pass the systemd credential {name} (docs/vps.md)."
)
NO_NEW = (
    "The secret goes into an encrypted file, and there is no terminal to type its new passphrase. "
    "Next step: add it as the last line of --stdin, or run the command at a terminal."
)
SHORT = f"A passphrase needs at least {MIN_PASSPHRASE} characters, such as five words."
DIFFERENT = "The passphrases differ. Type them again."

_remembered: dict[str, str] = {}


class Passphrase:
    """The passphrase of one profile."""

    def __init__(
        self, profile: str, environ: Mapping[str, str], chosen: str = "", *, may_ask: bool = True
    ) -> None:
        """`chosen`: a passphrase from a pipe; empty: the user types it, if `may_ask`."""
        self._may_ask = may_ask
        self._profile = profile
        self._environ = environ
        self._chosen = chosen

    @property
    def tries(self) -> int:
        """Return how often the passphrase may be wrong: more than once if the user types it."""
        return 1 if self._known() or not self._can_ask() else TRIES

    def get(self, *, is_again: bool = False) -> str:
        """Return the passphrase; at a terminal the user types it. Raises CredentialsError without one.

        `is_again`: the last one was wrong.
        """
        wrong = "Wrong passphrase. " if is_again else ""
        prompt = f"{wrong}Passphrase of the secrets of profile {self._profile} (not shown): "
        return self._known() or self._typed(prompt)

    def choose(self) -> str:
        """Return a new passphrase, typed twice. Raises CredentialsError for a given one that is too short."""
        given = self._chosen or self._given()
        if given:
            if len(given) < MIN_PASSPHRASE:
                raise CredentialsError(SHORT)
            return given
        if not self._can_ask():
            raise CredentialsError(NO_NEW)
        problem = ""
        while True:
            new = self._typed(f"{problem}New passphrase of the encrypted file (not shown): ")
            if len(new) < MIN_PASSPHRASE:
                problem = f"{SHORT} "
            elif new != self._typed("The same passphrase again: "):
                problem = f"{DIFFERENT} "
            else:
                return new

    def remember(self, passphrase: str) -> None:
        """Use a passphrase for the rest of this process: it opened the file."""
        _remembered[self._profile] = passphrase

    def forget(self) -> None:
        """Forget the passphrase: it is wrong."""
        _remembered.pop(self._profile, None)

    def _can_ask(self) -> bool:
        return self._may_ask and sys.stdin.isatty()

    def _known(self) -> str:
        return self._given() or _remembered.get(self._profile, "") or self._chosen

    def _given(self) -> str:
        """Return the passphrase in a credential; empty: there is none."""
        return (read_credential(passphrase_name(self._profile), self._environ) or "").strip("\r\n")

    def _typed(self, prompt: str) -> str:
        if not self._can_ask():
            name = passphrase_name(self._profile)
            raise CredentialsError(NO_TERMINAL.format(profile=self._profile, name=name))
        clear = _CLEAR_LINE if sys.stderr.isatty() else ""
        try:
            with _interruptible():
                return getpass.getpass(clear + prompt, stream=sys.stderr)
        except (EOFError, KeyboardInterrupt):
            raise CredentialsError("No passphrase was typed. Nothing was done.") from None


@contextmanager
def _interruptible() -> Generator[None]:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM: an exit at once leaves the terminal without echo."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
