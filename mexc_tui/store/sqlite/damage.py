"""Damage outside the ledger tables: unreadable rows are skipped and reported."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mexc_tui.model.storage import StorageDamaged, StorageError

T = TypeVar("T")
R = TypeVar("R")

UNREADABLE = (StorageDamaged, ValueError, AssertionError, TypeError)
"""Errors of a row whose values are not those that were written, e.g. of a wrong type or enum value."""

_log = logging.getLogger("mexc_tui.store")


@dataclass(slots=True)
class Damage:
    """Damage found since the store was opened. It is reported until the next start."""

    text: str = ""
    """First finding; empty without one."""
    count: int = 0

    def record(self, text: str) -> None:
        """Record a finding. May be called from several threads: values only grow."""
        if not self.count:
            _log.error("the database is damaged: %s", text)
        self.count += 1
        self.text = self.text or text

    def record_error(self, error: StorageError) -> StorageError:
        """Record `error` if it is caused by damage; return it."""
        if isinstance(error, StorageDamaged):
            self.record(str(error))
        return error

    def readable(self, what: str, found: Iterable[R], read: Callable[[R], T]) -> Iterator[T]:
        """Yield `read(row)` for each row, skipping damaged ones."""
        for row in found:
            try:
                value = read(row)
            except UNREADABLE as error:
                self.record(str(error) if isinstance(error, StorageDamaged) else f"A {what} cannot be read.")
            else:
                yield value
