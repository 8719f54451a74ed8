"""A failing screen ends with its error, wherever it fails."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.screens.quit import Ending
from tests.support.tui.desk_app import desk
from tests.support.tui.frozen_desk import FrozenDesk

pytestmark = pytest.mark.timeout(120)  # drives the app


def _painting(app: DeskApp, frozen: FrozenDesk) -> None:
    frozen.link = cast("Any", None)
    app.action_freeze()


def _a_timer(app: DeskApp, _: FrozenDesk) -> None:
    app.set_timer(0.001, cast("Any", lambda: cast("Any", None).link))


def _a_command_by_name(app: DeskApp, _: FrozenDesk) -> None:
    app.action_zoom = cast("Any", lambda: cast("Any", None).link)
    for command in app.get_system_commands(app.screen):
        if command.title.startswith("Zoom"):
            command.callback()


def _an_error_that_draws_itself(app: DeskApp, _: FrozenDesk) -> None:
    class Drawn(AttributeError):
        def __rich__(self) -> str:
            return "link"

    def fail() -> None:
        raise Drawn("'NoneType' has no attribute 'link'")

    app.call_later(fail)


async def _broken(fails: Callable[[DeskApp, FrozenDesk], None], apps: list[DeskApp]) -> None:
    async with desk() as (app, _, frozen):
        apps.append(app)
        fails(app, frozen)
        for _ in range(500):
            if app.ending is Ending.BROKE:
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fails", [_painting, _a_timer, _a_command_by_name, _an_error_that_draws_itself])
async def test_a_failure_ends_the_screen_with_a_message(fails: Callable[[DeskApp, FrozenDesk], None]) -> None:
    apps: list[DeskApp] = []
    with pytest.raises(Exception, match="link"):
        await _broken(fails, apps)
    assert apps[0].ending is Ending.BROKE
    assert "link" in apps[0].problem
    assert apps[0].return_code == 1
