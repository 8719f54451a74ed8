"""Figures of a practice day, compared with an independent calculation from the stored rows."""

from dataclasses import dataclass
from decimal import Decimal as D
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from mexc_tui.engine.market.outcome_labels import label_version
from mexc_tui.engine.views.screen_queries import ScreenQueries
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.engine_view import DetectorRow
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.position import EquityPoint, Position
from mexc_tui.model.signal import DetectorName, Signal
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.trading_view import MetricRow, RiskRow
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import OpeningBench, listing, opening_engine, scenario

pytestmark = pytest.mark.timeout(120)  # runs whole engines

PLAN = scenario(listing("ONE", opens_s=40), listing("TWO", opens_s=75))


@dataclass(frozen=True)
class Moment:
    """Shown figures, and the stored rows that they must follow from."""

    metrics: dict[str, MetricRow]
    risk: RiskRow
    detectors: dict[str, DetectorRow]
    bids: dict[str, D]
    snipes: list[Snipe]
    held: list[Position]
    points: list[EquityPoint]
    signals: list[Signal]
    outcomes: list[ListingOutcome]


async def look(watcher: OpeningBench) -> Moment:
    engine, scope = watcher.running.engine, watcher.components.ledger.scope
    face = await trading_queries(engine)
    assert face is not None
    version = label_version(engine.detection_settings())
    watcher.components.safety.equity.mark()
    bids = {name: watcher.components.prices.of(name).bid or D(0) for name in ("ONEUSDT", "TWOUSDT")}
    risk, performance = face.risk(), await face.performance()
    detectors = (await ScreenQueries(engine).detectors()).detectors
    read = watcher.running.store.read
    return Moment(
        metrics={one.name: one for one in performance.metrics},
        risk=risk,
        detectors={one.name: one for one in detectors},
        bids=bids,
        snipes=[one for name in bids for one in await watcher.snipes(name)],
        held=await read("held", lambda stored: stored.trading(scope).positions.open()),
        points=await read("points", lambda stored: stored.trading(scope).equity.between(0, 2**60)),
        signals=await read("signals", lambda stored: stored.signals.latest(1_000)),
        outcomes=await read("outcomes", lambda stored: stored.outcomes.latest(version, 100)),
    )


def check_money(now: Moment) -> None:
    bought = [one for one in now.snipes if one.filled_quantity]
    averages = [one.filled_value / one.filled_quantity for one in bought]
    references = [one.reference_price for one in bought]
    to_decision = [
        float(10_000 * (paid / decided - 1))
        for paid, decided in zip(averages, references, strict=True)
        if decided is not None
    ]
    assert len(to_decision) == len(bought)
    shown = now.metrics["entry slippage to the decision price"]
    assert shown.value is not None
    assert abs(shown.value - median(to_decision)) < 1e-6
    filled = now.metrics["entry filled"].value
    assert filled is not None
    assert abs(filled - median(float(one.filled_value / one.spend_cap) for one in bought)) < 1e-9
    fee = D("0.0005")
    value = sum((one.remaining * now.bids[one.symbol] * (1 - fee) for one in now.held), D(0))
    exposure = now.metrics["exposure"].value
    assert exposure is not None
    assert abs(exposure - float(value / now.risk.equity)) < 1e-6
    cash = 1_000 - sum(one.bought_value * (1 + fee) for one in now.held)
    assert abs(now.risk.equity - cash - value) < D("1e-6")
    assert now.risk.day_pnl == now.risk.equity - now.points[0].equity
    bound = {one.symbol for one in now.held} | {one.symbol for one in now.snipes if not one.state.is_over}
    assert {one.name: one.used for one in now.risk.limits}["positions"] == len(bound)


def check_history(now: Moment) -> None:
    minutes = [point.at_ms // 60_000 for point in now.points if len(point.prices) == len(now.held)]
    known = sorted(set(minutes))
    n = sum(after == before + 1 for before, after in pairwise(known))
    shown = now.metrics["VaR 95 %, a minute"]
    assert (shown.value, shown.n, shown.minimum) == (None, n, 200)
    assert shown.text.startswith(f"not enough data ({n} of 200 minutes of ")


def check_detectors(now: Moment) -> None:
    opened = {one.listing_id: one.opened_ms for one in now.outcomes if one.end is OutcomeEnd.OPENED}
    for name in (DetectorName.READY_STATE, DetectorName.LAUNCH_SEQUENCE, DetectorName.PRE_READY):
        said = [one for one in now.signals if one.key.detector is name]
        in_time = {one.key.subject for one in said if one.at_ms < (opened.get(one.key.subject) or 0)}
        row = now.detectors[name.value]
        assert (row.recall.hits, row.recall.n) == (len(in_time), len(opened))
        assert row.base.n == len(opened)


def test_figures_of_a_day_follow_the_stored_data(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, PLAN) as watcher:
            await watcher.at(68)
            first = await look(watcher)
            await watcher.at(115)
            last = await look(watcher)
        for now in (first, last):
            check_money(now)
            check_history(now)
            check_detectors(now)
        assert (len(first.held), len(last.held)) == (1, 2)
        assert (len(first.outcomes), len(last.outcomes)) == (1, 2)
        same = {name for name, one in last.metrics.items() if first.metrics[name].text == one.text}
        assert not same & {
            "exposure", "concentration (HHI)", "effective positions", "open risk", "entry filled",
            "lost if coins open 30 % lower", "entry slippage to the decision price",
        }  # fmt: skip
        used = [{one.name: one.used for one in now.risk.limits}["exposure"] for now in (first, last)]
        assert used[0] != used[1]
        assert first.risk.equity != last.risk.equity

    simulate(main)
