"""Rows for every screen."""

from datetime import timedelta, timezone
from decimal import Decimal

import msgspec

from mexc_tui.desk.client import Link, LinkState
from mexc_tui.desk.engine_requests import FactPage, SettingList
from mexc_tui.model.engine_view import (
    AttemptTimingRow,
    ConnectionRow,
    DetectorRow,
    DetectorsRow,
    LagRow,
    LatencyRow,
    LeadRow,
    MachineRow,
    PassRow,
    QueueRow,
    RateRow,
    ReadRow,
    StageRow,
    StageTime,
    StoreRow,
    ViewerRow,
)
from mexc_tui.model.event import EngineStopped, encode
from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.market_view import ExitLevelRow, LevelRow, MarketRow, OwnFillRow, SpanRow, TradeRow
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.plan_view import EquityPointRow, EquityRow
from mexc_tui.model.policy import Rung
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading import Cause
from mexc_tui.model.trading_view import LimitRow, MetricRow, OrderRow, PerformanceRow, RiskRow, WhatIfRow
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.model.view import FactRow, SettingRow
from mexc_tui.model.why import ChangeRow, DetectorDetail, ListingStory, SnipeDetail, SourceDetail, WhyRow
from mexc_tui.tui.widgets.header_text import HeaderData
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, risk, status


def detectors() -> DetectorsRow:
    """Return two detectors: one with a history, one without."""
    return DetectorsRow(
        at_ms=NOW_MS,
        detectors=(
            DetectorRow(
                name="ready_state",
                version=3,
                raised=12,
                active=2,
                last_ms=NOW_MS - 5_000,
                rate=RateRow(n=41, hits=33, value=0.805, low=0.66, high=0.9, text="80% (66%-90%), n 41"),
                recall=RateRow(n=40, hits=30, value=0.75, low=0.6, high=0.86, text="75% (60%-86%), n 40"),
                base=RateRow(n=60, hits=33, value=0.55, low=0.42, high=0.67, text="55% (42%-67%), n 60"),
                skill=0.53,
                judged=41,
                verdict="better than the base rate",
                lead=LeadRow(n=30, median_ms=46_000, p10_ms=11_000, p90_ms=300_000, share_ahead=0.9),
            ),
            DetectorRow(name="cluster", version=1, raised=0, active=0, last_ms=None),
        ),
        last_pass=PassRow(
            at_ms=NOW_MS - 300,
            looked_at=21,
            raised=1,
            ended=0,
            duration_ms=0.8,
            read=(ReadRow(source="calendar", age_ms=14_000), ReadRow(source="symbolsV2", age_ms=None)),
            passes=812,
        ),
    )


def latency() -> LatencyRow:
    """Return the latencies of one entry whose first attempt was rejected."""
    stages = (
        StageTime(name="decide", took_ms=0.2),
        StageTime(name="send", took_ms=0.3),
        StageTime(name="answer", took_ms=9.5),
    )
    return LatencyRow(
        attempts=(
            AttemptTimingRow(
                symbol="FOOUSDT",
                snipe_id="S1",
                number=1,
                aim_ms=NOW_MS,
                late_ms=0.41,
                stages=stages,
                code=30001,
                answer="30001 trading is not allowed yet",
                next_step="again",
                clock_error_ms=2.0,
            ),
        ),
        stages=tuple(
            StageRow(name=stage.name, n=14, p50_ms=1.5, p99_ms=None, max_ms=4.0) for stage in stages
        ),
        attempt_count=14,
    )


def machine() -> MachineRow:
    """Return the metrics of an engine that is healthy except for one connection."""
    return MachineRow(
        at_ms=NOW_MS,
        rss_bytes=78_500_000,
        rss_peak_bytes=80_000_000,
        cpu_s=12.0,
        cpu_pct=3.1,
        threads=4,
        lag=LagRow(n=500, p50_ms=0.1, p99_ms=1.4, max_ms=4.0),
        observers=(QueueRow(name="desk", waiting=0),),
        stream_waiting=0,
        stream_lost=0,
        connections=(
            ConnectionRow(name="market 1", topics=12, is_up=True, age_s=90.0, messages=1_200),
            ConnectionRow(name="market 2", topics=3, is_up=False, age_s=None, reason="refused with 403"),
        ),
        store=StoreRow(path="desk.sqlite3", database_bytes=4_100_000, wal_bytes=90_000, commits_per_s=3.0),
        breakers=(),
        requests_waiting=0,
        requests_refused=2,
        viewers=(ViewerRow(who="screen", pid=1, role="operate", waiting_bytes=0, facts_behind=0, views=7),),
    )


