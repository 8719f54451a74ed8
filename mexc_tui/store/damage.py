"""Damage outside the tables of money: a row that cannot be read costs that row, and is reported."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mexc_tui.model.storage import StorageDamaged, StorageError

T = TypeVar("T")
R = TypeVar("R")

UNREADABLE = (StorageDamaged, ValueError, AssertionError, TypeError)
"""What a row raises whose values are not those that were written: another type, another enum's word."""

_log = logging.getLogger("mexc_tui.store")


@dataclass(slots=True)
class Damage:
    """What was found damaged since the store was opened; it stays until the next start."""

    text: str = ""
    """The first finding as text; empty: none."""
    count: int = 0

    def record(self, text: str) -> None:
        """Keep a finding. Threads may call it at once: each only ever adds."""
        if not self.count:
            _log.error("the database is damaged: %s", text)
        self.count += 1
        self.text = self.text or text

    def record_error(self, error: StorageError) -> StorageError:
        """Record an error caused by damage; return it."""
        if isinstance(error, StorageDamaged):
            self.record(str(error))
        return error

    def readable(self, what: str, found: Iterable[R], read: Callable[[R], T]) -> Iterator[T]:
        """Yield what `read` makes of each row, without those that are damaged."""
        for row in found:
            try:
                value = read(row)
            except UNREADABLE as error:
                self.record(str(error) if isinstance(error, StorageDamaged) else f"A {what} cannot be read.")
            else:
                yield value
