"""The name of one desk among all that may use the same account: it stands in every client order id."""

import os
import re
from pathlib import Path
from random import Random

NAME = "instance"
"""The file that keeps it, in a profile's private folder."""
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH = 4


def instance_of(file: Path, rng: Random) -> str:
    """Return the name kept in a file, made up at the first start. Raises OSError."""
    try:
        kept = file.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        kept = ""
    if re.fullmatch(f"[{LETTERS}]{{{LENGTH}}}", kept):
        return kept
    made = "".join(rng.choices(LETTERS, k=LENGTH))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(made + "\n")
    return made
