"""Queries of the screens to an engine with a position, in virtual time."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal as D

import pytest

from mexc_tui.desk import engine_requests, screen_requests
from mexc_tui.desk.api_types import Reply
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.wire import encode
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow, MachineRow
from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.order import Side
from mexc_tui.model.plan_view import EquityRow
from mexc_tui.model.position import Position
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.view import ListingRow
from mexc_tui.risk.metrics.latency import LatencySpan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.desk_server import client_of
from tests.support.desk_server import running_client as attached
from tests.support.engine.monitored_position import SYMBOL, day_with, monitored_engine

pytestmark = pytest.mark.timeout(120)  # runs whole engines

BUSY = "BTCUSDT"


@dataclass
class Told:
    """Responses of an engine by query; `frames` are their lengths."""

    detectors: list[DetectorsRow] = field(default_factory=list[DetectorsRow])
    first: dict[str, MarketRow] = field(default_factory=dict[str, MarketRow])
    later: dict[str, MarketRow] = field(default_factory=dict[str, MarketRow])
    page: list[ListingRow] = field(default_factory=list[ListingRow])
    listings: list[ListingRow] = field(default_factory=list[ListingRow])
    equity: list[EquityRow] = field(default_factory=list[EquityRow])
    latency: list[LatencyRow] = field(default_factory=list[LatencyRow])
    machine: list[MachineRow] = field(default_factory=list[MachineRow])
    held: list[Position] = field(default_factory=list[Position])
    refused: list[str] = field(default_factory=list[str])


async def market_of(client: DeskClient, symbol: str) -> Reply[MarketRow]:
    return await client.send(screen_requests.MARKET, screen_requests.MarketQuery(symbol=symbol), deadline_s=5)


async def told_by(client: DeskClient, position: Position, told: Told) -> None:
    """Ask everything once, and the markets again some seconds later."""
    told.held.append(position)
    for into in (told.first, told.later):
        for symbol in (SYMBOL, BUSY):
            reply = await market_of(client, symbol)
            assert reply.result is not None
            into[symbol] = reply.result
        await asyncio.sleep(5)
    page = await client.send(engine_requests.LISTINGS, engine_requests.ListingsQuery(), deadline_s=5)
    assert page.result is not None
    told.page.extend(page.result.rows)
    equity = await client.send(screen_requests.EQUITY, screen_requests.EquityQuery(), deadline_s=5)
    assert equity.result is not None
    told.equity.append(equity.result)
    latency = await client.send(screen_requests.LATENCY, screen_requests.LatencyQuery(), deadline_s=5)
    assert latency.result is not None
    told.latency.append(latency.result)
    for _ in range(2):
        machine = await client.send(screen_requests.MACHINE, NoArguments(), deadline_s=5)
        assert machine.result is not None
        told.machine.append(machine.result)
        await asyncio.sleep(2)
    told.refused.extend([(await market_of(client, name)).message for name in ("<b>", "NOSUCHUSDT")])
    detectors = await client.send(screen_requests.DETECTORS, NoArguments(), deadline_s=5)
    assert detectors.result is not None
    told.detectors.append(detectors.result)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Run an engine until it buys, and query it."""
    found = Told()

    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path_factory.mktemp("screens"))
        async with (
            monitored_engine(day) as (running, _, position),
            attached(client_of(day.paths.socket)) as client,
        ):
            await told_by(client, position, found)
            found.listings.extend(running.queries.listings())

    simulate(main)
    return found


def test_a_query_for_a_pair_watches_it_and_fetches_earlier_trades(told: Told) -> None:
    first, later = told.first[BUSY], told.later[BUSY]
    assert (first.bids, first.priced_ms, first.watched_s) == ((), None, 60)
    assert (len(later.bids), len(later.asks), later.is_exact) == (20, 20, True)
    assert later.bid == later.bids[0].price < later.asks[0].price == later.ask
    assert later.trades
    assert later.last == later.trades[0].price
    assert sum(span.value for span in later.path) > 0


def test_a_price_path_has_a_gap_between_fetched_trades_and_the_stream(told: Told) -> None:
    market = told.later[BUSY]
    since_ms, until_ms = market.holes[0]
    assert len(market.holes) == 1
    assert market.path[0].start_ms < since_ms < until_ms < market.at_ms
    assert not [one for one in market.trades if since_ms < one.at_ms < until_ms]


def test_levels_are_cumulated_from_the_best_price(told: Told) -> None:
    levels = told.later[BUSY].asks
    sums = [sum((one.price * one.quantity for one in levels[:count]), D(0)) for count in range(1, 21)]
    assert [one.value for one in levels] == sums


def test_a_held_pair_shows_its_fills_and_exit_prices(told: Told) -> None:
    market, position = told.later[SYMBOL], told.held[0]
    assert [(one.side, one.quantity) for one in market.fills] == [(Side.BUY, position.bought_quantity)]
    levels = {one.name: one for one in market.exits}
    assert levels["stop"].price == position.stop_price
    assert levels["stop"].where == "engine"
    assert [levels[f"rung {number}"].where for number in (1, 2, 3)] == ["exchange"] * 3
    assert sum((levels[f"rung {n}"].quantity or D(0) for n in (1, 2, 3)), D(0)) == position.remaining
    assert [one.price for one in market.exits] == sorted((one.price for one in market.exits), reverse=True)


