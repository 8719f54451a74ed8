import msgspec
import pytest

from mexc_tui.desk.engine_requests import SettingList
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import FrozenDesk
from tests.support.tui.sample_rows import setting

pytestmark = pytest.mark.timeout(120)  # drives the app


async def test_every_setting_is_listed_and_the_chosen_one_explained() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = SettingList([setting("spend", "50", "25"), setting("other", "1", "1")])
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "What one snipe may spend.")
        assert "allowed  1 to 1,000" in text
        assert "Settings 2" in text


async def test_what_is_allowed_is_told_whole_where_it_is_longer_than_a_line() -> None:
    frozen = FrozenDesk()
    allowed = " ".join(f"word{number}" for number in range(20))
    frozen.replies["settings"] = SettingList(
        [msgspec.structs.replace(setting("s", "1", "1"), allowed=allowed)]
    )
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "allowed  word0")
        assert all(f"word{number} " in text for number in range(20))


async def test_what_differs_from_the_defaults_is_a_diff_and_what_waits_is_said() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = SettingList([setting("spend", "50", "25", "75"), setting("other", "1", "1")])
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "- 25  + 50, 75 after restart")
        assert "applies after restart" in text
