"""Fixtures: a store in a private folder, closed at the end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the path of a folder, not yet created, inside a private one."""
    return tmp_path / "profile"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(folder: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(folder / FILE, clock)
    yield opened
    await opened.close()
