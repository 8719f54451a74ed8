"""Arming: check limits, reserve funds, write snipe and intent in one durable transaction.

The ledger has a history: one closed trade an hour, open positions and armed entries. The limits are
those that arming checks; earlier validation stages are stubs.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import msgspec

from benchmarks.common import Row, emit, percentile
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.entries.entry_context import EntryConditions, risk_book
from mexc_tui.model.event import SnipeChanged
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import (
    CloseReason,
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    Position,
    PositionState,
    Posting,
)
from mexc_tui.model.snipe import ExitPlan, Snipe, SnipeKey, SnipeState
from mexc_tui.model.verdict import CheckStage, Verdict, refusals
from mexc_tui.risk.candidate import Candidate, RiskLimits
from mexc_tui.risk.entry_limits import check_entry
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork

SCOPE = "bench"
PAST = 5_000
OPEN = 5
ROUNDS = 400
HOUR_MS = 3_600_000
NOW_MS = PAST * HOUR_MS
PLAN = ExitPlan(
    stop_loss_pct=Decimal(10), ladder=tuple(Rung(Decimal(30), Decimal(10 * step)) for step in (1, 2, 3))
)
VERDICTS = tuple(
    Verdict(stage=CheckStage.RISK, name=f"limit_{number}", passed=True, value="10 USDT", limit="200 USDT")
    for number in range(30)
)
EQUITY = Decimal(1_000)
CONDITIONS = EntryConditions(
    equity=EQUITY,
    peak=EQUITY,
    day_equity=EQUITY,
    clock_offset_ms=0.0,
    clock_error_ms=1.0,
    stream_age_ms=10,
    weight_left=200,
    orders_left=8,
    resumed_ms=NOW_MS,
)
LIMITS = RiskLimits(max_positions=50, max_snipes=50, max_trades_hour=100, max_trades_day=1_000, cooldown_s=0)
GROUP = f"arming, {PAST:,} trades past, {OPEN} positions and {OPEN} entries open"


class Refused(Exception):
    """A limit refused the candidate."""


def snipe_of(number: int) -> Snipe:
    """Return a snipe with the verdicts of a complete validation."""
    return Snipe(
        id=f"snipe-{number}",
        key=SnipeKey(f"N{number}USDT", f"ready_state:N{number}USDT-1:opening:{number}"),
        listing_id=f"N{number}USDT-1",
        config_hash="0123456789ab",
        opens_ms=1_764_547_200_000,
        state=SnipeState.ARMED,
        reason="every gate agrees",
        by="ready_state",
        type=OrderType.LIMIT,
        spend_cap=Decimal(10),
        reference_price=Decimal("0.05"),
        price_cap=Decimal("0.0625"),
        plan=PLAN,
        verdicts=VERDICTS,
        armed_ms=NOW_MS + number,
    )


def intent_of(snipe: Snipe) -> Intent:
    """Return the snipe's intent with the ids of twenty attempts."""
    return Intent(
        id=f"intent-{snipe.id}",
        role=OrderRole.ENTRY,
        symbol=snipe.symbol,
        base_asset=snipe.symbol.removesuffix("USDT"),
        quote_asset="USDT",
        side=Side.BUY,
        client_ids=tuple(f"mxt0abcmi3k9x2{snipe.id}-{attempt}" for attempt in range(1, 21)),
        spend_cap=snipe.spend_cap,
        reserved=snipe.spend_cap,
        snipe_id=snipe.id,
        created_ms=snipe.armed_ms,
        reason="armed",
    )


def position_of(number: int, *, is_open: bool) -> Position:
    """Return a closed or an open position."""
    return Position(
        id=f"position-{number}",
        symbol=f"P{number}USDT",
        base_asset=f"P{number}",
        quote_asset="USDT",
        state=PositionState.OPEN if is_open else PositionState.CLOSED,
        snipe_id="",
        signal_id="ready_state",
        config_hash="0123456789ab",
        plan=PLAN,
        opened_ms=number * HOUR_MS,
        closed_ms=None if is_open else number * HOUR_MS + 1,
        close_reason=CloseReason.NONE if is_open else CloseReason.LADDER,
        remaining_cost=Decimal("9.99") if is_open else Decimal(0),
        realised=Decimal(0) if is_open else Decimal(number % 3 - 1),
    )


