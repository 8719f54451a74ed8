"""Reconciles a stored ledger with the exchange without an engine: `reconcile --exchange FILE`.

Queries only: no order is placed or cancelled. Missing orders and fills are booked as at the start of an
engine, and each run is stored. No engine of the profile or account can start meanwhile.
"""

import asyncio
from dataclasses import dataclass
from random import Random

import aiohttp
import msgspec

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.app.exchange_settings_mapping import client_limits, socket_timings
from mexc_tui.app.settings_mapping import store_limits
from mexc_tui.app.trading_adapter import MexcTrading, TradingAdapterParts
from mexc_tui.app.trading_settings_mapping import reconcile_parameters
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.exchange.client import MexcClient
from mexc_tui.host.desk_id import NAME as DESK_ID_FILE
from mexc_tui.host.desk_id import desk_id_of
from mexc_tui.host.folders import make_folders
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.listen_key_file import ListenKeyFile
from mexc_tui.host.lock import engine_lock, scope_of
from mexc_tui.host.paths import Paths
from mexc_tui.ledger.ids import unrecorded_order_text
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import DeskError
from mexc_tui.model.reconciliation import Reconciliation, lasting
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.ports.store import Stored
from mexc_tui.settings.all_settings import Settings
from mexc_tui.store.sqlite.store import SqliteStore

DEADLINE_S = 120.0
"""Seconds to wait for the resolution of unknown orders and for a busy exchange."""
CONFIRM_S = 45.0
"""Seconds during which an unconfirmed difference is compared again."""
RUNS = 100
NO_LEDGER = (
    "This profile has no ledger of the account in that file: no engine has traded with it here. "
    "Check --profile and --exchange."
)


class ReconcileFailed(DeskError):
    """Ledger and exchange could not be compared.

    Raised by an offline reconciliation. Show the text, which names the next step; run it again later.
    """


@dataclass(frozen=True, slots=True)
class _Desk:
    """Parts of an offline reconciliation. `unknown_ids`: unknown orders with the prefix of this desk."""

    store: SqliteStore
    writer: LedgerWriter
    reconciler: Reconciler
    unrecorded_ids: list[str]


async def reconcile_offline(
    endpoint: Endpoint, paths: Paths, settings: Settings, *, by: str, deadline_s: float = DEADLINE_S
) -> Reconciliation:
    """Reconcile until no order is unknown; return the findings of all runs, with the time of the last.

    An unknown order halts trading, as in an engine. Raises ReconcileFailed, EngineRuns, PathsError,
    StorageError or OriginRefused.
    """
    clock, scope = SystemClock(), scope_of(endpoint)
    if not paths.store.is_file() or not paths.store.stat().st_size:
        raise ReconcileFailed(NO_LEDGER)
    make_folders(paths)
    with engine_lock(paths, endpoint.api_key):
        store = await SqliteStore.open(paths.store, clock, limits=store_limits(settings))
        try:
            before = await store.read("newest run", lambda stored: _newest(stored, scope))
            async with (
                MexcClient(
                    endpoint.rest,
                    clock=clock,
                    rng=Random(),
                    credentials=Credentials(endpoint.api_key, Secret(endpoint.api_secret)),
                    limits=client_limits(settings),
                ) as client,
                aiohttp.TCPConnector() as connector,
            ):
                await client.measure_clock()
                port = MexcTrading(
                    TradingAdapterParts(
                        clock,
                        client,
                        endpoint.ws,
                        connector,
                        Random(),
                        socket_timings(settings),
                        ListenKeyFile(paths.state),
                    )
                )
                desk = _desk(store, port, scope, paths=paths, settings=settings, clock=clock)
                await _until_recovered(desk.reconciler, deadline_s)
            halt_file = HaltFileOnDisk(paths.state, scope)
            if desk.unrecorded_ids and halt_file.read() is None:
                text = unrecorded_order_text(desk.unrecorded_ids[0], desk.writer.desk_id)
                halt_file.write(_halt(text, by, clock.now_ms()))
            runs = await store.read("new runs", lambda stored: _runs(stored, scope, before))
        finally:
            await store.close()
    return _combined(runs, desk.reconciler)


def _newest(stored: Stored, scope: str) -> int:
    """Return the number of the newest run. Raises ReconcileFailed without a ledger."""
    tables = stored.trading(scope)
    if not tables.entries.balances():
        raise ReconcileFailed(NO_LEDGER)
    return next((number for number, _ in tables.reconciliations.page(limit=1)), 0)


def _runs(stored: Stored, scope: str, before: int) -> tuple[Reconciliation, ...]:
    """Return the runs after number `before`, oldest first."""
    found = stored.trading(scope).reconciliations.page(limit=RUNS)
    return tuple(run for number, run in reversed(found) if number > before)


def _desk(
    store: SqliteStore, port: MexcTrading, scope: str, *, paths: Paths, settings: Settings, clock: SystemClock
) -> _Desk:
    unrecorded_ids = list[str]()
    prices = PriceCache(clock, port.now_ms)
    desk_id = desk_id_of(paths.state / DESK_ID_FILE, Random())
    writer = LedgerWriter(
        store=store,
        scope=scope,
        ids_of=(desk_id, clock.now_ms()),
        now_ms=port.now_ms,
        prices=prices.in_quote,
    )
    reconciler = Reconciler(
        trading=port,
        ledger=writer,
        store=store,
        prices=prices,
        clock=clock,
        parameters=lambda: reconcile_parameters(settings),
        on_unrecorded_order=unrecorded_ids.append,
    )
    return _Desk(store, writer, reconciler, unrecorded_ids)


async def _until_recovered(reconciler: Reconciler, deadline_s: float) -> None:
    """Run the first reconciliations of an engine until every unknown order is resolved."""
    working = asyncio.create_task(reconciler.run(lambda: None), name="reconciler")
    known = asyncio.create_task(reconciler.recovery_reported.wait(), name="recovered")
    try:
        await asyncio.wait((working, known), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()  # it ends only by an error
        if not known.done():
            why = reconciler.problem or f"the state of an order is still unknown after {deadline_s:.0f} s"
            raise ReconcileFailed(f"Not reconciled: {why}")
        await _until_confirmed(reconciler)
    finally:
        for task in (working, known):
            task.cancel()
        await asyncio.gather(working, known, return_exceptions=True)


async def _until_confirmed(reconciler: Reconciler) -> None:
    """Reconcile again while a difference waits for confirmation."""
    try:
        async with asyncio.timeout(CONFIRM_S):
            while reconciler.is_confirming:
                await reconciler.wait_for_comparison()
    except TimeoutError:
        return  # the last run lists the unconfirmed differences


def _halt(text: str, by: str, now_ms: int) -> Trading:
    return Trading(state=TradingState.HALTED, cause=Cause.UNRECORDED_ORDER, text=text, since_ms=now_ms, by=by)


def _combined(runs: tuple[Reconciliation, ...], reconciler: Reconciler) -> Reconciliation:
    """Return the findings of all runs, so that no unexplained difference of an earlier run is lost."""
    if not runs:
        raise ReconcileFailed(f"Not reconciled: {reconciler.problem or 'no run was stored'}")
    return msgspec.structs.replace(
        runs[-1],
        explained=tuple(difference for run in runs for difference in run.explained),
        unexplained=lasting(runs),
        problem=reconciler.damage or reconciler.problem or runs[-1].problem,
    )
