"""Streams over real loopback sockets."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

import aiohttp
import pytest

from mexc_tui.exchange.origins import OriginRefused
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import deals_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.socket import SocketEnded, SocketTimings, checked_stream_url, open_socket
from mexc_tui.exchange.streams.subscription_state import SubscriptionPhase
from mexc_tui.exchange.streams.subscriptions import Subscriptions
from mexc_tui.exchange.streams.topics import StreamTopic
from mexc_tui.proto.stream_pb2 import Push
from tests.support.exchange.scripted_stream_server import StreamServer, listening_server
from tests.support.samples import stream_frames as frames

QUICK = SocketTimings(backoff_base_s=0.01, backoff_cap_s=0.05, ack_within_s=0.2, refused_retry_s=0.05)


class MonotonicClock:
    """The running loop's time."""

    def now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    def monotonic_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1e9)


class StreamRecorder:
    """Streams of a server and a record of their pushes, gaps and refusals."""

    def __init__(self, url: str, connector: aiohttp.BaseConnector, timings: SocketTimings = QUICK) -> None:
        self.pushes: list[tuple[str, Push]] = []
        self.gaps: list[StreamGap] = []
        self.refused: list[int] = []
        self._changed = asyncio.Event()
        self.streams = MarketStreams(
            url,
            connector=connector,
            clock=MonotonicClock(),
            rng=Random(1),
            on_push=self._record_push,
            on_gap=self._record_gap,
            timings=timings,
            on_refused=self.refused.append,
        )

    def _record_push(self, topic: StreamTopic, push: Push, _received_ns: int) -> None:
        self.pushes.append((topic.channel, push))
        self._changed.set()

    def _record_gap(self, gap: StreamGap) -> None:
        self.gaps.append(gap)
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await self._changed.wait()

    @property
    def live(self) -> int:
        return sum(feed.phase is SubscriptionPhase.LIVE for feed in self.streams.state().feeds)


@asynccontextmanager
async def recorded_streams(
    server: StreamServer, *stream_topics: StreamTopic, timings: SocketTimings = QUICK
) -> AsyncGenerator[StreamRecorder]:
    async with listening_server(server) as url, aiohttp.TCPConnector() as connector:
        recorder = StreamRecorder(url, connector, timings)
        recorder.streams.subscribe(stream_topics)
        task = asyncio.create_task(recorder.streams.run())
        try:
            yield recorder
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_subscribed_topic_is_pushed_and_passed_on() -> None:
    topic = topics.deals("MXUSDT")
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        assert recorder.gaps == [StreamGap(topic.channel, is_closed=True, reason="subscribed")]
        await server.push(topic.channel, frames.deal_frame(("2.5", "1", 1, "7")))
        await recorder.until(lambda: len(recorder.pushes) == 1)
        channel, push = recorder.pushes[0]
        assert channel == topic.channel
        assert deals_of(push)[0].trade_id == "7"
        state = recorder.streams.state()
        assert (state.messages, state.connections, state.unroutable) == (1, 1, 0)


async def test_R9_a_refused_connection_reports_its_status_to_the_rate_budget() -> None:
    server = StreamServer()
    server.behaviour.reject_connections = 2
    server.behaviour.reject_status = 429
    async with recorded_streams(server, topics.deals("MXUSDT")) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        assert recorder.refused == [429, 429]


async def test_many_topics_are_spread_over_connections_of_thirty() -> None:
    stream_topics = [topics.deals(f"A{number}USDT") for number in range(95)]
    server = StreamServer()
    async with recorded_streams(server, *stream_topics) as recorder:
        await recorder.until(lambda: recorder.live == 95)
        assert sorted(len(session.topics) for session in server.open) == [5, 30, 30, 30]
        for session in server.open:
            assert all(len(request.encode()) <= 1024 for request in session.requests)
            times = session.request_s
            assert all(later >= earlier for earlier, later in itertools.pairwise(times))


