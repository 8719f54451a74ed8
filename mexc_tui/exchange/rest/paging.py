"""Reads lists that the exchange answers page by page to their end, newest rows first (protocol 4.4)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.rows import Rows, SkippedRow

T = TypeVar("T")

MAX_PAGES = 50
"""A longer list is not read to its end, and that is said."""


class IncompleteList(ExchangeError):
    """A list could not be read to its end.

    Raised by paged queries. What the list lacks proves nothing: ask again.
    """


async def read_all(
    fetch: Callable[[int | None], Awaitable[Rows[T]]],
    *,
    path: str,
    page: int,
    time_of: Callable[[T], int | None],
    key_of: Callable[[T], str],
) -> Rows[T]:
    """Return every row once, newest first, and those that could not be read.

    `ask` returns at most `page` rows not newer than a time (ms), None: the newest. Rows of the page's
    oldest millisecond are asked for again, as the page may have cut them. Raises ExchangeError; Incomplete
    if the exchange gives no older rows although the page was full.
    """
    found: dict[str, T] = {}
    skipped: dict[SkippedRow, None] = {}
    end_ms: int | None = None
    for _ in range(MAX_PAGES):
        answer_page = await fetch(end_ms)
        rows = answer_page.rows
        fresh = {key_of(row): row for row in rows if key_of(row) not in found}
        found |= fresh
        skipped |= dict.fromkeys(answer_page.skipped)
        if len(answer_page) < page:
            return Rows(tuple(found.values()), tuple(skipped))
        times = [at_ms for row in rows if (at_ms := time_of(row)) is not None]
        if not fresh or len(times) < len(rows):
            break
        end_ms = min(times)
    raise IncompleteList("GET", path, f"the list could not be read beyond {len(found)} rows")
