"""Paged lists are read to their end, or an error reports that they were not."""

from dataclasses import dataclass

import pytest

from mexc_tui.exchange.rest.paging import IncompleteList, read_all
from mexc_tui.model.rows import Rows, SkippedRow

PAGE = 100


@dataclass(frozen=True)
class Row:
    id: str
    time_ms: int | None


@dataclass
class History:
    """Returns the newest rows up to a time, one page at most, as the exchange does."""

    rows: list[Row]
    pages_read: int = 0
    applies_end_time: bool = True
    malformed: tuple[str, ...] = ()

    async def page(self, end_ms: int | None) -> Rows[Row]:
        self.pages_read += 1
        until_ms = end_ms if self.applies_end_time and end_ms is not None else 2**60
        selected = [row for row in self.rows if (row.time_ms or 0) <= until_ms]
        page = sorted(selected, key=lambda row: -(row.time_ms or 0))[:PAGE]
        skipped = tuple(SkippedRow("", f"row {row.id}") for row in page if row.id in self.malformed)
        return Rows(tuple(row for row in page if row.id not in self.malformed), skipped)

    async def read(self) -> Rows[Row]:
        return await read_all(
            self.page, path="/x", page=PAGE, time_of=lambda row: row.time_ms, key_of=lambda row: row.id
        )


def rows(count: int, per_ms: int = 1) -> list[Row]:
    return [Row(f"t{number}", 1_000 + number // per_ms) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "per_ms", "pages_read"),
    [(0, 1, 1), (99, 1, 1), (100, 1, 2), (150, 1, 2), (150, 60, 2), (1_234, 7, 14)],
)
async def test_every_page_is_read_and_no_row_twice(count: int, per_ms: int, pages_read: int) -> None:
    history = History(rows(count, per_ms))
    found = await history.read()
    assert sorted(row.id for row in found.rows) == sorted(row.id for row in history.rows)
    assert history.pages_read <= pages_read


@pytest.mark.parametrize(
    "history",
    [
        History(rows(150, 150)),
        History(rows(150), applies_end_time=False),
        History([Row(f"t{number}", None) for number in range(150)]),
        History(rows(99 * 60)),
    ],
    ids=["more rows in one millisecond than a page", "time is ignored", "rows without a time", "too many"],
)
async def test_a_list_that_cannot_be_read_to_its_end_is_an_error(history: History) -> None:
    with pytest.raises(IncompleteList, match="could not be read beyond"):
        await history.read()


async def test_malformed_rows_are_skipped_and_count_for_their_page() -> None:
    history = History(rows(250), malformed=("t240", "t149", "t3"))
    found = await history.read()
    assert len(found.rows) == 247
    assert [skipped_row.problem for skipped_row in found.skipped] == ["row t240", "row t149", "row t3"]
    assert not found.is_complete
