"""A live engine checks its key and rejects one that can withdraw. In virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.endpoints import LoadedKey
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.orders.key_rights import AGAIN_S, EVERY_S, GOOD_FOR_S, KeyRightsWorker, facts_of
from mexc_tui.engine.runtime.supervisor import StartFailed, WorkerFailure
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.account import KeyRight, KeyRights
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import CommandRefused, ExchangeError
from mexc_tui.model.event import LiveLockChanged
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.outcome import Purpose
from mexc_tui.settings.layers import flag_layer
from mexc_tui.settings.load import Layers
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import QUIET, components_of
from tests.support.engine.practice_day import DAY, PORT, PracticeDay

if TYPE_CHECKING:
    from mexc_tui.ports.trading import TradingPort

TRADES = ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE")
READS = ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ")
WITHDRAWS = (*TRADES, "SPOT_WITHDRAW_WRITE")
LASTS = "It ends some day."
HARMLESS = KeyRights(
    may_trade=True, places_orders=KeyRight.HAS, withdraws=KeyRight.LACKS, reads_withdrawals=KeyRight.LACKS
)
DANGEROUS = msgspec.structs.replace(HARMLESS, withdraws=KeyRight.HAS)
UNTOLD = msgspec.structs.replace(HARMLESS, withdraws=KeyRight.UNCLEAR)


@asynccontextmanager
async def live(sim: Simulation, folder: Path, permissions: tuple[str, ...]) -> AsyncGenerator[RunningEngine]:
    """Run a live engine on a practice exchange, with a key of these permissions."""
    account = msgspec.structs.replace(DAY.account, permissions=permissions)
    day = PracticeDay(sim, folder, msgspec.structs.replace(DAY, account=account, listings=(QUIET,)))
    await day.open()
    found = day.server.endpoint(PORT)
    place = EngineLocation(
        Endpoint(rest=found.rest, ws=found.ws, web=found.web, api_key=found.api_key),
        False,
        day.paths,
        Layers(flags=flag_layer({"mode": "live"}, ())),
        LoadedKey(Credentials(found.api_key, Secret(found.api_secret)), LASTS),
    )
    async with running_engine(
        place, EngineEnvironment(sim.clock, sim.rng, sim.network.connector, InlineThread)
    ) as running:
        yield running


@pytest.mark.parametrize("permissions", [TRADES, READS])
def test_a_live_engine_queries_the_permissions_of_its_key(
    tmp_path: Path, permissions: tuple[str, ...]
) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, permissions) as running:
            key = components_of(running).entry_context.desk().key
            assert key is not None
            assert (key.may_trade, key.may_withdraw) == (permissions == TRADES, False)
            assert "NOT bound to an IP address" in key.text
            text = components_of(running).key_rights.text
            assert text == (key.text if key.may_trade else f"the key cannot trade. {key.text}")

    simulate(main)


def test_a_live_engine_does_not_start_with_a_key_that_can_withdraw(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        with pytest.raises(StartFailed, match=r"CAN WITHDRAW.*mexc-tui keys set"):
            async with live(sim, tmp_path, WITHDRAWS):
                pytest.fail("it started")

    simulate(main)


class Answers:
    """An exchange that reports these permissions in turn; None: no response."""

    def __init__(self, *told: KeyRights | None) -> None:
        self.told: Sequence[KeyRights | None] = told
        self.asked = 0

    async def key_rights(self, *, purpose: Purpose) -> KeyRights:
        assert purpose is (Purpose.ORDINARY if self.asked else Purpose.EXIT)
        self.asked += 1
        told = self.told[min(self.asked, len(self.told)) - 1]
        if told is None:
            raise ExchangeError("GET", "/api/v3/account", "no answer")
        return told


@asynccontextmanager
async def keeping(answers: Answers, *, holds: bool = False) -> AsyncGenerator[KeyRightsWorker]:
    keeper, ready = (
        KeyRightsWorker(cast("TradingPort", answers), LASTS, lambda: holds, is_live=True),
        asyncio.Event(),
    )
    task = asyncio.create_task(keeper.run(ready.set))
    await asyncio.sleep(1)
    try:
        if task.done():
            await task
        assert ready.is_set()
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, WorkerFailure):
            await task


def test_with_open_positions_it_starts_with_any_key_and_buys_nothing() -> None:
    async def main(_: Simulation) -> None:
        async with keeping(Answers(DANGEROUS), holds=True) as keeper:
            assert keeper.facts is not None
            assert keeper.facts.may_withdraw
        with pytest.raises(WorkerFailure, match="CAN WITHDRAW"):
            async with keeping(Answers(DANGEROUS)):
                pytest.fail("it started")

    simulate(main)


@pytest.mark.parametrize("nothing", [None, UNTOLD])
def test_an_inconclusive_response_is_queried_again_in_a_minute(nothing: KeyRights | None) -> None:
    async def main(_: Simulation) -> None:
        async with keeping(Answers(nothing, HARMLESS)) as keeper:
            assert keeper.facts is None, "not known is not harmless"
            await asyncio.sleep(AGAIN_S)
            assert keeper.facts is not None
            assert not keeper.facts.may_withdraw

    simulate(main)


def test_a_permission_added_later_is_detected_within_the_hour_and_kept() -> None:
    async def main(_: Simulation) -> None:
        async with keeping(Answers(HARMLESS, DANGEROUS, UNTOLD)) as keeper:
            assert keeper.facts is not None
            assert not keeper.facts.may_withdraw
            for _hour in range(2):
                await asyncio.sleep(EVERY_S)
                assert keeper.facts.may_withdraw

    simulate(main)


def test_a_key_that_can_withdraw_is_refused_even_if_other_permissions_are_unknown() -> None:
    facts = facts_of(msgspec.structs.replace(DANGEROUS, places_orders=KeyRight.UNCLEAR), LASTS)
    assert facts is not None
    assert facts.may_withdraw


def test_permissions_not_confirmed_expire_and_block_entries() -> None:
    async def main(_: Simulation) -> None:
        async with keeping(Answers(HARMLESS, None)) as keeper:
            assert keeper.refusal == ""
            await asyncio.sleep(GOOD_FOR_S - 2 * AGAIN_S)
            assert keeper.refusal == "", "an exchange that is silent for a while is no reason yet"
            await asyncio.sleep(4 * AGAIN_S)
            assert keeper.refusal == "key permissions unknown"

    simulate(main)


def test_entries_are_blocked_once_the_key_can_withdraw(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, TRADES) as running:
            components = await unlocked(running)
            components.key_rights.facts = facts_of(DANGEROUS, LASTS)
            assert components.refusal(OrderRole.ENTRY, "ANYUSDT") == "the key can withdraw"
            assert components.refusal(OrderRole.STOP, "ANYUSDT") == ""

    simulate(main)


def test_stopping_everything_locks_live_trading_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with live(sim, tmp_path, TRADES) as running:
            components = await unlocked(running)
            await components.safety.emergency_stop.flatten("test")
            assert components.live_unlock.is_locked
            facts = await running.store.read("facts", lambda stored: stored.journal.page(limit=50))
            locks = [one.event for one in facts if isinstance(one.event, LiveLockChanged)]
            assert [one.until_ms is None for one in locks] == [True, False], "newest first"

    simulate(main)


async def unlocked(running: RunningEngine) -> TradingComponents:
    """Return the components once an entry may leave."""
    components = components_of(running)
    async with asyncio.timeout(30):
        while True:
            try:
                await components.live_unlock.unlock(components.live_unlock.offer(), "test")
            except CommandRefused:
                await asyncio.sleep(0.5)
                continue
            break
        while components.refusal(OrderRole.ENTRY, "ANYUSDT"):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    return components


def reported(**changes: object) -> KeyRights:
    """Return permissions as the exchange reports them."""
    return msgspec.structs.replace(HARMLESS, **{"transfers": KeyRight.LACKS, "is_reported": True} | changes)


def test_a_key_that_can_transfer_is_as_dangerous_as_one_that_can_withdraw() -> None:
    facts = facts_of(reported(transfers=KeyRight.HAS), LASTS)
    assert facts is not None
    assert facts.may_withdraw


@pytest.mark.parametrize(
    ("rights", "expires_ms", "text"),
    [
        (reported(addresses=(), valid_days=16), None, ""),
        (reported(addresses=(), valid_days=15), None, "expires in 15 days"),
        (reported(addresses=(), valid_days=0), None, "has expired"),
        (reported(addresses=("192.0.2.7",)), 86_400_000, ""),
        (HARMLESS, 17 * 86_400_000, ""),
        (HARMLESS, 16 * 86_400_000, "expires in 15 days"),
        (HARMLESS, None, ""),
        (None, 16 * 86_400_000, "expires in 15 days"),
    ],
)
def test_a_key_warns_from_15_days_before_it_expires(
    rights: KeyRights | None, expires_ms: int | None, text: str
) -> None:
    worker = KeyRightsWorker(
        cast("TradingPort", Answers(rights)), LASTS, lambda: False, is_live=True, expires_ms=expires_ms
    )
    worker.rights = rights
    warning = worker.expiry_warning(86_400_000)
    assert (text in warning) if text else not warning
