"""Where frames wait: bounded, conflating, in short slices (reliability M9)."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.inbox import SLICE_NS, UNSUBSCRIBED_GRACE_NS, Inbox
from mexc_tui.exchange.streams.subscription_state import SERIES_BOUND, SubscriptionState
from mexc_tui.exchange.streams.topics import StreamTopic
from mexc_tui.proto.stream_pb2 import Push
from tests.support.samples import stream_frames as frames

FLOOD = 50_000


class HandClock:
    """A clock that the test moves; each look at it may cost time."""

    def __init__(self) -> None:
        self.ns = 0
        self.cost_ns = 0

    def now_ms(self) -> int:
        return self.ns // 1_000_000

    def monotonic_ns(self) -> int:
        self.ns += self.cost_ns
        return self.ns


class Receiver:
    """An inbox of some topics and what it handed on."""

    def __init__(self, *wanted: StreamTopic) -> None:
        self.clock = HandClock()
        self.handled: list[tuple[str, Push]] = []
        self.overflows: list[str] = []
        self.inbox = Inbox(
            self.clock, handle=self._take, on_overflow=lambda feed: self.overflows.append(feed.topic.channel)
        )
        self.feeds = {topic: SubscriptionState(topic, 0, 60) for topic in wanted}
        for feed in self.feeds.values():
            self.inbox.add(feed)

    def _take(self, feed: SubscriptionState, push: Push, _received_ns: int) -> None:
        self.handled.append((feed.topic.channel, push))

    def work_all(self) -> None:
        while self.inbox.waiting:
            self.inbox.process(self.clock.ns + 10**12)


@pytest.fixture
def quote() -> StreamTopic:
    return topics.best_quote("MXUSDT")


def test_M9_a_flood_of_quotes_waits_as_one_the_latest(quote: StreamTopic) -> None:
    receiver = Receiver(quote)
    for number in range(FLOOD):
        receiver.inbox.put(frames.quote_frame("2.49", "2.51", str(number)))
    assert receiver.inbox.waiting == 1
    receiver.work_all()
    assert [push.aggre_book_ticker.version for _, push in receiver.handled] == [str(FLOOD - 1)]
    assert receiver.feeds[quote].conflated == FLOOD - 1


def test_M9_a_flood_of_a_series_is_bounded_and_told_as_a_hole() -> None:
    topic = topics.depth("MXUSDT")
    receiver = Receiver(topic)
    frame = frames.depth_push(1, 1, [("2.6", "1")], []).SerializeToString()
    for _ in range(FLOOD):
        receiver.inbox.put(frame)
        assert len(receiver.feeds[topic].frames) <= SERIES_BOUND
    receiver.work_all()
    assert len(receiver.handled) <= SERIES_BOUND
    assert len(receiver.overflows) == (FLOOD - 1) // SERIES_BOUND
    assert receiver.feeds[topic].dropped + len(receiver.handled) == FLOOD


def test_M9_order_events_are_never_dropped_and_stay_in_order() -> None:
    orders, fills, account = topics.private_topics()
    receiver = Receiver(orders, fills, account)
    for number in range(FLOOD // 3):
        receiver.inbox.put(frames.order_frame(id=str(number)))
        receiver.inbox.put(frames.fill_frame(str(number)))
    receiver.work_all()
    ids = [push.private_order.id or push.private_deal.trade_id for _, push in receiver.handled]
    assert ids == [str(number // 2) for number in range(2 * (FLOOD // 3))]
    assert receiver.overflows == []


def test_a_flood_on_one_topic_does_not_hold_back_another(quote: StreamTopic) -> None:
    loud = topics.deals("MXUSDT")
    receiver = Receiver(loud, quote)
    for number in range(FLOOD):
        receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, str(number))))
    receiver.inbox.put(frames.quote_frame("2.49", "2.51"))
    receiver.work_all()
    assert quote.channel in [channel for channel, _ in receiver.handled]


def test_work_stops_after_a_slice_and_goes_on_later() -> None:
    topic = topics.deals("MXUSDT")
    receiver = Receiver(topic)
    for number in range(20):
        receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, str(number))))
    receiver.clock.cost_ns = SLICE_NS // 5
    receiver.inbox.process(receiver.clock.ns + SLICE_NS)
    assert len(receiver.handled) == 5
    receiver.clock.cost_ns = 0
    receiver.work_all()
    assert len(receiver.handled) == 20


async def test_others_get_their_turn_between_slices() -> None:
    topic = topics.deals("MXUSDT")
    receiver = Receiver(topic)
    for number in range(100):
        receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, str(number))))
    receiver.clock.cost_ns = SLICE_NS // 5
    turns: list[int] = []
    task = asyncio.create_task(receiver.inbox.run())
    while len(receiver.handled) < 100:
        await asyncio.sleep(0)
        turns.append(len(receiver.handled))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) <= 5


def test_a_channel_that_does_not_lead_its_frame_is_found_by_parsing() -> None:
    topic = topics.deals("MXUSDT")
    receiver = Receiver(topic)
    frame = frames.deal_frame(("2.5", "1", 1, "7"))
    lead = 2 + len(topic.channel)
    receiver.inbox.put(frame[lead:] + frame[:lead])
    receiver.work_all()
    assert len(receiver.handled) == 1


def test_frames_that_nobody_wants_or_that_are_none_are_counted() -> None:
    receiver = Receiver(topics.deals("MXUSDT"))
    receiver.inbox.put(frames.kline_frame())
    receiver.inbox.put(b"\xff\xff\xff")
    receiver.inbox.put(b"")
    assert receiver.inbox.unroutable == 3
    assert receiver.inbox.waiting == 0


def test_a_removed_topic_is_handed_on_no_more() -> None:
    topic = topics.deals("MXUSDT")
    receiver = Receiver(topic)
    receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, "7")))
    receiver.inbox.remove(receiver.feeds[topic])
    receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, "8")))
    receiver.work_all()
    assert receiver.handled == []


def test_what_still_comes_of_a_channel_that_was_just_left_is_nothing_odd(quote: StreamTopic) -> None:
    receiver = Receiver(quote)
    receiver.inbox.remove(receiver.feeds[quote])
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "1"))
    assert (receiver.inbox.unroutable, receiver.inbox.unknown_messages.total) == (1, 0)
    receiver.clock.ns += UNSUBSCRIBED_GRACE_NS
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "2"))
    assert receiver.inbox.unknown_messages.total == 1


def test_a_channel_that_is_left_and_wanted_again_is_heard(quote: StreamTopic) -> None:
    receiver = Receiver(quote)
    receiver.inbox.remove(receiver.feeds[quote])
    receiver.inbox.add(receiver.feeds[quote])
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "1"))
    receiver.work_all()
    assert len(receiver.handled) == 1
