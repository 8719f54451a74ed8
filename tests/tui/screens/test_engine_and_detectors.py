import msgspec
import pytest

from mexc_tui.model.engine_view import (
    ConnectionRow,
    DetectorRow,
    DetectorsRow,
    LagRow,
    LatencyRow,
    LeadRow,
    MachineRow,
    PassRow,
    QueueRow,
    RateRow,
    ReadRow,
    ShotRow,
    StageRow,
    StageTime,
    StoreRow,
    ViewerRow,
)
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import NOW_MS, Frozen

pytestmark = pytest.mark.timeout(60)  # drives the app


def detectors() -> DetectorsRow:
    """Return two detectors: one with a history, one without."""
    return DetectorsRow(
        at_ms=NOW_MS,
        detectors=(
            DetectorRow(
                name="ready_state",
                version=3,
                raised=12,
                standing=2,
                last_ms=NOW_MS - 5_000,
                rate=RateRow(n=41, hits=33, value=0.805, low=0.66, high=0.9, words="80% (66%-90%), n 41"),
                recall=RateRow(n=40, hits=30, value=0.75, low=0.6, high=0.86, words="75% (60%-86%), n 40"),
                base=RateRow(n=60, hits=33, value=0.55, low=0.42, high=0.67, words="55% (42%-67%), n 60"),
                skill=0.53,
                judged=41,
                verdict="better than the base rate",
                lead=LeadRow(n=30, median_ms=46_000, p10_ms=11_000, p90_ms=300_000, share_ahead=0.9),
            ),
            DetectorRow(name="cluster", version=1, raised=0, standing=0, last_ms=None),
        ),
        last_pass=PassRow(
            at_ms=NOW_MS - 300,
            looked_at=21,
            raised=1,
            ended=0,
            duration_ms=0.8,
            read=(ReadRow(source="calendar", age_ms=14_000), ReadRow(source="symbolsV2", age_ms=None)),
            passes=812,
        ),
    )


def latency() -> LatencyRow:
    """Return one shot that was refused first."""
    stages = (
        StageTime(name="decide", took_ms=0.2),
        StageTime(name="send", took_ms=0.3),
        StageTime(name="answer", took_ms=9.5),
    )
    return LatencyRow(
        shots=(
            ShotRow(
                symbol="FOOUSDT",
                snipe_id="S1",
                number=1,
                aim_ms=NOW_MS,
                late_ms=0.41,
                stages=stages,
                code=30001,
                answer="30001 trading is not allowed yet",
                next_step="again",
                clock_error_ms=2.0,
            ),
        ),
        stages=tuple(StageRow(name=one.name, n=14, p50_ms=1.5, p99_ms=None, max_ms=4.0) for one in stages),
        attempts=14,
    )


def machine() -> MachineRow:
    """Return what an engine costs that is well but for one connection."""
    return MachineRow(
        at_ms=NOW_MS,
        rss_bytes=78_500_000,
        rss_peak_bytes=80_000_000,
        cpu_s=12.0,
        cpu_pct=3.1,
        threads=4,
        lag=LagRow(n=500, p50_ms=0.1, p99_ms=1.4, max_ms=4.0),
        observers=(QueueRow(name="desk", waiting=0),),
        stream_waiting=0,
        stream_lost=0,
        connections=(
            ConnectionRow(name="market 1", topics=12, is_up=True, age_s=90.0, messages=1_200),
            ConnectionRow(name="market 2", topics=3, is_up=False, age_s=None, reason="refused with 403"),
        ),
        store=StoreRow(path="desk.sqlite3", database_bytes=4_100_000, wal_bytes=90_000, commits_per_s=3.0),
        breakers=(),
        requests_waiting=0,
        requests_refused=2,
        viewers=(ViewerRow(who="screen", pid=1, role="operate", waiting_bytes=0, facts_behind=0, views=7),),
    )


def engine() -> Frozen:
    """Return a desk whose engine tells all of this."""
    frozen = Frozen()
    frozen.replies |= {"detectors": detectors(), "latency": latency(), "machine": machine()}
    return frozen


async def test_a_detector_shows_its_hit_rate_with_interval_cases_and_lead_time() -> None:
    async with desk(engine()) as (app, pilot, _):
        await pilot.press("6")
        text = await until(pilot, app, "33 of 41 came true: 80% (66%-90%), n 41")
        assert "├─" in text
        assert "over 30 listings" in text
        assert "in time 75% (60%-86%), n 40" in text
        assert "all listings 55% (42%-67%), n 60" in text
        assert "+0.53 against the base rate, n 41" in text
        assert "not enough data (41 of 100)" in text
        assert "symbolsV2       never read" in text


async def test_a_detector_without_history_has_no_hit_rate() -> None:
    async with desk(engine()) as (app, pilot, _):
        await pilot.press("6")
        await until(pilot, app, "33 of 41")
        await pilot.press("down")
        await until(pilot, app, "No outcome is known yet")


async def test_a_shot_is_a_waterfall_beside_what_is_usual() -> None:
    async with desk(engine(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        text = await until(pilot, app, "FOOUSDT try 1, aim 16:13:20 (14:13:20Z)")
        assert "30001 trading is not allowed" in text
        assert "9.50ms" in text
        assert "0.410ms" in text


async def test_a_newer_shot_is_above_the_older_ones_and_under_the_cursor() -> None:
    frozen = engine()
    async with desk(frozen, size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        await until(pilot, app, "FOOUSDT try 1, aim")
        before = latency()
        newer = msgspec.structs.replace(before.shots[0], symbol="BARUSDT", snipe_id="S2")
        frozen.replies["latency"] = msgspec.structs.replace(before, shots=(newer, *before.shots))
        frozen.go(10_000)
        text = await until(pilot, app, "BARUSDT try 1, aim")
        assert text.index("> BARUSDT") < text.index("  FOOUSDT")


async def test_the_engine_says_what_it_costs_and_what_is_down() -> None:
    async with desk(engine(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("7")
        text = await until(pilot, app, "DOWN: refused with 403")
        for words in ("78.5 MB, at most 80.0 MB", "p99 1.40ms", "screen (operate)", "3.1 kB/s", "2 refused"):
            assert words in text


async def test_without_an_answer_the_engine_screen_says_why() -> None:
    async with desk() as (app, pilot, _):
        await pilot.press("7")
        await until(pilot, app, "Nobody here answers latency")