async def test_topics_can_be_added_and_dropped_while_running() -> None:
    first, second = topics.deals("AUSDT"), topics.deals("BUSDT")
    server = StreamServer()
    async with recorded_streams(server, first) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        recorder.streams.subscribe([second])
        await recorder.until(lambda: recorder.live == 2)
        recorder.streams.unsubscribe([first])
        await recorder.until(lambda: server.open[0].topics == [second.channel])
        recorder.streams.unsubscribe([second])
        await recorder.until(lambda: not server.open)


async def test_M1_a_clean_close_is_followed_by_a_reconnect_and_reported_as_a_gap() -> None:
    topic = topics.depth("MXUSDT")
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        await server.close_all()
        await recorder.until(lambda: len(recorder.gaps) == 3)
        assert [gap.is_closed for gap in recorder.gaps] == [True, False, True]
        assert "closed the connection" in recorder.gaps[1].reason
        assert recorder.streams.state().connects == 2


async def test_refused_connections_are_retried() -> None:
    server = StreamServer()
    server.behaviour.reject_connections = 4
    async with recorded_streams(server, topics.deals("MXUSDT")) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        assert server.behaviour.reject_connections == 0


async def test_M4_a_refused_topic_is_shown_and_retried_until_it_exists() -> None:
    early, other = topics.deals("SOONUSDT"), topics.deals("MXUSDT")
    server = StreamServer()
    server.behaviour.refuse = {early.channel}
    async with recorded_streams(server, early, other) as recorder:
        await recorder.until(
            lambda: SubscriptionPhase.REFUSED in {feed.phase for feed in recorder.streams.state().feeds}
        )
        assert recorder.live == 1
        assert recorder.streams.is_stale(early)
        server.behaviour.refuse = set()
        await recorder.until(lambda: recorder.live == 2)


async def test_M4_a_silently_dropped_topic_is_detected_and_requested_on_another_connection() -> None:
    lost, other = topics.deals("LOSTUSDT"), topics.deals("MXUSDT")
    server = StreamServer()
    server.behaviour.ignore = {lost.channel}
    async with recorded_streams(server, other, lost) as recorder:
        await recorder.until(lambda: len(server.sessions) >= 2)
        server.behaviour.ignore = set()
        await recorder.until(lambda: recorder.live == 2)
        assert [lost.channel] in [session.topics for session in server.open]


@pytest.mark.parametrize("echo_ids", [True, False])
async def test_acknowledgements_are_understood_with_and_without_ids(echo_ids: bool) -> None:
    server = StreamServer()
    server.behaviour.echo_ids = echo_ids
    async with recorded_streams(server, *(topics.deals(f"A{n}USDT") for n in range(30))) as recorder:
        await recorder.until(lambda: recorder.live == 30)


async def test_redirects_are_refused() -> None:
    server = StreamServer()
    server.behaviour.redirect_to = "/elsewhere"
    async with recorded_streams(server, topics.deals("MXUSDT")) as recorder:
        await recorder.until(lambda: any("redirect" in reason for reason in recorder.streams.state().reasons))
        assert server.redirected == 0


async def test_a_frame_beyond_one_mebibyte_is_not_read() -> None:
    topic = topics.mini_tickers()
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        await server.push(topic.channel, b"\x00" * (1 << 20) + b"\x00")
        await recorder.until(lambda: len(recorder.gaps) == 3)
        assert recorder.pushes == []


async def test_the_daily_statistics_of_two_thousand_symbols_fit_into_a_frame() -> None:
    topic = topics.mini_tickers("UTC+8")
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        await server.push(topic.channel, frames.mini_tickers_frame([f"A{n}USDT" for n in range(2000)]))
        await recorder.until(lambda: len(recorder.pushes) == 1)


