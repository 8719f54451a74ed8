from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.desk.client import Link
from mexc_tui.model.trading import RiskLevel, TradingState
from mexc_tui.model.view import ClockRow, StreamsRow
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.header_text import HeaderData, lines
from mexc_tui.tui.widgets.styled_text import width_of
from tests.support.tui.frozen_desk import risk, status
from tests.support.tui.sample_rows import KNOWN


def _words(known: HeaderData, width: int = 200) -> str:
    return " | ".join(part.text for line in lines(known, width) for part in line)


def test_live_mode_is_a_text_and_a_badge() -> None:
    first = lines(replace(KNOWN, status=status("live")), 80)[0][0]
    assert first.text == "LIVE - REAL MONEY"
    assert first.is_badge
    assert first.tone is Tone.BAD


def test_a_halt_shows_state_and_cause() -> None:
    words = _words(replace(KNOWN, risk=risk(TradingState.HALTED, "a person said so")))
    assert "HALTED: a person said so" in words
    assert "entries allowed" not in words


def test_a_silent_engine_and_a_lost_one_differ_and_show_the_duration() -> None:
    silent = replace(KNOWN, link=replace(KNOWN.link, link=Link.STALE), silence_ms=4_200)
    lost = replace(KNOWN, link=replace(KNOWN.link, link=Link.DISCONNECTED), silence_ms=65_000)
    assert "ENGINE SILENT 4.2s" in _words(silent, 80)
    assert "NO CONNECTION 65s" in _words(lost, 80)


def test_stale_state_and_equity_are_marked_as_last_known() -> None:
    for link in (Link.STALE, Link.DISCONNECTED):
        lost = replace(KNOWN, link=replace(KNOWN.link, link=link), silence_ms=65_000)
        first, second, _ = lines(lost, 120)
        words = _words(lost, 80)
        assert "was: entries allowed" in words
        assert "was: equity 512.40" in words
        assert "clock" not in words
        assert "feed" not in words
        assert Tone.GOOD not in [part.tone for part in first if not part.is_badge]
        assert {part.tone for part in second} == {Tone.FAINT}


def test_the_age_of_the_feed_is_shown() -> None:
    row = msgspec.structs.replace(status(), streams=StreamsRow(topics=3, live=3, newest_s=4))
    assert "feed 3/3 0/s 4s ago" in _words(replace(KNOWN, status=row))


def test_a_stale_feed_and_an_uncertain_clock_are_shown() -> None:
    bad = msgspec.structs.replace(
        status(), streams=StreamsRow(topics=3, live=1, stale=2), clock=ClockRow(offset_ms=None)
    )
    words = _words(replace(KNOWN, status=bad), 80)
    assert "feed 2 of 3 STALE" in words
    assert "clock unknown" in words


def test_equity_with_a_missing_price_is_marked_as_an_estimate() -> None:
    row = msgspec.structs.replace(risk(), is_complete=False)
    assert "equity ~512.40 USDT" in _words(replace(KNOWN, risk=row))


def test_a_risk_monitor_warning_is_never_dropped() -> None:
    row = msgspec.structs.replace(risk(), risk_level=RiskLevel.HIGH)
    assert "risk high" in _words(replace(KNOWN, risk=row), 80)


def test_before_the_first_message_values_are_unknown() -> None:
    words = _words(replace(KNOWN, status=None, risk=None))
    assert "CONNECTING" in words
    assert "equity unknown" in words


@given(st.integers(60, 250))
def test_mode_state_equity_and_day_are_shown_at_every_width(width: int) -> None:
    for known in (KNOWN, replace(KNOWN, status=status("live"))):
        first, second, _ = lines(known, width)
        assert max(width_of(first), width_of(second)) <= width
        words = _words(known, width)
        assert "entries allowed" in words
        assert "equity 512.40" in words
        assert "day ▼ -3.10 (-0.6%)" in words
        lost = replace(known, link=replace(known.link, link=Link.DISCONNECTED), silence_ms=65_000)
        assert max(map(width_of, lines(lost, max(width, 80)))) <= max(width, 80)
