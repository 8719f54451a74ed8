"""Stream behaviour over hours, and faults at inconvenient moments, in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.simulation.wire import Direction
from tests.support.exchange.virtual_streams import StreamBench, virtual_streams
from tests.support.samples import stream_frames as frames

pytestmark = pytest.mark.timeout(120)  # days of streams

HOUR_S = 3600


async def publish(bench: StreamBench, number: int) -> None:
    """Send one trade and one depth message with this number."""
    await bench.server.push(topics.deals("MXUSDT").channel, frames.deal_frame(("2.5", "1", 1, f"{number}X1")))
    depth = frames.depth_push(number, number, [("2.6", "1")], [])
    await bench.server.push(topics.depth("MXUSDT").channel, depth.SerializeToString())


@pytest.mark.parametrize("seed", [1, 2])
def test_M1_rotation_over_72_hours_loses_and_repeats_nothing(seed: int) -> None:
    async def main(sim: Simulation) -> None:
        subscribed = [topics.deals("MXUSDT"), topics.depth("MXUSDT")]
        async with virtual_streams(sim, subscribed, SocketTimings(ping_every_s=20)) as bench:
            bench.host.latency_s = (0.005, 0.4)
            bench.server.behaviour.close_after_s = 24 * HOUR_S
            await asyncio.sleep(5)
            sent = 0
            while bench.now_s < 72 * HOUR_S:
                sent += 1
                await publish(bench, sent)
                await asyncio.sleep(0.1 if len(bench.server.open) > 1 else 90)
            await asyncio.sleep(5)
            assert bench.trades == [f"{number}X1" for number in range(1, sent + 1)]
            assert bench.versions == [(number, number) for number in range(1, sent + 1)]
            assert len(bench.gaps) == 2  # the first subscription of each topic
            assert all(gap.is_closed for _, gap in bench.gaps)
            lives = [
                (session.closed_s or bench.now_s) - session.opened_s for session in bench.server.sessions
            ]
            assert max(lives) < 24 * HOUR_S
            assert bench.streams.state().rotations == len(lives) - 1 == 3

    simulate(main, seed=seed)


def test_M1_a_topic_added_during_a_rotation_repeats_nothing() -> None:
    async def main(sim: Simulation) -> None:
        first, added = topics.deals("BUSDT"), topics.deals("MXUSDT")
        async with virtual_streams(sim, [first], SocketTimings(rotate_after_s=HOUR_S)) as bench:
            await bench.until(lambda: len(bench.server.open) == 2)
            bench.streams.subscribe([added])
            await asyncio.sleep(1)
            assert await bench.server.push(added.channel, frames.deal_frame(("2.5", "1", 1, "7X1"))) == 2
            await asyncio.sleep(5)
            assert bench.trades == ["7X1"]

    simulate(main)


def test_a_topic_moved_during_a_rotation_drops_its_memory_of_trades() -> None:
    async def main(sim: Simulation) -> None:
        moved, other = topics.deals("MXUSDT"), topics.deals("BUSDT")
        async with virtual_streams(sim, [moved, other], SocketTimings(rotate_after_s=HOUR_S)) as bench:
            await bench.until(lambda: len(bench.server.open) == 2)
            feed = bench.streams._feeds[moved.channel]  # pyright: ignore[reportPrivateUsage]
            assert feed.overlap_filter is not None
            bench.streams._reassign(feed, "for a test")  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(60)
            assert feed.overlap_filter is None
            assert await bench.server.push(moved.channel, frames.deal_frame(("2.5", "1", 1, "7X1"))) == 1

    simulate(main)


def test_M1_a_topic_missing_on_the_new_connection_is_reported_as_a_gap_and_recovered() -> None:
    async def main(sim: Simulation) -> None:
        topic, other = topics.deals("MXUSDT"), topics.deals("BUSDT")
        async with virtual_streams(sim, [topic, other], SocketTimings(rotate_after_s=HOUR_S)) as bench:
            await asyncio.sleep(10)
            bench.server.behaviour.ignore = {topic.channel}
            await asyncio.sleep(HOUR_S)
            bench.server.behaviour.ignore = set()
            await asyncio.sleep(60)
            reported = [gap.is_closed for _, gap in bench.gaps if gap.channel == topic.channel]
            assert reported == [True, False, True]
            assert not bench.streams.state().feeds[0].reason

    simulate(main)


def test_M1_a_failed_new_connection_leaves_the_old_one_running() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, [topic], SocketTimings(rotate_after_s=HOUR_S)) as bench:
            await asyncio.sleep(10)
            bench.host.refusing = True
            await asyncio.sleep(2 * HOUR_S)
            assert len(bench.server.open) == 1
            assert len(bench.gaps) == 1
            bench.host.refusing = False
            await asyncio.sleep(60)
            assert len(bench.server.sessions) == 2
            assert len(bench.gaps) == 1

    simulate(main)


@pytest.mark.parametrize("ping_s", [5, 10, 20])
def test_M2_a_half_open_connection_is_detected_within_one_and_a_half_intervals(ping_s: float) -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, [topic], SocketTimings(ping_every_s=ping_s)) as bench:
            await asyncio.sleep(61)
            bench.host.lose(Direction.TO_CLIENT)
            lost_s = bench.now_s
            await asyncio.sleep(2 * ping_s)
            noticed_s, gap = bench.gaps[1]
            assert not gap.is_closed
            assert "dead" in gap.reason
            assert noticed_s - lost_s <= 1.5 * ping_s + 0.01
            bench.host.heal()
            await asyncio.sleep(60)
            assert bench.gaps[-1][1].is_closed

    simulate(main)


def test_a_quiet_connection_that_answers_pings_is_kept() -> None:
    async def main(sim: Simulation) -> None:
        async with virtual_streams(sim, [topics.deals("MXUSDT")]) as bench:
            await asyncio.sleep(2 * HOUR_S)
            assert len(bench.server.sessions) == 1
            assert 1_420 <= bench.server.sessions[0].pings <= 1_441

    simulate(main)


def test_M2_quotes_of_a_held_pair_are_stale_after_three_seconds_others_after_a_minute() -> None:
    async def main(sim: Simulation) -> None:
        held_topic, other = topics.best_quote("MXUSDT"), topics.best_quote("BUSDT")
        async with virtual_streams(sim, [held_topic, other]) as bench:
            await asyncio.sleep(1)
            bench.streams.set_held_symbols(["MXUSDT"])
            for topic in (held_topic, other):
                await bench.server.push(topic.channel, frames.quote_frame("1", "2", topic=topic))
            await asyncio.sleep(2.9)
            assert (bench.streams.is_stale(held_topic), bench.streams.is_stale(other)) == (False, False)
            await asyncio.sleep(0.3)
            assert (bench.streams.is_stale(held_topic), bench.streams.is_stale(other)) == (True, False)
            await asyncio.sleep(60)
            assert (bench.streams.is_stale(held_topic), bench.streams.is_stale(other)) == (True, True)

    simulate(main)


def test_M3_missing_quotes_are_stale_except_for_a_pair_that_does_not_trade() -> None:
    async def main(sim: Simulation) -> None:
        active, mute = topics.best_quote("MXUSDT"), topics.best_quote("BUSDT")
        untraded = [topics.deals("MXUSDT"), topics.depth("MXUSDT"), topics.top_levels("MXUSDT")]
        async with virtual_streams(sim, [active, mute, *untraded]) as bench:
            await asyncio.sleep(1)
            for _ in range(120):
                await bench.server.push(active.channel, frames.quote_frame("1", "2", topic=active))
                await asyncio.sleep(1)
            stale = [state.topic for state in bench.streams.state().feeds if state.is_stale]
            ages = {state.topic: state.age_s for state in bench.streams.state().feeds}
            assert stale == [mute]
            assert ages[mute] is None
            assert ages[active] is not None
            assert 0.75 <= bench.streams.state().messages_per_s <= 1.25

    simulate(main)


def test_a_pair_that_does_not_trade_is_stale_while_its_connection_is_down() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, [topic]) as bench:
            await asyncio.sleep(300)
            assert not bench.streams.is_stale(topic)
            bench.server.behaviour.reject_connections = 1_000
            bench.streams.reconnect("lost")
            await asyncio.sleep(2)
            assert bench.streams.is_stale(topic)

    simulate(main)


def test_M3_an_acknowledged_steady_topic_without_pushes_is_requested_on_another_connection() -> None:
    async def main(sim: Simulation) -> None:
        mute, other = topics.best_quote("MXUSDT"), topics.deals("BUSDT")
        async with virtual_streams(sim, [other, mute]) as bench:
            await asyncio.sleep(20)
            assert [mute.channel] in [session.topics for session in bench.server.sessions[1:]]
            assert [gap.is_closed for _, gap in bench.gaps if gap.channel == mute.channel] == [
                True,
                False,
                True,
            ]

    simulate(main)


def test_M3_a_steady_topic_is_given_time_to_push_after_an_outage() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.mini_ticker("MXUSDT")
        async with virtual_streams(sim, [topic]) as bench:
            await asyncio.sleep(1)
            bench.host.refusing = True
            await bench.server.close_all()
            await asyncio.sleep(60)
            bench.host.refusing = False
            await bench.until(lambda: len(bench.gaps) == 3)
            await asyncio.sleep(12)
            assert [gap.is_closed for _, gap in bench.gaps] == [True, False, True]
            assert len(bench.server.open) == 1

    simulate(main)


def test_reconnects_slow_down_and_never_stop() -> None:
    async def main(sim: Simulation) -> None:
        async with virtual_streams(sim, [topics.deals("MXUSDT")]) as bench:
            bench.server.behaviour.reject_connections = 10**9
            await asyncio.sleep(1)
            started = 10**9 - bench.server.behaviour.reject_connections
            await asyncio.sleep(HOUR_S)
            tried = 10**9 - bench.server.behaviour.reject_connections - started
            assert HOUR_S / 30 <= tried <= HOUR_S / 15 + 10
            bench.server.behaviour.reject_connections = 0
            await asyncio.sleep(31)
            assert bench.streams.state().connections == 1

    simulate(main)


def test_client_messages_stay_far_below_a_hundred_per_second() -> None:
    async def main(sim: Simulation) -> None:
        subscribed = [topics.deals(f"A{number}USDT") for number in range(30)]
        async with virtual_streams(sim, []) as bench:
            for topic in subscribed:
                bench.streams.subscribe([topic])
                await asyncio.sleep(0)
            await asyncio.sleep(5)
            for topic in subscribed:
                bench.streams.unsubscribe([topic])
                bench.streams.subscribe([topic])
                await asyncio.sleep(0.001)
            await asyncio.sleep(5)
            times = [second for session in bench.server.sessions for second in session.request_s]
            in_a_second = max(sum(start <= other < start + 1 for other in times) for start in times)
            assert in_a_second <= 51
            assert all(later - earlier >= 0.0 for earlier, later in pairwise(times))

    simulate(main)


def test_a_refused_pair_about_to_open_is_requested_again_within_a_second() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, []) as bench:
            bench.server.behaviour.refuse.add(topic.channel)
            bench.streams.subscribe([topic])
            await asyncio.sleep(7)
            bench.streams.prioritise([topic])
            await asyncio.sleep(1)
            bench.server.behaviour.refuse.clear()
            await asyncio.sleep(0.8)
            assert await bench.server.push(topic.channel, frames.deal_frame(("2.5", "1", 1, "1X1"))) == 1

    simulate(main)


def test_two_minutes_of_fast_retries_stay_far_below_the_message_limit() -> None:
    async def main(sim: Simulation) -> None:
        subscribed = [topics.deals(f"C{number}USDT") for number in range(30)]
        async with virtual_streams(sim, []) as bench:
            bench.server.behaviour.refuse.update(topic.channel for topic in subscribed)
            bench.streams.subscribe(subscribed)
            bench.streams.prioritise(subscribed)
            await asyncio.sleep(120)
            received = sum(len(session.requests) for session in bench.server.sessions)
        assert 200 < received < 10 * 120

    simulate(main)


def test_by_default_a_half_open_connection_is_detected_within_seven_and_a_half_seconds() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, [topic]) as bench:
            await asyncio.sleep(61)
            assert (bench.streams.silent_s(topic) or 0) <= 5
            bench.host.lose(Direction.TO_CLIENT)
            lost_s = bench.now_s
            await bench.until(lambda: len(bench.gaps) == 2)
            assert bench.now_s - lost_s <= 7.6
            assert bench.streams.silent_s(topic) is None

    simulate(main)


def test_a_probe_reports_at_once_whether_a_quiet_connection_is_alive() -> None:
    async def main(sim: Simulation) -> None:
        topic = topics.deals("MXUSDT")
        async with virtual_streams(sim, [topic], SocketTimings(ping_every_s=20)) as bench:
            await asyncio.sleep(35)
            assert (bench.streams.silent_s(topic) or 0) > 10
            bench.streams.probe([topic])
            await asyncio.sleep(1)
            assert (bench.streams.silent_s(topic) or 9) <= 1
            bench.host.lose(Direction.TO_CLIENT)
            await asyncio.sleep(3)
            bench.streams.probe([topic])
            await asyncio.sleep(1)
            assert (bench.streams.silent_s(topic) or 0) > 3

    simulate(main)
