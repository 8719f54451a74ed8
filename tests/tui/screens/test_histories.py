import msgspec
import pytest

from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk
from tests.support.tui.sample_rows import why

pytestmark = pytest.mark.timeout(120)  # drives the app


def _history_desk() -> FrozenDesk:
    frozen = FrozenDesk()
    frozen.replies["why"] = why(frozen, "L-FOOUSDT")
    return frozen


async def test_a_listing_shows_its_sources_changes_and_signals() -> None:
    async with desk(_history_desk(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        text = await until(pilot, app, "calendar: opens 14:14, 90s ago")
        for words in (
            "T-00:47  opens 16:14:07 (14:14:07Z), by calendar",
            "announcement (withdrawn)",
            "stage: visible → api_enabled (symbolsV2)",
            "reason: sts 2 -> 1 seen",
            "cluster: it opens alone",
        ):
            assert words in text


async def test_a_listing_shows_its_plan_checklist_and_pre_trade_checks() -> None:
    async with desk(_history_desk(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        text = await until(pilot, app, "Snipe armed: 50.00, max price 0.0412, by person")
        for words in (
            "exits: stop 8% below entry; take-profit 30% at +10%; time stop after 600",
            "T0 checklist, current",
            "✓ pair listed: listed",
            "Cannot be armed now.",
            "✗ positions: 3 (limit 3)",
            "to pass: close a position",
        ):
            assert words in text


async def test_a_signal_shows_its_reasons_outcome_and_pre_trade_check() -> None:
    async with desk(_history_desk(), size=(120, 40)) as (app, pilot, _):
        await pilot.press("3")
        text = await until(pilot, app, "inputs: sts 2, st 2")
        for words in (
            "reason: sts 2 -> 1 seen",
            "outcome: unknown",
            "Cannot be armed now.",
        ):
            assert words in text


async def test_a_time_in_a_signal_is_readable_and_never_in_milliseconds() -> None:
    frozen = FrozenDesk()
    for key, row in list(frozen.signals.rows.items()):
        frozen.signals.put(key, msgspec.structs.replace(row, state=f"since {NOW_MS}"))
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("3")
        text = await until(pilot, app, "USDT  since 20")
        assert str(NOW_MS) not in text


async def test_without_a_response_a_history_states_the_reason() -> None:
    async with desk(size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        await until(pilot, app, "No reply is set for why")
