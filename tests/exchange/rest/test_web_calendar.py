"""The web site's lists: tolerant, optional and mirrored (protocol 10)."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.origins import OriginRefused
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import WebSite, parse_calendar, parse_symbols
from mexc_tui.model.errors import WebUnavailable
from tests.support.exchange.scripted_http_server import (
    SERVER_MS,
    WallClock,
    endless,
    hang,
    http_response,
    reset,
    scripted_server,
)

T0_MS = SERVER_MS + 3_600_000
COIN: dict[str, Any] = {
    "vcoinId": "aaaabbbbccccdddd0000111122223333",
    "vcoinName": "NEW",
    "vcoinNameFull": "New Token",
    "firstOpenTime": T0_MS,
    "zone": "NEW",
    "introductionEn": "a token",
    "introductionCn": "x",
}
PAIR: dict[str, Any] = {
    "id": "44445555666677778888999900001111",
    "mcd": "12",
    "cd": "aaaabbbbccccdddd0000111122223333",
    "vn": "NEW",
    "fn": "New Token",
    "fne": "New Token",
    "srt": 0,
    "sts": 2,
    "tp": 1,
    "in": "icon.png",
    "ot": T0_MS,
    "cp": "",
    "ci": "",
    "ps": 5,
    "qs": 2,
    "cdm": 1,
    "st": 2,
    "dst": 1,
    "tt": 4,
    "ca": "0xabc",
}


def calendar(*coins: object) -> bytes:
    return json.dumps({"code": 0, "data": {"newCoins": coins}, "msg": "success"}).encode()


def symbols(*pairs: object) -> bytes:
    return json.dumps({"code": 200, "data": {"symbols": {"USDT": pairs, "USDC": []}}}).encode()


def test_a_calendar_entry_is_read() -> None:
    (entry,) = parse_calendar(calendar(COIN), SERVER_MS).entries
    assert (entry.base, entry.full_name, entry.opens_ms, entry.zone) == ("NEW", "New Token", T0_MS, "NEW")
    assert entry.coin_id == COIN["vcoinId"]


@pytest.mark.parametrize("body", [json.dumps([COIN]), json.dumps({"data": [COIN]}), calendar(COIN).decode()])
def test_a_calendar_may_be_nested_or_bare(body: str) -> None:
    assert len(parse_calendar(body.encode(), SERVER_MS).entries) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"firstOpenTime": T0_MS // 1_000},
        {"firstOpenTime": SERVER_MS + 31 * 86_400_000},
        {"firstOpenTime": None},
        {"firstOpenTime": {"hour": 1}},
        {"vcoinName": None},
        {"vcoinName": ""},
        {"vcoinName": 5},
    ],
    ids=str,
)
def test_C5_implausible_entries_are_skipped_and_counted(change: dict[str, Any]) -> None:
    read = parse_calendar(calendar({**COIN, **change}, None, 5, COIN), SERVER_MS)
    assert len(read.entries) == 1
    assert read.skipped == 3


def test_names_from_the_web_are_sanitised() -> None:
    (entry,) = parse_calendar(calendar({**COIN, "vcoinName": "\x1b]0;x\x07" * 99}), SERVER_MS).entries
    assert entry.base.isprintable()
    assert len(entry.base) == 64


@pytest.mark.parametrize("ot", [T0_MS, float(T0_MS), str(T0_MS)])
def test_a_web_symbol_is_read(ot: object) -> None:
    (pair,) = parse_symbols(symbols({**PAIR, "ot": ot})).symbols
    assert (pair.base, pair.quote, pair.coin_id) == ("NEW", "USDT", PAIR["cd"])
    assert pair.opens_ms == T0_MS
    assert (pair.price_precision, pair.quantity_precision) == (5, 2)


@pytest.mark.parametrize("ot", [None, {"hour": 10, "minute": 0}, "", "x", [], T0_MS // 1_000])
def test_C5_an_implausible_opening_time_leaves_the_symbol_without_one(ot: object) -> None:
    (pair,) = parse_symbols(symbols({**PAIR, "ot": ot})).symbols
    assert pair.opens_ms is None


def test_a_flat_list_of_symbols_is_read_and_implausible_ones_are_counted() -> None:
    read = parse_symbols(json.dumps({"data": {"symbols": [PAIR, {}, None, {**PAIR, "sts": "2"}]}}).encode())
    assert [pair.status for pair in read.symbols] == [2, 2]
    assert read.skipped == 2


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"5", b'{"data":5}', b'{"data":{}}', b"\xff", b"[" * 99_999]
)
def test_a_response_without_a_list_is_unavailable(body: bytes) -> None:
    with pytest.raises(WebUnavailable):
        parse_calendar(body, SERVER_MS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "newCoins", "symbols", "USDT", *COIN, *PAIR]) | st.text(),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_unavailable(value: Any) -> None:
    body = json.dumps(value).encode()
    for parse in (lambda: parse_calendar(body, SERVER_MS), lambda: parse_symbols(body)):
        try:
            parse()
        except WebUnavailable as error:
            assert str(error).isprintable()  # noqa: PT017


@pytest.mark.parametrize("body", [calendar(COIN, COIN), symbols(PAIR, PAIR)])
def test_mutated_lists_are_read_or_unavailable(body: bytes) -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        mutant = bytearray(body)
        for _ in range(rng.randint(1, 5)):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        for parse in (
            lambda m=bytes(mutant): parse_calendar(m, SERVER_MS),
            lambda m=bytes(mutant): parse_symbols(m),
        ):
            try:
                parse()
            except WebUnavailable as error:
                assert str(error).isprintable()  # noqa: PT017


async def test_requests_to_the_site_look_like_a_browsers_and_carry_no_key() -> None:
    async with (
        scripted_server(http_response(calendar(COIN)), http_response(symbols(PAIR))) as server,
        HttpTransport() as transport,
    ):
        site = WebSite(transport, WallClock(), [server.origin])
        assert (await site.calendar()).origin == server.origin
        assert server.last.startswith(f"GET /api/operation/new_coin_calendar?timestamp={SERVER_MS} HTTP/1.1")
        assert "User-Agent: Mozilla/5.0" in server.last
        assert "APIKEY" not in server.last
        assert len((await site.symbols()).symbols) == 1
        assert server.last.startswith("GET /api/platform/spot/market-v2/web/symbolsV2 HTTP/1.1")


@pytest.mark.parametrize(
    "blocked",
    [
        http_response("<html>Access Denied</html>", 403, kind="text/html"),
        http_response("<html>are you human?</html>", kind="text/html"),
        http_response("", 302, headers="Location: http://127.0.0.1:1/\r\n"),
        reset,
        hang(),
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000),
    ],
)
async def test_the_mirror_is_used_when_the_first_site_blocks(blocked: Any) -> None:
    async with (
        scripted_server(blocked) as first,
        scripted_server(http_response(calendar(COIN))) as mirror,
        HttpTransport() as transport,
    ):
        site = WebSite(transport, WallClock(), [first.origin, mirror.origin])
        assert (await site.calendar(deadline_s=0.5)).origin == mirror.origin


async def test_with_every_mirror_blocked_the_lists_are_unavailable_with_a_reason() -> None:
    async with scripted_server(http_response("no", 403)) as server, HttpTransport() as transport:
        site = WebSite(transport, WallClock(), [server.origin, server.origin])
        with pytest.raises(WebUnavailable, match=r"HTTP 403.*HTTP 403"):
            await site.symbols()


@pytest.mark.parametrize("origin", ["http://www.mexc.com", "https://169.254.169.254", "https://mexc.example"])
async def test_only_the_exchanges_site_and_this_machine_are_allowed(origin: str) -> None:
    async with HttpTransport() as transport:
        WebSite(transport, WallClock())
        with pytest.raises(OriginRefused):
            WebSite(transport, WallClock(), [origin])
