"""Writes a new private file completely, or leaves none."""

import os
from collections.abc import Callable
from pathlib import Path

from mexc_tui.export.parquet import ExportFailed


def write_new_file(file: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a private file, then give it its name. An existing file is never replaced.

    Raises ExportFailed.
    """
    unfinished = file.with_name(file.name + ".part")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        write(unfinished)
        os.link(unfinished, file)  # unlike a rename, this fails if the file exists
    except FileExistsError:
        raise ExportFailed(f"{file} already exists. Choose another name.") from None
    except OSError as error:
        raise ExportFailed(f"{file} cannot be written: {error.strerror}. Choose another folder.") from None
    finally:
        unfinished.unlink(missing_ok=True)
