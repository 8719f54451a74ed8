"""A fake engine behind a real desk: fixed rows and recorded commands."""

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.service import DeskService, DeskServiceParts
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.listing_rows import listing_row
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import SettingChanged
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.view import (
    AlertRow,
    BudgetRow,
    ClockRow,
    ListingRow,
    SettingRow,
    SignalRow,
    StatusRow,
    StreamsRow,
    TradingState,
)
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes
from mexc_tui.store.caches.memory import MemoryLevel
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.desk_server import client_of, running_client
from tests.support.samples import listing_samples

CLOCK = SystemClock()


@dataclass
class FakeEngineQueries(EngineQueries):
    """Returns fixed rows."""

    state: TradingState = TradingState.ACTIVE
    active: list[SignalRow] = field(default_factory=list[SignalRow])
    added: list[str] = field(default_factory=list[str])
    stops: list[str] = field(default_factory=list[str])
    is_broken: bool = False

    def status(self) -> StatusRow:
        return StatusRow(
            running=True,
            pid=os.getpid(),
            profile="practice",
            mode="practice",
            exchange_session="w-1",
            trading_state=self.state,
            cause="" if self.state is TradingState.ACTIVE else "by the operator",
            started_ms=1,
            now_ms=CLOCK.now_ms(),
            clock=ClockRow(),
            streams=StreamsRow(),
            budget=BudgetRow(),
            sources=(),
            workers=(),
            pairs=0,
            listings=0,
            signals=len(self.active),
            journal=0,
            config_hash="",
        )

    def listings(self) -> Sequence[ListingRow]:
        return []

    def signals(self) -> Sequence[SignalRow]:
        if self.is_broken:
            raise ValueError("a row is broken")
        return self.active

    def liquidity(self) -> Mapping[str, Liquidity]:
        return {}

    async def alerts(self, limit: int = 1_000, *, closed: bool = False) -> Sequence[AlertRow]:
        del limit, closed
        return []

    def settings(self) -> Sequence[SettingRow]:
        return []

    async def add_listing(self, symbol: str, opens_ms: int | None, note: str = "") -> ListingRow:
        self.added.append(symbol)
        return listing_row(listing_samples.listing(symbol), ListingStage.SCHEDULED)

    async def drop_listing(self, symbol: str, note: str = "") -> ListingRow:
        raise CommandRefused(f"{symbol} is unknown.")

    async def check_setting(self, name: str, text: str | None) -> str:
        raise CommandRefused("not now")

    async def change_setting(self, name: str, text: str | None, who: str) -> SettingRow:
        raise CommandRefused("not now")

    async def undo_setting(self, name: str, who: str) -> tuple[SettingRow, SettingChanged]:
        raise CommandRefused("not now")

    def stop(self, reason: str) -> None:
        self.stops.append(reason)


@asynccontextmanager
async def opened_service(
    store: SqliteStore, queries: EngineQueries, path: Path
) -> AsyncGenerator[DeskService]:
    cache = Cache([MemoryLevel(CLOCK)], CLOCK)
    answers = ResponseCache(cache, lambda: store.state().units, Lifetimes())
    desk_service = DeskService(
        DeskServiceParts(queries, store, CLOCK, DetectionSettings, "engine-1", 0, answers)
    )
    await desk_service.open(path)
    try:
        yield desk_service
    finally:
        await desk_service.close(0.5)


@asynccontextmanager
async def desk(
    folder: Path, queries: EngineQueries
) -> AsyncGenerator[tuple[DeskService, DeskClient, SqliteStore]]:
    store = await SqliteStore.open(folder / "state" / "desk.sqlite3", CLOCK)
    async with (
        opened_service(store, queries, folder / "s.sock") as desk_service,
        running_client(client_of(folder / "s.sock")) as client,
    ):
        yield desk_service, client, store
    await store.close()