def test_a_held_pair_shows_the_levels_of_the_trading_stream_until_deeper_ones_arrive(told: Told) -> None:
    first, later = told.first[SYMBOL], told.later[SYMBOL]
    assert (len(first.bids), first.is_exact, first.leveled_ms) == (5, False, None)
    assert (len(later.bids), later.is_exact, later.leveled_ms is not None) == (20, True, True)


def test_the_price_path_of_a_listing_begins_at_its_opening(told: Told) -> None:
    market = told.first[SYMBOL]
    assert market.opened_ms is not None
    assert market.path[0].start_ms == market.opened_ms - market.opened_ms % 1_000
    assert (market.price_decimals, market.quantity_decimals) == (5, 2)


def test_a_listing_row_has_its_precision_and_the_time_of_its_price(told: Told) -> None:
    row = told.listings[0]
    assert (row.price_decimals, row.quantity_decimals) == (5, 2)
    assert row.priced_ms is not None
    assert row.priced_ms % 1_000 == 0
    assert row.priced_ms > (row.opened_ms or 0)
    assert [(one.id, one.price_decimals) for one in told.page] == [(row.id, 5)]


def test_a_response_is_small_enough_for_repeated_queries(told: Told) -> None:
    assert len(encode(told.later[BUSY])) < 24_000


def test_an_invalid_pair_is_refused_with_a_text(told: Told) -> None:
    assert "Invalid symbol" in told.refused[0]
    assert told.refused[1] == "Unknown symbol NOSUCHUSDT: not on the exchange and not listed."


def test_equity_is_shown_from_its_first_point(told: Told) -> None:
    row = told.equity[0]
    assert row.points[0].drawdown_pct == 0
    assert row.points[-1].equity > 0
    assert row.until_ms - row.points[-1].at_ms <= 1_000, "as of this second, not of the last minute"
    assert row.peak is not None
    assert row.peak >= max(one.equity for one in row.points)
    assert row.quote_asset == "USDT"


def test_the_latest_attempts_are_shown_by_stage(told: Told) -> None:
    row = told.latency[0]
    assert row.attempt_count == len(row.attempts) >= 1
    newest = row.attempts[0]
    assert (newest.symbol, newest.aim_ms >= row.attempts[-1].aim_ms) == (SYMBOL, True)
    # A pair without an earlier price is bought at its first one: that attempt has no moment to be late for.
    assert all(one.late_ms is None or one.late_ms >= 0 for one in row.attempts)
    assert [one.name for one in newest.stages] == [one.name for one in row.stages]
    answered = next(one for one in row.stages if one.name == LatencySpan.ANSWER.value)
    assert answered.n == row.attempt_count
    assert answered.p50_ms is not None
    assert (answered.p99_ms, answered.p99_text) == (None, f"not enough data ({row.attempt_count} of 100)")


def test_resources_of_the_engine_and_its_viewers_are_shown(told: Told) -> None:
    row = told.machine[0]
    assert row.rss_bytes is not None
    assert row.rss_bytes > 1_000_000
    assert (row.cpu_s > 0, row.threads >= 1) == (True, True)
    assert [(one.who, one.role, one.facts_behind) for one in row.viewers] == [("tester", "admin", 0)]
    assert [one.name for one in row.observers] == ["desk"]
    assert {one.phase for one in row.breakers} == {"closed"}
    assert row.store.commits > 0
    assert row.store.commits_per_s > 0
    assert row.store.database_bytes
    assert row.store.wal_bytes


def test_every_connection_is_shown_with_its_age_and_rate(told: Told) -> None:
    lines = {one.name: one for one in told.machine[0].connections}
    assert set(lines) == {"market 1", "private"}
    market = lines["market 1"]
    assert (market.is_up, market.connects, market.reason) == (True, 1, "")
    assert market.age_s is not None
    assert market.topics >= 6
    assert market.messages_per_s is not None
    assert market.messages_per_s > 0


def test_the_event_loop_is_measured_more_often_while_a_viewer_is_attached(told: Told) -> None:
    first, later = (one.lag for one in told.machine)
    assert later.n - first.n >= 40, "twenty a second instead of four"
    assert later.max_ms is not None


def test_every_detector_is_shown_with_the_age_of_its_inputs(told: Told) -> None:
    row = told.detectors[0]
    assert {one.name for one in row.detectors} == set(DetectorName)
    opening = next(one for one in row.detectors if one.name == DetectorName.OPENING)
    assert (opening.raised, opening.active, opening.rate.n) == (1, 1, 0)
    assert opening.rate.text == "0 of 0 (too few for a rate)"
    assert row.last_pass is not None
    assert {one.source for one in row.last_pass.read} >= {"calendar", "symbolsV2"}
    assert row.last_pass.looked_at == 1
