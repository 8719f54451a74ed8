import msgspec
import pytest

from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import FrozenDesk
from tests.support.tui.sample_rows import detectors, latency, machine

pytestmark = pytest.mark.timeout(120)  # drives the app


def engine() -> FrozenDesk:
    """Return a desk with data for both screens."""
    frozen = FrozenDesk()
    frozen.replies |= {"detectors": detectors(), "latency": latency(), "machine": machine()}
    return frozen


async def test_a_detector_shows_hit_rate_interval_sample_and_lead_time() -> None:
    async with desk(engine()) as (app, pilot, _):
        await pilot.press("6")
        text = await until(pilot, app, "correct: 80% (66%-90%), n 41")
        assert "├─" in text
        assert "of 30 listings" in text
        assert "75% (60%-86%), n 40, in time" in text
        assert "55% (42%-67%), n 60, of all listings" in text
        assert "+0.53 against the base rate, n 41" in text
        assert "not enough data (41 of 100)" in text
        assert "symbolsV2       never read" in text


async def test_a_detector_without_history_has_no_hit_rate() -> None:
    async with desk(engine()) as (app, pilot, _):
        await pilot.press("6")
        await until(pilot, app, "correct: 80%")
        await pilot.press("down")
        await until(pilot, app, "No hit rate: no outcome")


async def test_an_attempt_is_a_waterfall_beside_the_usual_durations() -> None:
    async with desk(engine(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        text = await until(pilot, app, "FOOUSDT attempt 1, aim 16:13:20 (14:13:20Z)")
        assert "30001 trading is not allowed" in text
        assert "9.50ms" in text
        assert "0.410ms" in text


async def test_a_newer_attempt_is_listed_first_and_selected() -> None:
    frozen = engine()
    async with desk(frozen, size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        await until(pilot, app, "FOOUSDT attempt 1, aim")
        before = latency()
        newer = msgspec.structs.replace(before.attempts[0], symbol="BARUSDT", snipe_id="S2")
        frozen.replies["latency"] = msgspec.structs.replace(before, attempts=(newer, *before.attempts))
        frozen.advance(10_000)
        text = await until(pilot, app, "BARUSDT attempt 1, aim")
        assert text.index("> BARUSDT") < text.index("  FOOUSDT")


async def test_the_engine_screen_shows_resources_and_lost_connections() -> None:
    async with desk(engine(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        text = await until(pilot, app, "DOWN: refused with 403")
        for words in ("78.5 MB, peak 80.0 MB", "p99 1.40ms", "screen (operate)", "3.1 kB/s", "2 refused"):
            assert words in text


async def test_without_a_response_the_engine_screen_states_the_reason() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("7")
        await until(pilot, app, "No reply is set for latency")
