"""An engine that buys one listing and crashes at a chosen moment, and checks of its ledger afterwards."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.intent import Order
from mexc_tui.model.order import Side
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.reconciliation import Trigger
from mexc_tui.model.storage import StorageError
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from tests.support.engine.monitored_position import QUIET, SYMBOL, components_of
from tests.support.engine.practice_day import PracticeDay

ORDER = "/api/v3/order"
EXITS_OFF = {"ladder": "", "stop_loss_pct": 50, "entry_early_ms": 0}
NO_JITTER = msgspec.structs.replace(QUIET, jitter_ms=0)
"""A listing without jitter: its first order is not rejected as too early."""
OPENING_S = 40.0


def fault_at_opening(kind: FaultKind, *, times: int = 1, amount_ms: int = 0) -> FaultPlan:
    """Return a fault that hits the first orders of the opening."""
    return FaultPlan(kind=kind, at_s=OPENING_S, method="POST", path=ORDER, times=times, amount_ms=amount_ms)


def cut_power(running: RunningEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail every further write and send, as in a power cut; the exchange keeps its state."""
    components = components_of(running)

    async def refuse(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise StorageError("the power is cut")

    def power_is_cut(*_: object) -> str:
        return "the power is cut"

    monkeypatch.setattr(running.store, "write", refuse)
    components.execution.refusal = power_is_cut


def cut_power_when(
    running: RunningEngine, monkeypatch: pytest.MonkeyPatch, method: str, *, is_sent: bool
) -> asyncio.Event:
    """Cut the power at the first call of this ledger method; `is_sent`: the current order still leaves."""
    ledger, components = components_of(running).ledger, components_of(running)
    original: Callable[..., Any] = getattr(ledger, method)
    gate, is_cut = components.execution.refusal, asyncio.Event()

    def cut_before_call(*args: Any) -> Any:
        if not is_cut.is_set():
            is_cut.set()
            cut_power(running, monkeypatch)
            if is_sent:
                components.execution.refusal = gate
        return original(*args)

    monkeypatch.setattr(ledger, method, cut_before_call)
    return is_cut


@asynccontextmanager
async def killed_engine(day: PracticeDay, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[RunningEngine]:
    """Yield an engine that is killed at the end of the block: without a clean stop."""

    async def skip_stop() -> str:
        components = components_of(running)
        for task in tuple(components.execution._running):  # pyright: ignore[reportPrivateUsage]
            task.cancel()
        await asyncio.sleep(0)
        return ""

    with suppress(StorageError):
        async with day.engine() as running:
            monkeypatch.setattr(components_of(running), "stop", skip_stop)
            yield running
            cut_power(running, monkeypatch)


def faults_used_up(day: PracticeDay) -> bool:
    """Return whether every bounded fault was used up; otherwise the test would prove nothing."""
    planned = day.server._faults._requests  # pyright: ignore[reportPrivateUsage]
    return all(not fault._left for fault in planned)  # pyright: ignore[reportPrivateUsage]


def desk_orders(day: PracticeDay) -> list[OrderRecord]:
    """Return the desk's orders as recorded by the exchange."""
    rows = day.server.session.all_orders(SYMBOL, 0, 2**53, limit=1_000)
    return [row for row in rows if row.client_order_id.startswith(PREFIX)]


def filled_buys(day: PracticeDay) -> list[OrderRecord]:
    """Return the buys that were filled at least in part."""
    return [row for row in desk_orders(day) if row.side is Side.BUY and row.executed]


async def stored_orders(running: RunningEngine) -> dict[str, Order]:
    """Return every order stored in the ledger."""
    scope = components_of(running).ledger.scope
    rows = await running.store.read("orders", lambda stored: stored.trading(scope).orders.page(limit=1_000))
    return {row.client_order_id: row for row in rows}


async def assert_ledger_matches(day: PracticeDay, running: RunningEngine) -> None:
    """Assert that the stored ledger equals the exchange's balances and orders to the last digit."""
    components = components_of(running)
    run = await components.reconciler.compare(Trigger.MANUAL)
    assert not run.unexplained, run.unexplained
    rows = await stored_orders(running)
    for record in desk_orders(day):
        row = rows[record.client_order_id]
        assert (row.filled_quantity, row.filled_value) == (record.executed, record.executed_quote)
        assert row.state.is_terminal == (record.status.value not in ("NEW", "PARTIALLY_FILLED"))
    held = {balance.asset: balance.free + balance.locked for balance in day.server.session.balances()}
    scope = components.ledger.scope
    stored_balances = await running.store.read(
        "balances", lambda stored: stored.trading(scope).entries.balances()
    )
    totals: dict[str, Decimal] = {}
    for stored_balance in stored_balances:
        if stored_balance.account in (LedgerAccount.DESK, LedgerAccount.OWN):
            totals[stored_balance.asset] = (
                totals.get(stored_balance.asset, Decimal(0)) + stored_balance.amount
            )
    for asset in ("USDT", "CLEAN"):
        assert totals.get(asset, Decimal(0)) == held.get(asset, Decimal(0)), asset
    assert len(filled_buys(day)) <= 1
    _invariants(components)


def _invariants(components: TradingComponents) -> None:
    memory = components.ledger.state
    for position in memory.positions.values():
        assert position.remaining >= 0
    assert memory.reserved() >= 0
    assert not components.ledger.is_behind
