"""Local times use the offset of their own date, not that of the start."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mexc_tui.host.local_zone import local_zone
from mexc_tui.tui.widgets import text

HOUR_MS = 3_600_000
ZONES = Path("/usr/share/zoneinfo")


def ms(words: str) -> int:
    return round(datetime.fromisoformat(words).replace(tzinfo=UTC).timestamp() * 1_000)


CHANGES = [
    # zone, the change in UTC, shown in the hour before it, shown in the hour after it
    ("Europe/Berlin", "2026-03-29T01:00", "01:30:00 (00:30:00Z)", "03:30:00 (01:30:00Z)"),
    ("Europe/Berlin", "2026-10-25T01:00", "02:30:00 +0200 (00:30:00Z)", "02:30:00 +0100 (01:30:00Z)"),
    ("America/New_York", "2026-03-08T07:00", "01:30:00 (06:30:00Z)", "03:30:00 (07:30:00Z)"),
    ("America/New_York", "2026-11-01T06:00", "01:30:00 -0400 (05:30:00Z)", "01:30:00 -0500 (06:30:00Z)"),
    ("Australia/Lord_Howe", "2026-10-03T15:30", "01:30:00 (15:00:00Z)", "03:00:00 (16:00:00Z)"),
    ("Europe/London", "2026-03-29T01:00", "00:30:00Z", "02:30:00 (01:30:00Z)"),
]


@pytest.mark.parametrize(("zone", "change", "before", "after"), CHANGES)
def test_each_time_has_the_offset_of_its_own_date(zone: str, change: str, before: str, after: str) -> None:
    found, at_ms = local_zone({"TZ": zone}), ms(change)
    assert text.local_and_utc(at_ms - HOUR_MS // 2, found) == before
    assert text.local_and_utc(at_ms + HOUR_MS // 2, found) == after


def test_a_repeated_hour_always_shows_its_offset() -> None:
    zone, at_ms = local_zone({"TZ": "Australia/Lord_Howe"}), ms("2026-04-04T15:00")
    first, second = at_ms - 10 * 60_000, at_ms + 10 * 60_000
    assert text.local_and_utc(first, zone) == "01:50:00 +1100 (14:50:00Z)"
    assert text.local_and_utc(second, zone) == "01:40:00 +1030 (15:10:00Z)"
    assert text.local_time(first, zone) == "01:50 +1100"
    assert text.local_time(second, zone) == "01:40 +1030"
    assert text.local_time(second + HOUR_MS, zone) == "02:40 here"
    assert text.date_and_time(second, zone) == "2026-04-05 01:40:00 +1030"


def test_a_screen_opened_in_winter_shows_an_opening_in_summer_at_its_local_time() -> None:
    zone = local_zone({"TZ": "Europe/Berlin"})
    assert text.date_and_time(ms("2026-03-28T12:00"), zone) == "2026-03-28 13:00:00 +0100"
    assert text.date_and_time(ms("2026-03-29T12:00"), zone) == "2026-03-29 14:00:00 +0200"


@pytest.mark.parametrize(
    "name",
    [":Europe/Berlin", f"{ZONES}/Europe/Berlin", f":{ZONES}/Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"],
)
def test_every_form_of_tz_is_parsed(name: str) -> None:
    zone = local_zone({"TZ": name})
    assert text.local_and_utc(ms("2026-01-15T12:00"), zone) == "13:00:00 (12:00:00Z)"
    assert text.local_and_utc(ms("2026-07-15T12:00"), zone) == "14:00:00 (12:00:00Z)"


def test_without_tz_the_zone_of_the_machine_applies(tmp_path: Path) -> None:
    machine = tmp_path / "localtime"
    machine.symlink_to(ZONES / "America/New_York")
    zone = local_zone({}, machine)
    assert text.local_and_utc(ms("2026-01-15T12:00"), zone) == "07:00:00 (12:00:00Z)"
    assert text.local_and_utc(ms("2026-07-15T12:00"), zone) == "08:00:00 (12:00:00Z)"


@pytest.mark.parametrize(
    "name", ["", "No/Such_Zone", "../../etc/passwd", "\0", "/etc/passwd", "UTC", "x" * 5_000]
)
def test_an_invalid_zone_is_utc(name: str, tmp_path: Path) -> None:
    for zone in (local_zone({"TZ": name}), local_zone({}, tmp_path / "none")):
        assert text.local_and_utc(ms("2026-07-15T12:00"), zone) == "12:00:00Z"
