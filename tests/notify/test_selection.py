"""Which facts become notifications, with which severity and text."""

from decimal import Decimal as D

import msgspec
import pytest

from mexc_tui.model.event import (
    Alert,
    AnyEvent,
    EngineStarted,
    EngineStopped,
    Fact,
    FillBooked,
    PositionChanged,
    SnipeRefused,
    TradingChanged,
    WorkerRecovered,
)
from mexc_tui.model.notification import Notification
from mexc_tui.model.order import Side
from mexc_tui.model.position import CloseReason, PositionState
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.notify.selection import LATE_MS, notifications_of
from mexc_tui.wording.alert_titles import alert_title
from tests.support.samples.position_samples import position


def selected(event: AnyEvent, sequence: int = 7) -> tuple[Notification, ...]:
    return notifications_of(Fact(sequence, event), alert_title)


def only(event: AnyEvent) -> Notification:
    (one,) = selected(event)
    return one


def alert(rule: str, severity: Severity = Severity.WARNING) -> Alert:
    return Alert(at_ms=1, about="NEWUSDT", severity=severity, rule=rule, text="spread 9 %")


@pytest.mark.parametrize("severity", Severity)
def test_an_alert_keeps_its_severity_and_names_its_subject(severity: Severity) -> None:
    one = only(alert("guard:high", severity))
    assert (one.key, one.severity, one.title) == ("fact:7", severity, "Risk monitor: high")
    assert one.text == "NEWUSDT: spread 9 %"


def test_the_alert_of_a_trading_state_is_not_sent_beside_the_change_of_the_state() -> None:
    assert selected(alert("engine:trading")) == ()


@pytest.mark.parametrize(
    ("side", "text"),
    [(Side.BUY, "Bought 10 at 2 for 20."), (Side.SELL, "Sold 10 at 2 for 20. Realised +1.5.")],
)
def test_a_fill_states_size_price_and_result(side: Side, text: str) -> None:
    fill = FillBooked(
        at_ms=1,
        about="NEWUSDT",
        client_order_id="c",
        side=side,
        quantity=D(10),
        value=D("20.00"),
        position_id="p1",
        realised=D("1.5"),
    )
    assert only(fill).text == text


def test_a_new_position_is_announced_under_one_key_however_often_it_changes() -> None:
    for at_ms in (3_000, 9_000):
        (opened,) = selected(PositionChanged(at_ms=at_ms, about="NEWUSDT", position=position()))
        assert (opened.key, opened.text) == ("opened:p1", "Entry 2, stop 1.8.")


def test_an_old_position_is_not_announced_as_opened() -> None:
    assert selected(PositionChanged(at_ms=3_001 + LATE_MS, about="NEWUSDT", position=position())) == ()


@pytest.mark.parametrize(
    ("fired", "keys"),
    [(CloseReason.STOP, ["opened:p1", "stop:p1"]), (CloseReason.MANUAL, ["opened:p1"])],
)
def test_a_fired_stop_is_announced_and_a_manual_close_is_none(fired: CloseReason, keys: list[str]) -> None:
    changed = PositionChanged(
        at_ms=3_000, about="NEWUSDT", position=position(fired=fired, fired_text="below")
    )
    assert [one.key for one in selected(changed)] == keys


def test_a_closed_position_states_its_result_and_reason() -> None:
    closed = position(
        state=PositionState.CLOSED, realised=D("-2.10"), close_reason=CloseReason.STOP, closed_ms=4_000
    )
    one = only(PositionChanged(at_ms=4_000, about="NEWUSDT", position=closed))
    assert (one.key, one.title) == ("closed:p1", "Closed NEWUSDT")
    assert one.text == "Realised -2.10 USDT after fees; stop."


@pytest.mark.parametrize(
    ("state", "cause", "severity", "title"),
    [
        (TradingState.ACTIVE, Cause.NONE, Severity.INFO, "Trading active"),
        (TradingState.REDUCE_ONLY, Cause.STREAM, Severity.WARNING, "Entries paused"),
        (TradingState.HALTED, Cause.MANUAL, Severity.CRITICAL, "Trading halted"),
        (
            TradingState.FLATTENING,
            Cause.EMERGENCY,
            Severity.CRITICAL,
            "Emergency stop: closing all positions",
        ),
        (TradingState.HALTED, Cause.EMERGENCY, Severity.CRITICAL, "Emergency stop: trading halted"),
    ],
)
def test_each_trading_state_has_its_severity(
    state: TradingState, cause: Cause, severity: Severity, title: str
) -> None:
    trading = Trading(state=state, cause=cause, text="reason", by="ann")
    one = only(TradingChanged(at_ms=1, about="live", trading=trading))
    assert (one.severity, one.title, one.text) == (severity, title, "reason (by ann)")


def test_a_refused_entry_states_each_failed_check() -> None:
    failed = Verdict(stage=CheckStage.RISK, name="exposure", passed=False, value="70 USDT", limit="60 USDT")
    refused = SnipeRefused(at_ms=1, about="NEWUSDT", listing_id="l", signal_id="s", verdicts=(failed,))
    assert only(refused).text == "exposure: 70 USDT (limit 60 USDT)"


def test_start_and_stop_of_the_engine_are_sent() -> None:
    assert only(EngineStarted(at_ms=1, about="live", mode="live")).text == "Profile live, mode live."
    assert only(EngineStopped(at_ms=1, about="live", reason="signal")).text == "Profile live: signal."


def test_other_facts_are_not_sent() -> None:
    assert selected(WorkerRecovered(at_ms=1, about="polls")) == ()


def test_a_text_of_another_program_stays_text() -> None:
    hostile = msgspec.structs.replace(alert("books"), about="<!channel>", text="[link](x) @everyone")
    assert only(hostile).text == "<!channel>: [link](x) @everyone"
