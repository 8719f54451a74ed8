"""The metrics of an engine, from the rows that front ends get. Pure.

At most 30 metrics. Labels have few fixed values; the name of a pair or coin is never one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.metrics.exposition import Metric, MetricKind, Sample, counter, gauge, labelled
from mexc_tui.model.engine_view import MachineRow
from mexc_tui.model.position import Protection
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import TradingState
from mexc_tui.model.trading_view import PositionRow, RiskRow
from mexc_tui.model.view import AlertRow, StatusRow

MS, PERCENT = 1_000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRows:
    """Rows of one moment. `risk` None: the engine does not trade."""

    version: str
    status: StatusRow
    machine: MachineRow
    alerts: Sequence[AlertRow] | None
    """None: the database cannot be read; the other metrics are the more needed then."""
    risk: RiskRow | None
    positions: Sequence[PositionRow]
    armed: int
    """Active snipes."""
    open_orders: int


def engine_metrics(rows: EngineRows) -> list[Metric]:
    """Return all metrics of an engine."""
    return [*_engine(rows), *_exchange(rows.status, rows.machine), *_process(rows.machine), *_trading(rows)]


def _engine(rows: EngineRows) -> Iterable[Metric]:
    status = rows.status
    labels = {"version": rows.version, "mode": status.mode}
    yield Metric("mexc_tui_info", MetricKind.GAUGE, "Version and mode; always 1.", (Sample(1, labels),))
    yield gauge("mexc_tui_start_time_seconds", "Start of the engine, Unix time.", status.started_ms / MS)
    yield labelled(
        "mexc_tui_trading_state",
        "1 for the trading state in force, 0 for the others.",
        label="state",
        values={state.value: float(status.trading_state is state) for state in TradingState},
    )
    degraded = sum(worker.is_degraded for worker in status.workers)
    yield gauge("mexc_tui_degraded_workers", "Workers that failed too often.", degraded)
    failing = sum(bool(source.problem) for source in status.sources)
    yield gauge("mexc_tui_failing_sources", "Sources of listings that cannot be read.", failing)
    yield gauge("mexc_tui_listings", "Listings that are not final.", status.listings)
    yield gauge("mexc_tui_signals", "Active signals.", status.signals)
    yield counter("mexc_tui_journal_events_total", "Events in the journal.", status.journal)
    yield labelled(
        "mexc_tui_open_alerts",
        "Open alerts by severity.",
        label="severity",
        values={severity.value: _count(rows.alerts, severity) for severity in Severity},
    )
    yield gauge("mexc_tui_front_ends", "Attached front ends.", len(rows.machine.viewers))


def _count(alerts: Sequence[AlertRow] | None, severity: Severity) -> float | None:
    if alerts is None:
        return None
    return sum(alert.severity == severity.value and alert.closed_ms is None for alert in alerts)


def _exchange(status: StatusRow, machine: MachineRow) -> Iterable[Metric]:
    clock, streams = status.clock, status.streams
    offset_s = _seconds(clock.offset_ms)
    yield gauge("mexc_tui_clock_offset_seconds", "Exchange clock minus this machine's.", offset_s)
    yield gauge("mexc_tui_clock_error_seconds", "Error bound of the offset.", _seconds(clock.error_ms))
    yield labelled(
        "mexc_tui_stream_topics",
        "Subscribed stream topics by state.",
        label="state",
        values={
            "live": streams.live,
            "stale": streams.stale,
            "quiet": streams.quiet,
            "refused": streams.refused,
        },
    )
    yield counter("mexc_tui_stream_messages_total", "Received stream messages.", streams.messages)
    yield counter("mexc_tui_stream_lost_total", "Messages dropped or malformed.", machine.stream_lost)
    yield gauge("mexc_tui_stream_age_seconds", "Age of the newest stream message.", streams.newest_s)
    yield labelled(
        "mexc_tui_request_budget_used_ratio",
        "Used share of each window of the request budget.",
        label="window",
        values={lane.name: lane.used / lane.limit for lane in status.budget.lanes if lane.limit},
    )
    yield gauge("mexc_tui_banned", "1 while the exchange blocks requests.", float(bool(status.budget.ban)))
    yield counter("mexc_tui_requests_refused_total", "Requests without budget.", machine.requests_refused)


def _process(machine: MachineRow) -> Iterable[Metric]:
    yield gauge("mexc_tui_resident_memory_bytes", "Resident memory.", machine.rss_bytes)
    yield counter("mexc_tui_cpu_seconds_total", "CPU time of the process.", machine.cpu_s)
    lag = machine.lag
    yield labelled(
        "mexc_tui_event_loop_delay_seconds",
        "Wake-up delay of the event loop over the last minute.",
        label="quantile",
        values={"0.5": _seconds(lag.p50_ms), "0.99": _seconds(lag.p99_ms), "1": _seconds(lag.max_ms)},
    )
    store = machine.store
    yield gauge("mexc_tui_database_bytes", "Size of the database.", store.database_bytes)
    yield gauge("mexc_tui_commit_seconds", "Duration of the last commit.", _seconds(store.last_commit_ms))
    has_reserve = float(store.has_reserve)
    yield gauge("mexc_tui_disk_reserve", "1 while disk space for exits is reserved.", has_reserve)


def _trading(rows: EngineRows) -> Iterable[Metric]:
    risk = rows.risk
    if risk is None:
        return
    yield gauge("mexc_tui_equity", "Equity in the quote asset.", float(risk.equity))
    yield gauge("mexc_tui_exposure", "Open positions at the bid, in the quote asset.", float(risk.exposure))
    yield gauge("mexc_tui_day_profit", "Profit of the UTC day, in the quote asset.", _float(risk.day_pnl))
    drawdown = None if risk.drawdown_pct is None else float(risk.drawdown_pct) / PERCENT
    yield gauge("mexc_tui_drawdown_ratio", "Drawdown from the peak.", drawdown)
    held = [row for row in rows.positions if row.closed_ms is None]
    unprotected = sum(row.protection is Protection.NONE for row in held)
    yield labelled(
        "mexc_tui_open",
        "Open positions, positions without a monitored stop, armed snipes, open orders.",
        label="kind",
        values={
            "positions": len(held),
            "unprotected_positions": unprotected,
            "snipes": rows.armed,
            "orders": rows.open_orders,
        },
    )


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / MS


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
