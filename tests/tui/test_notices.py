import asyncio

import msgspec

from mexc_tui.desk.engine_requests import FactPage
from mexc_tui.model import event
from mexc_tui.model.event import Alert, Fact
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import TradingState
from mexc_tui.model.view import FactRow
from mexc_tui.tui.activity_log import MAX_KEPT, ActivityEntry, ActivityLog
from mexc_tui.tui.notices import AlertSignals, Notices
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, risk
from tests.support.tui.sample_rows import engine_alarm, settings


def _alert(severity: Severity, text: str) -> Alert:
    return Alert(at_ms=NOW_MS, about="FOOUSDT", severity=severity, rule="slippage", text=text)


def _page(*alerts: tuple[int, Severity, str]) -> FactPage:
    return FactPage(
        tuple(
            FactRow(
                sequence=sequence,
                at_ms=NOW_MS,
                kind="alert",
                version=1,
                about="FOOUSDT",
                body=msgspec.Raw(event.encode(_alert(severity, text))),
            )
            for sequence, severity, text in alerts
        )
    )


async def _look(notices: Notices) -> list[tuple[str, bool]]:
    found = [(one.text, one.is_critical) for one in notices.new_notices()]
    for _ in range(5):
        await asyncio.sleep(0)
    return found + [(one.text, one.is_critical) for one in notices.new_notices()]


async def test_earlier_alerts_are_logged_and_new_ones_announced_once_without_another_query() -> None:
    frozen, happened = FrozenDesk(), ActivityLog()
    frozen.replies["journal"] = _page((4, Severity.ERROR, "old"))
    notices = Notices(frozen.source(), happened)

    def come(sequence: int, severity: Severity, text: str) -> None:
        for follower in frozen.followers:
            follower(Fact(sequence, _alert(severity, text)))

    come(4, Severity.ERROR, "old")
    assert await _look(notices) == []
    come(5, Severity.INFO, "quiet")
    come(6, Severity.CRITICAL, "new")
    assert await _look(notices) == [("FOOUSDT: new", True)]
    assert [one.result for _, one in happened] == ["FOOUSDT: new", "FOOUSDT: quiet", "FOOUSDT: old"]
    assert [name for name, _ in frozen.received] == ["journal", "journal"]


async def test_a_trading_state_is_announced_once_and_critical_unless_manual() -> None:
    frozen, happened = FrozenDesk(), ActivityLog()
    notices = Notices(frozen.source(), happened)
    assert await _look(notices) == []
    frozen.risk.put("risk", engine_alarm(risk(TradingState.HALTED, "drawdown of 12 %")))
    assert await _look(notices) == [("trading halted by engine: drawdown of 12 %", True)]
    frozen.risk.put("risk", msgspec.structs.replace(risk(), by="anna", since_ms=NOW_MS))
    assert await _look(notices) == [("trading active by anna", False)]
    assert [one.author for _, one in happened] == ["anna", "engine"]


async def test_bell_and_flash_follow_the_settings() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = settings(bell=False, flash=True)
    notices = Notices(frozen.source(), ActivityLog())
    assert notices.signals_for_critical() == AlertSignals(bell=True, flash=False)
    for _ in range(5):
        await asyncio.sleep(0)
    assert notices.signals_for_critical() == AlertSignals(bell=False, flash=True)


def test_the_activity_log_is_bounded_newest_first_with_one_entry_per_key() -> None:
    happened = ActivityLog()
    for number in range(MAX_KEPT + 10):
        happened.add(ActivityEntry(number, "you", "x", str(number)))
    assert len(list(happened)) == MAX_KEPT
    happened.add(ActivityEntry(1, "you", "flatten", "in progress", key="k"))
    happened.add(ActivityEntry(2, "you", "other", "done"))
    happened.add(ActivityEntry(3, "you", "flatten", "done", key="k"))
    newest = [one.result for _, one in happened][:2]
    assert newest == ["done", "done"]
    assert "k" in happened
