"""Writes small files into a profile's private folder: the old content or the new one, never half of it."""

import os
from pathlib import Path


def write_note(file: Path, content: bytes) -> None:
    """Replace a file's content, for this user alone. Raises OSError."""
    fresh = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
