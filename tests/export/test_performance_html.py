"""The performance page is one file: nothing is loaded, every text is escaped, every chart is drawn."""

import re
from decimal import Decimal as D
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec

from mexc_tui.export.performance_html import performance_html
from mexc_tui.export.svg_chart import ChartPoint, bar_chart, line_chart
from mexc_tui.export.trades import trade_rows
from mexc_tui.model.position import PositionState, TradingDay
from mexc_tui.model.trading_view import MetricRow, PerformanceRow
from tests.support.samples.trading_samples import equity, position

DAY_MS = 86_400_000
HOSTILE = '"><script src=//evil>&amp;</script>'
NOW_MS = 1_796_000_000_000


def performance(days: int) -> PerformanceRow:
    return PerformanceRow(
        scope=HOSTILE,
        quote_asset="USDT",
        start_equity=D(100),
        equity=D(110),
        flows=D(0),
        realised=D(10),
        unrealised=D(0),
        fees=D(1),
        identity_gap=D(0),
        metrics=(MetricRow(name=HOSTILE, text="12 %", value=0.12),),
        days=tuple(TradingDay(day=f"2026-11-{day + 1:02d}", realised=D(day - 2)) for day in range(days)),
        points=tuple(equity(NOW_MS + day * DAY_MS, str(100 + day)) for day in range(days)),
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(days: int = 10) -> str:
    won = msgspec.structs.replace(
        position(), symbol=HOSTILE, state=PositionState.CLOSED, closed_ms=NOW_MS, realised=D("1.5")
    )
    return performance_html(performance(days), trade_rows([won]), HOSTILE, now_ms=NOW_MS)


def test_nothing_is_loaded_and_no_text_becomes_a_tag() -> None:
    tags = Tags()
    tags.feed(page())
    names = {name for name, _ in tags.found}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "a", "form"})
    attributes = {name for _, attributes in tags.found for name in attributes}
    assert attributes.isdisjoint({"src", "href", "srcset", "style", "onload", "onclick"})
    assert not re.search(r"url\(|@import|https?:", page())
    policy = [found["content"] for name, found in tags.found if name == "meta" and "http-equiv" in found]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_every_chart_is_valid_and_stays_inside_its_frame() -> None:
    charts = re.findall(r"<svg.*?</svg>", page(), re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        drawn = ElementTree.fromstring(chart)  # noqa: S314 - made here
        _, _, width, height = map(float, drawn.attrib["viewBox"].split())
        for shape in drawn.iter("rect"):
            x, y, wide, high = (float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= width
            assert 0 <= y <= y + high <= height
        for shape in drawn.iter("path"):
            numbers = list(map(float, re.findall(r"[\d.]+", shape.attrib["d"])))
            assert all(0 <= number <= width for number in numbers[::2])
            assert all(0 <= number <= height for number in numbers[1::2])


def test_a_young_ledger_says_that_there_is_not_enough_data() -> None:
    assert page(1).count("Not enough data yet.") == 2
    assert "Not enough data" in line_chart("x", [], "USDT")
    assert "Not enough data" in bar_chart("x", [], "USDT")


def test_constant_values_are_drawn() -> None:
    flat = [ChartPoint("a", 5.0), ChartPoint("b", 5.0)]
    assert "<path" in line_chart("x", flat, "USDT")
    assert bar_chart("x", [ChartPoint("a", 0.0)], "USDT").count("<rect") == 1
