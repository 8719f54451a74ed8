"""Every screen as a picture at 120×40, and as plain text at the other sizes, from one frozen desk.

To accept a change: `pytest tests/tui/screens/test_snapshots.py --snapshot-update`, then check the pictures.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mexc_tui.desk.asking import FactPage, SettingList
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.panes import LOADING
from mexc_tui.tui.screens.registry import NAMES
from tests.support.tui.desk_app import THEMES, ZONE, desk, screen
from tests.support.tui.frozen_desk import Frozen
from tests.tui.screens.test_engine_and_detectors import detectors, latency, machine
from tests.tui.screens.test_histories import why
from tests.tui.screens.test_journal import fact
from tests.tui.screens.test_positions import market
from tests.tui.screens.test_risk import course, limited, performance
from tests.tui.screens.test_settings import setting

pytestmark = pytest.mark.timeout(60)  # drives the app

SAME_FOR = 4
"""Looks one after the other that find the same: then all there is has come."""


async def settled(pilot: Pilot[Any], app: DeskApp) -> str:
    """Wait until every answer has come and nothing moves any more; return what is on the screen."""
    before, same = "", 0
    for _ in range(400):
        await pilot.pause(0.05)
        now = "\n".join(line.rstrip() for line in screen(app))
        same = same + 1 if now == before and LOADING not in now else 0
        before = now
        if same >= SAME_FOR:
            return now
    raise AssertionError(f"it did not settle:\n{before}")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


def whole() -> Frozen:
    """Return a desk on which every screen has something to show."""
    frozen = limited()
    frozen.replies |= {
        "detectors": detectors(),
        "latency": latency(),
        "machine": machine(),
        "market": market(),
        "performance": performance(),
        "equity": course(),
        "why": why(frozen, "L-FOOUSDT"),
        "journal": FactPage((fact(8), fact(7))),
        "settings": SettingList([setting("spend", "50", "25"), setting("other", "1", "1")]),
    }
    return frozen


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_a_screen_looks_as_it_did(number: int, snap_compare: Callable[..., bool]) -> None:
    app = DeskApp(whole().source(), THEMES, THEMES.by_name["dark"], ZONE)

    async def go(pilot: Pilot[Any]) -> None:
        await pilot.press(str((number + 1) % 10))
        await settled(pilot, app)

    assert snap_compare(app, terminal_size=(120, 40), run_before=go)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
async def test_a_screen_says_at_another_size_what_it_did(
    number: int, size: tuple[int, int], snapshot: object
) -> None:
    async with desk(whole(), size=size) as (app, pilot, _):
        await pilot.press(str((number + 1) % 10))
        assert await settled(pilot, app) == snapshot
