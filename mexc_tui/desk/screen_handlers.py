"""Handlers of the queries of screens. They change nothing; every response fits into one frame."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from mexc_tui.desk import screen_requests
from mexc_tui.desk.answer_cache import CachedResponse, ResponseCache
from mexc_tui.desk.api_types import CommandKind
from mexc_tui.desk.command_executor import CommandExecutor, HandlerResult, ReceivedCommand
from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.server import DeskServer
from mexc_tui.engine.views.risk_action_rows import risk_action_history
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.symbol_view import SymbolRequest
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow, MachineRow, ViewerRow
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.plan_view import EquityRow
from mexc_tui.ports.store import Store

T = TypeVar("T")

NO_SCREEN_QUERIES = "This engine serves no views: it was started without them."
ALL: tuple[CommandKind[Any, Any], ...] = (
    screen_requests.DETECTORS,
    screen_requests.MARKET,
    screen_requests.EQUITY,
    screen_requests.LATENCY,
)


def handle_risk_monitor(desk: CommandExecutor, store: Store, answers: ResponseCache) -> None:
    """Handle queries of the risk monitor's history, of trading and read-only engines."""

    async def guard(
        args: screen_requests.RiskMonitorQuery, _: ReceivedCommand
    ) -> HandlerResult[screen_requests.RiskMonitorPage]:
        async def read() -> screen_requests.RiskMonitorPage:
            found = await store.read(
                "guard history", lambda stored: risk_action_history(stored, args.before, args.limit)
            )
            return screen_requests.RiskMonitorPage(*found)

        return _recent(await answers.get("guard", screen_requests.RiskMonitorPage, args, read=read))

    desk.handle(screen_requests.GUARD, guard)


def handle_screens(desk: CommandExecutor, queries: ScreenQueries | None, answers: ResponseCache) -> None:
    """Handle queries of screens; equal queries of the store share one read. None: refuse them."""
    if queries is None:
        for kind in ALL:
            desk.handle(kind, _refuse)
        return

    async def detectors(args: NoArguments, _: ReceivedCommand) -> HandlerResult[DetectorsRow]:
        return _recent(await answers.get("detectors", DetectorsRow, args, read=queries.detectors))

    async def market(args: screen_requests.MarketQuery, _: ReceivedCommand) -> HandlerResult[MarketRow]:
        request = SymbolRequest(
            levels=args.levels, trades=args.trades, spans=args.spans, path_since_ms=args.path_since_ms
        )
        return HandlerResult("", await queries.market(args.symbol.upper(), request))

    async def equity(args: screen_requests.EquityQuery, _: ReceivedCommand) -> HandlerResult[EquityRow]:
        async def read() -> EquityRow:
            return await queries.equity(args.since_ms, args.points)

        return _recent(await answers.get("equity", EquityRow, args, read=read))

    desk.handle(screen_requests.DETECTORS, detectors)

    async def latency(args: screen_requests.LatencyQuery, _: ReceivedCommand) -> HandlerResult[LatencyRow]:
        async def read() -> LatencyRow:
            return await queries.latency(args.attempts)

        return _recent(await answers.get("latency", LatencyRow, args, read=read))

    desk.handle(screen_requests.EQUITY, equity)
    desk.handle(screen_requests.LATENCY, latency)
    desk.handle(screen_requests.MARKET, market)


def _recent(found: CachedResponse[T]) -> HandlerResult[T]:
    return HandlerResult("", found.value, age_ms=found.age_ms)


class MetricsSource(Protocol):
    """Metrics of the process and its components."""

    def beat(self, late_s: float) -> None:
        """Record a delay of the event loop."""
        ...

    def row(self, viewers: Sequence[ViewerRow]) -> MachineRow:
        """Return the current metrics."""
        ...


def handle_process_metrics(
    desk: CommandExecutor, machine: MetricsSource | None, viewers: Callable[[], Sequence[ViewerRow]]
) -> None:
    """Handle queries of process metrics. None: refuse them."""
    if machine is None:
        desk.handle(screen_requests.MACHINE, _refuse)
        return

    async def process_metrics(_: NoArguments, __: ReceivedCommand) -> HandlerResult[MachineRow]:
        return HandlerResult("", machine.row(viewers()))

    desk.handle(screen_requests.MACHINE, process_metrics)


def viewer_rows(server: DeskServer) -> list[ViewerRow]:
    """Return the connected viewers with their lag."""
    return [
        ViewerRow(
            who=viewer.sender.who,
            pid=viewer.sender.pid,
            role=viewer.sender.role.value,
            waiting_bytes=viewer.waiting_bytes,
            facts_behind=viewer.facts_behind,
            views=viewer.views,
        )
        for viewer in server.viewers
    ]


async def _refuse(_: object, __: ReceivedCommand) -> HandlerResult[Any]:
    raise CommandRefused(NO_SCREEN_QUERIES)