GATES = (
    Verdict(stage=CheckStage.RULES, name="pair_listed", passed=True, value="listed", limit="listed"),
    Verdict(
        stage=CheckStage.RISK,
        name="positions",
        passed=False,
        value="3",
        limit="3",
        flip="close a position",
    ),
)


def why(frozen: FrozenDesk, listing_id: str) -> WhyRow:
    row = frozen.listings.rows[listing_id]
    signal = frozen.signals.rows[f"ready_state {row.symbol}"]
    return WhyRow(
        symbol=row.symbol,
        at_ms=NOW_MS,
        listings=(
            ListingStory(
                listing=row,
                sources=(
                    SourceDetail(
                        source="calendar", since_ms=NOW_MS - 90_000, present=True, text="opens 14:14"
                    ),
                    SourceDetail(
                        source="announcement", since_ms=NOW_MS - 9_000, present=False, text="was there"
                    ),
                ),
                changes=(
                    ChangeRow(
                        at_ms=NOW_MS, kind="stage", before="visible", after="api_enabled", source="symbolsV2"
                    ),
                ),
                detectors=(
                    DetectorDetail(
                        detector="ready_state",
                        version=2,
                        inputs=("sts 2", "st 2"),
                        signals=(signal,),
                        why_not="",
                    ),
                    DetectorDetail(
                        detector="cluster", version=1, inputs=(), signals=(), why_not="it opens alone"
                    ),
                ),
            ),
        ),
        snipes=(
            SnipeDetail(
                snipe=frozen.snipes.rows["S1"],
                verdicts=GATES[:1],
                plan=ExitPlan(
                    stop_loss_pct=Decimal(8), ladder=(Rung(Decimal(30), Decimal(10)),), time_stop_s=600
                ),
                checklist=GATES[:1],
            ),
        ),
        what_if=WhatIfRow(
            symbol=row.symbol,
            at_ms=NOW_MS,
            approved=False,
            verdicts=GATES,
            spend_cap=None,
            price_cap=None,
            text="Close a position first.",
        ),
    )


def fact(number: int, about: str = "practice", reason: str = "requested by the operator") -> FactRow:
    """Return a fact."""
    event = EngineStopped(at_ms=NOW_MS - 1_000 * (900 - number), about=about, reason=reason)
    return FactRow(
        sequence=number,
        at_ms=event.at_ms,
        kind="engine_stopped",
        version=1,
        about=about,
        body=msgspec.Raw(encode(event)),
    )


def market() -> MarketRow:
    """Return the market of a pair that opened three minutes ago."""
    bid, ask = Decimal("0.03412"), Decimal("0.03420")
    step = Decimal("0.00003")
    return MarketRow(
        symbol="OPENUSDT",
        at_ms=NOW_MS,
        base_asset="OPEN",
        quote_asset="USDT",
        price_decimals=5,
        quantity_decimals=1,
        bid=bid,
        ask=ask,
        leveled_ms=NOW_MS - 200,
        is_exact=True,
        bids=tuple(LevelRow(price=bid - step * n, quantity=Decimal(100 + n), value=bid) for n in range(8)),
        asks=tuple(LevelRow(price=ask + step * n, quantity=Decimal(200 + n), value=ask) for n in range(8)),
        trades=(TradeRow(at_ms=NOW_MS - 300, price=ask, quantity=Decimal(55), side=Side.BUY),),
        path=tuple(
            SpanRow(
                start_ms=NOW_MS - 180_000 + n * 1_000, low=0.02, high=0.04, last=0.025 + n / 20_000, value=9.0
            )
            for n in range(180)
        ),
        path_step_ms=1_000,
        opened_ms=NOW_MS - 180_000,
        fills=(
            OwnFillRow(
                at_ms=NOW_MS - 179_000,
                side=Side.BUY,
                role=OrderRole.ENTRY,
                price=Decimal("0.02506"),
                quantity=Decimal(2_930),
                client_order_id="a-1",
            ),
        ),
        exits=(ExitLevelRow(name="stop", price=Decimal("0.03139"), quantity=None, where="engine"),),
    )


