"""Roles of clients: each command needs the role of what it does, and each role includes the lower ones."""

from pathlib import Path
from typing import Any

import pytest

from mexc_tui.desk import engine_requests, trading_requests
from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Role, lower_role
from mexc_tui.desk.protocol_page import all_kinds
from tests.desk.test_trading_handlers import NEW, desk
from tests.support.engine.fake_trading_engine import FakeTradingQueries

LOWERS_RISK = {"close", "disarm", "flatten", "halt", "kill", "lock", "reduce_only"}
RAISES_LIMITS = {"resume", "restore_limits", "settings_set", "settings_undo", "unlock"}
ROLES = [Role.VIEW, Role.OPERATE, Role.ADMIN]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_a_command_needs_the_role_of_what_it_does(kind: CommandKind[Any, Any]) -> None:
    if not kind.changes_state or kind.name in LOWERS_RISK:
        expected = Role.VIEW
    else:
        expected = Role.ADMIN if kind.name in RAISES_LIMITS else Role.OPERATE
    assert kind.role is expected


@pytest.mark.parametrize("place", range(3))
def test_a_role_includes_the_lower_ones(place: int) -> None:
    role = ROLES[place]
    assert [role.includes(other) for other in ROLES] == [other <= place for other in range(3)]
    assert [lower_role(role, other) for other in ROLES] == [ROLES[min(place, other)] for other in range(3)]


async def test_a_client_that_operates_trades_and_raises_no_limit(tmp_path: Path) -> None:
    money = FakeTradingQueries()
    resume = trading_requests.ResumeRequest()
    change = engine_requests.SettingChange(name="max_positions", text="9")
    async with desk(tmp_path, money, Role.OPERATE) as (client, _):
        armed = await client.send(trading_requests.ARM, NEW, deadline_s=5)
        refused = [
            await client.send(trading_requests.RESUME, resume, deadline_s=5),
            await client.send(engine_requests.SET, change, deadline_s=5),
        ]
    assert armed.outcome is CommandOutcome.DONE
    assert [reply.outcome for reply in refused] == [CommandOutcome.REFUSED] * 2
    assert refused[0].message == "Client with the operate role: resume needs the admin role."
    assert not [done for done in money.done if done[0] == "resume"]


async def test_no_client_but_an_admin_gets_the_phrase_that_unlocks(tmp_path: Path) -> None:
    wanted = trading_requests.PreviewQuery(name=trading_requests.Preview.UNLOCK)
    async with desk(tmp_path, FakeTradingQueries(), Role.OPERATE) as (client, _):
        reply = await client.send(trading_requests.PREVIEW, wanted, deadline_s=5)
    assert (reply.outcome, reply.result) == (CommandOutcome.REFUSED, None)
    assert "unlock needs the admin role" in reply.message
