from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Push(_message.Message):
    __slots__ = ("channel", "symbol", "symbol_id", "create_time", "send_time", "deals", "increase_depths", "limit_depths", "private_order", "book_ticker", "private_deal", "private_account", "kline", "mini_ticker", "mini_tickers", "book_ticker_batch", "increase_depths_batch", "aggre_depths", "aggre_deals", "aggre_book_ticker")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEND_TIME_FIELD_NUMBER: _ClassVar[int]
    DEALS_FIELD_NUMBER: _ClassVar[int]
    INCREASE_DEPTHS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_DEPTHS_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_ORDER_FIELD_NUMBER: _ClassVar[int]
    BOOK_TICKER_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_DEAL_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KLINE_FIELD_NUMBER: _ClassVar[int]
    MINI_TICKER_FIELD_NUMBER: _ClassVar[int]
    MINI_TICKERS_FIELD_NUMBER: _ClassVar[int]
    BOOK_TICKER_BATCH_FIELD_NUMBER: _ClassVar[int]
    INCREASE_DEPTHS_BATCH_FIELD_NUMBER: _ClassVar[int]
    AGGRE_DEPTHS_FIELD_NUMBER: _ClassVar[int]
    AGGRE_DEALS_FIELD_NUMBER: _ClassVar[int]
    AGGRE_BOOK_TICKER_FIELD_NUMBER: _ClassVar[int]
    channel: str
    symbol: str
    symbol_id: str
    create_time: int
    send_time: int
    deals: Deals
    increase_depths: IncreaseDepths
    limit_depths: LimitDepths
    private_order: PrivateOrder
    book_ticker: BookTicker
    private_deal: PrivateDeal
    private_account: PrivateAccount
    kline: Kline
    mini_ticker: MiniTicker
    mini_tickers: MiniTickers
    book_ticker_batch: BookTickerBatch
    increase_depths_batch: IncreaseDepthsBatch
    aggre_depths: AggreDepths
    aggre_deals: AggreDeals
    aggre_book_ticker: AggreBookTicker
    def __init__(self, channel: _Optional[str] = ..., symbol: _Optional[str] = ..., symbol_id: _Optional[str] = ..., create_time: _Optional[int] = ..., send_time: _Optional[int] = ..., deals: _Optional[_Union[Deals, _Mapping]] = ..., increase_depths: _Optional[_Union[IncreaseDepths, _Mapping]] = ..., limit_depths: _Optional[_Union[LimitDepths, _Mapping]] = ..., private_order: _Optional[_Union[PrivateOrder, _Mapping]] = ..., book_ticker: _Optional[_Union[BookTicker, _Mapping]] = ..., private_deal: _Optional[_Union[PrivateDeal, _Mapping]] = ..., private_account: _Optional[_Union[PrivateAccount, _Mapping]] = ..., kline: _Optional[_Union[Kline, _Mapping]] = ..., mini_ticker: _Optional[_Union[MiniTicker, _Mapping]] = ..., mini_tickers: _Optional[_Union[MiniTickers, _Mapping]] = ..., book_ticker_batch: _Optional[_Union[BookTickerBatch, _Mapping]] = ..., increase_depths_batch: _Optional[_Union[IncreaseDepthsBatch, _Mapping]] = ..., aggre_depths: _Optional[_Union[AggreDepths, _Mapping]] = ..., aggre_deals: _Optional[_Union[AggreDeals, _Mapping]] = ..., aggre_book_ticker: _Optional[_Union[AggreBookTicker, _Mapping]] = ...) -> None: ...

class Level(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class Deal(_message.Message):
    __slots__ = ("price", "quantity", "trade_type", "time", "trade_id")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    trade_type: int
    time: int
    trade_id: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ..., trade_type: _Optional[int] = ..., time: _Optional[int] = ..., trade_id: _Optional[str] = ...) -> None: ...

class Deals(_message.Message):
    __slots__ = ("deals", "event_type")
    DEALS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    deals: _containers.RepeatedCompositeFieldContainer[Deal]
    event_type: str
    def __init__(self, deals: _Optional[_Iterable[_Union[Deal, _Mapping]]] = ..., event_type: _Optional[str] = ...) -> None: ...

class AggreDeals(_message.Message):
    __slots__ = ("deals", "event_type")
    DEALS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    deals: _containers.RepeatedCompositeFieldContainer[Deal]
    event_type: str
    def __init__(self, deals: _Optional[_Iterable[_Union[Deal, _Mapping]]] = ..., event_type: _Optional[str] = ...) -> None: ...

