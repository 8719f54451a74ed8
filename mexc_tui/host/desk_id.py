"""Id of one desk among all that share an account; part of every client order id."""

import os
import re
from contextlib import suppress
from pathlib import Path
from random import Random

from mexc_tui.host.paths import PathsError

NAME = "instance"
"""File of the id, in a profile's private folder."""
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH = 4


def desk_id_of(file: Path, rng: Random) -> str:
    """Return the desk id from a file, generated at the first start. Raises PathsError."""
    try:
        return _read_or_create(file, rng)
    except OSError as error:
        why = "it is a link; a regular file is needed" if file.is_symlink() else error.strerror
        raise PathsError(
            f"Cannot use {file}: {why}. It identifies this desk in every order: restore the file."
        ) from None


def _read_or_create(file: Path, rng: Random) -> str:
    kept = ""
    with suppress(FileNotFoundError, UnicodeDecodeError):
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="ascii") as opened:
            kept = opened.read(LENGTH + 2).strip()
    if re.fullmatch(f"[{LETTERS}]{{{LENGTH}}}", kept):
        return kept
    made = "".join(rng.choices(LETTERS, k=LENGTH))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(made + "\n")
    return made
