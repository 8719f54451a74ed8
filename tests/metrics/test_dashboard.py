"""Every query of the Grafana dashboard names metrics and labels that an engine exports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mexc_tui.metrics.engine_metrics import engine_metrics
from mexc_tui.metrics.exposition import exposition
from tests.metrics.parsed import ParsedMetric, parsed
from tests.metrics.test_engine_metrics import rows

FILE = Path(__file__).parents[2] / "deploy" / "grafana-dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SELECTOR = re.compile(r"(mexc_tui_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)=(~?)"([^"]*)"')
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds."""
EXPORTED: dict[str, ParsedMetric] = parsed(exposition(engine_metrics(rows())))
EXPRESSIONS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize(("title", "expr"), EXPRESSIONS)
def test_a_query_selects_series_that_exist(title: str, expr: str) -> None:
    selectors = SELECTOR.findall(expr)
    assert len(selectors) == len(re.findall(r"mexc_tui_\w+", expr)) > 0, title
    for name, matchers in selectors:
        labels = [dict(series) for series in EXPORTED[name].series]
        for label, is_pattern, value in MATCHER.findall(matchers):
            if label in SCRAPED:
                assert value == "$instance"
                continue
            wanted = value if is_pattern else re.escape(value)
            assert any(re.fullmatch(wanted, series[label]) for series in labels), f"{title}: {label}={value}"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_legend_names_labels_that_exist(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        (name, _), *_ = SELECTOR.findall(target["expr"])
        known = {label for series in EXPORTED[name].series for label, _ in series} | SCRAPED
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_a_rate_is_taken_of_counters_only_and_of_every_counter() -> None:
    for _, expr in EXPRESSIONS:
        for name, _ in SELECTOR.findall(expr):
            assert (EXPORTED[name].kind == "counter") == ("rate(" in expr), expr


def test_panels_do_not_overlap_and_have_different_ids() -> None:
    taken = set[tuple[int, int]]()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_the_instances_come_from_a_metric_that_exists() -> None:
    (query,) = [one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    assert query == "label_values(mexc_tui_info, instance)"
    assert "mexc_tui_info" in EXPORTED
