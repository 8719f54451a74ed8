"""Checks of what a run wrote: unexpected errors in the log, and the secret of the API key anywhere (I14)."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mexc_tui.model.errors import DeskError
from mexc_tui.verification.engine_life import Crashed


def secret_in_files(folder: Path, secret: str) -> list[str]:
    """I14: no file of the desk contains the secret of the API key."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return [f"I14: {one.name} contains the secret" for one in files if secret.encode() in one.read_bytes()]


class _Collector(logging.Handler):
    def __init__(self, found: list[str], secret: str) -> None:
        super().__init__(logging.WARNING)
        self._found = found
        self._secret = secret

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = logging.Formatter().format(record)
        if self._secret in text:
            self._found.append("I14: the secret of the API key is in a log message")
        if error is not None and not isinstance(error, (DeskError, Crashed)):
            self._found.append(f"unexpected {error!r}: {record.getMessage()}")


@contextmanager
def logs_checked(found: list[str], secret: str) -> Generator[None]:
    """Collect what the desk logs with an exception that is not one of ours, or with the secret (I14)."""
    collector, logger = _Collector(found, secret), logging.getLogger("mexc_tui")
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)
