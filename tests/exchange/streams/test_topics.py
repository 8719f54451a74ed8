"""Channel names, built and parsed (protocol 7.5)."""

import pytest

from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.topics import TopicKind, TopicPace

CHANNELS = {
    "spot@public.aggre.deals.v3.api.pb@10ms@MXUSDT": topics.deals("MXUSDT", TopicPace.MS_10),
    "spot@public.aggre.deals.v3.api.pb@100ms@MXUSDT": topics.deals("MXUSDT"),
    "spot@public.aggre.depth.v3.api.pb@10ms@MXUSDT": topics.depth("MXUSDT", TopicPace.MS_10),
    "spot@public.aggre.bookTicker.v3.api.pb@100ms@MXUSDT": topics.best_quote("MXUSDT"),
    "spot@public.limit.depth.v3.api.pb@MXUSDT@20": topics.top_levels("MXUSDT", 20),
    "spot@public.bookTicker.batch.v3.api.pb@MXUSDT": topics.best_quote_batch("MXUSDT"),
    "spot@public.kline.v3.api.pb@MXUSDT@Min15": topics.kline("MXUSDT", "Min15"),
    "spot@public.miniTicker.v3.api.pb@MXUSDT@UTC+5:30": topics.mini_ticker("MXUSDT", "UTC+5:30"),
    "spot@public.miniTickers.v3.api.pb@24H": topics.mini_tickers(),
    "spot@private.orders.v3.api.pb": topics.private_topics()[0],
    "spot@private.deals.v3.api.pb": topics.private_topics()[1],
    "spot@private.account.v3.api.pb": topics.private_topics()[2],
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_topic_is_built_and_read_back_unchanged(channel: str) -> None:
    topic = CHANNELS[channel]
    assert topic.channel == channel
    assert topics.parse(channel) == topic


def test_every_kind_can_be_built() -> None:
    assert {topic.kind for topic in CHANNELS.values()} == set(TopicKind)


def test_non_ascii_symbols_are_accepted() -> None:
    assert topics.parse(topics.deals("币安人生USDT").channel).symbol == "币安人生USDT"


@pytest.mark.parametrize(
    "channel",
    [
        "",
        "spot@public.deals.v3.api.pb@MXUSDT",
        "spot@public.aggre.deals.v3.api.pb@50ms@MXUSDT",
        "spot@public.aggre.deals.v3.api.pb@10ms@mxusdt",
        "spot@public.aggre.deals.v3.api@10ms@MXUSDT",
        "spot@public.limit.depth.v3.api.pb@MXUSDT@7",
        "spot@public.limit.depth.v3.api.pb@MXUSDT@05",
        "spot@public.kline.v3.api.pb@MXUSDT@Min2",
        "spot@public.miniTicker.v3.api.pb@MXUSDT",
        "spot@public.miniTickers.v3.api.pb@UTC+14",
        "spot@private.orders.v3.api.pb@MXUSDT",
        "spot@public.aggre.deals.v3.api.pb@10ms@A,B",
        "spot@public.aggre.deals.v3.api.pb@10ms@A\x1b[0m",
    ],
)
def test_an_invalid_channel_is_refused(channel: str) -> None:
    with pytest.raises(ValueError, match=r"not|cannot|unknown|choose"):
        topics.parse(channel)


@pytest.mark.parametrize("symbol", ["", "mxusdt", "A@B", "A,B", "A B", "A]", "A" * 65, "A\u202eB"])
def test_a_symbol_that_would_break_the_channel_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="symbol"):
        topics.deals(symbol)
