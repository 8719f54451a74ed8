"""Pair names as users type them."""

import pytest

from mexc_tui.model.pair_names import (
    AmbiguousName,
    is_of_coin,
    new_pair,
    resolve,
    split_symbol,
    typed_name,
)

PAIRS = {"1000SATSUSDT", "BTCUSDT", "BTCUSDC", "XUSDC", "YUSDC", "YEUR", "ETHBTC", "ETHUSDT"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1000sats", "1000SATS"),
        (" newusdt ", "NEWUSDT"),
        ("new/usdt", "NEWUSDT"),
        ("NEW-USDC", "NEWUSDC"),
        ("NEW_USDT", "NEWUSDT"),
        ("a/b", "A/B"),
        ("/usdt", "/USDT"),
    ],
)
def test_a_typed_name_is_read_as_exchanges_write_it(text: str, name: str) -> None:
    assert typed_name(text) == name


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("1000SATS", "1000SATSUSDT"),
        ("1000SATSUSDT", "1000SATSUSDT"),
        ("SATS", None),
        ("BTC", "BTCUSDT"),
        ("X", "XUSDC"),
        ("ETHBTC", "ETHBTC"),
        ("NOSUCH", None),
    ],
)
def test_a_coin_alone_means_its_pair(name: str, symbol: str | None) -> None:
    assert resolve(name, PAIRS.__contains__) == symbol


def test_a_name_of_several_pairs_is_refused_with_all_of_them() -> None:
    with pytest.raises(AmbiguousName, match=r"Y is ambiguous: YUSDC, YEUR\. Name the pair\."):
        resolve("Y", PAIRS.__contains__)
    with pytest.raises(AmbiguousName, match="BTC is ambiguous: BTCUSDT, BTCUSDC"):
        resolve("BTC", PAIRS.__contains__, prefers_usual=False)
    assert resolve("BTCUSDC", PAIRS.__contains__, prefers_usual=False) == "BTCUSDC"


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("QQQ9", "QQQ9USDT"),
        ("QQQ9USDT", "QQQ9USDT"),
        ("QQQ9USDC", "QQQ9USDC"),
        ("WBTC", "WBTCUSDT"),
        ("USDT", "USDTUSDT"),
    ],
)
def test_a_coin_that_is_not_listed_yet_is_meant_against_usdt(name: str, symbol: str) -> None:
    assert new_pair(name) == symbol


def test_facts_of_a_coin_are_those_of_its_pairs() -> None:
    assert is_of_coin("1000SATSUSDT", "1000SATS")
    assert is_of_coin("max_positions", "max_positions")
    assert not is_of_coin("1000SATSUSDT", "1000")
    assert not is_of_coin("USDT", "")


def test_a_pair_is_split_at_its_quote() -> None:
    assert split_symbol("ETHBTC") == ("ETH", "BTC")
    assert split_symbol("USDT") == ("", "")
