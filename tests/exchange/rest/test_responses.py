"""Every recorded body parses; any other body raises only errors of the desk."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.exchange.rest import account, market, orders
from mexc_tui.exchange.rest.responses import (
    UNREADABLE,
    nothing,
    plain,
    problem_of,
    read_or_raise,
    wrapped,
)
from mexc_tui.exchange.rest.rows import RowReader
from mexc_tui.market.book import OrderBook
from mexc_tui.model.account import Account, ListenKey
from mexc_tui.model.errors import BadResponse, RequestRefused
from mexc_tui.model.market_data import DepthSnapshot, Ticker24h
from mexc_tui.model.order import OrderStatus, OrderType, Side
from mexc_tui.model.report import OrderReport, PlacedOrder
from mexc_tui.model.rows import Rows
from mexc_tui.model.stream import BadStreamMessage
from mexc_tui.model.symbol import (
    DECORATIVE,
    ExchangeInfo,
    PriceBand,
    RawExchangeInfo,
    Symbol,
    SymbolStatus,
    TradeSides,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"


def readers() -> dict[str, Callable[[bytes], Any]]:
    """Return every reader of the endpoints, found by reflection so that new ones are fuzzed at once."""
    modules = (market, orders, account)
    everything = {name: value for module in modules for name, value in vars(module).items()}
    lists = {name: value.list for name, value in everything.items() if isinstance(value, RowReader)}
    return {
        name.strip("_"): value
        for name, value in (everything | lists).items()
        if name.startswith("_") and name.isupper() and callable(value) and not hasattr(value, "pattern")
        if name != "_PAIRS"
    } | {"NOTHING": nothing, "INFO": pairs_of}


def pairs_of(body: bytes) -> Rows[Symbol]:
    """Read exchangeInfo as the endpoint does: the list first, then row by row."""
    return RowReader(Symbol, DECORATIVE).each(plain(RawExchangeInfo)(body).symbols)


READERS = readers()

PATHS = {
    "/api/v3/avgPrice": "AVG_PRICE",
    "/api/v3/defaultSymbols": "NAMES",
    "/api/v3/depth": "DEPTH",
    "/api/v3/exchangeInfo": "INFO",
    "/api/v3/klines": "KLINES",
    "/api/v3/ticker/24hr": "TICKERS",
    "/api/v3/ticker/price": "PRICES",
    "/api/v3/time": "TIME",
    "/api/v3/trades": "TRADES",
}

SAMPLES: dict[str, str] = {
    name: json.dumps(body)
    for name, body in json.loads((FIXTURES / "documented-answers.json").read_text("utf-8")).items()
}


def recordings() -> list[tuple[str, bytes]]:
    routes = json.loads((FIXTURES / "mexc-rest-2025-12-31.json").read_text("utf-8"))["routes"]
    return [
        (path, json.dumps(entry["data"], ensure_ascii=False).encode())
        for path, methods in routes.items()
        if path in PATHS
        for entries in methods.values()
        for entry in entries
    ]


SAMPLES["BALANCES"] = json.dumps(json.loads(SAMPLES["ACCOUNT"])["balances"])
# The same body, read a few pairs at a time.
SAMPLES["RAW_INFO"] = next(body.decode() for path, body in recordings() if path == "/api/v3/exchangeInfo")


@pytest.mark.parametrize(("path", "body"), recordings())
def test_a_recorded_body_parses(path: str, body: bytes) -> None:
    answer = READERS[PATHS[path]](body)
    assert answer
    assert not (isinstance(answer, Rows) and answer.skipped)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_documented_body_parses(name: str) -> None:
    assert READERS[name](SAMPLES[name].encode())


def test_every_reader_has_a_sample_body() -> None:
    assert READERS.keys() - {"NOTHING"} == {*PATHS.values(), *SAMPLES}


def test_all_fields_of_a_recorded_pair_are_read() -> None:
    body = next(body for path, body in recordings() if path == "/api/v3/exchangeInfo")
    pair = plain(ExchangeInfo)(body).symbols[0]
    assert (pair.symbol, pair.base_asset, pair.quote_asset) == ("BTCUSDT", "BTC", "USDT")
    assert pair.status is SymbolStatus.ONLINE
    assert (pair.price_precision, pair.quantity_precision) == (2, 8)
    assert pair.min_quantity == Decimal("0.000001")
    assert pair.min_value == 1
    assert pair.max_value == 4_000_000
    assert pair.taker_fee == Decimal("0.0005")
    assert pair.price_band == PriceBand(Decimal("0.005"), Decimal("0.005"))
    assert pair.sides is TradeSides.BOTH
    assert OrderType.LIMIT in pair.order_types
    assert not pair.is_tradable(Side.BUY)


SYMBOL: dict[str, Any] = {
    "symbol": "NEWUSDT",
    "status": "1",
    "baseAsset": "NEW",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 2,
    "quotePrecision": 5,
    "isSpotTradingAllowed": True,
    "permissions": ["SPOT"],
    "tradeSideType": 1,
    "firstOpenTime": 1_790_003_600_000,
}


def info(**changes: Any) -> bytes:
    return json.dumps({"serverTime": 1, "symbols": [{**SYMBOL, **changes}]}).encode()


@pytest.mark.parametrize(
    ("sides", "buy", "sell"),
    [
        (1, True, True),
        ("1", True, True),
        (2, True, False),
        ("3", False, True),
        (4, False, False),
        (9, False, False),
    ],
)
def test_trade_side_type_is_read_as_number_and_as_text(sides: int | str, buy: bool, sell: bool) -> None:
    pair = plain(ExchangeInfo)(info(tradeSideType=sides)).symbols[0]
    assert (pair.is_tradable(Side.BUY), pair.is_tradable(Side.SELL)) == (buy, sell)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "2"},
        {"status": "7"},
        {"isSpotTradingAllowed": False},
        {"permissions": []},
        {"symbol": "币USDT"},
    ],
)
def test_a_pair_is_tradable_only_if_all_its_fields_agree(changes: dict[str, Any]) -> None:
    assert plain(ExchangeInfo)(info()).symbols[0].is_tradable(Side.BUY)
    assert not plain(ExchangeInfo)(info(**changes)).symbols[0].is_tradable(Side.BUY)


@pytest.mark.parametrize("value", [None, "", 1_790_003_600, "soon"])
def test_C5_an_implausible_opening_time_counts_as_none(value: object) -> None:
    assert plain(ExchangeInfo)(info(firstOpenTime=value)).symbols[0].first_open_ms is None
    assert plain(ExchangeInfo)(info()).symbols[0].first_open_ms == 1_790_003_600_000


def test_names_in_a_pair_are_sanitised() -> None:
    pair = plain(ExchangeInfo)(info(fullName="\x1b]52;c;eA==\x07", contractAddress="x" * 900)).symbols[0]
    assert pair.full_name.isprintable()
    assert len(pair.contract_address) == 64


HOSTILE = "\x1b]52;c;eA==\x07\u202e[@click=app.kill]\x9b2J"


def texts_in(value: object) -> list[str]:
    """Return every string inside a parsed response."""
    if isinstance(value, str):
        return [str(value)]
    if isinstance(value, msgspec.Struct):
        return [text for name in value.__struct_fields__ for text in texts_in(getattr(value, name))]
    if isinstance(value, tuple):
        return [text for entry in cast("tuple[object, ...]", value) for text in texts_in(entry)]
    return []


def poisoned_variants(value: Any) -> list[Any]:
    """Return one variant of a body per text in it, with that text replaced by a hostile one."""
    if isinstance(value, str):
        return [HOSTILE]
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return [{**entries, name: bad} for name, old in entries.items() for bad in poisoned_variants(old)]
    if isinstance(value, list):
        items = cast("list[Any]", value)[:2]
        return [
            [*items[:n], bad, *items[n + 1 :]]
            for n, old in enumerate(items)
            for bad in poisoned_variants(old)
        ]
    return []


NUMBERS_ONLY = {"NOTHING", "TIME", "AVG_PRICE", "DEPTH", "AGG_TRADES", "KLINES"}


@pytest.mark.parametrize(
    "name", sorted(READERS.keys() - {"NAMES"})
)  # lists of names are cleaned by their endpoints
def test_I15_no_text_of_a_response_can_control_a_terminal(name: str) -> None:
    bodies_of = [json.loads(body) for reader, body in bodies() if reader == name]
    if name == "INFO":
        bodies_of.append(json.loads(info(tradeSideType="1", firstOpenTime="1", conceptPlates=["x"])))
    read = 0
    for body in bodies_of:
        for poisoned in poisoned_variants(body):
            try:
                value = READERS[name](json.dumps(poisoned).encode())
            except UNREADABLE:
                continue
            read += not (isinstance(value, Rows) and value.skipped)
            assert all(text.isprintable() for text in texts_in(cast("object", value)))
    assert bool(read) is (name not in NUMBERS_ONLY)


@pytest.mark.parametrize("number", [" 1", "1\n", "1_0", "\uff11", "", "1" * 65])
def test_a_number_kept_as_text_must_be_plain_digits(number: str) -> None:
    with pytest.raises(UNREADABLE):
        plain(ExchangeInfo)(info(makerCommission=number))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (info(quotePrecision="5"), "Expected `int`, got `str` at $.symbols[0].quotePrecision"),
        (info(makerCommission="NaN"), "at $.symbols[0]"),
        (b"{}", "Object missing required field `serverTime` at $"),
        (b"<html>", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_a_bad_response_names_endpoint_and_field(body: bytes, problem: str) -> None:
    with pytest.raises(BadResponse) as caught:
        read_or_raise("GET", "/api/v3/exchangeInfo", 200, body=body, read=plain(ExchangeInfo))
    assert "GET /api/v3/exchangeInfo" in str(caught.value)
    assert problem in str(caught.value)


def test_a_bad_response_never_quotes_the_body() -> None:
    body = SAMPLES["ORDER"].replace('"BUY"', '"SECRET-0123"').encode()
    with pytest.raises(BadResponse) as caught:
        read_or_raise("GET", "/api/v3/order", 200, body=body, read=plain(OrderReport))
    assert "SECRET" not in str(caught.value)
    assert "$.side" in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1E+31", "1E-900", "abc", ""])
def test_absurd_amounts_are_rejected(number: str) -> None:
    with pytest.raises(UNREADABLE):
        plain(PlacedOrder)(json.dumps({"symbol": "X", "orderId": "1", "price": number}).encode())
    with pytest.raises(UNREADABLE):
        plain(ExchangeInfo)(info(maxQuoteAmount=number))
    body = json.dumps({"lastUpdateId": 1, "bids": [[number, "1"]], "asks": []}).encode()
    with pytest.raises((*UNREADABLE, BadStreamMessage)):
        OrderBook("X").load(plain(DepthSnapshot)(body), 0)


def test_unknown_enum_values_are_kept() -> None:
    body = {
        "symbol": "X",
        "orderId": "1",
        "status": "PENDING_CANCEL",
        "type": "STOP_MARKET_ORDER",
        "side": "BUY",
        "origQty": "5",
        "executedQty": "0",
        "cummulativeQuoteQty": "0",
        "timeInForce": None,
        "new": {"a": 1},
    }
    report = plain(OrderReport)(json.dumps(body).encode())
    assert report.status is OrderStatus.UNKNOWN
    assert not report.status.is_terminal
    assert report.type == "STOP_MARKET_ORDER"
    assert report.order_type is None


@pytest.mark.parametrize("code", [0, 200, "200"])
def test_wrapped_responses_succeed_with_both_codes(code: int | str) -> None:
    assert wrapped(tuple[str, ...])(json.dumps({"code": code, "data": ["A"], "msg": None}).encode()) == ("A",)


@pytest.mark.parametrize("data", ["null", "[]"])
def test_a_rejection_wrapped_in_a_200_is_a_rejection(data: str) -> None:
    body = f'{{"code":700007,"data":{data},"msg":"No permission to access the endpoint"}}'.encode()
    with pytest.raises(RequestRefused) as caught:
        read_or_raise("GET", "/api/v3/selfSymbols", 200, body=body, read=wrapped(tuple[str, ...]))
    assert caught.value.refusal.code == 700007


def test_one_pair_and_all_pairs_read_alike() -> None:
    one = b'{"symbol":"A","lastPrice":"1","count":null}'
    read = RowReader(Ticker24h).one_or_all
    assert read(one) == read(b" [" + one + b"]")


def test_pairs_without_trades_have_no_prices() -> None:
    assert plain(Ticker24h)(b'{"symbol":"A","lastPrice":null}').last_price is None


def test_balances_separate_available_from_locked() -> None:
    body = b'{"balances":[{"asset":"USDT","free":"95.5","locked":"4.5","available":"90"}]}'
    balance = plain(Account)(body).balances[0]
    assert (balance.total, balance.available) == (Decimal(100), Decimal(90))


def test_a_listen_key_is_never_printed() -> None:
    assert "abc" not in repr(plain(ListenKey)(b'{"listenKey":"abc"}'))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def rejection(reader: Callable[[bytes], Any], body: bytes) -> str:
    """Return the message of our error, or an empty text if the body reads; raise any other error."""
    try:
        reader(body)
    except UNREADABLE as error:
        return problem_of(error)
    return ""


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@settings(max_examples=50)
@given(JSON)
def test_any_json_is_read_or_rejected_with_our_error(reader: Callable[[bytes], Any], value: Any) -> None:
    assert rejection(reader, json.dumps(value).encode()).isprintable()


def bodies() -> list[tuple[str, bytes]]:
    return [(PATHS[path], body) for path, body in recordings()] + [
        (name, body.encode()) for name, body in SAMPLES.items()
    ]


MUTANTS = 100_000
"""Mutants of all bodies together (reliability 4.14)."""


@pytest.mark.parametrize(("name", "body"), bodies())
def test_R7_mutated_bodies_are_read_or_rejected_with_our_error(name: str, body: bytes) -> None:
    rng = random.Random(body)
    reader = READERS[name]
    for _ in range(-(-MUTANTS // len(bodies()))):
        mutant = bytearray(body[: rng.randint(1, len(body))] if rng.random() < 0.1 else body)
        for _ in range(rng.randint(1, 4)):
            mutant[rng.randrange(len(mutant))] = rng.choice(b'{}[]",:0123456789eE-.nulltruefalse\x00\xff\\')
        assert rejection(reader, bytes(mutant)).isprintable()
