"""Every screen as a picture at 120×40, and as plain text at the other sizes, from one frozen desk.

To accept a change: `pytest tests/tui/screens/test_snapshots.py --snapshot-update`, then check the pictures.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.registry import NAMES
from tests.support.tui.desk_app import THEMES, ZONE, desk, settled
from tests.support.tui.sample_rows import full_desk

pytestmark = pytest.mark.timeout(120)  # drives the app


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_a_screen_looks_as_it_did(number: int, snap_compare: Callable[..., bool]) -> None:
    app = DeskApp(full_desk().source(), THEMES, THEMES.by_name["dark"], zone=ZONE)

    async def go(pilot: Pilot[Any]) -> None:
        await pilot.press(str((number + 1) % 10))
        await settled(pilot, app)

    assert snap_compare(app, terminal_size=(120, 40), run_before=go)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
async def test_a_screen_says_at_another_size_what_it_did(
    number: int, size: tuple[int, int], snapshot: object
) -> None:
    async with desk(full_desk(), size=size) as (app, pilot, _):
        await pilot.press(str((number + 1) % 10))
        assert await settled(pilot, app) == snapshot