class AggreDepths(_message.Message):
    __slots__ = ("asks", "bids", "event_type", "from_version", "to_version", "last_order_create_time")
    ASKS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    event_type: str
    from_version: str
    to_version: str
    last_order_create_time: int
    def __init__(self, asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., event_type: _Optional[str] = ..., from_version: _Optional[str] = ..., to_version: _Optional[str] = ..., last_order_create_time: _Optional[int] = ...) -> None: ...

class LimitDepths(_message.Message):
    __slots__ = ("asks", "bids", "event_type", "version", "last_order_create_time")
    ASKS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    event_type: str
    version: str
    last_order_create_time: int
    def __init__(self, asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., event_type: _Optional[str] = ..., version: _Optional[str] = ..., last_order_create_time: _Optional[int] = ...) -> None: ...

class IncreaseDepths(_message.Message):
    __slots__ = ("asks", "bids", "event_type", "version")
    ASKS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    event_type: str
    version: str
    def __init__(self, asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., event_type: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class IncreaseDepthsBatch(_message.Message):
    __slots__ = ("items", "event_type")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[IncreaseDepths]
    event_type: str
    def __init__(self, items: _Optional[_Iterable[_Union[IncreaseDepths, _Mapping]]] = ..., event_type: _Optional[str] = ...) -> None: ...

class AggreBookTicker(_message.Message):
    __slots__ = ("bid_price", "bid_quantity", "ask_price", "ask_quantity", "version", "last_order_create_time")
    BID_PRICE_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    bid_price: str
    bid_quantity: str
    ask_price: str
    ask_quantity: str
    version: str
    last_order_create_time: int
    def __init__(self, bid_price: _Optional[str] = ..., bid_quantity: _Optional[str] = ..., ask_price: _Optional[str] = ..., ask_quantity: _Optional[str] = ..., version: _Optional[str] = ..., last_order_create_time: _Optional[int] = ...) -> None: ...

class BookTicker(_message.Message):
    __slots__ = ("bid_price", "bid_quantity", "ask_price", "ask_quantity")
    BID_PRICE_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    bid_price: str
    bid_quantity: str
    ask_price: str
    ask_quantity: str
    def __init__(self, bid_price: _Optional[str] = ..., bid_quantity: _Optional[str] = ..., ask_price: _Optional[str] = ..., ask_quantity: _Optional[str] = ...) -> None: ...

class BookTickerBatch(_message.Message):
    __slots__ = ("items", "version", "last_order_create_time")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[BookTicker]
    version: str
    last_order_create_time: int
    def __init__(self, items: _Optional[_Iterable[_Union[BookTicker, _Mapping]]] = ..., version: _Optional[str] = ..., last_order_create_time: _Optional[int] = ...) -> None: ...

class Kline(_message.Message):
    __slots__ = ("interval", "window_start", "opening_price", "closing_price", "highest_price", "lowest_price", "volume", "amount", "window_end")
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_FIELD_NUMBER: _ClassVar[int]
    OPENING_PRICE_FIELD_NUMBER: _ClassVar[int]
    CLOSING_PRICE_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_PRICE_FIELD_NUMBER: _ClassVar[int]
    LOWEST_PRICE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_FIELD_NUMBER: _ClassVar[int]
    interval: str
    window_start: int
    opening_price: str
    closing_price: str
    highest_price: str
    lowest_price: str
    volume: str
    amount: str
    window_end: int
    def __init__(self, interval: _Optional[str] = ..., window_start: _Optional[int] = ..., opening_price: _Optional[str] = ..., closing_price: _Optional[str] = ..., highest_price: _Optional[str] = ..., lowest_price: _Optional[str] = ..., volume: _Optional[str] = ..., amount: _Optional[str] = ..., window_end: _Optional[int] = ...) -> None: ...

class MiniTicker(_message.Message):
    __slots__ = ("symbol", "price", "rate", "zoned_rate", "high", "low", "volume", "quantity", "last_close_rate", "last_close_zoned_rate", "last_close_high", "last_close_low")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    ZONED_RATE_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LAST_CLOSE_RATE_FIELD_NUMBER: _ClassVar[int]
    LAST_CLOSE_ZONED_RATE_FIELD_NUMBER: _ClassVar[int]
    LAST_CLOSE_HIGH_FIELD_NUMBER: _ClassVar[int]
    LAST_CLOSE_LOW_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    price: str
    rate: str
    zoned_rate: str
    high: str
    low: str
    volume: str
    quantity: str
    last_close_rate: str
    last_close_zoned_rate: str
    last_close_high: str
    last_close_low: str
    def __init__(self, symbol: _Optional[str] = ..., price: _Optional[str] = ..., rate: _Optional[str] = ..., zoned_rate: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., volume: _Optional[str] = ..., quantity: _Optional[str] = ..., last_close_rate: _Optional[str] = ..., last_close_zoned_rate: _Optional[str] = ..., last_close_high: _Optional[str] = ..., last_close_low: _Optional[str] = ...) -> None: ...

class MiniTickers(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[MiniTicker]
    def __init__(self, items: _Optional[_Iterable[_Union[MiniTicker, _Mapping]]] = ...) -> None: ...

class PrivateAccount(_message.Message):
    __slots__ = ("asset", "coin_id", "available", "available_change", "frozen", "frozen_change", "type", "time")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    COIN_ID_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    FROZEN_CHANGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    asset: str
    coin_id: str
    available: str
    available_change: str
    frozen: str
    frozen_change: str
    type: str
    time: int
    def __init__(self, asset: _Optional[str] = ..., coin_id: _Optional[str] = ..., available: _Optional[str] = ..., available_change: _Optional[str] = ..., frozen: _Optional[str] = ..., frozen_change: _Optional[str] = ..., type: _Optional[str] = ..., time: _Optional[int] = ...) -> None: ...

class PrivateDeal(_message.Message):
    __slots__ = ("price", "quantity", "amount", "trade_type", "is_maker", "is_self_trade", "trade_id", "client_order_id", "order_id", "fee_amount", "fee_currency", "time")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TRADE_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_MAKER_FIELD_NUMBER: _ClassVar[int]
    IS_SELF_TRADE_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    FEE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    amount: str
    trade_type: int
    is_maker: bool
    is_self_trade: bool
    trade_id: str
    client_order_id: str
    order_id: str
    fee_amount: str
    fee_currency: str
    time: int
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ..., amount: _Optional[str] = ..., trade_type: _Optional[int] = ..., is_maker: _Optional[bool] = ..., is_self_trade: _Optional[bool] = ..., trade_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., order_id: _Optional[str] = ..., fee_amount: _Optional[str] = ..., fee_currency: _Optional[str] = ..., time: _Optional[int] = ...) -> None: ...

class PrivateOrder(_message.Message):
    __slots__ = ("id", "client_id", "price", "quantity", "amount", "avg_price", "order_type", "trade_type", "is_maker", "remain_amount", "remain_quantity", "last_deal_quantity", "cumulative_quantity", "cumulative_amount", "status", "create_time", "market", "trigger_type", "trigger_price", "state", "oco_id", "route_factor", "symbol_id", "market_id", "market_currency_id", "currency_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRADE_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_MAKER_FIELD_NUMBER: _ClassVar[int]
    REMAIN_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REMAIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LAST_DEAL_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CUMULATIVE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CUMULATIVE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OCO_ID_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_CURRENCY_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    client_id: str
    price: str
    quantity: str
    amount: str
    avg_price: str
    order_type: int
    trade_type: int
    is_maker: bool
    remain_amount: str
    remain_quantity: str
    last_deal_quantity: str
    cumulative_quantity: str
    cumulative_amount: str
    status: int
    create_time: int
    market: str
    trigger_type: int
    trigger_price: str
    state: int
    oco_id: str
    route_factor: str
    symbol_id: str
    market_id: str
    market_currency_id: str
    currency_id: str
    def __init__(self, id: _Optional[str] = ..., client_id: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., amount: _Optional[str] = ..., avg_price: _Optional[str] = ..., order_type: _Optional[int] = ..., trade_type: _Optional[int] = ..., is_maker: _Optional[bool] = ..., remain_amount: _Optional[str] = ..., remain_quantity: _Optional[str] = ..., last_deal_quantity: _Optional[str] = ..., cumulative_quantity: _Optional[str] = ..., cumulative_amount: _Optional[str] = ..., status: _Optional[int] = ..., create_time: _Optional[int] = ..., market: _Optional[str] = ..., trigger_type: _Optional[int] = ..., trigger_price: _Optional[str] = ..., state: _Optional[int] = ..., oco_id: _Optional[str] = ..., route_factor: _Optional[str] = ..., symbol_id: _Optional[str] = ..., market_id: _Optional[str] = ..., market_currency_id: _Optional[str] = ..., currency_id: _Optional[str] = ...) -> None: ...
