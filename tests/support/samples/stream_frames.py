"""Stream frames of every kind, as MEXC sends them, to decode and to mutate."""

from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.topics import StreamTopic
from mexc_tui.proto.stream_pb2 import Push

T0_MS = 1_760_000_000_000


def push_on(topic: StreamTopic) -> Push:
    """Return an empty message of the topic with its wrapper fields set as on the wire."""
    push = Push(channel=topic.channel)
    if topic.symbol:
        push.symbol = topic.symbol
    push.send_time = T0_MS
    return push


def deal_frame(*trades: tuple[str, str, int, str], topic: StreamTopic | None = None) -> bytes:
    """Return an aggre.deals frame; a trade is (price, quantity, trade type, id)."""
    push = push_on(topic or topics.deals("MXUSDT"))
    push.aggre_deals.event_type = "spot@public.aggre.deals.v3.api.pb@100ms"
    for price, quantity, trade_type, trade_id in trades:
        push.aggre_deals.deals.add(
            price=price, quantity=quantity, trade_type=trade_type, time=T0_MS, trade_id=trade_id
        )
    return push.SerializeToString()


def depth_push(
    first: int,
    last: int,
    asks: list[tuple[str, str]],
    bids: list[tuple[str, str]],
    topic: StreamTopic | None = None,
) -> Push:
    """Return an aggre.depth message."""
    push = push_on(topic or topics.depth("MXUSDT"))
    body = push.aggre_depths
    for price, quantity in asks:
        body.asks.add(price=price, quantity=quantity)
    for price, quantity in bids:
        body.bids.add(price=price, quantity=quantity)
    body.event_type = "spot@public.aggre.depth.v3.api.pb@100ms"
    body.from_version, body.to_version = str(first), str(last)
    body.last_order_create_time = T0_MS
    return push


def quote_frame(bid: str, ask: str, version: str = "10589632359", topic: StreamTopic | None = None) -> bytes:
    """Return an aggre.bookTicker frame."""
    push = push_on(topic or topics.best_quote("MXUSDT"))
    body = push.aggre_book_ticker
    body.bid_price, body.bid_quantity, body.ask_price, body.ask_quantity = bid, "12.5", ask, "7"
    body.version = version
    return push.SerializeToString()


def order_frame(**fields: object) -> bytes:
    """Return a private.orders frame of a limit buy, changed by `fields`."""
    push = push_on(topics.private_topics()[0])
    push.symbol = "MXUSDT"
    body = push.private_order
    usual: dict[str, object] = {
        "id": "C02__600000000000000000001",
        "client_id": "bot-1", "price": "2.5", "quantity": "10", "amount": "25",
        "avg_price": "0", "order_type": 1, "trade_type": 1, "remain_amount": "25", "remain_quantity": "10",
        "cumulative_quantity": "0", "cumulative_amount": "0", "status": 1, "create_time": T0_MS,
    }  # fmt: skip
    for name, value in (usual | fields).items():
        setattr(body, name, value)
    return push.SerializeToString()


def fill_frame(trade_id: str = "700000000000000001X1", **fields: object) -> bytes:
    """Return a private.deals frame, changed by `fields`."""
    push = push_on(topics.private_topics()[1])
    push.symbol = "MXUSDT"
    body = push.private_deal
    usual: dict[str, object] = {
        "price": "2.5", "quantity": "10", "amount": "25", "trade_type": 1, "trade_id": trade_id,
        "order_id": "C02__600000000000000000001", "fee_amount": "0.0125", "fee_currency": "USDT",
        "time": T0_MS,
    }  # fmt: skip
    for name, value in (usual | fields).items():
        setattr(body, name, value)
    return push.SerializeToString()


def balance_frame(**fields: object) -> bytes:
    """Return a private.account frame, changed by `fields`."""
    push = push_on(topics.private_topics()[2])
    push.create_time = T0_MS + 3
    body = push.private_account
    usual: dict[str, object] = {
        "asset": "USDT",
        "coin_id": "128f589271cb4951b03e71e6323eb7be", "available": "90",
        "available_change": "-10", "frozen": "10", "frozen_change": "10",
        "type": "ENTRUST_PLACE", "time": T0_MS,
    }  # fmt: skip
    for name, value in (usual | fields).items():
        setattr(body, name, value)
    return push.SerializeToString()


def kline_frame() -> bytes:
    """Return a kline frame."""
    push = push_on(topics.kline("MXUSDT", "Min15"))
    push.ClearField("send_time")
    push.symbol_id = "44445555666677778888999900001111"
    push.create_time = T0_MS
    body = push.kline
    body.interval, body.window_start, body.window_end = "Min15", 1_759_999_500, 1_760_000_400
    body.opening_price, body.closing_price, body.highest_price, body.lowest_price = (
        "2.5",
        "2.52",
        "2.6",
        "2.45",
    )
    body.volume, body.amount = "10234.5", "25700.1"
    return push.SerializeToString()


