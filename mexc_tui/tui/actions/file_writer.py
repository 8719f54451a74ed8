"""Write files atomically, readable by this user only."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def save(folder: Path, name: str, data: bytes) -> Path:
    """Write a file atomically and return its path. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        path = folder / name
        Path(part).replace(path)
    except OSError:
        with suppress(OSError):
            Path(part).unlink()
        raise
    return path.absolute()
