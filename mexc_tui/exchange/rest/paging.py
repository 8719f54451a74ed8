"""Reads paged lists completely, newest rows first (protocol 4.4)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.rows import Rows, SkippedRow

T = TypeVar("T")

MAX_PAGES = 50
"""Page limit of one list. A longer list raises IncompleteList."""


class IncompleteList(ExchangeError):
    """A paged list could not be read completely.

    Raised by paged queries. A row that is missing from the list proves nothing: query again.
    """


async def read_all(
    fetch: Callable[[int | None], Awaitable[Rows[T]]],
    *,
    path: str,
    page: int,
    time_of: Callable[[T], int | None],
    key_of: Callable[[T], str],
) -> Rows[T]:
    """Return every row once, newest first, with the skipped rows.

    `fetch` returns at most `page` rows not newer than a time in ms (None: the newest). Rows in the oldest
    millisecond of a page are fetched again, because the page may have cut them off. Raises ExchangeError;
    IncompleteList if a full page brings no older rows.
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
