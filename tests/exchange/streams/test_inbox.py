"""The inbox of stream frames: bounded, conflating, processed in short slices (reliability M9)."""

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


class ManualClock:
    """A clock that the test moves; each reading can cost time."""

    def __init__(self) -> None:
        self.ns = 0
        self.cost_ns = 0

    def now_ms(self) -> int:
        return self.ns // 1_000_000

    def monotonic_ns(self) -> int:
        self.ns += self.cost_ns
        return self.ns


class InboxBench:
    """An inbox of some topics and the pushes it passed on."""

    def __init__(self, *inbox_topics: StreamTopic) -> None:
        self.clock = ManualClock()
        self.handled: list[tuple[str, Push]] = []
        self.overflows: list[str] = []
        self.inbox = Inbox(
            self.clock,
            handle=self._record,
            on_overflow=lambda feed: self.overflows.append(feed.topic.channel),
        )
        self.feeds = {topic: SubscriptionState(topic, 0, 60) for topic in inbox_topics}
        for feed in self.feeds.values():
            self.inbox.add(feed)

    def _record(self, feed: SubscriptionState, push: Push, _received_ns: int) -> None:
        self.handled.append((feed.topic.channel, push))

    def process_all(self) -> None:
        while self.inbox.waiting:
            self.inbox.process(self.clock.ns + 10**12)


@pytest.fixture
def quote() -> StreamTopic:
    return topics.best_quote("MXUSDT")


def test_M9_a_flood_of_quotes_is_conflated_to_the_latest(quote: StreamTopic) -> None:
    receiver = InboxBench(quote)
    for number in range(FLOOD):
        receiver.inbox.put(frames.quote_frame("2.49", "2.51", str(number)))
    assert receiver.inbox.waiting == 1
    receiver.process_all()
    assert [push.aggre_book_ticker.version for _, push in receiver.handled] == [str(FLOOD - 1)]
    assert receiver.feeds[quote].conflated == FLOOD - 1


def test_M9_a_flood_of_a_series_is_bounded_and_reported_as_a_gap() -> None:
    topic = topics.depth("MXUSDT")
    receiver = InboxBench(topic)
    frame = frames.depth_push(1, 1, [("2.6", "1")], []).SerializeToString()
    for _ in range(FLOOD):
        receiver.inbox.put(frame)
        assert len(receiver.feeds[topic].frames) <= SERIES_BOUND
    receiver.process_all()
    assert len(receiver.handled) <= SERIES_BOUND
    assert len(receiver.overflows) == (FLOOD - 1) // SERIES_BOUND
    assert receiver.feeds[topic].dropped + len(receiver.handled) == FLOOD


def test_M9_order_events_are_never_dropped_and_stay_in_order() -> None:
    orders, fills, account = topics.private_topics()
    receiver = InboxBench(orders, fills, account)
    for number in range(FLOOD // 3):
        receiver.inbox.put(frames.order_frame(id=str(number)))
        receiver.inbox.put(frames.fill_frame(str(number)))
    receiver.process_all()
    ids = [push.private_order.id or push.private_deal.trade_id for _, push in receiver.handled]
    assert ids == [str(number // 2) for number in range(2 * (FLOOD // 3))]
    assert receiver.overflows == []


def test_a_flood_on_one_topic_does_not_hold_back_another(quote: StreamTopic) -> None:
    flooded = topics.deals("MXUSDT")
    receiver = InboxBench(flooded, quote)
    for number in range(FLOOD):
        receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, str(number))))
    receiver.inbox.put(frames.quote_frame("2.49", "2.51"))
    receiver.process_all()
    assert quote.channel in [channel for channel, _ in receiver.handled]


def test_processing_stops_after_a_slice_and_continues_later() -> None:
    topic = topics.deals("MXUSDT")
    receiver = InboxBench(topic)
    for number in range(20):
        receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, str(number))))
    receiver.clock.cost_ns = SLICE_NS // 5
    receiver.inbox.process(receiver.clock.ns + SLICE_NS)
    assert len(receiver.handled) == 5
    receiver.clock.cost_ns = 0
    receiver.process_all()
    assert len(receiver.handled) == 20


async def test_other_tasks_run_between_slices() -> None:
    topic = topics.deals("MXUSDT")
    receiver = InboxBench(topic)
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


def test_a_channel_that_is_not_the_first_field_is_found_by_parsing() -> None:
    topic = topics.deals("MXUSDT")
    receiver = InboxBench(topic)
    frame = frames.deal_frame(("2.5", "1", 1, "7"))
    lead = 2 + len(topic.channel)
    receiver.inbox.put(frame[lead:] + frame[:lead])
    receiver.process_all()
    assert len(receiver.handled) == 1


def test_unwanted_and_invalid_frames_are_counted() -> None:
    receiver = InboxBench(topics.deals("MXUSDT"))
    receiver.inbox.put(frames.kline_frame())
    receiver.inbox.put(b"\xff\xff\xff")
    receiver.inbox.put(b"")
    assert receiver.inbox.unroutable == 3
    assert receiver.inbox.waiting == 0


def test_a_removed_topic_is_no_longer_passed_on() -> None:
    topic = topics.deals("MXUSDT")
    receiver = InboxBench(topic)
    receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, "7")))
    receiver.inbox.remove(receiver.feeds[topic])
    receiver.inbox.put(frames.deal_frame(("2.5", "1", 1, "8")))
    receiver.process_all()
    assert receiver.handled == []


def test_late_frames_of_a_channel_just_removed_are_not_counted_as_unknown(quote: StreamTopic) -> None:
    receiver = InboxBench(quote)
    receiver.inbox.remove(receiver.feeds[quote])
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "1"))
    assert (receiver.inbox.unroutable, receiver.inbox.unknown_messages.total) == (1, 0)
    receiver.clock.ns += UNSUBSCRIBED_GRACE_NS
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "2"))
    assert receiver.inbox.unknown_messages.total == 1


def test_a_channel_removed_and_added_again_is_passed_on(quote: StreamTopic) -> None:
    receiver = InboxBench(quote)
    receiver.inbox.remove(receiver.feeds[quote])
    receiver.inbox.add(receiver.feeds[quote])
    receiver.inbox.put(frames.quote_frame("2.49", "2.51", "1"))
    receiver.process_all()
    assert len(receiver.handled) == 1
