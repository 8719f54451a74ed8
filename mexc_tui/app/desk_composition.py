"""Builds the desk service of an engine: front ends, events and process metrics."""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from mexc_tui import __version__
from mexc_tui.app.engine_environment import EngineLocation
from mexc_tui.app.market_adapter import MexcMarket
from mexc_tui.app.process_metrics import ProcessMetrics, ProcessMetricsParts
from mexc_tui.app.trading_adapter import MexcTrading
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.desk.screen_handlers import viewer_rows
from mexc_tui.desk.service import DeskService, DeskServiceParts
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.runtime.event_feed import EventFeed
from mexc_tui.engine.runtime.subscriber import Notice, Resume
from mexc_tui.engine.views.engine_queries import EngineQueries
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.exchange.client import MexcClient
from mexc_tui.metrics.engine_metrics import EngineRows
from mexc_tui.metrics.exporter import MetricsExporter, MetricsOptions
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import Fact
from mexc_tui.model.view import AlertRow
from mexc_tui.ports.clock import Clock
from mexc_tui.settings.all_settings import Settings
from mexc_tui.store.sqlite.store import SqliteStore


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskBuilder:
    """Builds the desk service of one engine; `stack` closes it."""

    location: EngineLocation
    clock: Clock
    engine: Engine
    store: SqliteStore
    feed: EventFeed
    settings: Settings
    stack: AsyncExitStack

    def metrics(self, client: MexcClient, market: MexcMarket) -> ProcessMetrics:
        """Build the metrics of this process and of the engine's parts."""
        port = None if self.engine.trading_components is None else self.engine.trading_components.port
        metrics = ProcessMetrics(
            ProcessMetricsParts(
                clock=self.clock,
                database=self.store.path,
                store=self.store.state,
                feed=self.feed.state,
                budget=client.budget.state,
                breakers=lambda: client.breakers,
                lines=market.lines,
                counts=market.stream_counts,
                private=port.private_line if isinstance(port, MexcTrading) else lambda: None,
            )
        )
        self.stack.push_async_callback(metrics.close)
        return metrics

    async def open_service(
        self, queries: EngineQueries, answers: ResponseCache, metrics: ProcessMetrics
    ) -> None:
        """Serve front ends at the profile's socket. Missed facts are read from the journal."""
        trading = await trading_queries(self.engine)
        service = DeskService(
            DeskServiceParts(
                queries=queries,
                store=self.store,
                clock=self.clock,
                detection=self.engine.detection_settings,
                engine=f"{os.getpid()}-{self.engine.started_ms}",
                head=self.feed.last_sequence,
                responses=answers,
                trading=trading,
                screens=ScreenQueries(self.engine, tuple if trading is None else trading.positions),
                machine=metrics,
            )
        )

        async def publish(notice: Notice) -> None:
            match notice:
                case Fact():
                    service.publish(notice)
                case Resume(from_sequence=first, through_sequence=last):
                    missed = await self.store.read(
                        "facts for the desk", lambda s: s.journal.after(first - 1, last - first + 1)
                    )
                    for fact in missed:
                        service.publish(fact)

        subscriber = self.feed.subscribe("desk", publish)
        self.stack.push_async_callback(self.feed.unsubscribe, subscriber, 1.0)
        await service.open(self.location.paths.socket)
        self.stack.push_async_callback(service.close)
        await self._export_metrics(service, queries, trading, metrics=metrics)

    async def _export_metrics(
        self,
        service: DeskService,
        queries: EngineQueries,
        trading: TradingQueries | None,
        *,
        metrics: ProcessMetrics,
    ) -> None:
        async def rows() -> EngineRows:
            return EngineRows(
                version=__version__,
                status=queries.status(),
                machine=metrics.snapshot(viewer_rows(service.server)),
                alerts=await _alerts(queries),
                risk=None if trading is None else trading.risk(),
                positions=() if trading is None else trading.positions(),
                armed=0 if trading is None else len(trading.snipes()),
                open_orders=0 if trading is None else len(trading.orders()),
            )

        exporter = MetricsExporter(rows)
        await exporter.open(self.location.paths.socket, metrics_options(self.settings))
        self.stack.push_async_callback(exporter.close)


async def _alerts(queries: EngineQueries) -> Sequence[AlertRow] | None:
    """Return the open alerts; None: the database cannot be read."""
    try:
        return await queries.alerts()
    except CommandRefused:
        return None


def metrics_options(settings: Settings) -> MetricsOptions:
    """Return where the metrics are offered beside the Unix socket."""
    return MetricsOptions(
        port=settings.metrics_port, file=settings.metrics_file, every_s=settings.metrics_file_s
    )