def order(symbol: str, client_order_id: str) -> OrderRow:
    """Return a resting take-profit."""
    return OrderRow(
        client_order_id=client_order_id,
        order_id="1",
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.LIMIT,
        role=OrderRole.TAKE_PROFIT,
        state=OrderState.ACKNOWLEDGED,
        price=Decimal("0.04"),
        quantity=Decimal(900),
        filled_quantity=Decimal(0),
        filled_value=Decimal(0),
        average_price=None,
        fees="",
        created_ms=NOW_MS - 4_000,
        updated_ms=NOW_MS,
        reason="",
        snipe_id="S0",
        position_id="P-OPENUSDT",
    )


def performance() -> PerformanceRow:
    """Return the performance of a desk."""
    return PerformanceRow(
        scope="account/practice",
        quote_asset="USDT",
        start_equity=Decimal(500),
        equity=Decimal(512),
        flows=Decimal(0),
        realised=Decimal(12),
        unrealised=Decimal(0),
        fees=Decimal("0.4"),
        identity_gap=Decimal(0),
        metrics=(
            MetricRow(name="win_rate", text="54% [39–68%]", value=0.54, n=41),
            MetricRow(name="sharpe", text="not enough data (12 of 30)", n=12, minimum=30),
        ),
        days=(),
    )


def equity_history() -> EquityRow:
    """Return an equity history that rises and falls again."""
    equities = [500, 505, 512, 530, 520, 512]
    peaks = [max(equities[: number + 1]) for number in range(len(equities))]
    return EquityRow(
        since_ms=0,
        until_ms=NOW_MS,
        quote_asset="USDT",
        points=tuple(
            EquityPointRow(
                at_ms=NOW_MS - 60_000 * (6 - number),
                equity=Decimal(equity),
                drawdown_pct=Decimal((peak - equity) * 100) / peak,
                is_complete=True,
            )
            for number, (equity, peak) in enumerate(zip(equities, peaks, strict=True))
        ),
        peak=Decimal(530),
        worst_drawdown_pct=Decimal("3.4"),
        days=(),
    )


def desk_at_limits() -> FrozenDesk:
    """Return a desk with one limit nearly used up and one reached."""
    frozen = FrozenDesk()
    limits = (
        LimitRow(name="exposure", used=Decimal("147.5"), limit=Decimal(150), unit="USDT"),
        LimitRow(name="positions", used=Decimal(3), limit=Decimal(3), unit=""),
        LimitRow(name="daily_loss", used=Decimal("0.6"), limit=Decimal(5), unit="%", text="then halts"),
    )
    frozen.risk.put("risk", msgspec.structs.replace(risk(), limits=limits))
    frozen.replies["performance"] = performance()
    frozen.replies["equity"] = equity_history()
    frozen.replies["journal"] = FactPage(())
    return frozen


def setting(name: str, value: str, default: str, pending: str = "") -> SettingRow:
    """Return a setting."""
    return SettingRow(
        name=name,
        value=value,
        origin="default" if value == default else "file",
        unit="USDT",
        allowed="1 to 1,000",
        default=default,
        help="What one snipe may spend.",
        needs_restart=bool(pending),
        pending=pending,
    )


def settings(*, bell: bool, flash: bool) -> SettingList:
    """Return the two settings of audible and visible alerts."""

    def row(name: str, *, value: bool) -> SettingRow:
        return SettingRow(
            name=name,
            value="true" if value else "false",
            origin="file",
            unit="",
            allowed="",
            default="true",
            help="",
            needs_restart=False,
            pending="",
        )

    return SettingList([row("bell", value=bell), row("flash", value=flash)])


def engine_alarm(row: RiskRow) -> RiskRow:
    """Return a risk row in a state set by the engine."""
    return msgspec.structs.replace(row, cause=Cause.DRAWDOWN)


KNOWN = HeaderData(
    status=status(),
    risk=risk(),
    link=LinkState(Link.CONNECTED, "", 0.0, 0, None),
    silence_ms=200,
    now_ms=NOW_MS,
    zone=timezone(timedelta(hours=2)),
    positions=2,
)


def full_desk() -> FrozenDesk:
    """Return a desk on which every screen has rows."""
    frozen = desk_at_limits()
    frozen.replies |= {
        "detectors": detectors(),
        "latency": latency(),
        "machine": machine(),
        "market": market(),
        "performance": performance(),
        "equity": equity_history(),
        "why": why(frozen, "L-FOOUSDT"),
        "journal": FactPage((fact(8), fact(7))),
        "settings": SettingList([setting("spend", "50", "25"), setting("other", "1", "1")]),
    }
    return frozen
