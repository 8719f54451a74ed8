"""Queries of screens, without an engine and over a real journal."""

from pathlib import Path

from mexc_tui.desk import screen_requests
from mexc_tui.desk.api_types import CommandOutcome
from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.model.event import RiskMonitorActed, TradingChanged
from mexc_tui.model.trading import Cause, RiskLevel, Trading, TradingState
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.fake_engine import FakeEngineQueries, desk

ACTED = RiskMonitorActed(
    at_ms=1,
    about="practice",
    level=RiskLevel.MEDIUM,
    finding="half of the daily loss",
    action="trim",
    achieved="1 of 1 positions trimmed",
)
HALTED = TradingChanged(
    at_ms=2,
    about="practice",
    trading=Trading(state=TradingState.HALTED, cause=Cause.MANUAL, text="tea", since_ms=2, by="ann"),
)


def record(unit: UnitOfWork) -> None:
    for event in (ACTED, HALTED, ACTED):
        unit.record(event)


async def test_risk_actions_and_halts_are_in_one_history(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeEngineQueries()) as (_, client, store):
        await store.write("facts", record)
        everything = await client.send(
            screen_requests.GUARD, screen_requests.RiskMonitorQuery(), deadline_s=5
        )
        two = await client.send(
            screen_requests.GUARD, screen_requests.RiskMonitorQuery(limit=2), deadline_s=5
        )
        assert two.result is not None
        assert two.result.next is not None
        rest = await client.send(
            screen_requests.GUARD, screen_requests.RiskMonitorQuery(before=two.result.next), deadline_s=5
        )
    assert everything.result is not None
    newest, halted, oldest = everything.result.rows
    assert (halted.state, halted.cause, halted.by, halted.text) == ("halted", "manual", "ann", "tea")
    assert (newest.level, newest.achieved) == (RiskLevel.MEDIUM, "1 of 1 positions trimmed")
    assert (everything.result.next, two.result.rows) == (None, [newest, halted])
    assert rest.result is not None
    assert rest.result.rows == [oldest]


async def test_an_engine_without_screen_queries_refuses_them(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeEngineQueries()) as (_, client, _):
        asked = screen_requests.MarketQuery(symbol="NEWUSDT")
        replies = [
            await client.send(screen_requests.DETECTORS, NoArguments(), deadline_s=5),
            await client.send(screen_requests.MARKET, asked, deadline_s=5),
            await client.send(screen_requests.MACHINE, NoArguments(), deadline_s=5),
        ]
    assert all(one.outcome is CommandOutcome.REFUSED and "serves no views" in one.message for one in replies)