def check(ledger: TradingRows, symbol: str) -> None:
    """Check a candidate against the limits of the ledger, as arming does in its transaction."""
    book = risk_book(ledger, symbol, NOW_MS, conditions=CONDITIONS)
    verdicts = check_entry(
        Candidate(symbol=symbol, spend=Decimal(10), opens_ms=NOW_MS + HOUR_MS), book, LIMITS, now_ms=NOW_MS
    )
    if refusals(verdicts):
        raise Refused(refusals(verdicts))


def arm(unit: UnitOfWork, number: int) -> int:
    """Arm one snipe; return the duration of the limit checks in nanoseconds."""
    ledger = unit.trading(SCOPE)
    snipe = snipe_of(number)
    began = time.perf_counter_ns()
    check(ledger, snipe.symbol)
    took = time.perf_counter_ns() - began
    ledger.snipes.save(snipe)
    ledger.intents.save(intent_of(snipe))
    unit.record(SnipeChanged(at_ms=number, about=snipe.symbol, snipe=snipe))
    return took


def disarm(unit: UnitOfWork, number: int) -> None:
    """Disarm a snipe, so that each round starts from the same ledger."""
    ledger, snipe = unit.trading(SCOPE), snipe_of(number)
    replace = msgspec.structs.replace
    ledger.snipes.save(replace(snipe, state=SnipeState.DISARMED, ended_ms=NOW_MS))
    ledger.intents.save(replace(intent_of(snipe), reserved=Decimal(0), ended_ms=NOW_MS))


def fill(unit: UnitOfWork, first: int, last: int) -> None:
    """Store a part of the history."""
    for number in range(first, last):
        unit.trading(SCOPE).positions.save(position_of(number, is_open=number < OPEN))


def fund(unit: UnitOfWork) -> None:
    """Book the starting cash of the desk."""
    postings = (
        Posting(LedgerAccount.DESK, "USDT", Decimal(100_000)),
        Posting(LedgerAccount.EXCHANGE, "USDT", Decimal(-100_000)),
    )
    unit.trading(SCOPE).entries.add(LedgerEntry(id="start", kind=EntryKind.TRADE, at_ms=1, postings=postings))


async def measure(folder: Path) -> list[Row]:
    """Time arming from the call to the durable result, and the limit checks within."""
    store = await SqliteStore.open(folder / "desk.db", SystemClock())
    await store.write("fund", fund)
    for start in range(0, PAST, 500):
        await store.write("fill", lambda unit, s=start: fill(unit, s, s + 500), deadline_s=60)
    for number in range(OPEN):
        await store.write("fill", lambda unit, n=number: arm(unit, n))
    whole: list[float] = []
    limits: list[float] = []
    for number in range(OPEN, OPEN + ROUNDS):
        began = time.perf_counter_ns()
        took = await store.write("arm", lambda unit, n=number: arm(unit, n))
        whole.append((time.perf_counter_ns() - began) / 1e6)
        limits.append(took / 1e6)
        await store.write("disarm", lambda unit, n=number: disarm(unit, n))
    await store.close()
    return [
        row(
            "arming transaction (validation stub, reserve, snipe+intent rows, FULL)",
            whole,
            "goal: p99 < 50 ms",
        ),
        row("limits re-checked within it", limits, "goal: well under 1 ms"),
    ]


def row(name: str, durations_ms: list[float], note: str) -> Row:
    """Return one line of the table."""
    return Row(GROUP, name, statistics.median(durations_ms), percentile(durations_ms, 0.99), "ms", note=note)


def main() -> None:
    """Measure in a temporary folder, on a disk if possible, and remove it."""
    base = os.environ.get("MEXC_TUI_BENCH_DIR") or ("/var/tmp" if Path("/var/tmp").is_dir() else None)  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="mexc-tui-arming-", dir=base))
    try:
        emit(asyncio.run(measure(folder / "books")))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
