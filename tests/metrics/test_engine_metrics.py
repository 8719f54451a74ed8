"""Metrics of an engine: valid text, few series, and no name of a coin among the labels."""

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.metrics.engine_metrics import EngineRows, engine_metrics
from mexc_tui.metrics.exposition import Metric, MetricKind, Sample, exposition, gauge, labelled
from mexc_tui.model.position import Protection
from mexc_tui.model.trading import TradingState
from mexc_tui.model.view import AlertRow, BudgetRow, LaneRow, StreamsRow
from tests.metrics.parsed import parsed
from tests.support.tui import frozen_desk, sample_rows

MOST_METRICS, MOST_SERIES = 30, 64


def rows() -> EngineRows:
    desk = sample_rows.full_desk()
    status = msgspec.structs.replace(
        frozen_desk.status(),
        streams=StreamsRow(topics=3, live=3, messages=900, newest_s=2),
        budget=BudgetRow(lanes=(LaneRow(name="weight", used=30, limit=300, window_s=10.0),)),
    )
    alert = AlertRow(rule="x", about="NEWUSDT", severity="error", text="x", first_ms=1, last_ms=1, times=1)
    return EngineRows(
        version="1.0",
        status=status,
        machine=sample_rows.machine(),
        alerts=[alert, msgspec.structs.replace(alert, closed_ms=2)],
        risk=frozen_desk.risk(),
        positions=list(desk.positions.rows.values()),
        armed=3,
        open_orders=2,
    )


def test_the_metrics_are_valid_few_and_name_no_coin() -> None:
    found = rows()
    text = exposition(engine_metrics(found))
    metrics = parsed(text)
    assert all(name.startswith("mexc_tui_") for name in metrics)
    assert all((metric.kind == "counter") == name.endswith("_total") for name, metric in metrics.items())
    assert 20 < len(metrics) <= MOST_METRICS
    assert sum(len(metric.series) for metric in metrics.values()) <= MOST_SERIES
    coins = {row.symbol for row in found.positions} | {row.base_asset for row in found.positions}
    values = {value for metric in metrics.values() for labels in metric.series for _, value in labels}
    assert coins
    assert values.isdisjoint(coins | {"NEWUSDT"})


def test_values_are_in_base_units() -> None:
    metrics = parsed(exposition(engine_metrics(rows())))
    offset_s = metrics["mexc_tui_clock_offset_seconds"].series[()]
    assert round(offset_s, 9) == 0.0042
    assert metrics["mexc_tui_request_budget_used_ratio"].series == {(("window", "weight"),): 0.1}
    assert metrics["mexc_tui_open_alerts"].series[("severity", "error"),] == 1
    assert metrics["mexc_tui_equity"].series == {(): 512.4018}


def test_exactly_one_trading_state_is_in_force() -> None:
    for state in TradingState:
        found = rows()
        halted = replace(found, status=msgspec.structs.replace(found.status, trading_state=state))
        series = parsed(exposition(engine_metrics(halted)))["mexc_tui_trading_state"].series
        assert {dict(labels)["state"] for labels, value in series.items() if value} == {state.value}
        assert len(series) == len(TradingState)


def test_a_position_without_protection_is_counted_until_it_is_closed() -> None:
    found = rows()
    held = next(row for row in found.positions if row.closed_ms is None)
    bare = msgspec.structs.replace(held, protection=Protection.NONE)
    gone = msgspec.structs.replace(bare, closed_ms=5)
    series = parsed(exposition(engine_metrics(replace(found, positions=[bare, gone]))))[
        "mexc_tui_open"
    ].series
    assert series[("kind", "positions"),] == series[("kind", "unprotected_positions"),] == 1


def test_an_unreadable_database_takes_the_alerts_only() -> None:
    whole = parsed(exposition(engine_metrics(rows()))).keys()
    metrics = parsed(exposition(engine_metrics(replace(rows(), alerts=None))))
    assert whole - metrics.keys() == {"mexc_tui_open_alerts"}


def test_an_engine_that_does_not_trade_has_no_trading_metrics() -> None:
    metrics = parsed(exposition(engine_metrics(replace(rows(), risk=None))))
    assert not {"mexc_tui_equity", "mexc_tui_open", "mexc_tui_day_profit"} & metrics.keys()


@given(text=st.text(), value=st.floats())
def test_every_label_help_and_value_is_read_back(text: str, value: float) -> None:
    text = "".join(char for char in text if char.isprintable() or char == "\n")
    written = exposition(
        [labelled("a_metric", text, label="label", values={text: value}), gauge("none", "absent", None)]
    )
    metrics = parsed(written)
    assert list(metrics) == ["a_metric"]
    ((labels, found),) = metrics["a_metric"].series.items()
    assert labels == (("label", text),)
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_an_invalid_name_is_refused() -> None:
    with pytest.raises(ValueError, match="not the name"):
        Metric("a-b", MetricKind.GAUGE, "x", (Sample(1, {}),))
