"""Price rules in one line: what is read, what is refused, and what is written back."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.price_rules import BadPriceRule, PriceRule, RuleKind, parse_rule

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("line", "rule", "text"),
    [
        ("move 2% 15m", (RuleKind.MOVE, "0.02", 900_000, ()), "move 2% 15m"),
        ("move 250bp 90s", (RuleKind.MOVE, "0.025", 90_000, ()), "move 2.5% 90s"),
        ("spread 50bp", (RuleKind.SPREAD, "0.005", MINUTE_MS, ()), "spread 50bp 1m"),
        ("SPREAD 0.5% 30s", (RuleKind.SPREAD, "0.005", 30_000, ()), "spread 50bp 30s"),
        ("print 50k", (RuleKind.PRINT, "50000", MINUTE_MS, ()), "print 50k 1m"),
        ("print 1.5M 1h", (RuleKind.PRINT, "1500000", 3_600_000, ()), "print 1500k 1h"),
        ("print 250", (RuleKind.PRINT, "250", MINUTE_MS, ()), "print 250 1m"),
        ("volume 3x", (RuleKind.VOLUME, "3", 900_000, ()), "volume 3x 15m"),
        ("volume 2.50x 4h", (RuleKind.VOLUME, "2.5", 14_400_000, ()), "volume 2.5x 4h"),
        ("at 1.2500", (RuleKind.AT, "1.25", MINUTE_MS, ()), "at 1.25 1m"),
        ("at 0.00000001 10s", (RuleKind.AT, "0.00000001", 10_000, ()), "at 0.00000001 10s"),
        (
            " btcusdt, ETH/USDT BTCUSDT :  move 2%  15m ",
            (RuleKind.MOVE, "0.02", 900_000, ("BTCUSDT", "ETHUSDT")),
            "BTCUSDT ETHUSDT: move 2% 15m",
        ),
    ],
)
def test_a_line_states_a_rule(line: str, rule: tuple[RuleKind, str, int, tuple[str, ...]], text: str) -> None:
    kind, threshold, window_ms, symbols = rule
    found = parse_rule(line)
    expected = PriceRule(kind=kind, threshold=Decimal(threshold), window_ms=window_ms, symbols=symbols)
    assert found == expected
    assert found.text == text


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("", "a kind and a threshold are needed"),
        ("move", "a kind and a threshold are needed"),
        ("BTCUSDT move 2% 15m", "'BTCUSDT' is none of the kinds move, spread, print, volume, at"),
        ("premium 30bp", "'premium' is none of the kinds"),
        ("move 2% ", "move needs a window, such as 15m"),
        ("move 2 15m", "'2' is no threshold of move, such as 2% or 200bp"),
        ("move 0% 15m", "'0%' is no threshold of move"),
        ("move -2% 15m", "'-2%' is no threshold of move"),
        ("move 1001% 15m", "'1001%' is no threshold of move"),
        ("move nan% 15m", "'nan%' is no threshold of move"),
        ("move 2% 15", "'15' is no window, such as 15m, between 10s and 4h"),
        ("move 2% 9s", "'9s' is no window"),
        ("move 2% 5h", "'5h' is no window"),
        ("move 2% 15m now", "'now' is too much"),
        ("spread 50", "'50' is no threshold of spread, such as 50bp or 0.5%"),
        ("spread 50k", "'50k' is no threshold of spread"),
        ("print 50%", "'50%' is no threshold of print, such as 50k"),
        ("print ٥0k", "is no threshold of print"),
        ("volume 3", "'3' is no threshold of volume, such as 3x"),
        ("volume 1x", "'1x' is no threshold of volume"),
        ("volume 3x 30s", "'30s' is no window, such as 15m, between 60s and 4h"),
        ("at 0", "'0' is no threshold of at, such as 1.25, above 0"),
        ("at 1e9", "'1e9' is no threshold of at"),
        (": move 2% 15m", "before the colon 1 to 10 symbols are needed"),
        ("BTC: move 2% 15m", "'BTC' is no symbol, such as BTCUSDT"),
        ("B$USDT: move 2% 15m", "'B$USDT' is no symbol"),
        (" ".join(f"A{n}USDT" for n in range(11)) + ": at 1", "before the colon 1 to 10 symbols"),
        ("move " + "2" * 300, "it has 305 characters, at most 200 are read"),
    ],
)
def test_a_wrong_line_is_refused_with_its_wrong_part_and_examples(line: str, part: str) -> None:
    with pytest.raises(BadPriceRule) as error:
        parse_rule(line)
    assert part in str(error.value)
    assert "Examples: move 2% 15m; spread 50bp; print 50k; volume 3x; at 1.25;" in str(error.value)
    assert len(str(error.value)) < 600


@given(
    st.sampled_from(
        ["move {}% 15m", "spread {}bp", "print {}k", "volume {}x 1h", "at {} 30s", "BUSDT: at {}"]
    ),
    st.decimals(min_value=2, max_value=900, places=4),
)
def test_the_text_of_a_rule_states_the_same_rule(form: str, number: Decimal) -> None:
    rule = parse_rule(form.format(number))
    assert parse_rule(rule.text) == rule
    assert parse_rule(rule.text).text == rule.text


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_is_refused_as_one(line: str) -> None:
    with suppress(BadPriceRule):
        assert parse_rule(parse_rule(line).text)
