"""Text output of `watch`."""

from dataclasses import replace
from typing import Any

from mexc_tui.cli.pages.watch_text import WatchHeader, WatchLine, opening_text, page

HEADER = WatchHeader(
    mode="practice", venue="calm-7", offset_ms=-0.25, error_ms=1.5, messages_per_s=1234.4, connections=2
)
LINE = WatchLine(
    symbol="MXUSDT",
    state="",
    decimals=4,
    bid=2.5,
    ask=2.501,
    last=2.5005,
    last_side="buy",
    age_s=0.21,
    stale=False,
    book="valid",
    refused=False,
)


def changed(**fields: Any) -> str:
    return page(HEADER, [replace(LINE, **fields)]).splitlines()[-1]


def test_prices_have_the_symbols_own_decimals() -> None:
    assert changed().split() == ["MXUSDT", "2.5000", "2.5010", "2.5005", "buy", "0.2", "s"]


def test_header_shows_exchange_offset_rate_and_connections() -> None:
    first, second, _ = page(HEADER, []).splitlines()
    assert first == "practice · calm-7"
    assert second == "clock offset -0.2 ms ±1.5 · 1,234 messages/s on 2 connections"


def test_unknown_values_are_a_dash_never_zero() -> None:
    row = changed(bid=None, ask=None, last=None, last_side="", age_s=None)
    assert row.split() == ["MXUSDT", "–", "–", "–", "–"]


def test_stale_data_is_marked() -> None:
    assert changed(stale=True, state="open for 9 s").endswith("STALE")
    assert changed(stale=True, state="opens in 9 s").endswith("opens in 9 s")


def test_an_invalid_order_book_is_marked() -> None:
    assert changed(book="catching up").endswith("book catching up")


def test_a_refused_pair_shows_its_opening_or_that_it_is_missing() -> None:
    assert changed(refused=True, state="opens in 42 s").endswith("opens in 42 s")
    assert changed(refused=True).endswith("not listed")


def test_openings_count_down_and_then_up() -> None:
    assert opening_text(None, 0) == ""
    assert opening_text(42_000, 0) == "opens in 42 s"
    assert opening_text(125_000, 0) == "opens in 2:05"
    assert opening_text(0, 9_000) == "open for 9 s"


def test_bans_and_warnings_are_shown_within_the_width() -> None:
    header = WatchHeader(
        mode="paper",
        venue="x" * 200,
        offset_ms=None,
        error_ms=None,
        messages_per_s=0,
        connections=1,
        ban="too many requests (429), 42 s left",
        warnings=("w" * 200,),
    )
    lines = page(header, [LINE]).splitlines()
    assert "! too many requests (429), 42 s left" in lines
    assert max(map(len, lines)) <= 80
    assert max(map(len, page(header, [LINE], width=30).splitlines())) == 30


def test_prices_of_a_very_cheap_coin_have_their_digits_at_any_width() -> None:
    cheap = replace(LINE, symbol="1000SATSUSDT", decimals=15, bid=1.2e-10, ask=1.234e-10, last=1.21e-10)
    for width in (80, 40, 30):
        lines = page(HEADER, [cheap, replace(LINE, last=77_157_012_345.0, decimals=2)], width).splitlines()
        assert max(map(len, lines)) <= width
        shown = [
            float(word) for word in lines[-2].split() if word[0].isdigit() and "0.2" != word != cheap.symbol
        ]
        assert set(shown) <= {1.2e-10, 1.234e-10, 1.21e-10}
        assert 1.21e-10 in shown
        assert "77.16B" in lines[-1] or "77,157,012,345" in lines[-1]
