"""The universe has the size and the oddities of the real one (protocol 1, 4.2)."""

from collections import Counter
from decimal import Decimal

import msgspec

from mexc_tui.practice.matching.pairs import PairStatus, PracticeTradeSides
from mexc_tui.practice.scenario import Scenario
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import START_MS

SESSION = ExchangeSession(Scenario(name="full"), 1, START_MS)


def test_it_has_as_many_pairs_as_the_exchange_and_most_against_usdt() -> None:
    quotes = Counter(pair.rules.quote for pair in SESSION.visible_pairs())
    assert sum(quotes.values()) == 1950
    assert 1450 < quotes["USDT"] < 1550
    assert {"USDC", "BTC", "ETH"} < set(quotes)


def test_it_has_majors_non_ascii_names_and_every_oddity() -> None:
    pairs = {pair.symbol: pair for pair in SESSION.visible_pairs()}
    assert not pairs["BTCUSDT"].api_allowed
    assert not pairs["ETHUSDT"].api_allowed
    assert pairs["MXUSDT"].api_allowed
    assert sum(not symbol.isascii() for symbol in pairs) >= 3
    assert sum(pair.status is PairStatus.PAUSED for pair in pairs.values()) >= 5
    assert {pair.sides for pair in pairs.values()} == set(PracticeTradeSides)
    assert sum(pair.blocked for pair in pairs.values()) >= 3
    assert sum(pair.rules.special_treatment for pair in pairs.values()) > 10
    assert 20 < sum(not pair.api_allowed for pair in pairs.values()) < 150


def test_ids_are_32_hex_unique_and_usdt_has_its_own() -> None:
    pairs = SESSION.visible_pairs()
    assert len({pair.rules.symbol_id for pair in pairs}) == len(pairs)
    assert all(len(pair.rules.coin_id) == 32 and int(pair.rules.coin_id, 16) for pair in pairs)
    usdt = {pair.rules.market_coin_id for pair in pairs if pair.rules.quote == "USDT"}
    assert usdt == {"128f589271cb4951b03e71e6323eb7be"}


def test_contracts_have_the_formats_of_real_ones() -> None:
    forms = Counter(
        (address[:2] == "0x", len(address))
        for pair in SESSION.visible_pairs()
        if (address := pair.rules.contract_address)
    )
    assert set(forms) == {(True, 42), (False, 44)}
    assert sum(forms.values()) > 1500


def test_every_pair_can_be_traded_at_its_precisions() -> None:
    for pair in SESSION.visible_pairs()[::7]:
        top = pair.top()
        assert top.bid is not None
        assert top.ask is not None
        assert 0 < top.bid.price < top.ask.price
        assert pair.rules.min_value > 0
        tick = Decimal(1).scaleb(-pair.rules.price_decimals)
        assert top.ask.price % tick == 0
        assert pair.last_price / tick > 50


def test_small_sessions_contain_the_same_majors() -> None:
    small = ExchangeSession(
        msgspec.convert({"name": "small", "market": {"symbols": 5}}, Scenario), 1, START_MS
    )
    assert [pair.symbol for pair in small.visible_pairs()][:2] == ["BTCUSDT", "ETHUSDT"]
    assert len(small.visible_pairs()) == 5