def mini_ticker_frame() -> bytes:
    """Return a miniTicker frame."""
    push = push_on(topics.mini_ticker("MXUSDT"))
    _fill_mini(push.mini_ticker, "MXUSDT")
    return push.SerializeToString()


def mini_tickers_frame(symbols: list[str]) -> bytes:
    """Return a miniTickers frame of these symbols."""
    push = push_on(topics.mini_tickers("UTC+8"))
    for symbol in symbols:
        _fill_mini(push.mini_tickers.items.add(), symbol)
    return push.SerializeToString()


def _fill_mini(item: object, symbol: str) -> None:
    texts = (
        "2.5",
        "0.0123",
        "-0.002",
        "2.6",
        "2.4",
        "1200345.5",
        "480000.25",
        "0.01",
        "0.011",
        "2.61",
        "2.39",
    )
    names = ("price", "rate", "zoned_rate", "high", "low", "volume", "quantity", "last_close_rate",
             "last_close_zoned_rate", "last_close_high", "last_close_low")  # fmt: skip
    for name, value in zip(("symbol", *names), (symbol, *texts), strict=True):
        setattr(item, name, value)


def top_levels_frame() -> bytes:
    """Return a limit.depth frame."""
    push = push_on(topics.top_levels("MXUSDT", 5))
    for index in range(5):
        push.limit_depths.asks.add(price=f"2.5{index + 1}", quantity=f"{index + 1}.5")
        push.limit_depths.bids.add(price=f"2.4{9 - index}", quantity=f"{index + 2}")
    push.limit_depths.version = "10589632359"
    return push.SerializeToString()


def batch_frame() -> bytes:
    """Return a bookTicker.batch frame."""
    push = push_on(topics.best_quote_batch("MXUSDT"))
    push.book_ticker_batch.items.add(bid_price="2.49", bid_quantity="3", ask_price="2.51", ask_quantity="4")
    push.book_ticker_batch.version = "10589632360"
    return push.SerializeToString()


def all_frames() -> list[tuple[StreamTopic, bytes]]:
    """Return thirty frames covering every kind of subscription, some with defaults omitted."""
    orders, fills, account = topics.private_topics()
    deals, depth, quote = topics.deals("MXUSDT"), topics.depth("MXUSDT"), topics.best_quote("MXUSDT")
    ladder = [(f"{2.51 + n / 100:.2f}", f"{n}.25") for n in range(10)]
    below = [(f"{2.49 - n / 100:.2f}", "0" if n % 3 == 0 else f"{n}") for n in range(10)]
    return [
        (deals, deal_frame(("2.5", "10", 1, "900000000000000001X1"))),
        (deals, deal_frame(*((f"2.5{n}", f"{n + 1}", 1 + n % 2, f"9000000000000{n}X0_1") for n in range(5)))),
        (deals, deal_frame(("0.000001234", "987654321.12", 2, ""))),
        (depth, depth_push(101, 103, [("2.51", "7")], [("2.49", "0")]).SerializeToString()),
        (depth, depth_push(101, 101, ladder, below).SerializeToString()),
        (depth, depth_push(101, 109, ladder, []).SerializeToString()),
        (depth, depth_push(101, 109, [], below[:3]).SerializeToString()),
        (quote, quote_frame("2.49", "2.51")),
        (quote, quote_frame("", "2.51")),
        (topics.top_levels("MXUSDT", 5), top_levels_frame()),
        (topics.best_quote_batch("MXUSDT"), batch_frame()),
        (topics.kline("MXUSDT", "Min15"), kline_frame()),
        (topics.mini_ticker("MXUSDT"), mini_ticker_frame()),
        (topics.mini_tickers("UTC+8"), mini_tickers_frame(["MXUSDT", "BTCUSDT", "币安人生USDT"])),
        (orders, order_frame()),
        (orders, order_frame(status=3, cumulative_quantity="4", last_deal_quantity="4", avg_price="2.5")),
        (orders, order_frame(status=2, cumulative_quantity="10", remain_quantity="0", is_maker=True)),
        (orders, order_frame(status=5, order_type=5, trade_type=2, amount="0", client_id="")),
        (orders, order_frame(status=0, order_type=100, trigger_price="2.2", state=1)),
        (fills, fill_frame()),
        (fills, fill_frame(is_maker=True, client_order_id="bot-1", fee_currency="MX")),
        (account, balance_frame()),
        (account, balance_frame(type="TRADE_FEE", available_change="-0.0125", frozen="0", frozen_change="0")),
        (account, balance_frame(type="CONTRACT_TRANSFER")),
    ]  # fmt: skip
