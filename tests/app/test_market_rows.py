import asyncio
from pathlib import Path

import pytest

from mexc_tui.app.market_rows import stale_topic_text
from mexc_tui.exchange.streams.subscription_state import FeedState, SubscriptionPhase
from mexc_tui.exchange.streams.topics import StreamTopic, deals, mini_tickers
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import PracticeDay


def state(topic: StreamTopic, age_s: float | None, reason: str = "") -> FeedState:
    return FeedState(topic, SubscriptionPhase.LIVE, True, age_s, 0, 0, 0, 0, 0, reason)


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (state(deals("NEWUSDT"), 12.4), "NEWUSDT deals: silent for 12 s"),
        (state(deals("NEWUSDT"), None), "NEWUSDT deals: no message yet"),
        (state(mini_tickers(), 3.0, "not connected yet"), "all pairs mini tickers: not connected yet"),
    ],
)
def test_a_stale_topic_is_named_with_its_reason(feed: FeedState, said: str) -> None:
    assert stale_topic_text(feed) == said


def test_status_has_the_age_of_the_newest_message(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            async with asyncio.timeout(20):
                while running.queries.status().streams.newest_s is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
            assert running.queries.status().streams.newest_s == 0

    simulate(main)
