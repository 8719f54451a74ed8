"""Fixtures: a store in a private folder, and a server that receives notifications."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.notify_server import NotifyServer, notify_server
from tests.support.store_parts import FILE, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "profile" / FILE, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def server() -> AsyncIterator[NotifyServer]:
    async with notify_server() as running:
        yield running
