import msgspec
import pytest

from mexc_tui.desk.engine_requests import SettingList
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import FrozenDesk
from tests.support.tui.sample_rows import setting

pytestmark = pytest.mark.timeout(120)  # drives the app


async def test_every_setting_is_listed_and_the_selected_one_described() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = SettingList([setting("spend", "50", "25"), setting("other", "1", "1")])
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "What one snipe may spend.")
        assert "allowed  1 to 1,000" in text
        assert "Settings 2" in text


async def test_long_allowed_values_are_wrapped_and_complete() -> None:
    frozen = FrozenDesk()
    allowed = " ".join(f"word{number}" for number in range(20))
    frozen.replies["settings"] = SettingList(
        [msgspec.structs.replace(setting("s", "1", "1"), allowed=allowed)]
    )
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "allowed  word0")
        assert all(f"word{number} " in text for number in range(20))


async def test_changed_settings_are_a_diff_with_pending_values() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = SettingList([setting("spend", "50", "25", "75"), setting("other", "1", "1")])
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("9")
        text = await until(pilot, app, "- 25  + 50, 75 after restart")
        assert "applies after restart" in text
