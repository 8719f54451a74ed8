"""A fake trading engine for clients: fixed rows and recorded commands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal as D

import msgspec

from mexc_tui.engine.entries.readiness import ReadinessCheck
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.views.risk_rows import RiskMonitorView, risk_row
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.engine.views.trading_rows import order_rows, position_rows, snipe_row
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.plan_view import ExitsRow, Preview, PreviewRow
from mexc_tui.model.reconciliation import Difference, DifferenceKind
from mexc_tui.model.severity import Severity
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import (
    Achieved,
    DustCoin,
    DustConverted,
    DustRow,
    OrderRow,
    PerformanceRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.risk.candidate import RiskBook, RiskLimits
from mexc_tui.sniping.exit_edit import ExitUpdate
from mexc_tui.sniping.request import NO_TERMS, ArmTerms
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples

NO = Verdict(
    stage=CheckStage.RISK,
    name="exposure",
    passed=False,
    value="210 quote with this one",
    limit="200 quote",
    flip="close 10 of positions",
)
DIFFERENCE = Difference(
    kind=DifferenceKind.DRIFT,
    about="USDT",
    ours="979.98",
    theirs="969.98",
    value=D(10),
    severity=Severity.ERROR,
    explained=False,
    text="money left the account and no order of ours took it",
)


def reconciled(*unexplained: Difference, problem: str = "") -> ReconciliationRow:
    return ReconciliationRow(
        at_ms=1_000, trigger="manual", explained=(), unexplained=unexplained, problem=problem
    )


def risk() -> RiskRow:
    book = RiskBook(equity=D(1_000), peak=D(1_010), free_cash=D(980), day_equity=D(1_000))
    return risk_row(
        position_samples.ledger_state(),
        book,
        RiskMonitorView(),
        limits=RiskLimits(),
        context=position_samples.row_context(),
        now_ms=1_800_014_400_000,
    )


def performance() -> PerformanceRow:
    return PerformanceRow(
        scope=samples.SCOPE,
        quote_asset="USDT",
        start_equity=D(1_000),
        equity=D(1_001),
        flows=D(0),
        realised=D(1),
        unrealised=D(0),
        fees=D("0.1"),
        identity_gap=D(0),
        metrics=(),
        days=(),
    )


@dataclass
class FakeTradingQueries(TradingQueries):
    """Serves one position, one resting order and one snipe."""

    approved: bool = True
    now: RiskRow = field(default_factory=risk)
    run: ReconciliationRow = field(default_factory=reconciled)
    is_all: bool = True
    rests: tuple[DustCoin, ...] = (
        DustCoin(asset="NEW", quantity=D("0.08"), value_mx=D("0.05"), value_usdt=D("0.16")),
    )
    done: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    exit_updates: list[ExitUpdate] = field(default_factory=list[ExitUpdate])

    def snipes(self) -> Sequence[SnipeRow]:
        return [snipe_row(samples.snipe(), position_samples.row_context())]

    def orders(self) -> Sequence[OrderRow]:
        return order_rows(
            position_samples.ledger_state(None, position_samples.take_profit()),
            position_samples.row_context(),
        )

    def positions(self) -> Sequence[PositionRow]:
        return position_rows(
            position_samples.ledger_state(None, position_samples.take_profit()),
            position_samples.row_context(),
        )

    def risk(self) -> RiskRow:
        return self.now

    async def what_if(self, symbol: str, terms: ArmTerms = NO_TERMS) -> WhatIfRow:
        return WhatIfRow(
            symbol=symbol,
            at_ms=1_000,
            approved=self.approved,
            verdicts=(samples.APPROVED,) if self.approved else (samples.APPROVED, NO),
            spend_cap=D("10.5"),
            price_cap=D("1.25"),
            text="" if self.approved else f"first: {NO.flip}",
        )

    def checklist(self, snipe_id: str) -> ReadinessCheck:
        return ReadinessCheck((samples.APPROVED,))

    async def preview(self, name: Preview, symbol: str, share_pct: D | None) -> PreviewRow:
        state = TradingState.ACTIVE
        return PreviewRow(
            name=name, symbol=symbol, at_ms=1_000, is_allowed=True, text="", state=state, state_after=state
        )

    async def performance(self) -> PerformanceRow:
        return performance()

    async def reconcile(self) -> ReconciliationRow:
        return self.run

    async def arm(self, symbol: str, by: str, terms: ArmTerms = NO_TERMS) -> CommandResult[SnipeRow]:
        if not self.approved:
            raise CommandRefused(f"{symbol} is not armed: {NO.flip}")
        self.done.append(("arm", symbol, by))
        return CommandResult(
            f"{symbol} is armed.",
            msgspec.structs.replace(
                snipe_row(samples.snipe(), position_samples.row_context()), symbol=symbol
            ),
        )

    async def disarm(self, symbol: str, by: str) -> CommandResult[SnipeRow]:
        self.done.append(("disarm", symbol, by))
        row = msgspec.structs.replace(
            snipe_row(samples.snipe(), position_samples.row_context()),
            symbol=symbol,
            state=SnipeState.DISARMED,
        )
        return CommandResult(f"{symbol} is disarmed.", row)

    async def close(self, symbol: str, share_pct: D | None, by: str) -> CommandResult[Achieved]:
        return self._did("close", symbol, "all" if share_pct is None else str(share_pct))

    async def check_exits(self, symbol: str, request: ExitUpdate) -> str:
        return f"{symbol}: exits allowed."

    async def edit_exits(self, symbol: str, request: ExitUpdate, by: str) -> CommandResult[ExitsRow]:
        self.done.append(("edit_exits", symbol, str(request.stop_price)))
        self.exit_updates.append(request)
        position = self.positions()[0]
        stop = request.stop_price or position.stop_price
        row = ExitsRow(position=position, stop_before=position.stop_price, stop_after=stop, time_stop_ms=None)
        return CommandResult(f"{symbol}: stop {stop}.", row)

    async def dust(self) -> DustRow:
        return DustRow(at_ms=1_000, coins=self.rests, left=("0.4 OWN: the desk holds this coin now",))

    async def unlock(self, by: str, typed: str) -> CommandResult[Achieved]:
        return self._did("unlock", by, typed)

    async def lock(self, by: str) -> CommandResult[Achieved]:
        return self._did("lock", by)

    async def convert_dust(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        self.done.append(("convert_dust", *assets))
        result = DustConverted(coins=self.rests, received_mx=D("0.049"), fee_mx=D("0.001"))
        return CommandResult("Converted 0.08 NEW into 0.049 MX.", result, self.is_all)

    async def halt(self, by: str, text: str) -> CommandResult[Achieved]:
        self.now = msgspec.structs.replace(
            self.now, state=TradingState.HALTED, cause=Cause.MANUAL, cause_text=text
        )
        return self._did("halt", text)

    async def reduce_only(self, by: str, text: str) -> CommandResult[Achieved]:
        return self._did("reduce_only", text)

    async def resume(self, by: str, typed: str) -> CommandResult[Achieved]:
        return self._did("resume", typed)

    async def restore_limits(self, by: str) -> CommandResult[Achieved]:
        return self._did("restore_limits")

    async def flatten(self, by: str) -> CommandResult[Achieved]:
        return self._did("flatten")

    async def kill(self, by: str, *, sells: bool = True) -> CommandResult[Achieved]:
        return self._did("kill")

    def _did(self, *what: str) -> CommandResult[Achieved]:
        self.done.append(what)
        return CommandResult(
            f"Did {' '.join(what)}.".replace(" .", "."), Achieved(state=self.now.state), self.is_all
        )