async def test_M7_absurd_messages_are_counted_and_three_in_a_minute_make_the_topic_stale() -> None:
    topic, other = topics.deals("MXUSDT"), topics.deals("BUSDT")
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        wrong = frames.push_on(other)
        wrong.channel = topic.channel
        for count in (1, 2, 3):
            assert not recorder.streams.is_stale(topic)
            await server.push(topic.channel, wrong.SerializeToString())
            await recorder.until(lambda seen=count: recorder.streams.state().feeds[0].rejected == seen)
        assert recorder.streams.is_stale(topic)
        assert recorder.pushes == []


async def test_M8_unknown_texts_channels_and_bodies_are_logged_once_and_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = topics.deals("MXUSDT")
    server = StreamServer()
    async with recorded_streams(server, topic) as recorder:
        await recorder.until(lambda: recorder.live == 1)
        session = server.open[0]
        for _ in range(3):
            await session.ws.send_str('{"news":"\x1b[31mhello"}')
            await session.ws.send_bytes(Push(channel="spot@new\x1b").SerializeToString())
            await session.ws.send_bytes(
                Push(channel=topic.channel).SerializeToString() + bytes([0xFA, 0x13, 1, 0])
            )
        await server.push(topic.channel, frames.deal_frame(("2.5", "1", 1, "7")))
        await recorder.until(lambda: len(recorder.pushes) == 1)
        assert recorder.streams.state().unknown_messages == 9
        ignored = [record.getMessage() for record in caplog.records if "ignored" in record.getMessage()]
        assert len(ignored) == 3
        assert all(text.isprintable() for text in ignored)


async def test_an_error_of_the_consumer_is_not_swallowed() -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the consumer's own bug")

    topic = topics.deals("MXUSDT")
    server = StreamServer()
    server.on_subscribed = lambda session, _topic: sent.append(
        asyncio.ensure_future(session.ws.send_bytes(frames.deal_frame(("2.5", "1", 1, "7"))))
    )
    sent: list[asyncio.Future[None]] = []
    async with listening_server(server) as url, aiohttp.TCPConnector() as connector:
        streams = MarketStreams(
            url,
            connector=connector,
            clock=MonotonicClock(),
            rng=Random(1),
            on_push=fail,
            on_gap=lambda _record_gap: None,
        )
        streams.subscribe([topic])
        with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="own bug")):
            await streams.run()


async def test_an_error_while_subscribing_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Subscriptions, "pop_dropped", fail)
    server = StreamServer()
    async with listening_server(server) as url, aiohttp.TCPConnector() as connector, asyncio.timeout(5):
        streams = StreamRecorder(url, connector).streams
        streams.subscribe([topics.deals("MXUSDT")])
        with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="a bug"), flatten_subgroups=True):
            await streams.run()


@pytest.mark.parametrize(
    "url",
    [
        "ws://wbs-api.mexc.com/ws",
        "wss://wbs-api.mexc.com.example.org/ws",
        "wss://user@wbs-api.mexc.com/ws",
        "wss://wbs-api.mexc.com/ws?listenKey=1",
        "https://wbs-api.mexc.com/ws",
        "ws://10.0.0.1/ws",
        "",
    ],
)
def test_unknown_addresses_are_refused(url: str) -> None:
    with pytest.raises(OriginRefused):
        checked_stream_url(url)


@pytest.mark.parametrize("url", ["wss://wbs-api.mexc.com/ws", "ws://127.0.0.1:9000/ws", "ws://localhost/ws"])
def test_addresses_of_the_exchange_and_this_machine_are_allowed(url: str) -> None:
    assert checked_stream_url(url) == url


@pytest.mark.parametrize("path", ["/nowhere", "/ws"])
async def test_the_exception_chain_of_a_failed_connection_contains_no_listen_key(path: str) -> None:
    server = StreamServer()
    server.behaviour.reject_connections = 1
    async with listening_server(server) as url, aiohttp.ClientSession() as session:
        where = f"{url.removesuffix('/ws')}{path}?listenKey=canary"
        with pytest.raises(SocketEnded) as caught:
            await open_socket(session, where, SocketTimings(), max_bytes=1 << 20)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert "canary" not in str(caught.value)
