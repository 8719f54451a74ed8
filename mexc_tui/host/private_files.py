"""Replaces small files in a profile's private folder atomically."""

import os
from pathlib import Path


def write_private_file(file: Path, content: bytes) -> None:
    """Replace a file atomically, readable by this user only. Raises OSError."""
    fresh = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
